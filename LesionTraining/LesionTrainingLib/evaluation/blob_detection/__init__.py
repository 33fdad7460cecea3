"""Blobs of a lesion similarity map beside the sections of active lesions in single slices, as ``high-uptake-ct`` is judged.

A blob is verified where its greatest similarity lies above T_R and its area above T_S. It is true where it overlaps a lesion
by a pixel, and a lesion is hit where a verified blob overlaps it by a pixel. Precision is the share of the verified blobs
that are true; recall the share of the lesions that are hit. One blob may hit several lesions, and several blobs one.

Source: Pawełczyk et al., "Towards Detecting High-Uptake Lesions from Lung CT Scans Using Deep Learning", ICIAP 2017,
sections 3 and 4. The paper does not say what counts as a hit; a pixel is ours.
"""

from __future__ import annotations

from .counts import (
    FULL,
    NONE,
    RESPONSE,
    SIZE,
    SIZE_BANDS_MM,
    VARIANTS,
    BlobCounts,
    FalsePositiveRates,
    f_score,
    false_positive_rates,
    variant_thresholds,
    verification,
)
from .curves import EqualPoint, VerificationCurve, equal_point, verification_curve
from .slices import JudgedBlobs, JudgedSlice, ScoredSlice, section_diameters_mm

__all__ = [
    "FULL",
    "NONE",
    "RESPONSE",
    "SIZE",
    "SIZE_BANDS_MM",
    "VARIANTS",
    "BlobCounts",
    "EqualPoint",
    "FalsePositiveRates",
    "JudgedBlobs",
    "JudgedSlice",
    "ScoredSlice",
    "VerificationCurve",
    "equal_point",
    "f_score",
    "false_positive_rates",
    "section_diameters_mm",
    "variant_thresholds",
    "verification",
    "verification_curve",
]
