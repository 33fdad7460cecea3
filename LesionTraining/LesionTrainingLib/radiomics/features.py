"""The features of one lesion, as the Image Biomarker Standardisation Initiative (IBSI) defines them, computed by MIRP.

Sources: A. Zwanenburg et al., "The Image Biomarker Standardization Initiative", Radiology 295 (2020) 328-338, and its
reference manual, arXiv:1612.07003; A. Zwanenburg and S. Loeck, "MIRP: a Python package for standardised radiomics",
J. Open Source Softw. 9 (2024) 6413.
"""

from __future__ import annotations

import contextlib
import logging
import math
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.errors import GeometryError, InputError, ModalityError, UsageError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image, understood_as
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.geometry import to_axial

from .autocorrelation import instead_of_mirps
from .dependencies import require
from .settings import NOT_DISCRETISED, FeatureSettings

_MARGIN_MM, _MARGIN_VOXELS = 24.0, 8
"""Kept around the lesion: the local peak looks 6.2 mm far, and splines of order 3 forget what is 8 voxels away (to 3e-5)."""
_UNITS = {PET: SUV_BW, CT: HU}
_MIRP_NAMES = {PET: "pet", CT: "ct"}
_NOT_FEATURES = ("image_", "sample_name")
"""How columns begin that say what was measured."""


def features_of(image: Image, mask: npt.NDArray[np.bool_], settings: FeatureSettings) -> dict[str, float]:
    """The features of what a mask holds.

    The image is cropped around the mask first, so the voxels it is resampled to lie around the lesion's middle, wherever the
    scan ends (IBSI aligns grids by their centres). Negative SUV count as 0, as in MIRP.

    Args:
        image: PET in SUV by body weight or CT in HU; where nobody said what it is, values below −200 make it a CT, else it is a PET.
        mask: [k, j, i] on the image's grid.

    Returns:
        MIRP's name -> value; NaN where a feature is not defined for this lesion (co-occurrences of a single voxel, say).

    Raises:
        InputError: a mask of another shape or with fewer voxels than ``settings.least_voxels``, voxels that are not numbers,
            or a lesion that is lost in resampling.
        ModalityError: another modality or unit. GeometryError: sheared axes.
        UsageError: families that need grey levels, and settings without any.
        DependencyError: MIRP is not installed.
    """
    require("mirp")
    modality = require_measurable(image)
    bins = _discretisation(modality, settings)
    voxels, inside, spacing_kji = _around(image, np.asarray(mask), settings)
    table = _quietly(voxels, inside, spacing_kji, _MIRP_NAMES[modality], {**_processing(settings), **bins})
    features = {name: float(value) for name, value in table.items() if not name.startswith(_NOT_FEATURES)}
    if not any(map(math.isfinite, features.values())):
        raise InputError(
            f"MIRP makes no features of the lesion in “{image.name}”: with {np.count_nonzero(inside)} voxels it may be too small"
            + (f" for a spacing of {settings.spacing_mm:g} mm." if settings.spacing_mm else ".")
        )
    return features


def require_measurable(image: Image) -> str:
    """The modality that an image is taken for; raises ModalityError for any but PET in SUV by body weight and CT in HU."""
    modality = understood_as(image).modality or PET
    if modality not in _UNITS:
        raise ModalityError(f"“{image.name}” is of modality {image.modality}; features are made of PET (PT) and CT.")
    if image.unit not in (_UNITS[modality], ""):
        raise ModalityError(
            f"The values of “{image.name}” are in {image.unit}; features of {modality} need {_UNITS[modality]}."
        )
    return modality


def _around(
    image: Image, mask: npt.NDArray[Any], settings: FeatureSettings
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.bool_], tuple[float, float, float]]:
    """Image and mask around the lesion in axial order, and their spacing along k, j, i in mm."""
    if mask.shape != image.shape_kji:
        raise InputError(f"A mask of {mask.shape} voxels does not fit “{image.name}” with {image.shape_kji}.")
    count = int(np.count_nonzero(mask))
    if count < settings.least_voxels:
        raise InputError(
            f"The lesion in “{image.name}” has {count} voxels, fewer than the {settings.least_voxels} that its features need."
        )
    if not math.isclose(image.geometry.voxel_volume_mm3, math.prod(image.spacing_mm), rel_tol=1e-3):
        raise GeometryError(f"The axes of “{image.name}” are not at right angles: sizes in it would be wrong.")
    box = Mask.from_full(mask)
    start, size = list[int](), list[int]()
    for axis in range(3):  # i, j, k
        margin = max(_MARGIN_VOXELS, math.ceil(_MARGIN_MM / image.spacing_mm[axis]))
        low = max(0, box.start_ijk[axis] - margin)
        high = min(image.shape_kji[2 - axis], box.start_ijk[axis] + box.voxels.shape[2 - axis] + margin)
        start.append(low)
        size.append(high - low)
    i, j, k = start
    part = image.crop((i, j, k), (size[0], size[1], size[2]))
    if not np.isfinite(part.voxels).all():
        raise InputError(f"“{image.name}” has voxels at the lesion that are not numbers (NaN or infinite).")
    inside = part.with_voxels(mask[k : k + size[2], j : j + size[1], i : i + size[0]].astype(np.uint8))
    axial = to_axial(part)
    voxels = np.ascontiguousarray(axial.voxels, dtype=np.float32)
    return voxels, np.ascontiguousarray(to_axial(inside).voxels, dtype=np.bool_), axial.spacing_mm[::-1]


def _processing(settings: FeatureSettings) -> dict[str, Any]:
    given: dict[str, Any] = {"base_feature_families": list(settings.families), "by_slice": settings.by_slice}
    return {**given, "new_spacing": float(settings.spacing_mm)} if settings.spacing_mm else given


def _discretisation(modality: str, settings: FeatureSettings) -> dict[str, Any]:
    """How grey levels are made."""
    if set(settings.families) <= set(NOT_DISCRETISED):
        return {}
    width = settings.pet_bin_width_suv if modality == PET else settings.ct_bin_width_hu
    methods = ["fixed_bin_size"] * (width > 0) + ["fixed_bin_number"] * (settings.bins > 0)
    if not methods:
        raise UsageError(f"Features of grey levels need a bin width for {modality}, or a number of bins.")
    given: dict[str, Any] = {"base_discretisation_method": methods}
    if width:
        given["base_discretisation_bin_width"] = float(width)
    if settings.bins:
        given["base_discretisation_n_bins"] = settings.bins
    return given


def _quietly(
    voxels: npt.NDArray[np.float32],
    inside: npt.NDArray[np.bool_],
    spacing_kji: tuple[float, float, float],
    modality: str,
    settings: dict[str, Any],
) -> dict[str, Any]:
    """MIRP's row of values, empty where nothing of the mask is left. MIRP takes arrays as they are, without a file between."""
    from mirp import extract_features
    from mirp._data_import.numpy_file import ImageNumpyFile, MaskNumpyFile  # plain arrays know no spacing

    place = {
        "sample_name": "lesion",
        "image_spacing": spacing_kji,
        "image_origin": (0.0, 0.0, 0.0),
        "image_orientation": np.eye(3),
        "image_dimensions": voxels.shape,
    }
    image = ImageNumpyFile(image_data=voxels, image_modality=modality, **place)
    mask = MaskNumpyFile(image_data=inside.astype(int), **place)
    with _silence(), instead_of_mirps():
        try:
            (table,) = extract_features(image=image, mask=mask, image_modality=modality, **settings)
        except (TypeError, ValueError, IndexError):  # as it does over a mask that resampling has emptied
            return {}
    return {} if table is None or not len(table) else table.iloc[0].to_dict()


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """MIRP would send its messages, and everyone's from then on, to standard output."""
    root, listener = logging.getLogger(), logging.NullHandler()
    level = root.level
    root.addHandler(listener)
    try:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            yield
    finally:
        root.removeHandler(listener)
        root.setLevel(level)
