"""A case that can be read may still be wrong in itself."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.checking import check_case, check_cases


@dataclass(frozen=True)
class Made(Case):
    """A CT of 10 x 10 x 10 mm with one lesion at ``place``."""

    place: tuple[float, float, float]
    mask_start_ijk: tuple[int, int, int] | None = None
    unreadable: bool = False
    factor: float = 1.0

    def images(self, progress=None):
        if self.unreadable:
            raise InputError("scan.nrrd is damaged.")
        voxels = np.arange(1000, dtype=np.float32).reshape(10, 10, 10)
        return {CT: Image(self.factor * voxels, np.eye(4), CT, HU, "scan")}

    def truth(self):
        start = self.mask_start_ijk
        mask = None if start is None else Mask(np.ones((2, 2, 2), bool), start)
        return Truth((Lesion((5, 5, 5), 3.0, 1.0), Lesion(self.place, 3.0, 1.0, mask=mask)))

    def sources(self):
        return ()


GOOD = Made("a", "a", "", (CT,), True, (1.0, 2.0, 3.0), (8, 8, 8))


def test_a_good_case_says_nothing():
    check_case(GOOD)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"place": (-1.0, -2.0, 3.0)}, r"Lesion 2 of 2 lies outside the image, at RAS \(-1.0, -2.0, 3.0\) mm.*LPS"),
        ({"mask_start_ijk": (9, 8, 8)}, "mask of lesion 2 of 2"),
        ({"modalities": (CT, "PT")}, "CT and PT, and has CT"),
        ({"labelled": False}, "without labels, and has some"),
        ({"unreadable": True}, "damaged"),
        ({"factor": 0.0}, "Every voxel of “scan” has the value 0"),
        ({"factor": float("nan")}, "1000 voxels that are not numbers"),
    ],
)
def test_what_is_wrong_is_said(change, words):
    with pytest.raises(InputError, match=words):
        check_case(replace(GOOD, **change))


def test_a_scan_that_is_there_twice_is_told():
    cases = [GOOD, replace(GOOD, id="b"), replace(GOOD, id="c", patient="c"), replace(GOOD, id="d", factor=2.0)]
    cases.append(replace(GOOD, id="e", unreadable=True))
    good, failed = check_cases(cases, Progress())
    told = {case.id: " ".join(notes) for case, notes in good}
    assert told["a"] == told["d"] == ""
    assert told["b"] == "Its image is that of the case a, voxel for voxel."
    assert "the case a, voxel for voxel, which counts as another patient" in told["c"]
    assert [left.case for left in failed] == ["e"]
