"""Two sets of marks on the same images: by hand, and that equal marks do not differ."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionTrainingLib.evaluation.froc_bootstrap import drawn
from LesionTrainingLib.evaluation.matching import NO_FINDINGS, AutoPet, DeepLesion, Findings, ImageFindings, Luna16
from LesionTrainingLib.evaluation.reading.sets import Scoring
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score
from LesionTrainingLib.evaluation.scoring.comparison import Compared, with_comparison
from LesionTrainingLib.evaluation.scoring.per_image import free_response_values

NAMES = ("ours", "theirs")
GRID = Geometry((10, 20, 20), np.eye(4))


def image(name, lesions, hits, false, top=0.9):
    """Lesions 50 mm apart; the first ``hits`` have a mark each, scores falling from ``top``; then false marks of 0.2."""
    places = [(50.0 * number, 0.0, 0.0) for number in range(lesions)]
    marks = [*places[:hits], *((-100.0 - 20 * number, 0.0, 0.0) for number in range(false))]
    scores = [*(top - 0.01 * number for number in range(hits)), *([0.2] * false)]
    truth = Findings.of_points(places, np.full(lesions, 10.0)) if lesions else NO_FINDINGS
    return ImageFindings(name, truth, Findings.of_points(marks, scores=scores) if marks else NO_FINDINGS)


def compare(policy, first, second, *, samples=200, plots=False):
    options = ScoreOptions(samples, plots=plots)
    scored = score(policy, Scoring(tuple(first), (), ()), options)
    return with_comparison(scored, Compared(policy, Scoring(tuple(second), (), ()), NAMES), options)


FIRST = [image("a", 2, 2, 0), image("b", 2, 1, 1), image("c", 0, 0, 1)]
SECOND = [image("a", 2, 1, 0), image("b", 2, 0, 2), image("c", 0, 0, 0)]


def test_difference_by_hand():
    found = compare(Luna16(), FIRST, SECOND)
    values = found.summary["comparison"]
    # Three of four lesions against one, at every rate: all hits score higher than any false mark.
    assert (values["first_value"], values["second_value"]) == (0.75, 0.25)
    assert values["difference"] == 0.5
    assert values["share_below_zero"] == 0
    assert values["samples"] < 200  # samples without a lesion have no sensitivity
    assert values["sentence"].startswith("CPM 0.750 (“ours”) against 0.250 (“theirs”): difference +0.500 (95 %: ")
    assert found.lead.endswith(values["sentence"])
    assert found.parts[0].heading == "Compared with other marks"


def test_samples_are_pairs():
    """In every sample both sets are read on the same scans drawn: the difference of each is that of the plain sums."""
    found = compare(Luna16(), FIRST, SECOND, samples=300).summary["comparison"]
    weights = drawn(3, 300, 0)
    every = weights @ [2, 2, 0]
    differences = (weights @ [1, 1, 0])[every > 0] / every[every > 0]
    assert found["samples"] == differences.size
    assert [found["lower"], found["upper"]] == pytest.approx(np.quantile(differences, (0.025, 0.975)).tolist())


def test_scans_of_one_patient_are_one_observation():
    twice = [
        [replace(one, image=f"{one.image}{n}", patient=one.image) for n in range(2) for one in images]
        for images in (FIRST, SECOND)
    ]
    once, doubled = compare(Luna16(), FIRST, SECOND), compare(Luna16(), *twice)
    for name in ("difference", "lower", "upper", "samples", "share_below_zero"):
        assert doubled.summary["comparison"][name] == pytest.approx(once.summary["comparison"][name])
    assert "paired samples of the 3 patients" in doubled.summary["comparison"]["sentence"]
    tests = [(one["p_value"], one["cases"]) for one in doubled.summary["comparison"]["wilcoxon"]]
    assert tests == [(one["p_value"], one["cases"]) for one in once.summary["comparison"]["wilcoxon"]]
    assert doubled.summary["comparison"]["wilcoxon"][0]["of"].startswith(
        "Sensitivity of each patient (mean of the scans)"
    )


def test_values_of_each_image():
    first, second = (
        score(Luna16(), Scoring(tuple(images), (), ()), ScoreOptions(0, plots=False)) for images in (FIRST, SECOND)
    )
    tests, table = free_response_values(first, second)
    assert [test.what for test in tests] == [
        "Sensitivity of each scan with nodules, at 1 false positive per scan",
        "False positives of each scan, where both find 1 of 4 nodules",
    ]
    assert tests[0].first.tolist() == [1, 0.5]
    assert tests[0].second.tolist() == [0.5, 0]
    assert tests[1].first.tolist() == tests[1].second.tolist() == [0, 0, 0]
    assert table.rows[0] == ("a", 2, 2, 1, 0, 0)


def test_equal_marks_do_not_differ():
    values = compare(Luna16(), FIRST, FIRST).summary["comparison"]
    assert values["difference"] == values["lower"] == values["upper"] == values["share_below_zero"] == 0
    assert all("are equal in all" in test["sentence"] for test in values["wilcoxon"])
    assert [test["p_value"] for test in values["wilcoxon"]] == [1, 1]


def test_eight_scans_that_all_differ():
    first = [image(str(number), 1, 1, 0) for number in range(8)]
    second = [image(str(number), 1, 0, 0) for number in range(8)]
    values = compare(Luna16(), first, second).summary["comparison"]
    (test,) = values["wilcoxon"]  # the second finds nothing: there is no place where both find equally many
    assert (test["cases"], test["higher"], test["p_value"]) == (8, 8, pytest.approx(2 / 2**8))


def test_only_images_that_both_have():
    values = compare(Luna16(), FIRST, SECOND[1:]).summary["comparison"]
    assert (values["scans"], values["left_out"]) == (2, 1)
    assert (values["first_value"], values["second_value"]) == (0.5, 0)


def test_no_image_in_common():
    found = compare(Luna16(), FIRST[:1], SECOND[1:])
    assert found.summary["comparison"] == {"scans": 0}


def test_a_protocol_with_a_mean_of_its_own():
    found = compare(DeepLesion(), FIRST, SECOND, plots=True)
    assert found.summary["comparison"]["figure"] == "mean_sensitivity_at_0.5_to_4"
    assert found.parts[0].plots["froc_comparison"].png.startswith(b"\x89PNG")


def test_dice_of_each_image():
    def masked(name, truth, marks):
        def findings(starts):
            masks = tuple(Mask(np.ones((2, 2, 2), bool), start) for start in starts)
            places = np.array([mask.centroid_ras_mm(GRID) for mask in masks]).reshape(-1, 3)
            return Findings(places, np.full(len(masks), np.nan), np.ones(len(masks)), masks=masks)

        return ImageFindings(name, findings(truth), findings(marks), geometry=GRID)

    here, beside, far = (2, 2, 2), (3, 2, 2), (12, 12, 6)
    first = [masked("a", [here], [here]), masked("b", [here], [beside]), masked("c", [], [])]
    second = [masked("a", [here], [beside]), masked("b", [here], [far]), masked("c", [], [far])]
    found = compare(AutoPet(), first, second)
    values = found.summary["comparison"]
    assert values["figure"] == "dice"
    assert (values["first_value"], values["second_value"]) == (0.75, 0.25)
    assert (values["difference"], values["lower"], values["upper"]) == (0.5, 0.5, 0.5)  # 0.5 in both
    assert [test["cases"] for test in values["wilcoxon"]] == [2, 3]
    table = found.parts[0].tables["comparison.csv"]
    assert table.columns[:3] == ("image", "dice_first", "dice_second")
    assert table.rows[0][1:3] == (1, 0.5)
