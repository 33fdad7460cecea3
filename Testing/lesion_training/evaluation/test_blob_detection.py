"""Verification of blobs and what it is worth, on slices small enough to be counted by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.imaging.blobs import slice_blobs
from LesionTrainingLib.evaluation.blob_detection import (
    SIZE_BANDS_MM,
    JudgedSlice,
    ScoredSlice,
    equal_point,
    false_positive_rates,
    section_diameters_mm,
    variant_thresholds,
    verification,
    verification_curve,
)


def a_slice(case="a"):
    """Lesions of 10, 15.5 and 41 mm. Blobs: 0.9 in 4 pixels over the first lesion; 0.6 in 2 pixels over the first and the
    second, by one pixel each, that touch at a corner; 0.8 in 9 and 0.3 in 1 pixel over nothing. Nothing over the third."""
    similarity, lesions = np.full((12, 12), -0.5), np.zeros((12, 12), np.int32)
    lesions[0:4, 0:3] = 1
    lesions[4:6, 3:6] = 2
    lesions[8:12, 8:12] = 3
    similarity[0:2, 0:2] = 0.9
    similarity[3, 2], similarity[4, 3] = 0.6, 0.5
    similarity[8:11, 0:3] = 0.8
    similarity[0, 10] = 0.3
    similarity[9, 9] = 0.0  # not above 0
    return ScoredSlice(case, slice_blobs(similarity), lesions, np.array([10.0, 15.5, 41.0]))


def judged(case, blobs, lesion_mm=()):
    """From rows (greatest similarity, area, numbers of the lesions that it touches, from 0)."""
    touches = np.zeros((len(blobs), len(lesion_mm)), bool)
    for row, (_, _, lesions) in enumerate(blobs):
        touches[row, list(lesions)] = True
    maxima, areas = np.array([one[0] for one in blobs]), np.array([one[1] for one in blobs], int)
    return JudgedSlice(case, maxima.astype(float), areas, touches, np.array(lesion_mm, float))


def nothing(case="n", *blobs):
    return judged(case, [(maximum, area, ()) for maximum, area in blobs])


def test_a_blob_that_overlaps_by_a_pixel_is_true_and_may_hit_several_lesions():
    one = a_slice()
    assert sorted(one.maxima.tolist()) == [0.3, 0.6, 0.8, 0.9]
    counts = verification([one], 0.0, 0)
    assert (counts.true_blobs, counts.false_blobs) == (2, 2)
    assert counts.hit.tolist() == [True, True, False]
    assert counts.precision == 0.5
    assert counts.recall == pytest.approx(2 / 3)
    assert counts.f_score == pytest.approx(2 * (1 / 2) * (2 / 3) / (1 / 2 + 2 / 3))


@pytest.mark.parametrize(
    ("least_response", "least_area", "true", "false", "hit"),
    [
        (0.3, 0, 2, 1, [True, True, False]),  # 0.3 is not above 0.3
        (0.6, 0, 1, 1, [True, False, False]),  # the first lesion is still hit by its other blob
        (0.8, 0, 1, 0, [True, False, False]),
        (0.9, 0, 0, 0, [False] * 3),
        (0.0, 1, 2, 1, [True, True, False]),
        (0.0, 2, 1, 1, [True, False, False]),
        (0.0, 4, 0, 1, [False] * 3),
        (0.85, 3, 1, 0, [True, False, False]),
    ],
)
def test_both_thresholds_are_strict(least_response, least_area, true, false, hit):
    one = a_slice()
    counts = verification([one], least_response, least_area)
    assert (counts.true_blobs, counts.false_blobs, counts.hit.tolist()) == (true, false, hit)
    assert counts.true_blobs + counts.false_blobs == one.blobs.verified(least_response, least_area).sum()
    same = verification([one.judged()], least_response, least_area)
    assert (same.true_blobs, same.false_blobs, same.hit.tolist()) == (true, false, hit)


def test_nothing_verified_has_no_precision_and_nothing_to_find_no_recall():
    counts = verification([a_slice()], 0.95, 0)
    assert np.isnan(counts.precision)
    assert counts.recall == counts.f_score == 0.0
    counts = verification([nothing("n", (0.5, 3))], 0.0, 0)
    assert counts.precision == 0.0
    assert np.isnan(counts.recall)
    assert np.isnan(counts.f_score)
    counts = verification([], 0.0, 0)
    assert (counts.true_blobs, counts.false_blobs, len(counts.hit)) == (0, 0, 0)


def test_size_bands_hold_their_upper_end_and_the_last_has_none():
    sizes = (3.0, 15.0, 15.1, 25.0, 40.0, 40.1, 300.0)
    counts = verification([judged("a", [(0.5, 1, (0, 2, 5))], sizes)], 0.0, 0)
    assert [counts.recall_in(band) for band in SIZE_BANDS_MM] == [0.5, 0.5, 0.0, 0.5]
    empty = verification([judged("a", [(0.5, 1, (0,))], (16.0,))], 0.0, 0)
    assert np.isnan(empty.recall_in(SIZE_BANDS_MM[0]))
    assert empty.recall_in(SIZE_BANDS_MM[1]) == 1.0


def test_variants_apply_the_thresholds_of_their_name():
    assert [variant_thresholds(name, 0.7, 30) for name in ("none", "response", "size", "full")] == [
        (0, 0),
        (0.7, 0),
        (0, 30),
        (0.7, 30),
    ]
    with pytest.raises(ValueError, match="no variant"):
        variant_thresholds("both", 0.7, 30)


def test_images_and_scans_are_two_readings_of_the_false_positive_rate():
    slices = [
        nothing("a", (0.9, 5), (0.9, 5)),
        nothing("a", (0.5, 5)),
        nothing("a"),
        nothing("b", (0.5, 2)),
        nothing("c"),
    ]
    every = false_positive_rates(slices, 0.0, 0)
    assert (every.of_images, every.of_scans) == (3 / 5, 2 / 3)
    strict = false_positive_rates(slices, 0.5, 0)
    assert (strict.images, strict.marked_images, strict.scans, strict.marked_scans) == (5, 1, 3, 1)
    assert false_positive_rates(slices, 0.0, 2).of_scans == 1 / 3
    assert np.isnan(false_positive_rates([], 0.0, 0).of_images)
    with pytest.raises(ValueError, match="has a lesion"):
        false_positive_rates([a_slice()], 0.0, 0)


def test_a_lesion_is_as_large_as_its_section_is_long():
    lesions = np.zeros((60, 60), np.int32)
    lesions[10:14, 5:45] = 1  # 40 columns of 0.5 mm, 4 rows of 1 mm
    rows, columns = np.mgrid[:60, :60]
    lesions[((rows - 40) * 1.0) ** 2 + ((columns - 40) * 0.5) ** 2 <= 6.0**2] = 2
    geometry = Geometry((3, 60, 60), np.diag([0.5, 1.0, 5.0, 1.0]))
    bar, disc = section_diameters_mm(lesions, geometry)
    assert bar == pytest.approx(np.hypot(20, 4), abs=0.8)
    assert disc == pytest.approx(12.0, abs=0.5)
    assert section_diameters_mm(np.zeros((9, 9), np.int32), geometry).shape == (0,)


def test_lesions_that_do_not_fit_are_refused():
    blobs = slice_blobs(np.zeros((4, 4)))
    with pytest.raises(ValueError, match="do not fit"):
        ScoredSlice("a", blobs, np.zeros((4, 5), int), np.zeros(0))
    with pytest.raises(ValueError, match="numbered"):
        ScoredSlice("a", blobs, np.eye(4, dtype=int) * 2, np.array([3.0, 4.0]))


def test_the_curve_is_what_verification_counts_at_each_of_its_points():
    slices = [a_slice("a"), a_slice("b"), nothing("c", (0.65, 3))]
    curve = verification_curve(slices, "response")
    assert curve.thresholds.tolist() == [0.0, 0.3, 0.6, 0.65, 0.8]
    assert curve.upper.tolist() == [0.3, 0.6, 0.65, 0.8, 0.9]
    assert curve.precision.tolist() == pytest.approx([4 / 9, 4 / 7, 2 / 5, 2 / 4, 1])
    assert curve.recall.tolist() == pytest.approx([4 / 6, 4 / 6, 2 / 6, 2 / 6, 2 / 6])
    fixed = verification_curve(slices, "response", fixed=2)
    assert fixed.thresholds.tolist() == [0.0, 0.65, 0.8]
    by_size = verification_curve(slices, "size")
    assert by_size.thresholds.tolist() == [0, 1, 2, 3, 4]
    assert by_size.precision.tolist() == pytest.approx([4 / 9, 4 / 7, 2 / 5, 2 / 4, 0])


BLOBS = st.lists(
    st.tuples(st.sampled_from([0.1, 0.25, 0.5, 0.7, 1.0]), st.integers(1, 5), st.sets(st.integers(0, 2))), max_size=6
)


@given(st.lists(BLOBS, max_size=3), st.sampled_from(["response", "size"]), st.sampled_from([0, 0.25, 2]))
def test_no_point_of_a_curve_is_another_than_counted(slices, swept, fixed):
    made = [judged(str(n), blobs, (5.0, 20.0, 50.0)) for n, blobs in enumerate(slices)]
    curve = verification_curve(made, swept, fixed)
    points = zip(curve.thresholds, curve.upper, curve.precision, curve.recall, strict=True)
    for low, high, precision, recall in points:
        for threshold in (low, np.nextafter(high, low) if np.isfinite(high) else low + 1):
            counts = verification(made, *((threshold, fixed) if swept == "response" else (fixed, threshold)))
            assert counts.precision == pytest.approx(precision, nan_ok=True)
            assert counts.recall == pytest.approx(recall, nan_ok=True)
    found = equal_point(made, swept, fixed)
    counts = verification(made, *((found.threshold, fixed) if swept == "response" else (fixed, found.threshold)))
    assert counts.precision == pytest.approx(found.precision, nan_ok=True)
    assert counts.recall == pytest.approx(found.recall, nan_ok=True)
    assert counts.f_score > 0 or not (curve.f_scores() > 0).any()


def test_the_equal_point_lies_in_the_middle_of_what_does_the_same():
    # From the strongest: true, true, false, true, false, false; four lesions. P falls through 1, 1, 2/3, 3/4, 3/5, 3/6 and R
    # rises through 1/4, 2/4, 2/4, 3/4, 3/4, 3/4: equal at four blobs, so that the threshold lies between 0.5 and 0.6.
    blobs = [(0.9, 9, (0,)), (0.8, 8, (1,)), (0.7, 7, ()), (0.6, 6, (2,)), (0.5, 3, ()), (0.4, 2, ())]
    slices = [judged("a", blobs, (20.0,) * 4)]
    found = equal_point(slices, "response")
    assert found.threshold == pytest.approx(0.55)
    assert found.precision == found.recall == 0.75
    assert equal_point(slices, "size").threshold == 4  # 3, 4 and 5 do the same
    assert equal_point(slices, "response", fixed=6).threshold == 0.0  # three blobs: 2/3 and 1/2 is as close as it comes


def test_where_the_difference_jumps_over_zero_the_closer_side_counts():
    blobs = [(0.9, 1, (0,)), (0.8, 1, ()), (0.7, 1, (1, 2)), (0.6, 1, ())]
    # With 4, 3, 2 and 1 blobs: P 2/4, 2/3, 1/2, 1; R 3/4, 3/4, 1/4, 1/4; the difference is -1/4, -1/12, 1/4, 3/4.
    found = equal_point([judged("a", blobs, (20.0,) * 4)], "response")
    assert (found.precision, found.recall) == (pytest.approx(2 / 3), 3 / 4)
    assert found.threshold == pytest.approx(0.65)


def test_both_being_0_is_no_equality():
    blobs = [(0.95, 1, ()), *[(0.9 - 0.01 * n, 1, (n,)) for n in range(9)], (0.1, 1, ()), (0.05, 1, ())]
    found = equal_point([judged("a", blobs, (20.0,) * 10)], "response")
    assert (found.precision, found.recall) == (0.9, 0.9)  # ten blobs and ten lesions; with the first alone 0 = 0


def test_of_several_crossings_the_best_counts():
    blobs = [(0.9, 1, (0, 1, 2)), (0.8, 1, ()), (0.7, 1, (0,)), (0.6, 1, (1,)), (0.5, 1, ())]
    # With 5 to 1 blobs: P 3/5, 3/4, 2/3, 1/2, 1; R is 3/4. Equal with four; the sign changes again between two and one, as far
    # from 0 on either side, where P = 1 has the higher F-score, and a higher one than 3/4.
    found = equal_point([judged("a", blobs, (20.0,) * 4)], "response")
    assert (found.precision, found.recall) == (1.0, 0.75)
    assert found.threshold == pytest.approx(0.85)


def test_where_precision_is_always_higher_the_closest_counts():
    blobs = [(0.9, 1, (0,)), (0.8, 1, ()), (0.7, 1, (0,)), (0.6, 1, (1,)), (0.5, 1, ())]
    # With 5 to 1 blobs: P 3/5, 3/4, 2/3, 1/2, 1; R 2/4, 2/4, 1/4, 1/4, 1/4.
    found = equal_point([judged("a", blobs, (20.0,) * 4)], "response")
    assert (found.threshold, found.precision, found.recall) == (0.0, 3 / 5, 2 / 4)


def test_without_a_lesion_that_can_be_hit_nothing_is_verified():
    missed = [judged("a", [(0.5, 3, ()), (0.9, 2, ())], (20.0,))]
    assert equal_point(missed, "response").threshold == 0.0
    assert equal_point(missed, "size").precision == 0.0
    empty = equal_point([judged("a", [], (20.0,))], "response")
    assert empty.threshold == empty.recall == 0.0
    assert np.isnan(empty.precision)
    without_lesions = equal_point([nothing("a", (0.5, 3))], "size")
    assert (without_lesions.threshold, without_lesions.precision) == (0.0, 0.0)
    assert np.isnan(without_lesions.recall)
    assert equal_point([], "size").threshold == 0.0
    with pytest.raises(ValueError, match="no threshold"):
        equal_point(missed, "area")


def test_neighbouring_32_bit_similarities_stay_apart():
    high = np.float32(1.0)
    low = np.nextafter(high, np.float32(0))
    blobs = [(float(high), 1, (0,)), (float(low), 1, ()), (0.5, 1, (1,))]
    found = equal_point([judged("a", blobs, (20.0, 20.0, 20.0))], "response")
    below = equal_point([judged("a", [blobs[0], blobs[1]], (20.0,))], "response")
    assert below.threshold == float(low)
    assert np.array([high, low]).__gt__(below.threshold).tolist() == [True, False]
    assert found.precision == found.recall == pytest.approx(2 / 3)


def test_the_best_precision_at_a_recall_or_a_higher_one():
    slices = [judged("a", [(0.9, 1, ()), (0.8, 1, (0,)), (0.7, 1, (1,)), (0.6, 1, ())], (20.0,) * 4)]
    curve = verification_curve(slices, "response")  # P 2/4, 2/3, 1/2, 0; R 1/2, 1/2, 1/4, 0
    assert curve.precision_at([0.0, 0.25, 0.5]).tolist() == pytest.approx([2 / 3] * 3)
    assert np.isnan(curve.precision_at([0.51, 1.0])).all()
    assert np.isnan(verification_curve([nothing("n", (0.5, 1))], "size").precision_at([0.0, 0.5])).all()
