"""Tables of detections worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest
from LesionTrainingLib.evaluation.froc import match_scan
from LesionTrainingLib.reproduction.nodule_ct.data import label, ranges
from LesionTrainingLib.reproduction.nodule_ct.figures import figure_2, figure_of_folds
from LesionTrainingLib.reproduction.nodule_ct.paper import PAPER_DATA, PAPER_FOLD, TABLE_1
from LesionTrainingLib.reproduction.nodule_ct.tables import cross_validation, reduced, screened, table_1, table_2

NODULES, NOTHING = [(0, 0, 0), (50, 0, 0)], np.zeros((0, 3))


def a_scan(nodule_scores, false_scores, diameter=8.0):
    """Two nodules 50 mm apart, the first ones found with these scores; false marks far away."""
    marks = [NODULES[index] for index in range(len(nodule_scores))]
    far = [(0, 200 + 20 * index, 0) for index in range(len(false_scores))]
    return match_scan([*marks, *far] or NOTHING, [*nodule_scores, *false_scores], NODULES, [diameter, diameter])


@pytest.fixture
def four_scans():
    """Eight nodules; in falling score: two found, a false mark (1/4 per scan), one found, a false mark (1/2), two found,
    two false marks (1), one found, one false mark (5/4); two nodules are never found."""
    return [
        a_scan([0.95, 0.8], [0.9]),
        a_scan([0.92, 0.6], [0.7, 0.3]),
        a_scan([0.65], [0.5]),
        a_scan([0.4], [0.5]),
    ]


def test_the_sensitivities_of_table_1(four_scans):
    found = cross_validation(four_scans, 0, 0)
    # Linear between the points, the higher where the curve is upright: at 1/8 between (0, 2/8) and (1/4, 2/8).
    expected = (2 / 8, 3 / 8, 5 / 8, 6 / 8, 6 / 8, 6 / 8, 6 / 8)
    assert found.sensitivities == pytest.approx(expected)
    assert found.cpm == pytest.approx(sum(expected) / 7)
    assert found.cpm_bounds == (None, None)


def test_the_bounds_hold_the_figures(four_scans):
    found = cross_validation(four_scans, 200, 0)
    for value, (low, high) in zip(found.sensitivities, found.bounds, strict=True):
        assert low <= value <= high
    assert found == cross_validation(four_scans, 200, 0)


def test_a_first_stage_counts_all_its_candidates(four_scans):
    measured = screened(four_scans, 200, 0)
    assert measured.sensitivity == pytest.approx(6 / 8)
    assert measured.false_positives == pytest.approx(5 / 4)
    assert measured.bounds[0] <= 6 / 8 <= measured.bounds[1]


def test_a_second_stage_is_read_at_one_false_positive(four_scans):
    measured = reduced(four_scans, 0, 0)
    assert (measured.sensitivity, measured.false_positives) == (pytest.approx(6 / 8), 1.0)


def test_scans_without_nodules_have_no_sensitivity():
    empty = [match_scan([(0, 0, 0)], [0.4], NOTHING, [])] * 2
    assert np.isnan(screened(empty, 50, 0).sensitivity)
    assert screened(empty, 50, 0).false_positives == 1.0
    assert np.isnan(reduced(empty, 50, 0).sensitivity)


def test_table_1_has_ours_above_all_that_the_paper_prints(four_scans):
    table = table_1(cross_validation(four_scans, 0, 0), "ours", "phantoms: 4 scans")
    assert table.rows[0][:2] == ("ours", "phantoms: 4 scans")
    assert table.rows[0][-1] == pytest.approx(0.607, abs=5e-4)
    assert table.rows[1] == ("Dou et al.", PAPER_DATA, 0.659, 0.745, 0.819, 0.865, 0.906, 0.933, 0.946, 0.839)
    assert [row[0] for row in table.rows[2:]] == [team for team in TABLE_1 if team != "Dou et al."]
    assert all(row[1] for row in table.rows)


def test_the_paper_s_means_are_means():
    for *values, mean in TABLE_1.values():
        assert np.mean(values) == pytest.approx(mean, abs=1.1e-3)


def test_table_2_has_each_network_ours_and_theirs(four_scans):
    ours = {name: screened(four_scans, 0, 0) for name in ("FCN", "FCN+OSF")}
    ours |= {name: reduced(four_scans, 0, 0) for name in ("DeepNet", "ResNet", "ResNet+HL")}
    table = table_2(ours, {"FCN": 0.4, "FCN+OSF": 0.5}, "ours", "phantoms, fold 9: 4 scans")
    shown = [(network, whose, sensitivity, rate) for _, network, whose, _, sensitivity, _, _, rate, _ in table.rows]
    assert shown[:4] == [
        ("FCN", "ours", 0.75, 1.25),
        ("FCN", "Dou et al.", 0.943, 286.2),
        ("FCN+OSF", "ours", 0.75, 1.25),
        ("FCN+OSF", "Dou et al.", 0.971, 219.1),
    ]
    assert [row[2:] for row in shown[5::2]] == [(0.848, 1.0), (0.867, 1.0), (0.905, 1.0)]
    assert [row[-1] for row in table.rows[:4]] == [0.4, 0.85, 0.5, 0.85]
    assert all(row[3] in ("phantoms, fold 9: 4 scans", PAPER_FOLD) for row in table.rows)


def test_the_figures_say_what_they_show(four_scans):
    outcomes = dict.fromkeys(("DeepNet", "ResNet", "ResNet+HL"), four_scans)
    plot = figure_2(outcomes, "phantoms, fold 9: 4 scans", 50, 0)
    assert plot.png.startswith(b"\x89PNG")
    assert "phantoms, fold 9: 4 scans" in plot.caption
    rings = [(row[2], row[3]) for row in plot.data.rows if row[1] == "mark"]
    assert rings == [(1.0, 0.905), (1.0, 0.867), (1.0, 0.848)]
    assert {row[1] for row in plot.data.rows} == {"curve", "band", "mark"}
    folds = figure_of_folds(four_scans, "phantoms: 4 scans", 0, 0)
    assert any(row[0].startswith("Dou et al.") and row[3] == 0.946 for row in folds.data.rows)


def test_rows_are_labelled_with_their_data():
    assert label(True, 30, 210) == "phantoms in LUNA16’s layout: 30 scans, 210 nodules"
    assert label(False, 88, 1, (9,)) == "LUNA16, fold 9: 88 scans, 1 nodule"
    assert label(False, 178, 240, (0, 1, 2, 5)) == "LUNA16, folds 0-2, 5: 178 scans, 240 nodules"
    assert ranges((3,)) == "3"
