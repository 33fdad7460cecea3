"""A GPU that is none: tensors "on cuda" that the processor computes, and that refuse to meet others, as a GPU's do.

So that code for GPUs runs in tests, with real numbers, on machines without one. An operation that mixes devices and a NumPy array that is
asked of a tensor on the device are errors as they would be there. What a real GPU does besides (its own kernels and their rounding,
streams, memory) is not shown, and gradients are not computed: PyTorch's engine wants the driver for that.

    with gpu() as device:
        score_volume(prepared, network, device)
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves, tree_map

CPU, CUDA = torch.device("cpu"), torch.device("cuda:0")
_MOVES = {"aten::copy_", "aten::_to_copy", "aten::to", "aten::_has_compatible_shallow_copy_type"}
_INDEX = {"aten::index", "aten::index_put_", "aten::_index_put_impl_", "aten::index_put"}


class OnGpu(torch.Tensor):
    """A tensor that says it is on the GPU. Attributes: held, its numbers."""

    held: torch.Tensor

    @staticmethod
    def __new__(cls, held: torch.Tensor) -> OnGpu:
        made = torch.Tensor._make_wrapper_subclass(
            cls, held.size(), held.stride(), held.storage_offset(), dtype=held.dtype, device=CUDA
        )
        made.held = held
        return made

    def __repr__(self, **_: Any) -> str:
        return f"OnGpu({self.held})"

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return _computed(func, args, kwargs or {})


class _Everything(TorchDispatchMode):
    """So that what is made out of nothing is made where it was asked for, too."""

    @classmethod
    def _should_skip_dynamo(cls) -> bool:
        return False  # else the first operation imports PyTorch's compiler, which takes ten seconds

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        return _computed(func, args, kwargs or {})


@contextmanager
def gpu() -> Iterator[torch.device]:
    """As if the machine had one GPU, in this thread and in those of pools that are made meanwhile."""
    with pytest.MonkeyPatch.context() as patch:
        # What PyTorch itself does to compile for GPUs on machines without them (its FakeTensorMode).
        torch._C._ensureCUDADeviceGuardSet()
        for name, value in {
            "_lazy_init": lambda: None,
            "is_available": lambda: True,
            "device_count": lambda: 1,
            "is_initialized": lambda: False,
            "empty_cache": lambda: None,
            "get_device_name": lambda device=None: "no GPU",
        }.items():
            patch.setattr(torch.cuda, name, value)
        generator = torch.Generator
        patch.setattr(torch, "Generator", type("Generator", (), {"__new__": lambda cls, device=CPU: generator()}))
        submit = ThreadPoolExecutor.submit
        patch.setattr(
            ThreadPoolExecutor, "submit", lambda pool, work, *given, **more: submit(pool, _within, work, given, more)
        )
        replaced = torch.__future__.get_overwrite_module_params_on_conversion()
        torch.__future__.set_overwrite_module_params_on_conversion(True)
        try:
            with torch.backends.cudnn.flags(enabled=False):
                yield from _entered()
        finally:
            torch.__future__.set_overwrite_module_params_on_conversion(replaced)


def _entered() -> Iterator[torch.device]:
    lifted = torch._C._only_lift_cpu_tensors()
    torch._C._set_only_lift_cpu_tensors(True)
    try:
        with _Everything():
            yield CUDA
    finally:
        torch._C._set_only_lift_cpu_tensors(lifted)


def _within(work, given, more):
    with contextmanager(_entered)():
        return work(*given, **more)


def _computed(func, args, kwargs):
    tensors = [one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.Tensor)]
    on_gpu, name = any(isinstance(one, OnGpu) for one in tensors), func._schema.name
    # A scalar may come from the processor, and so may what an array is indexed with.
    if on_gpu and name not in _MOVES | _INDEX and any(not isinstance(one, OnGpu) and one.dim() for one in tensors):
        raise RuntimeError(f"Expected all tensors to be on the same device, but found cuda:0 and cpu! ({func})")
    device = next((one for one in tree_leaves((args, kwargs)) if isinstance(one, torch.device)), None)
    if device is None:
        other = args[1] if name == "aten::to" and len(args) > 1 else args[0] if name == "aten::copy_" else None
        on_gpu = isinstance(other, OnGpu) if isinstance(other, torch.Tensor) else on_gpu
    else:
        on_gpu = device.type == "cuda"
    given, named = tree_map(_opened, (args, kwargs))
    found = func(*given, **named)
    known = {id(one.held): one for one in tensors if isinstance(one, OnGpu)}
    # A view of a tensor that was made outside of inference mode is none of inference mode either.
    inferring = torch.is_inference_mode_enabled() and all(one.is_inference() for one in known.values())
    with torch.inference_mode(inferring):
        return tree_map(lambda one: _closed(one, known) if on_gpu and isinstance(one, torch.Tensor) else one, found)


def _opened(one: Any) -> Any:
    if isinstance(one, OnGpu):
        return one.held
    return CPU if isinstance(one, torch.device) else one


def _closed(one: torch.Tensor, known: dict[int, OnGpu]) -> OnGpu:
    return known[id(one)] if id(one) in known else OnGpu(one)
