"""The category by RECIST 1.1 from sums alone, on numbers worked out by hand."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.response import Target, respond


def sums(baseline, now, node=False):
    """Targets of these diameters."""
    return [Target(f"L{n}", node, a, b) for n, (a, b) in enumerate(zip(baseline, now, strict=True), 1)]


@pytest.mark.parametrize(
    ("baseline", "now", "earlier", "category"),
    [
        # Partial response: 30 % less than at baseline, the border included.
        ([60, 40], [40, 30], [], "PR"),
        ([60, 40], [40, 30.1], [], "SD"),
        ([70, 30, 40], [49, 21, 28], [], "PR"),
        ([11, 12.3, 17], [0.7 * 11, 0.7 * 12.3, 0.7 * 17], [], "PR"),  # 30 % whatever the last digit says
        # Progression: 20 % and 5 mm more than the smallest sum, both borders included.
        ([50, 50], [60, 60], [], "PD"),
        ([50, 50], [60, 59.9], [], "SD"),
        ([25], [30], [], "PD"),  # exactly 20 % and exactly 5 mm
        ([20], [24.9], [], "SD"),  # 24.5 %, but less than 5 mm
        ([20], [25], [], "PD"),
        ([15], [19], [], "SD"),  # 26.7 %, 4 mm
        ([60], [65], [], "SD"),  # 5 mm, but 8.3 %
        # The smallest sum before counts, not the baseline.
        ([100], [84], [60], "PD"),  # 16 % below baseline, 40 % above the smallest
        ([100], [71], [60], "SD"),  # 18.3 % above the smallest, 29 % below baseline
        ([100], [72], [60], "PD"),  # 12 mm and exactly 20 % above the smallest
        ([100], [66], [60, 80], "PR"),  # 10 % above the smallest
        ([100], [24], [20], "PR"),  # 4 mm above the smallest: not progression, still far below baseline
        ([100], [25], [20], "PD"),  # 5 mm, 25 %: progression although 75 % below baseline
        ([100], [130], [150], "PD"),  # the baseline is the smallest
        ([40], [5], [0], "PD"),  # back from a complete response
        ([40], [4], [0], "PR"),
        # Stable in both directions.
        ([50, 30], [50, 30], [], "SD"),
        ([50, 30], [45, 20], [], "SD"),
        ([50, 30], [55, 30], [], "SD"),
        # Complete response.
        ([50, 30], [0, 0], [], "CR"),
        ([50, 30], [0, 1], [], "PR"),
    ],
)
def test_categories_and_their_borders(baseline, now, earlier, category):
    assert respond(sums(baseline, now), (), earlier).category == category


@pytest.mark.parametrize(
    ("baseline", "now", "category"),
    [([20, 18], [9.9, 9.5], "CR"), ([20, 18], [9.9, 10.0], "PR"), ([16], [15.5], "SD"), ([18], [23], "PD")],
)
def test_lymph_nodes_need_not_vanish(baseline, now, category):
    """Short axes; below 10 mm a node is normal, though the sum is not 0."""
    found = respond(sums(baseline, now, node=True), ())
    assert found.category == category
    assert found.now_mm == pytest.approx(sum(now))


def test_a_complete_response_of_both_kinds_says_both():
    both = [Target("L1", False, 30, 0), Target("L2", True, 20, 8)]
    found = respond(both, ())
    assert found.category == "CR"
    assert found.reason == (
        "All target lesions have disappeared and all target lymph nodes are below 10 mm short axis."
    )
    assert respond([Target("L1", False, 30, 2), Target("L2", True, 20, 8)], ()).category == "PR"
    assert respond([Target("L1", False, 30, 0), Target("L2", True, 20, 12)], ()).category == "PR"


def test_numbers_and_words_of_a_progression():
    found = respond(sums([60, 40], [50, 34]), (), [70])
    assert (found.baseline_mm, found.now_mm, found.nadir_mm) == (100, 84, 70)
    assert (found.change_mm, found.change_percent) == (-16, pytest.approx(-16))
    assert (found.from_nadir_mm, found.from_nadir_percent) == (14, pytest.approx(20))
    assert found.reason == (
        "The sum of diameters is 84.0 mm, 14.0 mm (20 %) more than the smallest before (70.0 mm): at least 20 % and 5 mm "
        "more than the smallest is progression."
    )
    assert respond(sums([30], [30]), (), [0]).from_nadir_percent is None


@pytest.mark.parametrize(
    ("now", "words"),
    [(100.04, "as much as"), (100.06, "0.1 mm (0 %) more than"), (98.8, "1.2 mm (1 %) less than")],
)
def test_words_of_a_stable_disease(now, words):
    assert (
        f"The sum of diameters is {now:.1f} mm, {words} at baseline (100.0 mm)"
        in respond(sums([100], [now]), ()).reason
    )


def test_an_accepted_new_lesion_is_progression_whatever_the_others_do():
    found = respond(sums([50], [0]), ["L7"])
    assert found.category == "PD"
    assert "A new lesion was accepted (L7)" in found.reason
    assert respond([], ["L7"]).category == "PD"


def test_what_is_not_known_leaves_the_category_open_and_says_what_it_would_be():
    found = respond([Target("L1", False, 40, 20), Target("L2", False, 30, None)], ())
    assert found.category == "NE"
    assert found.now_mm is found.change_mm is found.change_percent is found.from_nadir_mm is None
    assert "lesion L2 is not known" in found.reason
    assert found.reason.endswith("confirm that it has disappeared; then it would be PR.")


def test_progression_is_certain_without_what_is_not_known():
    found = respond([Target("L1", False, 40, 60), Target("L2", False, 10, None)], ())
    assert found.category == "PD"
    assert "at least 60.0 mm" in found.reason


def test_without_targets_nothing_is_evaluated():
    assert respond([], ()).category == "NE"
    with pytest.raises(UsageError, match="0 mm or more"):
        respond(sums([10], [10]), (), [-1])


@given(st.lists(st.tuples(st.floats(10, 100), st.floats(0, 150)), min_size=1, max_size=5), st.floats(0.1, 10))
def test_larger_is_never_a_better_category(pairs, more):
    order = ["CR", "PR", "SD", "PD"]
    targets = [Target(str(n), False, a, b) for n, (a, b) in enumerate(pairs)]
    grown = [Target(t.id, False, t.baseline_mm, t.now_mm + more) for t in targets]
    assert order.index(respond(grown, ()).category) >= order.index(respond(targets, ()).category)
