"""What is read from marks, and how tables, figures and words tell it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.methods.liver_ct.architecture import BASELINE, VGG
from LesionTrainingLib.cohorts.case import TEST, TRAINING
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.matching.findings import Findings, ImageFindings
from LesionTrainingLib.learning.engine.history import STEP, VALIDATION, History, Record
from LesionTrainingLib.learning.liver_ct.largest import rule
from LesionTrainingLib.reproduction.key_slices.data import edges_of, side_px
from LesionTrainingLib.reproduction.key_slices.marks import Marks, MarkStore, outcomes_of
from LesionTrainingLib.reproduction.key_slices.pictures import Shown, by_outcome
from LesionTrainingLib.reproduction.liver_ct.figures import RegionCurve, froc_figure, losses_figure, training_means
from LesionTrainingLib.reproduction.liver_ct.measured import (
    one_box,
    point_at,
    regions,
    squared_errors,
)
from LesionTrainingLib.reproduction.liver_ct.paper import FALSE_SHARE, FIGURE_3, RATE, SENSITIVITY, TEST_IMAGES
from LesionTrainingLib.reproduction.liver_ct.rows import BASELINE_ROW, FRONT_ROWS, REGION_ROW, VGG_ROW
from LesionTrainingLib.reproduction.liver_ct.tables import (
    Boxes,
    MissingLabels,
    faster_rcnn_table,
    figure_3,
    froc_table,
    missing_table,
    sizes_table,
)
from LesionTrainingLib.reproduction.liver_ct.telling import Read, lead_of, row_line

BOX = (10.0, 10.0, 30.0, 30.0)
FAR = (100.0, 100.0, 120.0, 120.0)
ELSEWHERE = (200.0, 10.0, 220.0, 30.0)
NEVER = float("-inf")


def findings(boxes, scores=None, diameters_mm=None):
    count = len(boxes)
    return Findings(
        np.zeros((count, 3)),
        np.full(count, np.nan) if diameters_mm is None else np.array(diameters_mm, dtype=float),
        np.ones(count) if scores is None else np.array(scores, dtype=float),
        pixel_boxes=np.array(boxes, dtype=float).reshape(-1, 4),
    )


def outcome(lesions, marks, scores, diameters_mm=None, iou=0.1):
    truth = findings(lesions, None, diameters_mm or [20.0] * len(lesions))
    return rule(iou).match(ImageFindings("image", truth, findings(marks, scores)))


def two_images():
    """Three lesions, two found at 0.9 and 0.5, the first by two marks; false marks at 0.95, 0.85 and 0.2."""
    return [
        outcome([BOX, FAR], [BOX, BOX, ELSEWHERE], [0.9, 0.88, 0.95], [5.0, 20.0]),
        outcome([BOX], [BOX, ELSEWHERE, FAR], [0.5, 0.85, 0.2], [40.0]),
    ]


def test_marks_above_a_score_are_counted():
    point = point_at(two_images(), 0.8, 0, 0)
    assert (point.found, point.lesions, point.false, point.predictions, point.images) == (1, 3, 2, 4, 2)
    assert (point.sensitivity, point.rate, point.false_share) == (pytest.approx(1 / 3), 1.0, 0.5)
    assert point.bounds is None
    everything = point_at(two_images(), NEVER, 0, 0)
    assert (everything.found, everything.false, everything.predictions) == (2, 3, 6)
    assert np.isnan(point_at([outcome([BOX], [], [])], 0.8, 0, 0).false_share)


def test_bounds_are_of_images_drawn_anew():
    point = point_at(two_images(), 0.8, 200, 0)
    assert point.bounds == (0.0, 0.5)  # only the second image, only the first
    assert point.rate_bounds == (1.0, 1.0)
    assert point_at([outcome([], [BOX], [1.0])], NEVER, 20, 0).bounds is None


def test_sensitivities_are_read_at_the_paper_s_rate_too():
    one = regions(two_images(), 0.1, 0.8, 50, 0)
    assert one.sensitivities == pytest.approx((0.0, 1 / 3, *[2 / 3] * 4))  # it is upright at 0.5 and 1
    assert one.at_rate[0] == pytest.approx(2 / 3)
    assert all(low <= high for low, high in one.bounds)
    # At most 1.1 false marks an image are 2 of these: the third has a score of 0.2.
    assert 0.2 < one.threshold <= 0.5
    assert [(band.found, band.all) for band in one.bands] == [(1, 1), (0, 1), (1, 1)]


@pytest.fixture(scope="module")
def livers(tiny_livers):
    return open_cohort(f"deeplesion:{tiny_livers}")


def test_the_error_is_of_the_largest_lesion_s_edges(livers, tmp_path):
    store = MarkStore(tmp_path, "key")
    cases = livers.cases[:3]
    for case, shift in zip(cases[:2], (0.0, 12.8), strict=True):
        edges = edges_of(case, case.truth().lesions)
        largest = max(edges, key=lambda box: (box[2] - box[0]) * (box[3] - box[1]))
        store.put(case.id, Marks(largest[None] + (shift, 0, 0, 0), np.ones(1)))
    assert side_px(cases[0]) == 128
    found = squared_errors(cases, store)
    assert [error for _, error in found] == pytest.approx([0.0, 0.1**2 / 4], abs=1e-6)
    assert [patient for patient, _ in found] == [case.patient for case in cases[:2]]


def test_the_bounds_of_the_error_are_of_patients_drawn_anew(livers, tmp_path):
    store, shifts = MarkStore(tmp_path, "key"), (0.0, 12.8, 25.6, 6.4)
    cases = [replace(case, patient=f"{n // 2}") for n, case in enumerate(livers.cases[:4])]
    for case, shift in zip(cases, shifts, strict=True):
        store.put(case.id, Marks(np.add(edges_of(case, case.truth().lesions)[:1], (shift, 0, 0, 0)), np.ones(1)))
    cases = [case for case in cases if len(case.truth().lesions) == 1]
    one = one_box(cases, store, outcomes_of(cases, store, rule(0.1)), 500, 0)
    means = {patient: np.mean([e for name, e in squared_errors(cases, store) if name == patient]) for patient in "01"}
    assert one.mse_bounds == pytest.approx((min(means.values()), max(means.values())))


def test_one_box_cannot_find_two_lesions(livers, tmp_path):
    store = MarkStore(tmp_path, "key")
    several = [case for case in livers.cases if len(case.truth().lesions) == 2][:2]
    store.put(several[0].id, Marks(edges_of(several[0], several[0].truth().lesions)[:1], np.ones(1)))
    store.put(several[1].id, Marks(np.array([[60.0, 20.0, 60.0, 20.0]]), np.ones(1)))
    one = one_box(several, store, outcomes_of(several, store, rule(0.1)), 20, 0)
    assert (one.hits, one.several, one.point.found, one.point.lesions) == (1, 2, 1, 4)
    assert (one.accuracy, one.point.sensitivity, one.point.rate) == (0.5, 0.25, 0.5)
    assert one.mse_bounds[0] <= one.mse <= one.mse_bounds[1]


@pytest.mark.parametrize(("found", "titles"), [(0, [0, 0, 0]), (1, [1, 0, 0]), (3, [1, 1, 0]), (4, [1, 1, 1])])
def test_where_too_few_are_found_more_that_are_missed_are_shown(livers, tmp_path, found, titles):
    store = MarkStore(tmp_path, "key")
    cases = [case for case in livers.cases if len(case.truth().lesions) == 1][:4]
    for n, case in enumerate(cases):
        hit = edges_of(case, case.truth().lesions)
        store.put(case.id, Marks(hit if n < found else hit + 60.0, np.ones(1)))
    outcomes = {one.image: one for one in outcomes_of(cases, store, rule(0.1))}
    some = by_outcome(cases, Shown(store, outcomes, NEVER), 3)
    assert [int(outcomes[one.case.id].lesion_marks[0] >= 0) for one in some] == titles


def box_values(mse=0.0312, found=1, lesions=4):
    point = SimpleNamespace(
        sensitivity=found / lesions,
        bounds=(0.1, 0.4),
        images=4,
        rate=0.75,
        rate_bounds=None,
        found=found,
        lesions=lesions,
    )
    return SimpleNamespace(mse=mse, mse_bounds=(0.02, 0.04), point=point, hits=found, several=0, bands=())


def test_figure_3_has_ours_above_the_paper_s():
    lines = [
        Boxes(row, part, f"phantoms, {part}", box_values())
        for row in (BASELINE_ROW, VGG_ROW, FRONT_ROWS[0])
        for part in (TRAINING, TEST)
    ]
    table = figure_3(lines, "ours")
    assert [row[1] for row in table.rows] == ["ours", "paper"] * 4 + ["ours"] * 2
    assert table.rows[0] == (
        "Baseline, train",
        "ours",
        "phantoms, training",
        "0.031 (0.02–0.04)",
        "25.0 (10–40)",
        "1 of 4",
        "0 of 4",
    )
    assert [row[3:5] for row in table.rows[1:8:2]] == [
        ("0.00077", "96"),
        ("0.065", "6.9"),
        ("0.0025", "79"),
        ("0.067", "7.9"),
    ]


def test_what_has_no_box_has_no_error():
    nothing = box_values(mse=float("nan"))
    assert figure_3([Boxes(BASELINE_ROW, TEST, "phantoms", nothing)], "ours").rows[0][3] == "–"


def both_overlaps(samples=20):
    return tuple(regions(two_images(), iou, 0.8, samples, 0) for iou in (0.1, 0.5))


def test_faster_r_cnn_stands_above_the_paper_s():
    table = faster_rcnn_table(both_overlaps(), "ours", "phantoms")
    assert [row[0] for row in table.rows] == ["> 0.1", "> 0.5", "not told"]
    assert table.rows[0][3:7] == ("≥ 0.8", "33.3 (0–50)", "1.00 (1.00–1.00)", "50 %, 2 of 4")
    assert table.rows[2][4:] == ("50", "about 1.1", "67 %", "50")
    assert "upper bounds" in table.caption
    silent = regions([outcome([BOX], [BOX], [0.5])], 0.1, 0.8, 0, 0)
    assert faster_rcnn_table([silent], "ours", "phantoms").rows[0][6] == "no marks"


def test_the_curve_in_numbers_and_sizes():
    found = both_overlaps(0)
    table = froc_table(found, "ours", "phantoms")
    assert table.columns[-3:] == ("2 FP", "4 FP", "8 FP")
    assert table.rows[0][-1] == "66.7"
    sizes = sizes_table([("Faster R-CNN", found[0].bands)], "ours", "phantoms")
    assert sizes.rows[0][3].startswith("100.0, 1 of 1 (")


def test_missing_labels_have_two_lines_a_row():
    listed = point_at([outcome([BOX], [BOX, FAR], [0.9, 0.8])], 0.5, 0, 0)
    complete = point_at([outcome([BOX, FAR], [BOX, FAR], [0.9, 0.8])], 0.5, 0, 0)
    table = missing_table([MissingLabels(REGION_ROW, listed, complete, 1)], "phantoms")
    assert [row[1:2] + row[3:] for row in table.rows] == [
        ("the list", 1, "100.0", "1.00", "1 of 1"),
        ("all lesions", 2, "100.0", "0.00", "–"),
    ]


def test_a_network_with_one_box_is_a_point_beside_the_curves():
    curves = [RegionCurve(two_images(), one) for one in both_overlaps()]
    always_right = box_values(found=4)
    always_right.point.rate = 0.0
    plot = froc_figure(curves, [(BASELINE_ROW, box_values()), (VGG_ROW, always_right)], "phantoms: 2 images", 20, 0)
    marks = {row[6]: row[2:4] for row in plot.data.rows if row[1] == "mark"}
    assert marks == {
        "the paper’s Faster R-CNN, DeepLesion": (1.1, 0.5),
        "Baseline": (0.75, 0.25),
        "Baseline + VGG": (0.125, 1.0),  # at the edge, where 0 cannot be drawn
    }
    assert {row[0].partition(":")[0] for row in plot.data.rows if row[1] == "curve"} == {
        "Faster R-CNN, IoU > 0.1",
        "Faster R-CNN, IoU > 0.5",
    }


@pytest.fixture
def history(tmp_path):
    history = History(tmp_path)
    for step in range(1, 7):
        history.records.append(Record(STEP, step, 0.0, {"loss/rpn_box": float(step)}))
        if step % 3 == 0:
            history.records.append(Record(VALIDATION, step, 0.0, {"rpn_box": 10.0 + step, "mAP": 0.1}))
    return history


def test_training_losses_are_means_since_the_last_validation(history):
    assert training_means(history, "rpn_box", np.array([3, 6])).tolist() == [2.0, 5.0]
    assert np.isnan(training_means(history, "box", np.array([3, 6]))).all()


def test_losses_are_drawn_over_rounds(history, tmp_path):
    record = {"training_images": 6, "batch": 2, "weights_of_step": 3}
    data = losses_figure(history, record, "phantoms").data
    assert [row for row in data.rows if row[0] == "rpn_box"] == [
        ("rpn_box", 3, 1.0, 2.0, 13.0),
        ("rpn_box", 6, 2.0, 5.0, 16.0),
    ]
    assert {row[0] for row in data.rows} == {"rpn_classification", "rpn_box", "classification", "box"}
    assert losses_figure(History(tmp_path / "none"), record, "phantoms") is None


def read(row, **values):
    result = SimpleNamespace(row=row, record={"seconds": 12.3}, parts=((TEST, SimpleNamespace(cases=())),))
    return Read(result, values.get("boxes", {}), values.get("regions", ()))


def test_words_have_the_paper_s_figures_beside_ours():
    job = SimpleNamespace(cohort=SimpleNamespace(on_phantoms=True))
    boxes = {TRAINING: box_values(found=3), TEST: box_values()}
    rows = [
        read(BASELINE_ROW, boxes=boxes),
        read(FRONT_ROWS[0], boxes=boxes),
        read(REGION_ROW, regions=both_overlaps()),
    ]
    lead = lead_of(job, rows)
    assert "Baseline 25.0 % (the paper on DeepLesion: 6.9)" in lead
    assert "VGG block 2 before the baseline 25.0 %;" in lead
    assert "at 1.1 false positives per image (the paper on DeepLesion: 50)" in lead
    assert row_line(rows[0], 1, 3) == (
        "Row 0 (1 of 3), Baseline: 75.0 % on training images, 25.0 % on test images; fitted in 12 s."
    )


def test_what_the_paper_prints_fits_together():
    """Its false share and rate are those of about so many found lesions, one in each test image."""
    found = SENSITIVITY * TEST_IMAGES
    false = FALSE_SHARE / (1 - FALSE_SHARE) * found
    assert false / TEST_IMAGES == pytest.approx(RATE, abs=0.1)
    assert FIGURE_3[BASELINE, TEST].sensitivity < FIGURE_3[VGG, TEST].sensitivity < 0.1
