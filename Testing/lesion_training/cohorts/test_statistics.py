"""What is told of a cohort in numbers."""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import TEST, TRAINING, Truth
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.cohorts.statistics import SIZE_BANDS_MM, band_of, describe
from plain_cases import a_case, a_cohort


def lesions(*diameters_mm):
    return tuple(Lesion((0, 0, 0), diameter, 1.0) for diameter in diameters_mm)


COHORT = a_cohort(
    a_case("a", "p", TRAINING, known=Truth(lesions(4, 8), lesions(10), np.zeros((3, 3)))),
    a_case("b", "p", TRAINING, known=Truth(lesions(12)), spacing_mm=0.5),
    a_case("c", split=TEST, known=Truth()),
    a_case("d", split=TEST, known=Truth(lesions(40, 0))),
    a_case("e", labelled=False),
    a_case("f", damaged="The file is cut off."),
    left_out=(LeftOut("g", "It is empty."),),
    notes=("A note.",),
)


def test_what_listing_tells():
    found = describe(COHORT, Progress(), truth=False)
    assert (found.cases, found.patients, found.labelled) == (6, 5, 5)
    assert found.splits == {TEST: 2, TRAINING: 2}
    assert found.modalities == {CT: 6}
    assert found.lesions is None
    assert found.images is None
    assert found.left_out == COHORT.left_out


def test_what_labels_tell():
    found = describe(COHORT, Progress())
    counts = found.lesions
    assert (counts.cases, counts.lesions, counts.excluded, counts.negatives, counts.without) == (4, 5, 1, 3, 1)
    assert counts.per_case == {0: 1, 1: 1, 2: 2}
    assert counts.sizes == {"0-6": 1, "6-10": 1, "10-20": 1, "20-30": 0, "30 and more": 1}
    assert counts.diameter_mm == {
        "least": 4,
        "quarter": pytest.approx(7),
        "median": pytest.approx(10),
        "three_quarters": pytest.approx(19),
        "largest": 40,
    }
    assert found.left_out == (*COHORT.left_out, LeftOut("f", "The file is cut off."))


def test_what_voxels_tell():
    images = describe(COHORT, Progress(), truth=False, images=True).images
    assert images[CT].images == 5
    assert images[CT].spacing_mm == ((0.5, 0.5, 0.5), (1, 1, 1))
    assert images[CT].size_ijk == ((5, 4, 3), (5, 4, 3))


def test_it_is_read_by_people_and_programs():
    found = describe(COHORT, Progress(), images=True)
    content = json.loads(json.dumps(found.to_json()))
    assert content["lesions"]["per_case"] == {"0": 1, "1": 1, "2": 2}
    assert content["left_out"][1] == {"case": "f", "reason": "The file is cut off."}
    text = "\n".join(found.lines())
    for part in (
        "6 of 5 patients, 5 with labels",
        "5 in 4 cases; 1 cases have none",
        "1 excluded findings, 3 places known to be none",
        "4.0 to 40.0, median 10.0 (middle half 7.0 to 19.0)",
        "0-6: 1, 6-10: 1, 10-20: 1, 20-30: 0, 30 and more: 1",
        "0.5 x 0.5 x 0.5 to 1 x 1 x 1 mm",
        "5 x 4 x 3",
        "f: The file is cut off.",
        "A note.",
    ):
        assert part in text


def test_a_cohort_without_lesions():
    found = describe(a_cohort(a_case("a"), a_case("b")), Progress())
    assert found.lesions.diameter_mm == {}
    assert found.lesions.without == 2
    assert "0 in 2 cases" in "\n".join(found.lines())
    json.dumps(found.to_json(), allow_nan=False)


def test_many_that_are_left_out_are_counted():
    cohort = a_cohort(a_case("a"), left_out=tuple(LeftOut(f"x{n}", "no") for n in range(30)), on_phantoms=True)
    lines = describe(cohort, Progress(), truth=False).lines()
    assert lines[-1].strip() == "... and 20 more"
    assert "no patients" in lines[0]


def test_bands_hold_every_size():
    assert [band_of(low) for low, _ in SIZE_BANDS_MM] == ["0-6", "6-10", "10-20", "20-30", "30 and more"]
    assert band_of(5.999) == "0-6"
    assert band_of(1e9) == "30 and more"


def test_it_can_be_cancelled():
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        describe(COHORT, progress)
