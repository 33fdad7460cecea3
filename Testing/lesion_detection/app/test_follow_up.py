"""Two results compared: rows, files, and what is refused."""

from __future__ import annotations

import csv
import json
import math
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.follow_up import (
    ALIGNMENT,
    COMPARISON,
    FOLLOW_UP_NAMES,
    TABLE,
    as_json,
    compare,
    write_follow_up,
)
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import ModalityError, OutputError, UsageError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import NODULE, Lesion, Mask, Recist
from LesionDetectionLib.imaging.alignment import Alignment

GRID = Geometry((40, 60, 60), np.diag([1.0, 1.0, 2.0, 1.0]))
WARNING = "The model “m” was trained on computer-made phantoms only."


def lesion(mm, at, score=0.9, **more):
    r, a, s = at
    axes = Recist(((r - mm / 2, a, s), (r + mm / 2, a, s)), ((r, a - mm / 3, s), (r, a + mm / 3, s)))
    return Lesion(at, mm, score, recist=axes, meaning=NODULE, **more)


def result(*lesions, name="scan", modality="CT", warnings=()):
    return Findings.of(Detections(lesions, GRID, "made-up", name, modality, "HU", warnings=warnings))


SHIFT = np.eye(4)
SHIFT[:3, 3] = (0, 0, 300)


@pytest.fixture
def comparison():
    """In the follow-up everything lies 300 mm higher: 30 became 18 mm, 20 became 14 mm, 12 mm is new."""
    cube = Mask(np.ones((2, 3, 4), bool), (5, 5, 5))
    before = result(
        lesion(30, (10, 20, 30), 0.9), lesion(20, (40, 20, 30), 0.8, mask=cube), name="before", warnings=(WARNING,)
    )
    after = result(
        lesion(12, (10, 50, 340), 0.7),
        lesion(18, (12, 20, 331), 0.6),
        lesion(14, (40, 22, 329), 0.5, measurements={"volume_mm3": 24.0}),
        name="after",
        warnings=(WARNING,),
    )
    return compare(before, after, Alignment.given(SHIFT))


def test_lesions_are_paired_after_the_alignment(comparison):
    assert [(row.baseline_id, row.follow_up_id, row.kind) for row in comparison.rows] == [
        ("L1", "L2", "paired"),
        ("L2", "L3", "paired"),
        ("", "L1", "new candidate"),
    ]
    assert comparison.rows[0].distance_mm == pytest.approx(math.sqrt(5))
    assert (comparison.response.baseline_mm, comparison.response.now_mm) == (50, 32)
    assert comparison.response.category == "PR"
    assert [note for note in comparison.notes if "given by the user" in note]


def test_volumes_are_counted_where_they_were_not_measured(comparison):
    second = comparison.rows[1]
    assert second.baseline_volume_mm3 == 2 * 3 * 4 * 2.0
    assert second.volume_change_percent == pytest.approx(-50)


def test_the_models_warnings_stand_beside_the_category(comparison):
    assert comparison.notes.count(WARNING) == 1
    assert comparison.notes[0] == WARNING


def test_without_alignment_places_are_taken_as_they_are(comparison):
    apart = compare(comparison.baseline, comparison.follow_up, Alignment.none())
    assert not apart.pairing.pairs
    assert apart.response.category == "NE"
    assert "The scans were compared without aligning them." in apart.notes


def test_files_hold_what_the_comparison_says(comparison, tmp_path):
    alignment = Alignment.given(SHIFT)
    written = write_follow_up(tmp_path / "out", comparison, alignment)
    assert sorted(written) == sorted(FOLLOW_UP_NAMES)
    content = json.loads(written[COMPARISON].read_text(encoding="utf-8"))
    assert content == json.loads(json.dumps(as_json(comparison, alignment)))
    assert (content["schema"], content["schema_version"]) == ("lesion-follow-up", 1)
    assert content["response"]["category"] == "PR"
    assert content["response"]["change_percent"] == pytest.approx(-36)
    assert content["baseline"]["image"] == "before"
    assert content["targets"] == ["L1", "L2"]
    assert content["targets_chosen_by"] == "program"
    assert content["lesions"][0]["change_mm"] == -12
    assert content["lesions"][2]["baseline_mm"] is None
    rows = list(csv.DictReader(written[TABLE].read_text(encoding="utf-8").splitlines()))
    assert [row["kind"] for row in rows] == ["paired", "paired", "new candidate"]
    assert (rows[0]["baseline_mm"], rows[0]["follow_up_mm"], rows[0]["change_mm"]) == ("30.0", "18.0", "-12.0")
    assert rows[2]["baseline_mm"] == rows[2]["change_mm"] == ""
    assert rows[0]["linked_by"] == "program"
    assert np.array_equal(np.loadtxt(written[ALIGNMENT]), SHIFT)


def test_results_are_not_overwritten_unasked(comparison, tmp_path):
    write_follow_up(tmp_path, comparison, Alignment.none())
    with pytest.raises(OutputError, match="already holds"):
        write_follow_up(tmp_path, comparison, Alignment.none())
    write_follow_up(tmp_path, comparison.linking("L1", "L1"), Alignment.none(), overwrite=True)
    assert "person" in (tmp_path / TABLE).read_text(encoding="utf-8")


def test_what_a_user_says_is_taken(comparison):
    more = compare(
        comparison.baseline,
        comparison.follow_up,
        Alignment.given(SHIFT),
        organs={"L1": "lung", "L2": "lung"},
        targets=["L2"],
        earlier_sums_mm=[8],
    )
    assert more.targets == ("L2",)
    assert more.response.category == "PD"
    assert more.rows[0].organ == "lung"
    with pytest.raises(UsageError, match="no finding L9"):
        compare(comparison.baseline, comparison.follow_up, Alignment.none(), gone=["L9"])


def test_different_modalities_are_refused(comparison):
    pet = replace(comparison.follow_up, run=replace(comparison.follow_up.run, modality="PT"))
    with pytest.raises(ModalityError, match="of modality CT, the follow-up of PT"):
        compare(comparison.baseline, pet, Alignment.none())


def test_empty_results_are_compared_too():
    nothing = compare(result(), result(), Alignment.none())
    assert nothing.rows == ()
    assert nothing.response.category == "NE"
    assert as_json(nothing, Alignment.none())["lesions"] == []
