"""Table 1, its tests and its curves, of slices whose figures were worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Control, Detections
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.evaluation.blob_detection import VARIANTS, JudgedSlice
from LesionTrainingLib.reproduction.high_uptake_ct.curves import figures
from LesionTrainingLib.reproduction.high_uptake_ct.measured import FoldSlices, compared, measured
from LesionTrainingLib.reproduction.high_uptake_ct.paper import SUBSET, TABLE_1, TEST, TRAINING
from LesionTrainingLib.reproduction.high_uptake_ct.pet_ct import PetCtCase, comparison_table, judge
from LesionTrainingLib.reproduction.high_uptake_ct.tables import folds_table, table_1, table_1_values, wilcoxon_table
from LesionTrainingLib.reproduction.spread import Spread


def a_slice(case, blobs, lesion_mm=()):
    """From rows (greatest similarity, area, numbers of the lesions that it touches, from 0)."""
    touches = np.zeros((len(blobs), len(lesion_mm)), bool)
    for row, (_, _, lesions) in enumerate(blobs):
        touches[row, list(lesions)] = True
    maxima, areas = np.array([one[0] for one in blobs]), np.array([one[1] for one in blobs], int)
    return JudgedSlice(case, maxima.astype(float), areas, touches, np.array(lesion_mm, float))


@pytest.fixture(scope="module")
def two_folds():
    """T_R 0.5 and T_S 10 in both."""
    training = (a_slice("t", [(0.9, 20, (0,)), (0.4, 5, ())], [20.0]),)
    without = (a_slice("w", [(0.6, 5, ())]), a_slice("w", []), a_slice("v", [(0.6, 20, ())]), a_slice("u", []))
    # Two lesions, 10 and 30 mm: a blob on each, the small one's small and weak; a false one large, one strong.
    first = (a_slice("a", [(0.9, 50, (1,)), (0.3, 5, (0,)), (0.4, 30, ()), (0.8, 3, ())], [10.0, 30.0]),)
    # One lesion of 30 mm, hit by two blobs, one of them small; a false blob that passes both.
    second = (a_slice("b", [(0.9, 50, (0,)), (0.9, 2, (0,)), (0.7, 11, ())], [30.0]), a_slice("c", [], [50.0]))
    return (
        FoldSlices(0, 0.5, 10, training, first, without),
        FoldSlices(1, 0.5, 10, training, second, without[:2]),
    )


@pytest.fixture(scope="module")
def rows(two_folds):
    return {(row.data, row.variant): row for row in measured(two_folds, {"b"})}


def test_precision_and_recall_of_each_variant_in_each_fold(rows):
    test = {variant: rows[TEST, variant] for variant in VARIANTS}
    assert {name: row.precision for name, row in test.items()} == {
        "none": (2 / 4, 2 / 3),
        "response": (1 / 2, 2 / 3),
        "size": (1 / 2, 1 / 2),
        "full": (1.0, 1 / 2),
    }
    assert {name: row.recall for name, row in test.items()} == {
        "none": (1.0, 1 / 2),
        "response": (1 / 2, 1 / 2),
        "size": (1 / 2, 1 / 2),
        "full": (1 / 2, 1 / 2),
    }
    assert test["full"].f_score == pytest.approx((2 / 3, 1 / 2))


def test_recall_by_size_leaves_out_folds_without_such_lesions(rows):
    small, medium, large, huge = rows[TEST, "full"].bands
    assert small[0] == 0.0
    assert np.isnan(small[1])
    assert np.isnan(medium).all()
    assert large == (1.0, 1.0)
    assert np.isnan(huge[0])
    assert huge[1] == 0.0
    spread = Spread.of(small)
    assert (spread.mean, spread.folds) == (0.0, 1)
    assert np.isnan(spread.deviation)


def test_both_readings_of_false_positives(rows):
    assert rows[TEST, "none"].images == (2 / 4, 1 / 2)
    assert rows[TEST, "none"].scans == (2 / 3, 1.0)
    assert rows[TEST, "size"].images == (1 / 4, 0.0)
    assert rows[TEST, "full"].scans == (1 / 3, 0.0)
    assert rows[TRAINING, "none"].images == ()
    assert rows[SUBSET, "full"].images == rows[TEST, "full"].images


def test_the_subset_is_its_own_cases(rows, two_folds):
    assert np.isnan(rows[SUBSET, "full"].precision[0])
    assert rows[SUBSET, "full"].precision[1] == 1 / 2
    assert rows[SUBSET, "full"].recall[1] == 1.0
    assert {row.data for row in measured(two_folds)} == {TRAINING, TEST}
    assert {row.data for row in measured(two_folds, {"z"})} == {TRAINING, TEST}


def test_mean_and_deviation_are_of_the_folds_that_have_the_figure():
    assert Spread.of([0.2, float("nan"), 0.6]) == Spread(pytest.approx(0.4), pytest.approx(0.08**0.5), 2)
    assert np.isnan(Spread.of([float("nan")]).mean)
    assert Spread.of([]).folds == 0


def test_table_1_has_ours_above_the_papers(rows):
    data = {TRAINING: "phantoms: 1 scan", TEST: "phantoms: 3 scans", SUBSET: "phantoms: 1 scan"}
    table = table_1(tuple(rows.values()), "ours", data, "phantoms: 3 scans, 4 slices")
    assert len(table.rows) == 2 * 3 * 4
    ours = next(row for row in table.rows if row[:3] == (TEST, "Full", "ours"))
    bands = ("0.000", "–", "1.000 ± 0.000", "0.000")
    rates = ("12.50 ± 17.68", "16.67 ± 23.57")
    assert ours[3:] == ("phantoms: 3 scans", "0.750 ± 0.354", "0.500 ± 0.000", *bands, *rates)
    theirs = table.rows[table.rows.index(ours) + 1]
    bands = ("0.176 ± 0.173", "0.708 ± 0.340", "0.622 ± 0.171", "0.852 ± 0.183")
    assert theirs[4:] == ("0.789 ± 0.179", "0.570 ± 0.179", *bands, "6.60 ± 3.52", "–")
    assert "LOLA" in table.caption
    assert "phantoms: 3 scans, 4 slices" in table.caption
    values = table_1_values(tuple(rows.values()), data)
    cells = dict(zip(values.columns, next(row for row in values.rows if row[:2] == (TEST, "full")), strict=True))
    assert cells["precision_mean"] == 0.75
    assert cells["recall_below_15_folds"] == 1
    assert cells["false_positive_images_mean"] == pytest.approx(1 / 8)


def test_every_row_of_the_paper_is_printed():
    assert len(TABLE_1) == 12
    for (data, _), row in TABLE_1.items():
        assert (row.false_positives is None) == (data == TRAINING)
        assert (row.bands[0] is None) == (data == SUBSET)
        assert all(0 <= pair[0] <= 1 for pair in (row.precision, row.recall, *row.bands) if pair)


def test_f_scores_are_compared_in_the_same_folds(two_folds, rows):
    tests = {(data, one.first, one.second): one for data, one in compared(tuple(rows.values()))}
    assert len(tests) == 3 * 6
    assert tests[SUBSET, "none", "full"].cases == 1
    one = tests[TEST, "response", "full"]
    # F: 1/2 and 4/7 against 2/3 and 1/2.
    assert (one.cases, one.higher, one.lower) == (2, 1, 1)
    ten = measured([two_folds[0]] * 10)
    clear = next(each for data, each in compared(ten) if (data, each.first, each.second) == (TEST, "response", "full"))
    assert clear.p_value == pytest.approx(2 / 2**10)
    table = wilcoxon_table(compared(ten))
    assert table.rows[0][:3] == (TRAINING, "None", "Resp.")


def test_the_folds_table_says_what_was_learned_from(two_folds):
    table = folds_table(two_folds, {0: 12.4})
    assert table.rows[0] == (0, 1, 1, 1, 2, 4, 0.5, 10, 12)
    assert table.rows[1][-1] == 0


def test_curves_hold_each_folds_points_and_the_means_of_table_1(two_folds, rows):
    plots = figures(two_folds, tuple(rows.values()), "phantoms", "training data", "test data")
    assert set(plots) == {"fig5_training", "fig5_test", "fig6_training", "fig6_test"}
    plot = plots["fig5_test"]
    assert plot.png.startswith(b"\x89PNG")
    assert "test data" in plot.caption
    assert "training data" in plots["fig6_training"].caption
    points = {(row[0], row[2], row[3], row[4]) for row in plot.data.rows if row[1] == "fold"}
    assert ("T_R alone", 0, 1.0, 0.5) in points
    assert ("T_R with T_S fixed", 0, 0.5, 1.0) in points  # T_R from 0.4: one blob of area 50
    marks = {(row[0], row[5]): (row[3], row[4]) for row in plot.data.rows if row[1] == "mark"}
    assert marks["T_R with T_S fixed", "Table 1, ours"] == (0.5, 0.75)
    assert marks["T_R alone", "Table 1 of the paper, its own data"] == (0.610, 0.741)
    mean = {row[3]: row[4] for row in plot.data.rows if row[:2] == ("T_R alone", "mean")}
    assert mean[0.5] == pytest.approx((1.0 + 1.0) / 2)  # the second fold ends there
    assert np.isnan(mean[0.51])


def boxed(start, size=2, suv=5.0):
    voxels = np.ones((size, size, size), bool)
    return Lesion((0.0, 0.0, 0.0), 5.0, suv, mask=Mask(voxels, start), evidence=((suv,),))


def test_a_finding_hits_by_a_voxel():
    truth = [boxed((0, 0, 0)), boxed((10, 10, 10))]
    grid = Geometry((20, 20, 20), np.eye(4))
    found = Detections(
        (boxed((1, 1, 1), suv=4.0), boxed((2, 2, 2), suv=9.0), boxed((10, 10, 10), suv=2.0)),
        grid,
        "active-pet-ct",
        controls=(Control("least_suv", "Least SUV", 2.5, 0.0, 20.0),),
    )
    one = judge("a", "p", truth, grid, found)
    assert one == PetCtCase("a", "p", 2, 1, False, 2, 1)  # 2.0 does not pass; the most avid one, 9.0, lies beside
    nothing = judge("a", "p", truth, grid, Detections((), grid, "active-pet-ct"))
    assert (nothing.hit, nothing.first_hits, nothing.findings) == (0, False, 0)


def test_findings_on_the_grid_of_the_pet_are_brought_to_that_of_the_labels():
    ct, pet = Geometry((20, 20, 20), np.eye(4)), Geometry((5, 5, 5), np.diag([4.0, 4.0, 4.0, 1.0]))
    found = Detections((boxed((1, 1, 1), size=1), boxed((4, 4, 4), size=1)), pet, "active-pet-ct")
    # The PET's voxels cover 2 to 6 and 14 to 18 mm.
    assert judge("a", "p", [boxed((5, 5, 5), size=1)], ct, found).hit == 1
    assert judge("a", "p", [boxed((6, 6, 6), size=1)], ct, found).hit == 0
    assert judge("a", "p", [boxed((0, 0, 0), size=1), boxed((17, 17, 17))], ct, found).hit == 1


def test_patients_are_counted_once(two_folds):
    found = [
        PetCtCase("a", "one", 2, 1, True, 3, 1),
        PetCtCase("b", "one", 1, 0, False, 1, 1),
        PetCtCase("c", "two", 1, 0, False, 0, 0),
    ]
    table = comparison_table(found, two_folds, "phantoms")
    by_name = {row[0]: row[1:] for row in table.rows}
    assert by_name["active-pet-ct, any finding"][2:5] == (2, 1, 0.5)
    assert by_name["active-pet-ct, any finding"][-1] == pytest.approx(2 / 3)
    assert by_name["the network, T_R and T_S"][2:5] == (2, 1, 0.5)  # a and b are of one patient, c is missed
    assert by_name["the network, T_R and T_S"][-1] == pytest.approx(1 / 3)
    assert by_name["the network, R > 0"][0] == "phantoms: 3 scans, 4 lesions"
    assert by_name["LUNGCX, Pawełczyk et al."][2:5] == (44, 41, pytest.approx(0.932, abs=1e-3))
    assert [row[0] for row in comparison_table(found, (), "phantoms").rows][-1].startswith("LUNGCX")
