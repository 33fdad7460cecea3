"""``anchors.json``: written, read, and refused where it makes no sense."""

from __future__ import annotations

import json

import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.methods.universal_ct.anchor_file import Anchors, read_anchors, write_anchors

GOOD = {"schema": "lesion-anchors", "schema_version": 1, "sizes": [32, 64], "scales": [0.5, 1], "ratios": [0.5, 1, 2]}


def test_what_is_written_is_read(tmp_path):
    anchors = Anchors((32.0, 64.0), (0.425, 0.54), (1 / 3, 1.0, 3.0))
    write_anchors(tmp_path / "anchors.json", anchors, {"note": "häufig"})
    assert read_anchors(tmp_path / "anchors.json") == read_anchors(tmp_path) == anchors
    assert anchors.a_place == 6
    assert [path.name for path in tmp_path.iterdir()] == ["anchors.json"]
    assert json.loads((tmp_path / "anchors.json").read_text(encoding="utf-8"))["note"] == "häufig"


def test_whole_numbers_and_more_names_are_taken(tmp_path):
    (tmp_path / "a.json").write_text(json.dumps({**GOOD, "note": "", "measured": {}}))
    assert read_anchors(tmp_path / "a.json") == Anchors((32.0, 64.0), (0.5, 1.0), (0.5, 1.0, 2.0))


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"schema": "lesion-split"}, "schema"),
        ({"schema_version": 2}, "version"),
        ({"sizes": []}, "sizes"),
        ({"sizes": [64, 32]}, "do not rise"),
        ({"sizes": 32}, "no list of numbers"),
        ({"scales": [0.5, 0.5]}, "twice"),
        ({"scales": [0.5, -1]}, "above 0"),
        ({"scales": [True]}, "no list of numbers"),
        ({"scales": ["0.5"]}, "no list of numbers"),
        ({"scales": [10**400]}, "too large"),
        ({"scales": [float("nan")]}, "above 0"),
        ({"ratios": [1, 1000]}, "between"),
        ({"ratios": None}, "no list"),
        ({"ratios": [1 + n / 100 for n in range(65)]}, "1 to 64"),
    ],
)
def test_nonsense_is_refused_in_a_sentence(tmp_path, change, told):
    path = tmp_path / "anchors.json"
    path.write_text(json.dumps({**GOOD, **change}))
    with pytest.raises(InputError, match=told):
        read_anchors(path)


@pytest.mark.parametrize("text", ["", "[", "[]", "3", '{"schema": 1}', "[" * 100_000, "\x00\xff"])
def test_what_is_no_such_file_is_refused(tmp_path, text):
    path = tmp_path / "anchors.json"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(InputError):
        read_anchors(path)


def test_no_file_and_a_huge_one_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_anchors(tmp_path / "none.json")
    (tmp_path / "huge.json").write_bytes(b" " * 1_000_001)
    with pytest.raises(InputError, match="too large"):
        read_anchors(tmp_path / "huge.json")
