"""What a cohort holds: cases, patients, lesions and their sizes, spacings; and what cannot be read."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from LesionDetectionLib.core.progress import Progress

from .case import Case
from .cohort import Cohort, LeftOut, work_on

SIZE_BANDS_MM = ((0.0, 6.0), (6.0, 10.0), (10.0, 20.0), (20.0, 30.0), (30.0, float("inf")))
"""From (and with) the first to (without) the second."""
_QUANTILES = {"least": 0.0, "quarter": 0.25, "median": 0.5, "three_quarters": 0.75, "largest": 1.0}
_UNKNOWN = "unknown"
_MOST_SHOWN = 10


@dataclass(frozen=True)
class LesionCounts:
    """The lesions of the labelled cases.

    Attributes:
        cases: whose labels were read.
        lesions, excluded, negatives: how many in all of them.
        without: cases that have none.
        per_case: number of lesions -> number of cases, rising.
        diameter_mm: least, quarter, median, three_quarters, largest; empty without a known diameter.
        sizes: band (``6-10``) -> lesions; those of unknown diameter are in none.
    """

    cases: int
    lesions: int
    excluded: int
    negatives: int
    without: int
    per_case: Mapping[int, int]
    diameter_mm: Mapping[str, float]
    sizes: Mapping[str, int]


@dataclass(frozen=True)
class ImageRanges:
    """The images of one modality: how many were read, and least and largest spacing in mm and size in voxels (i, j, k)."""

    images: int
    spacing_mm: tuple[tuple[float, float, float], tuple[float, float, float]]
    size_ijk: tuple[tuple[int, int, int], tuple[int, int, int]]


@dataclass(frozen=True)
class CohortStatistics:
    """Attributes:
    spec, title, notes, on_phantoms: of the cohort.
    cases, patients, labelled: how many.
    splits: part of the official split -> cases; what has none is not in it.
    modalities: -> cases.
    left_out: by listing, and by reading where that was asked for.
    lesions: of the labels that could be read; None where they were not asked for.
    images: by modality; None where they were not asked for.
    """

    spec: str
    title: str
    notes: tuple[str, ...]
    on_phantoms: bool
    cases: int
    patients: int
    labelled: int
    splits: Mapping[str, int]
    modalities: Mapping[str, int]
    left_out: tuple[LeftOut, ...]
    lesions: LesionCounts | None = None
    images: Mapping[str, ImageRanges] | None = None

    def to_json(self) -> dict[str, Any]:
        """Plain values, all of them finite."""
        return asdict(self)

    def lines(self, most: int = _MOST_SHOWN) -> tuple[str, ...]:
        """A table to read, without line ends, with at most so many of what is left out."""
        rows = [
            ("Cohort", self.title + (" (computer-made: no patients)" if self.on_phantoms else "")),
            ("Specification", self.spec),
            ("Cases", f"{self.cases} of {self.patients} patients, {self.labelled} with labels"),
        ]
        rows += [("Split", _counts(self.splits))] if self.splits else []
        rows += [("Images", _counts(self.modalities))]
        rows += _lesion_rows(self.lesions) if self.lesions is not None else []
        for modality, ranges in (self.images or {}).items():
            rows.append((f"{modality} voxels", f"{_range(ranges.spacing_mm, '.3g')} mm"))
            rows.append((f"{modality} size", _range(ranges.size_ijk, "d")))
        rows += [("Note", note) for note in self.notes]
        rows += [("Left out", str(len(self.left_out)))] if self.left_out else []
        rows += [("", f"{left.case}: {left.reason}") for left in self.left_out[:most]]
        if len(self.left_out) > most > 0:
            rows.append(("", f"... and {len(self.left_out) - most} more"))
        width = max(len(name) for name, _ in rows)
        return tuple(f"{name:<{width}}  {text}".rstrip() for name, text in rows)


@dataclass(frozen=True)
class _Seen:
    """What was read of one case."""

    diameters_mm: tuple[float, ...] | None
    excluded: int
    negatives: int
    grids: Mapping[str, tuple[tuple[float, float, float], tuple[int, int, int]]]


def describe(cohort: Cohort, progress: Progress, *, truth: bool = True, images: bool = False) -> CohortStatistics:
    """Count what is in a cohort; a case that cannot be read is listed, and the others go on.

    Args:
        truth: read the labels of all cases.
        images: read all voxels too, which finds what is damaged and takes as long as it takes.

    Raises:
        Cancelled: through ``progress``.
    """
    seen, failed = list[tuple[Case, _Seen]](), list[LeftOut]()
    if truth or images:
        seen, failed = work_on(cohort.cases, lambda case: _look(case, truth, images), progress)
    splits = Counter(case.split for case in cohort.cases if case.split)
    modalities = Counter(modality for case in cohort.cases for modality in case.modalities)
    return CohortStatistics(
        cohort.spec,
        cohort.title,
        cohort.notes,
        cohort.on_phantoms,
        len(cohort.cases),
        len(cohort.patients),
        sum(case.labelled for case in cohort.cases),
        dict(sorted(splits.items())),
        dict(modalities),
        (*cohort.left_out, *failed),
        _lesion_counts([one for _, one in seen if one.diameters_mm is not None]) if truth else None,
        _image_ranges([one for _, one in seen]) if images else None,
    )


def band_of(diameter_mm: float) -> str:
    """The name of the size band of a diameter in mm, such as ``6-10``."""
    low, high = next(band for band in SIZE_BANDS_MM if diameter_mm < band[1])
    return _band_name(low, high)


def _band_name(low: float, high: float) -> str:
    return f"{low:g}-{high:g}" if np.isfinite(high) else f"{low:g} and more"


def _look(case: Case, truth: bool, images: bool) -> _Seen:
    diameters, excluded, negatives = None, 0, 0
    if truth and case.labelled:
        known = case.truth()
        diameters = tuple(lesion.diameter_mm for lesion in known.lesions)
        excluded, negatives = len(known.excluded), len(known.negatives_ras_mm)
    grids = {}
    for modality, image in (case.images() if images else {}).items():
        k, j, i = image.shape_kji
        grids[modality or _UNKNOWN] = (image.spacing_mm, (i, j, k))
    return _Seen(diameters, excluded, negatives, grids)


def _lesion_counts(seen: Sequence[_Seen]) -> LesionCounts:
    diameters = [diameter for one in seen for diameter in one.diameters_mm or ()]
    known = np.array([diameter for diameter in diameters if diameter > 0])  # 0: not known
    bands = Counter(band_of(diameter) for diameter in known.tolist())
    per_case = Counter(len(one.diameters_mm or ()) for one in seen)
    return LesionCounts(
        len(seen),
        len(diameters),
        sum(one.excluded for one in seen),
        sum(one.negatives for one in seen),
        per_case[0],
        dict(sorted(per_case.items())),
        {name: float(np.quantile(known, share)) for name, share in _QUANTILES.items()} if known.size else {},
        {_band_name(*band): bands[_band_name(*band)] for band in SIZE_BANDS_MM},
    )


def _image_ranges(seen: Sequence[_Seen]) -> dict[str, ImageRanges]:
    ranges = {}
    for modality in dict.fromkeys(name for one in seen for name in one.grids):
        grids = [one.grids[modality] for one in seen if modality in one.grids]
        spacings, sizes = np.array([grid[0] for grid in grids]), np.array([grid[1] for grid in grids])
        ranges[modality] = ImageRanges(
            len(grids),
            (_floats(spacings.min(axis=0)), _floats(spacings.max(axis=0))),
            (_ints(sizes.min(axis=0)), _ints(sizes.max(axis=0))),
        )
    return ranges


def _lesion_rows(counts: LesionCounts) -> list[tuple[str, str]]:
    rows = [("Lesions", f"{counts.lesions} in {counts.cases} cases; {counts.without} cases have none")]
    if counts.excluded or counts.negatives:
        rows.append(("", f"{counts.excluded} excluded findings, {counts.negatives} places known to be none"))
    rows.append(("Per case", ", ".join(f"{n}: {cases} cases" for n, cases in counts.per_case.items()) or "none"))
    if counts.diameter_mm:
        d = counts.diameter_mm
        text = f"{d['least']:.1f} to {d['largest']:.1f}, median {d['median']:.1f} "
        rows.append(("Diameter, mm", text + f"(middle half {d['quarter']:.1f} to {d['three_quarters']:.1f})"))
        rows.append(("Sizes, mm", _counts(counts.sizes)))
    return rows


def _counts(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name or _UNKNOWN}: {count}" for name, count in counts.items())


def _range(ends: tuple[Sequence[float], Sequence[float]], form: str) -> str:
    texts = [" x ".join(format(n, form) for n in end) for end in ends]
    return texts[0] if texts[0] == texts[1] else f"{texts[0]} to {texts[1]}"


def _floats(values: Any) -> tuple[float, float, float]:
    a, b, c = (float(n) for n in values)
    return a, b, c


def _ints(values: Any) -> tuple[int, int, int]:
    a, b, c = (int(n) for n in values)
    return a, b, c
