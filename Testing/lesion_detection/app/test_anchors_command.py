"""``lesion anchors``: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
import re

import numpy as np
import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.methods.universal_ct.anchor_file import read_anchors


def lesion_anchors(*arguments):
    return command_line.main(["anchors", *map(str, arguments)])


@pytest.fixture
def table(tmp_path):
    """150 boxes, rounded to whole pixels, some of them equal."""
    sides = np.rint(np.exp(np.random.default_rng(0).normal(3.2, 0.4, (150, 2))))
    path = tmp_path / "boxes.csv"
    path.write_text("width,height\n" + "".join(f"{w:g},{h:g}\n" for w, h in sides), encoding="utf-8")
    return path


def test_anchors_are_printed_and_written(table, tmp_path, capsys):
    assert lesion_anchors(table, "--restarts", 2, "-o", tmp_path / "fitted") == 0
    printed = capsys.readouterr().out
    anchors = read_anchors(tmp_path / "fitted")
    assert f"scales  {', '.join(f'{scale:.3f}' for scale in anchors.scales)}" in printed
    assert "150 boxes of boxes.csv" in printed
    means = {
        name: float(re.search(rf"^{re.escape(name)} +(\d\.\d+)", printed, re.MULTILINE)[1])
        for name in ("found", "RetinaNet's default", "shrunk octave", "published (paper)")
    }
    assert max(means, key=means.get) == "found"
    assert "mean by size" not in printed  # no size in mm is told
    content = json.loads((tmp_path / "fitted" / "anchors.json").read_text(encoding="utf-8"))
    assert content["schema"] == "lesion-anchors"
    assert content["measured"]["fits"][0]["mean_iou"] == pytest.approx(means["found"], abs=6e-4)
    assert content["measured"]["settings"]["seed"] == 0
    assert (tmp_path / "fitted" / "anchors.png").read_bytes()[:4] == b"\x89PNG"
    assert (tmp_path / "fitted" / "anchors.csv").is_file()


def test_the_same_seed_writes_the_same_file_and_none_is_replaced_unasked(table, tmp_path, capsys):
    options = ("-q", "--no-picture", "--restarts", 1, "--scales", 2, "--ratio-pairs", 1, "--sizes", "16,32,64")
    assert lesion_anchors(table, *options, "-o", tmp_path / "a.json") == 0
    assert lesion_anchors(table, *options, "-o", tmp_path / "b.json") == 0
    assert (tmp_path / "a.json").read_bytes() == (tmp_path / "b.json").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "b.json", "boxes.csv"]
    anchors = read_anchors(tmp_path / "a.json")
    assert anchors.sizes == (16, 32, 64)
    assert (len(anchors.scales), len(anchors.ratios)) == (2, 3)
    assert lesion_anchors(table, *options, "-o", tmp_path / "a.json") == 6
    assert "--overwrite" in capsys.readouterr().err
    assert lesion_anchors(table, *options, "-o", tmp_path / "a.json", "--overwrite", "--json") == 0
    assert json.loads(capsys.readouterr().out)["scales"] == list(anchors.scales)


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (("--split", "val"), 3, "names no splits"),
        (("--sizes", "32,many"), 2, "--sizes"),
        (("--scale-bounds", "0.4"), 2, "LOW:HIGH"),
        (("--scale-bounds", "0.4:1,1:2"), 2, "one LOW:HIGH"),
        (("--ratio-bounds", "2:1,2:4"), 2, "Bounds"),
        (("--picture", "shapes.jpg"), 2, "PNG"),
        (("--restarts", "0"), 2, "restarts"),
    ],
)
def test_what_makes_no_sense_is_one_sentence_and_writes_nothing(table, tmp_path, capsys, arguments, code, told):
    assert lesion_anchors(table, "-q", "-o", tmp_path / "out", *arguments) == code
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_deeplesions_genuine_rows_need_smaller_anchors(real_data, tmp_path, capsys):
    path = real_data("deeplesion/DL_info_subset.csv")
    assert lesion_anchors(path, "--no-picture", "-o", tmp_path) == 0
    printed = capsys.readouterr().out
    assert "939" not in printed  # no row of the validation split: training, and not the three rows of the test split
    assert "those of the training split stand for them" in printed
    fits = {fit["name"]: fit for fit in json.loads((tmp_path / "anchors.json").read_text())["measured"]["fits"]}
    assert fits["found"]["mean_iou"] > fits["published (paper)"]["mean_iou"] > fits["RetinaNet's default"]["mean_iou"]
    assert fits["RetinaNet's default"]["share_unreached"] > 0.2
    assert fits["found"]["share_unreached"] == 0
