"""What is read from marks, and how tables and pictures tell it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.image import CT
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.matching.deeplesion import DeepLesion
from LesionTrainingLib.evaluation.matching.findings import Findings, ImageFindings
from LesionTrainingLib.reproduction.key_slices.data import parts_of
from LesionTrainingLib.reproduction.key_slices.marks import Marks, MarkStore, outcomes_of
from LesionTrainingLib.reproduction.key_slices.measured import really_lesions
from LesionTrainingLib.reproduction.key_slices.pictures import by_outcome
from LesionTrainingLib.reproduction.showing import body_part
from LesionTrainingLib.reproduction.universal_ct import pictures
from LesionTrainingLib.reproduction.universal_ct.figures import froc_figure, sizes_figure
from LesionTrainingLib.reproduction.universal_ct.measured import measured
from LesionTrainingLib.reproduction.universal_ct.paper import QUOTED, SIZES, TABLE_1
from LesionTrainingLib.reproduction.universal_ct.rows import ALL_ROWS
from LesionTrainingLib.reproduction.universal_ct.tables import (
    MissingLabels,
    Timed,
    missing_table,
    sizes_table,
    table_1,
    table_1_values,
)

BOX = (10.0, 10.0, 30.0, 30.0)
FAR = (100.0, 100.0, 120.0, 120.0)
ELSEWHERE = (200.0, 10.0, 220.0, 30.0)
TIME = Timed(41.4, 50, "cpu (2 threads)")


def findings(boxes, scores=None, diameters_mm=None):
    count = len(boxes)
    return Findings(
        np.zeros((count, 3)),
        np.full(count, np.nan) if diameters_mm is None else np.array(diameters_mm, dtype=float),
        np.ones(count) if scores is None else np.array(scores, dtype=float),
        pixel_boxes=np.array(boxes, dtype=float).reshape(-1, 4),
    )


def outcome(lesions, marks, scores, diameters_mm=None):
    truth = findings(lesions, None, diameters_mm or [20.0] * len(lesions))
    return DeepLesion().match(ImageFindings("image", truth, findings(marks, scores)))


def two_images():
    """Three lesions of 5, 20 and 40 mm, the first and the last found; one false mark above, one below them."""
    return [
        outcome([BOX, FAR], [BOX, ELSEWHERE], [0.9, 0.95], [5.0, 20.0]),
        outcome([BOX], [BOX, ELSEWHERE], [0.5, 0.2], [40.0]),
    ]


def test_sensitivities_are_read_at_the_paper_s_rates():
    one = measured(two_images(), 50, 0)
    assert one.sensitivities == pytest.approx((0.0, 2 / 3, 2 / 3, 2 / 3, 2 / 3, 2 / 3))  # the curve is upright at 0.5
    assert (one.images, one.lesions) == (2, 3)
    assert all(low <= high for low, high in one.bounds)
    assert [(band.found, band.all) for band in one.bands] == [(1, 1), (0, 1), (1, 1)]
    assert one.false_positives == 1.0
    assert measured(two_images(), 0, 0).bounds == (None,) * 6


def test_sizes_are_those_at_the_threshold():
    one = measured(two_images(), 0, 0, threshold=0.8)
    assert [(band.found, band.all) for band in one.bands] == [(1, 1), (0, 1), (0, 1)]
    assert one.false_positives == 0.5


def test_false_marks_on_lesions_that_the_list_lacks_are_counted():
    listed = [outcome([BOX], [BOX, FAR, ELSEWHERE], [0.9, 0.8, 0.7])]
    complete = [outcome([BOX, FAR], [BOX, FAR, ELSEWHERE], [0.9, 0.8, 0.7])]
    assert really_lesions(listed, complete, 0.1) == (1, 2)
    assert really_lesions(listed, complete, 0.75) == (1, 1)
    assert really_lesions(listed, complete, 0.85) == (0, 0)


def test_table_1_has_ours_above_the_paper_s_and_what_it_quotes():
    one = measured(two_images(), 50, 0)
    table = table_1([(ALL_ROWS[3], one, TIME), (ALL_ROWS[4], one, TIME)], "ours", "phantoms: 2 images")
    assert [row[1] for row in table.rows] == ["ours", "paper", "ours", *["paper"] * 4]
    assert table.rows[0][4].startswith("66.7 (")
    assert table.rows[0][-2:] == ("41", "cpu (2 threads)")
    assert table.rows[1][3:] == ("72.15", "80.07", "86.40", "90.77", "94.09", "96.32", "41", "GTX 1080")
    values = table_1_values([(ALL_ROWS[3], one, TIME)], "phantoms")
    assert values.rows[0][:3] == (3, "attention", "phantoms")
    assert values.rows[0][values.columns.index("sensitivity_at_4")] == pytest.approx(2 / 3)


def test_sizes_stand_beside_the_paper_s():
    table = sizes_table([(ALL_ROWS[3], measured(two_images(), 0, 0), TIME)], "ours", "phantoms")
    assert [row[0] for row in table.rows] == ["+ attention gate", "+ attention gate", "3DCE (quoted)"]
    assert table.rows[0][3].startswith("100.0, 1 of 1 (")
    assert table.rows[1][3:] == ("88.35", "91.73", "93.02")


def test_a_size_without_lesions_has_no_sensitivity():
    one = measured([outcome([BOX], [BOX], [0.9], [5.0])], 20, 0)
    table = sizes_table([(ALL_ROWS[0], one, TIME)], "ours", "phantoms")
    assert table.rows[0][4:] == ("no lesions", "no lesions")
    shares = [row[5] for row in sizes_figure([(ALL_ROWS[0], one)], "phantoms: 1 image").data.rows[:3]]
    assert shares[0] == 1
    assert np.isnan(shares[1:]).all()


def test_missing_labels_have_two_lines_a_row():
    one = measured(two_images(), 0, 0)
    table = missing_table([MissingLabels(ALL_ROWS[3], one, one, 1, 4)], ["the list"], "phantoms")
    assert [row[2] for row in table.rows] == ["the list", "all lesions"]
    assert [row[-1] for row in table.rows] == ["1 of 4", "–"]


def test_curves_have_the_paper_s_rings_in_their_own_row():
    rows = [(row, two_images(), measured(two_images(), 0, 0)) for row in (ALL_ROWS[0], ALL_ROWS[4])]
    data = froc_figure(rows, "phantoms: 2 images", 20, 0).data
    marks = [row for row in data.rows if row[1] == "mark"]
    assert {row[0].partition(",")[0] for row in marks} == {"original RetinaNet"}
    assert [row[3] for row in marks] == pytest.approx([value / 100 for value in TABLE_1["original"].sensitivity])


def test_what_the_paper_prints_rises_with_the_rate_and_the_rows():
    printed = [one.sensitivity for one in (*TABLE_1.values(), *QUOTED.values())]
    assert all(len(one) == 6 and list(one) == sorted(one) for one in printed)
    assert np.array([one.sensitivity for one in TABLE_1.values()])[:, 3].tolist() == [69.80, 87.87, 90.39, 90.77]
    assert SIZES["attention"] == (88.35, 91.73, 93.02)


@pytest.fixture
def shown(tiny_deeplesion, tmp_path):
    """A network that marks the first lesion of every test image, and a place where there is none with less confidence."""
    cases = parts_of(open_cohort(f"deeplesion:{tiny_deeplesion}")).test
    store = MarkStore(tmp_path, "key")
    for case in cases:
        x, y = 34.5, 40.5
        half = np.array([4 + int(case.patient) % 3 + 5, 8])
        hit = [x - half[0], y - half[1], x + half[0], y + half[1]]
        store.put(case.id, Marks(np.array([hit, [60, 20, 80, 40]]), np.array([0.9, 0.3])))
    outcomes = {one.image: one for one in outcomes_of(cases, store)}
    threshold = 0.2

    def network(_):
        return SimpleNamespace(mask=None)

    own = SimpleNamespace(to=lambda _: network)
    return cases, pictures.ShownWithMask(store, outcomes, threshold, own, SimpleNamespace(), "cpu")


def test_examples_of_a_region_run_from_small_to_large(shown):
    cases, _ = shown
    lung, liver = sorted(pictures.by_region(cases, 2), key=lambda row: row[0].region, reverse=True)
    assert {one.region for one in lung} == {"lung"}
    assert len(lung) == 2
    assert lung[0].lesion.diameter_mm < lung[1].lesion.diameter_mm
    assert {one.region for one in liver} == {"liver"}
    assert pictures.by_region(cases, 0) == []


def test_examples_by_outcome_end_with_one_that_is_missed(shown):
    cases, shown = shown
    chosen = by_outcome(cases, shown, 3)
    assert [one.region for one in chosen] == ["lung", "lung", "liver"]


def test_boxes_have_the_colours_of_their_fate_and_move_with_the_part(shown, monkeypatch):
    cases, shown = shown
    drawn = []
    monkeypatch.setattr(
        pictures, "box_tiles", lambda tiles, *_, **__: drawn.append(tiles) or froc_figure([], "x: ", 0, 0)
    )
    monkeypatch.setattr(pictures, "_mask_probability", lambda *_: None)
    (example,) = by_outcome(cases, shown, 1)[:1]
    pictures.figure_3([example], shown, "phantoms")
    whole, close = drawn[0]
    kinds = [box.kind for box in whole.boxes]
    assert kinds[-2:] == ["false positive", "true positive"]
    assert set(kinds[:-2]) == {"truth"}
    assert "1 false" in whole.title
    image = example.case.images()[CT]
    for picture in (whole, close):
        x0, y0, x1, y1 = (round(n) for n in picture.boxes[-1].edges)
        assert picture.grey[(y0 + y1) // 2, (x0 + x1) // 2] == pytest.approx(300, abs=1)
    assert whole.pixel_mm == image.spacing_mm[1::-1]


def test_the_part_with_the_patient_has_a_margin():
    hu = np.full((100, 120), -1000.0)
    hu[30:60, 40:90] = 0
    hu[95:97, 20:100] = 0  # the table
    assert body_part(hu) == (slice(22, 68), slice(32, 98))
    more = np.zeros(hu.shape, bool)
    more[10, 10] = True
    assert body_part(hu, more) == (slice(2, 68), slice(2, 98))
    assert body_part(np.full((10, 12), -1000.0)) == (slice(0, 10), slice(0, 12))


def test_a_square_stays_in_the_slice():
    assert pictures._square((100, 200), (5.0, 100.0), 20.0) == (slice(0, 40), slice(80, 120))
    assert pictures._square((30, 200), (5.0, 195.0), 20.0) == (slice(0, 30), slice(160, 200))
