"""Agreement of found lesions: blocks on a grid, by hand."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Mask
from LesionTrainingLib.evaluation.matching import AutoPet, Findings, ImageFindings, Luna16, Picai
from LesionTrainingLib.evaluation.reading.sets import Scoring
from LesionTrainingLib.evaluation.result_columns import lesion_columns
from LesionTrainingLib.evaluation.scoring import ScoreOptions, score
from LesionTrainingLib.evaluation.scoring.agreement import marked_diameters_mm
from LesionTrainingLib.evaluation.scoring.mask_pairs import MaskPairs, mask_agreement

GRID = Geometry((20, 30, 30), np.diag([1.0, 1.0, 2.0, 1.0]))
PLAIN = ScoreOptions(samples=20, plots=False)


def block(start, size_kji=(4, 4, 4)):
    return Mask(np.ones(size_kji, bool), start)


def findings(*masks, diameters=None, scores=None):
    count = len(masks)
    return Findings(
        np.array([mask.centroid_ras_mm(GRID) for mask in masks]).reshape(-1, 3),
        np.full(count, np.nan) if diameters is None else np.array(diameters, float),
        np.ones(count) if scores is None else np.array(scores, float),
        masks=masks,
    )


def scoring(*images):
    return Scoring(images, (), ())


def test_two_blocks_one_voxel_apart():
    found = mask_agreement(block((2, 2, 2)), block((3, 2, 2)), GRID)
    assert (found.true_ml, found.marked_ml) == (0.128, 0.128)  # 64 voxels of 2 mm3
    assert found.dice == 2 * 48 / 128
    assert found.hausdorff_95_mm == pytest.approx(1.0)
    assert 0 < found.surface_mm < 1
    assert found.volume_error_ml == 0


def test_slices_are_as_thick_as_they_are():
    """One voxel along k is 2 mm: the spacing is taken in the order of the axes."""
    assert mask_agreement(block((2, 2, 2)), block((2, 2, 3)), GRID).hausdorff_95_mm == pytest.approx(2.0)


def test_volume_error():
    found = mask_agreement(block((2, 2, 2)), block((2, 2, 2), (2, 4, 4)), GRID)
    assert found.volume_error_ml == pytest.approx(-0.064)
    assert found.volume_error_percent == pytest.approx(-50)


def test_the_same_mask_agrees():
    found = mask_agreement(block((2, 2, 2)), block((2, 2, 2)), GRID)
    assert (found.dice, found.surface_mm, found.hausdorff_95_mm, found.volume_error_ml) == (1, 0, 0, 0)


def test_outlines_of_found_lesions():
    truth = findings(block((2, 2, 2)), block((20, 20, 8)), block((2, 20, 12)))
    marks = findings(block((3, 2, 2)), block((20, 20, 8), (2, 4, 4)), scores=(0.9, 0.4))
    image = ImageFindings("a", truth, marks, geometry=GRID)
    found = score(Picai(), scoring(image), PLAIN)
    values = found.summary["agreement"]
    assert values["found"] == values["outlines"]["compared"] == 2
    dice = values["outlines"]["dice"]
    assert dice["median"] == pytest.approx((0.75 + 2 * 32 / 96) / 2)
    assert (dice["median_lower"], dice["median_upper"]) == (dice["median"], dice["median"])  # one scan, drawn whole
    assert "diameters" not in values
    columns = lesion_columns(found)
    assert columns["dice"] == [0.75, 0.6667, None]
    assert columns["volume_error_percent"] == [0, -50, None]
    assert list(columns)[-1] == "why"
    (part,) = [part for part in found.parts if part.heading == "Agreement of what was found"]
    assert "Median Dice 0.708" in part.blocks[1]


def test_masks_are_compared_once_for_all_policies(monkeypatch):
    truth, marks = findings(block((2, 2, 2))), findings(block((3, 2, 2)))
    image = ImageFindings("a", truth, marks, geometry=GRID)
    options = ScoreOptions(samples=0, plots=False, pairs=MaskPairs())
    first = score(Picai(), scoring(image), options)
    monkeypatch.setattr("LesionTrainingLib.evaluation.scoring.mask_pairs.surface_distances", None)
    second = score(AutoPet(), scoring(image), options)
    assert second.summary["agreement"]["outlines"] == first.summary["agreement"]["outlines"]


def test_diameters_by_hand():
    truth = Findings.of_points([(0, 0, 0), (50, 0, 0), (100, 0, 0), (150, 0, 0)], [5.0, 8.0, 30.0, 12.0])
    marks = Findings.of_points([(0, 0, 0), (50, 0, 0), (100, 0, 0)], [6.0, 7.0, 34.0], [0.9, 0.8, 0.7])
    found = score(Luna16(), scoring(ImageFindings("a", truth, marks)), ScoreOptions(samples=0))
    values = found.summary["agreement"]["diameters"]
    assert values["count"] == 3
    assert values["bias_mm"] == pytest.approx(4 / 3)
    assert values["mean_absolute_mm"] == pytest.approx(2)
    deviation = np.std([1, -1, 4], ddof=1)
    assert values["upper_limit_mm"] == pytest.approx(4 / 3 + 1.96 * deviation)
    assert [band["count"] for band in values["by_size"]] == [1, 1, 0, 1]
    assert [band["bias_mm"] for band in values["by_size"]][::3] == [1, 4]
    assert "outlines" not in found.summary["agreement"]
    columns = lesion_columns(found)
    assert columns["marked_diameter_mm"] == [6, 7, 34, None]
    assert columns["diameter_error_mm"] == [1, -1, 4, None]
    (part,) = [part for part in found.parts if "diameters" in part.plots]
    assert part.plots["diameters"].png.startswith(b"\x89PNG")


def test_one_diameter_has_no_limits():
    image = ImageFindings("a", Findings.of_points([(0, 0, 0)], [8.0]), Findings.of_points([(1, 0, 0)], [9.0]))
    values = score(Luna16(), scoring(image), ScoreOptions(samples=0)).summary["agreement"]["diameters"]
    assert (values["count"], values["bias_mm"]) == (1, 1)
    assert np.isnan(values["upper_limit_mm"])


def test_bare_points_have_nothing_to_agree_on():
    image = ImageFindings("a", Findings.of_points([(0, 0, 0)], [8.0]), Findings.of_points([(1, 0, 0)]))
    found = score(Luna16(), scoring(image), PLAIN)
    assert "agreement" not in found.summary
    assert "marked_diameter_mm" not in lesion_columns(found)


def test_masks_without_a_grid_are_not_measured():
    image = ImageFindings("a", findings(block((2, 2, 2))), findings(block((3, 2, 2))))
    assert "agreement" not in score(Luna16(), scoring(image), PLAIN).summary


def test_the_diameter_of_the_credited_mark():
    truth = Findings.of_points([(0, 0, 0), (50, 0, 0)], [10.0, 10.0])
    marks = Findings.of_points([(1, 0, 0), (0, 1, 0)], [3.0, 4.0], [0.5, 0.6])
    images = [ImageFindings("a", truth, marks), ImageFindings("b", truth, Findings.of_points([]))]
    outcomes = [Luna16().match(image) for image in images]
    assert np.array_equal(marked_diameters_mm(images, outcomes), [4, np.nan, np.nan, np.nan], equal_nan=True)
