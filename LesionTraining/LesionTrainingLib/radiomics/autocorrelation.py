"""Moran's I and Geary's C of a lesion, over all pairs of its voxels at once.

Both are sums over pairs that are weighted by one over their distance: convolutions. MIRP goes from pair to pair, and from 1000
voxels on over pairs drawn by chance (to about 0.002), which takes nine tenths of the time of all features.

Source: IBSI reference manual (arXiv:1612.07003), sections 3.1.23 and 3.1.24.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]


def moran_and_geary(kji: npt.NDArray[np.int64], values: FloatArray, spacing_kji: FloatArray) -> tuple[float, float]:
    """Moran's I and Geary's C; both 1 where all values are the same.

    Args:
        kji: [n, 3] indices of n > 1 voxels.
        values: [n] of the voxels.
        spacing_kji: [3] mm.
    """
    from scipy.fft import irfftn, next_fast_len, rfftn

    deviation = values - values.mean()
    squares = float(deviation @ deviation)
    kji = kji - kji.min(axis=0)
    size = kji.max(axis=0) + 1
    padded = [next_fast_len(int(2 * n - 1), real=True) for n in size]
    offsets = [np.minimum(np.arange(n), n - np.arange(n)) * mm for n, mm in zip(padded, spacing_kji, strict=True)]
    away = np.sqrt(sum(axis**2 for axis in np.meshgrid(*offsets, indexing="ij", sparse=True)))
    with np.errstate(divide="ignore"):
        weights = rfftn(np.where(away > 0, 1 / away, 0.0))

    def weighted(of: FloatArray) -> FloatArray:
        """[n] at each voxel the sum over the others."""
        grid = np.zeros(padded)
        grid[tuple(kji.T)] = of
        found: FloatArray = irfftn(rfftn(grid) * weights, padded)[tuple(kji.T)]
        return found

    around = weighted(np.ones(len(values)))
    denominator = float(around.sum()) * squares
    if not denominator > 0:
        return 1.0, 1.0
    products = float(deviation @ weighted(deviation))
    differences = 2 * (float(deviation**2 @ around) - products)
    return len(values) * products / denominator, (len(values) - 1) * differences / (2 * denominator)


@contextlib.contextmanager
def instead_of_mirps() -> Iterator[None]:
    """MIRP takes these values for its own meanwhile; a MIRP that is built otherwise goes its own way."""
    from mirp._features import morph_3d_data

    data = getattr(morph_3d_data, "Data3DSpatial", None)
    own = getattr(data, "compute_spatial_information", None)
    if own is None:
        yield
        return

    def compute(self: Any, *_: Any, **__: Any) -> None:
        table = self.data_int
        if len(table) > 1:
            places, values = table[["z", "y", "x"]].to_numpy(), table["g"].to_numpy(dtype=np.float64)
            self.moran_i, self.geary_c = moran_and_geary(places.astype(np.int64), values, np.asarray(self.spacing))

    data.compute_spatial_information = compute  # type: ignore[union-attr]
    try:
        yield
    finally:
        data.compute_spatial_information = own  # type: ignore[union-attr]
