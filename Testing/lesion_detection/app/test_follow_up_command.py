"""``lesion follow-up`` as a user runs it."""

from __future__ import annotations

import json

import numpy as np
import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion, Recist
from LesionDetectionLib.imaging import alignment
from LesionDetectionLib.imaging.alignment import Alignment
from LesionDetectionLib.io.files import write_image

MATRIX = np.diag([1.0, 1.0, 2.0, 1.0])


def lesion(mm, at, score):
    r, a, s = at
    axes = Recist(((r - mm / 2, a, s), (r + mm / 2, a, s)), ((r, a - mm / 3, s), (r, a + mm / 3, s)))
    return Lesion(at, mm, score, recist=axes)


def image(name, seed):
    voxels = np.random.default_rng(seed).normal(-500, 300, (20, 40, 40)).astype(np.int16)
    return Image(voxels, MATRIX, CT, HU, name)


@pytest.fixture
def results(tmp_path):
    """``before`` with 30 and 20 mm, ``after`` with 20 mm at the first's place, 8 mm at the second's, and 15 mm elsewhere."""
    places = {
        "before": [lesion(30, (10, 10, 10), 0.9), lesion(20, (30, 30, 10), 0.8)],
        "after": [lesion(15, (10, 35, 30), 0.9), lesion(20, (11, 10, 10), 0.8), lesion(8, (30, 31, 10), 0.7)],
    }
    for seed, (name, lesions) in enumerate(places.items()):
        scan = image(name, seed)
        write_image(scan, tmp_path / f"{name}.nrrd")
        (tmp_path / name).mkdir()
        Detections(tuple(lesions), scan.geometry, "made-up", name, CT, HU).save(tmp_path / name / "detections.json")
    return tmp_path


def run(folder, *arguments):
    return command_line.main(
        ["follow-up", str(folder / "before"), str(folder / "after"), "--output", str(folder / "out"), *arguments]
    )


def test_without_alignment(results, capsys):
    assert run(results, "--align", "none", "--organ", "lung") == 0
    shown = capsys.readouterr().out
    assert "PR: The sum of diameters is 28.0 mm, 22.0 mm (44 %) less than at baseline (50.0 mm)" in shown
    assert "new candidate" in shown
    assert "compared without aligning" in shown
    assert "Not assessed: non-target lesions" in shown
    assert "organ of" not in shown
    content = json.loads((results / "out" / "follow-up.json").read_text(encoding="utf-8"))
    assert content["response"]["category"] == "PR"
    assert [row["organ"] for row in content["lesions"]] == ["lung", "lung", ""]


def test_json_and_a_persons_word(results, capsys):
    assert run(results, "--align", "none", "--json", "--new", "L1", "--targets", "L2") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["response"]["category"] == "PD"
    assert content["new_lesions"] == ["L1"]
    assert content["targets"] == ["L2"]


def test_pairs_are_undone_made_and_confirmed_gone(results, capsys):
    assert run(results, "--align", "none", "--json", "--unlink", "L2", "--gone", "L2") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["confirmed_gone"] == ["L2"]
    assert content["response"]["sum_mm"] == 20
    assert run(results, "--align", "none", "--json", "--link", "L2=L1", "--earlier-sums", "20,45", "--overwrite") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["response"]["sum_mm"] == 35
    assert content["response"]["category"] == "PD"
    assert content["lesions"][1]["by_person"]


def test_the_scans_are_aligned_and_the_move_can_be_given_again(results, monkeypatch, capsys):
    seen = []
    matrix = np.eye(4)
    matrix[2, 3] = 4.0

    def align(first, second, progress):
        seen.append((first.name, second.name, first.modality))
        return Alignment(matrix, correlation=0.95, overlap=0.9, disagreement_mm=1.5)

    monkeypatch.setattr(alignment, "align", align)
    scans = ["--baseline-scan", str(results / "before.nrrd"), "--follow-up-scan", str(results / "after.nrrd")]
    assert run(results, *scans) == 0
    assert seen == [("before", "after", "CT")]
    assert "correlate to 0.95" in capsys.readouterr().out
    file = results / "out" / "alignment.txt"
    assert run(results, "--align", str(file), "--json", "--overwrite") == 0
    content = json.loads(capsys.readouterr().out)
    assert content["alignment"]["kind"] == "given"
    assert content["alignment"]["matrix"] == matrix.tolist()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        ([], 2, "name them with --baseline-scan and --follow-up-scan; or take --align none"),
        (["--align", "nowhere.txt"], 2, "--align takes rigid, none, or a file"),
        (["--align", "none", "--link", "L1"], 2, "as in L1=L4"),
        (["--align", "none", "--link", "L1=L9"], 2, "no lesion L9 in the follow-up"),
        (["--align", "none", "--unlink", "L7"], 2, "L7 is in no pair"),
        (["--align", "none", "--gone", "L1"], 2, "paired with L2"),
        (["--align", "none", "--new", "L9"], 2, "no finding L9"),
        (["--align", "none", "--targets", "L1,L9"], 2, "L9 cannot be a target"),
        (["--align", "none", "--organ", "L9=liver"], 2, "no finding L9"),
        (["--align", "none", "--earlier-sums", "many"], 2, "numbers with commas"),
        (["--align", "none", "--gate", "0"], 2, "more than 0 mm"),
    ],
)
def test_what_is_refused(results, capsys, arguments, code, words):
    assert run(results, *arguments) == code
    assert words in capsys.readouterr().err
    assert not (results / "out").exists()


def test_another_scan_is_refused(results, capsys):
    write_image(Image(np.zeros((5, 6, 7), np.int16), MATRIX, CT, HU, "other"), results / "other.nrrd")
    code = run(
        results, "--baseline-scan", str(results / "before.nrrd"), "--follow-up-scan", str(results / "other.nrrd")
    )
    assert code == 3
    assert "is not the scan of the results" in capsys.readouterr().err


def test_a_folder_without_results_is_refused(results, capsys):
    code = command_line.main(["follow-up", str(results), str(results / "after"), "--output", str(results / "out")])
    assert code == 3
    assert "holds no results" in capsys.readouterr().err


def test_results_are_not_overwritten_unasked(results, capsys):
    assert run(results, "--align", "none", "--quiet") == 0
    assert capsys.readouterr().out == ""
    assert run(results, "--align", "none") == 6
    assert "already holds" in capsys.readouterr().err
