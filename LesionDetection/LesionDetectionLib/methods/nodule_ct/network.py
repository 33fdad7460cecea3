"""The two networks of Dou et al., "Automated Pulmonary Nodule Detection via 3D ConvNets with Online Sample Filtering and
Hybrid-Loss Residual Learning" (MICCAI 2017), section 2. torch only, so that it runs on a bare GPU machine.

Tensors are [batch, channel, z, y, x]; sizes in names and settings follow that order (``_zyx``), the paper's figures are
(x, y, z).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

SCREENING_INPUT_ZYX = (10, 30, 30)
REDUCTION_INPUT_ZYX = (24, 60, 60)


@dataclass(frozen=True)
class ScreeningArchitecture:
    """Sizes of the screening network (Fig. 1, left).

    Attributes:
        widths: channels of C1 to C4; the paper's are 64, 64, 64, 250.
        batch_norm: normalise after C1 to C4; the paper does not say, ours does.
    """

    widths: tuple[int, int, int, int] = (64, 64, 64, 250)
    batch_norm: bool = True


@dataclass(frozen=True)
class ReductionArchitecture:
    """Sizes and variants of the false-positive reduction network (Fig. 1, right; Table 2).

    Attributes:
        trunk_widths: channels of C1 to C3, as in the screening network, which gives their first weights.
        widths: channels of the two residual stages; the paper's are 64 and 128.
        hidden: units of the fully connected layer of each branch; the paper's are 128.
        skips: identity shortcuts; without them it is the paper's DeepNet.
        regression: the branch for position and size (hybrid loss); without it, the paper's ResNet.
        class_grid_zyx: the classification features are averaged over this many cells before the fully connected layer;
            (1, 1, 1) is global pooling; None keeps every position (10.6 M parameters at the paper's widths).
        regression_grid_zyx: the same for the regression branch. Global pooling forgets where a nodule is, which this
            branch has to tell, so its default keeps 2 x 3 x 3 cells; None costs 42.5 M parameters.
        batch_norm: normalise after C1 to C3 and the first convolution, as in the screening network.
        shared_trunk: C1 to C3 stay as the screening network has them, so that both networks have one trunk; else they only begin
            there and are fitted on. Screening's features are not kept for it all the same: computing those around the
            candidates anew, each place once, takes little longer and no memory to speak of (nodule_ct_screening.md).
    """

    trunk_widths: tuple[int, int, int] = (64, 64, 64)
    widths: tuple[int, int] = (64, 128)
    hidden: int = 128
    skips: bool = True
    regression: bool = True
    class_grid_zyx: tuple[int, int, int] | None = (1, 1, 1)
    regression_grid_zyx: tuple[int, int, int] | None = (2, 3, 3)
    batch_norm: bool = True
    shared_trunk: bool = False


def _convolution(inputs: int, outputs: int, kernel_zyx: tuple[int, int, int], batch_norm: bool) -> nn.Sequential:
    layers: list[nn.Module] = [nn.Conv3d(inputs, outputs, kernel_zyx, bias=not batch_norm)]
    if batch_norm:
        layers.append(nn.BatchNorm3d(outputs))
    return nn.Sequential(*layers, nn.ReLU())


def _trunk(widths: tuple[int, int, int], batch_norm: bool) -> nn.Sequential:
    """C1, pooling, C2, C3: shared by both networks. 10 x 30 x 30 -> 4 x 5 x 5; 24 x 60 x 60 -> 18 x 20 x 20."""
    return nn.Sequential(
        _convolution(1, widths[0], (3, 5, 5), batch_norm),
        nn.MaxPool3d((1, 2, 2)),
        _convolution(widths[0], widths[1], (3, 5, 5), batch_norm),
        _convolution(widths[1], widths[2], (3, 5, 5), batch_norm),
    )


class ScreeningFCN(nn.Module):
    """Nodule or not at every second pixel of every slice, by valid convolutions only (section 2.1).

    Trained on patches of 10 x 30 x 30 voxels, which give one output; run on a whole scan, it gives the same numbers for
    each such window, ``stride`` voxels apart: see :func:`index_mapping`.
    """

    def __init__(self, architecture: ScreeningArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or ScreeningArchitecture()
        widths, batch_norm = self.architecture.widths, self.architecture.batch_norm
        self.trunk = _trunk(widths[:3], batch_norm)
        self.head = nn.Sequential(
            _convolution(widths[2], widths[3], (4, 5, 5), batch_norm),
            nn.Conv3d(widths[3], 2, 1),
        )
        for module in self.modules():
            if isinstance(module, nn.Conv3d):  # section 3, "Gaussian distribution N(0, 0.01)"
                nn.init.normal_(module.weight, std=0.01)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, voxels: Tensor) -> Tensor:
        """Logits (background, nodule), [n, 2, z - 9, (y - 28) // 2, (x - 28) // 2], of voxels [n, 1, z, y, x] in [0, 1]."""
        logits: Tensor = self.head(self.trunk(voxels))
        return logits


class ResidualUnit(nn.Module):
    """BN-ReLU-conv-BN-ReLU-conv plus, with ``skip``, the identity; sizes stay (section 2.2)."""

    def __init__(self, width: int, skip: bool) -> None:
        super().__init__()
        self.skip = skip
        self.body = nn.Sequential(
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Conv3d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm3d(width),
            nn.ReLU(),
            nn.Conv3d(width, width, 3, padding=1),
        )

    def forward(self, features: Tensor) -> Tensor:
        transformed: Tensor = self.body(features)
        return features + transformed if self.skip else transformed


class ReductionResNet(nn.Module):
    """True nodule or mimic, and where and how large (section 2.2)."""

    def __init__(self, architecture: ReductionArchitecture | None = None) -> None:
        super().__init__()
        self.architecture = architecture or ReductionArchitecture()
        sizes = self.architecture
        first, second = sizes.widths
        self.trunk = _trunk(sizes.trunk_widths, sizes.batch_norm)
        self.shared = nn.Sequential(  # 18 x 20 x 20 -> 16 x 18 x 18
            nn.Conv3d(sizes.trunk_widths[2], first, 3),
            ResidualUnit(first, sizes.skips),
            nn.BatchNorm3d(first),
            nn.ReLU(),
        )
        self.deep = nn.Sequential(  # -> 8 x 9 x 9
            nn.Conv3d(first, second, 3, stride=2, padding=1),
            ResidualUnit(second, sizes.skips),
            nn.BatchNorm3d(second),
            nn.ReLU(),
        )
        self.classify = _branch(second, (8, 9, 9), sizes.class_grid_zyx, sizes.hidden, 2)
        self.regress = (
            _branch(first, (16, 18, 18), sizes.regression_grid_zyx, sizes.hidden, 4) if sizes.regression else None
        )
        for module in self.modules():
            if isinstance(module, (nn.Conv3d, nn.Linear)):  # He et al., as the paper's reference [5]
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, voxels: Tensor) -> tuple[Tensor, Tensor | None]:
        """Of patches [n, 1, 24, 60, 60] in [0, 1]: logits (background, nodule), [n, 2]; and, with the regression branch,
        the targets of Eq. 2, [n, 4]: displacement x, y, z over half the patch, log of diameter over patch diagonal."""
        return self.after_trunk(self.trunk(voxels))

    def after_trunk(self, features: Tensor) -> tuple[Tensor, Tensor | None]:
        """The same of what C1 to C3 make of the patches, [n, c, 18, 20, 20]."""
        shared = self.shared(features)
        logits: Tensor = self.classify(self.deep(shared))
        return logits, None if self.regress is None else self.regress(shared)

    def start_from(self, screening: ScreeningFCN) -> None:
        """Take C1 to C3 of a trained screening network of the same widths as first weights (section 3)."""
        self.trunk.load_state_dict(screening.trunk.state_dict())
        self.train(self.training)  # a shared trunk is frozen from here on

    def train(self, mode: bool = True) -> ReductionResNet:
        """As every module; a shared trunk stays as it is: neither weights nor running statistics change."""
        super().train(mode)
        if self.architecture.shared_trunk:
            self.trunk.eval().requires_grad_(False)
        return self


def _branch(
    width: int, size_zyx: tuple[int, int, int], grid_zyx: tuple[int, int, int] | None, hidden: int, outputs: int
) -> nn.Sequential:
    cells = size_zyx if grid_zyx is None else grid_zyx
    pooling: list[nn.Module] = [] if grid_zyx is None else [nn.AdaptiveAvgPool3d(grid_zyx)]
    return nn.Sequential(
        *pooling,
        nn.Flatten(),
        nn.Linear(width * cells[0] * cells[1] * cells[2], hidden),
        nn.ReLU(),
        nn.Linear(hidden, outputs),
    )


@dataclass(frozen=True)
class IndexMapping:
    """Output voxel ``i`` looks at the input window whose centre is ``stride * i + offset``; all in (z, y, x) voxels."""

    stride_zyx: tuple[int, int, int]
    offset_zyx: tuple[float, float, float]
    window_zyx: tuple[int, int, int]


def index_mapping(layers: Iterable[nn.Module]) -> IndexMapping:
    """Derive the index mapping from the convolutions and poolings of ``layers``, in the order of their use.

    A layer with kernel k, stride s and padding p, whose input voxels lie ``step`` image voxels apart, moves the centre
    by ``step * ((k - 1) / 2 - p)``, widens the window by ``step * (k - 1)`` and makes the step ``step * s`` (section 2.1,
    "index-mapping mechanism").
    """
    step, offset, window = [1, 1, 1], [0.0, 0.0, 0.0], [1, 1, 1]
    for layer in layers:
        if not isinstance(layer, (nn.Conv3d, nn.MaxPool3d)):
            continue
        kernel, stride, padding = _triple(layer.kernel_size), _triple(layer.stride), _triple(layer.padding)
        for axis in range(3):
            offset[axis] += step[axis] * ((kernel[axis] - 1) / 2 - padding[axis])
            window[axis] += step[axis] * (kernel[axis] - 1)
            step[axis] *= stride[axis]
    return IndexMapping(
        (step[0], step[1], step[2]), (offset[0], offset[1], offset[2]), (window[0], window[1], window[2])
    )


def screening_mapping(network: ScreeningFCN) -> IndexMapping:
    """Stride (1, 2, 2), offset (4.5, 14.5, 14.5), window (10, 30, 30) for the paper's layers."""
    return index_mapping(module for module in network.modules() if not list(module.children()))


def _triple(value: object) -> tuple[int, int, int]:
    if isinstance(value, int):
        return value, value, value
    if isinstance(value, tuple) and len(value) == 3:
        return value
    raise TypeError(f"layer sizes must be whole numbers or triples of them, not {value!r}")


def parameter_count(network: nn.Module) -> int:
    return sum(parameter.numel() for parameter in network.parameters())


def nodule_probability(logits: Tensor) -> Tensor:
    """Softmax probability of class 1 along axis 1, as the logistic function of the logit difference."""
    return torch.sigmoid(logits[:, 1] - logits[:, 0])
