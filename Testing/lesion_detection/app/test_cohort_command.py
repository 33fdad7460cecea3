"""``lesion cohort``: what it prints and writes, and how it ends."""

from __future__ import annotations

import json
from dataclasses import dataclass

import numpy as np
import pytest
from LesionDetectionLib.app import command_line
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionTrainingLib.cohorts.case import TEST, TRAINING, Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.cohorts.split import load_split

PHANTOMS = "phantoms:chest?seeds=0-19&protocol=tiny"


@dataclass(frozen=True)
class Made(Case):
    def images(self, progress=None):
        if self.id == "case-3":
            raise InputError("case-3.nrrd is damaged.")
        notes = ("1 slice is missing and interpolated.",) if self.id == "case-1" else ()
        voxels = np.arange(1000, dtype=np.int16).reshape(10, 10, 10) + int(self.id[-1])
        return {CT: Image(voxels, np.eye(4), CT, HU, notes=notes)}

    def truth(self):
        return Truth((Lesion((5, 5, 5), 4.0, 1.0),) if self.labelled else ())

    def sources(self):
        return ()


@pytest.fixture
def eight_cases(monkeypatch):
    """Eight cases of four patients, the first six labelled; the fourth cannot be read; seven more were not listed."""
    cases = tuple(Made(f"case-{n}", f"patient-{n // 2}", TEST if n < 2 else TRAINING, (CT,), n < 6) for n in range(8))
    left_out = tuple(LeftOut(f"lost-{n}", "It has no scan.") for n in range(7))
    cohort = Cohort("folder:/here", "a folder", cases, left_out, ("Made for a test.",))
    monkeypatch.setattr("LesionTrainingLib.cohorts.spec.open_cohort", lambda *_: cohort)


def lesion_cohort(*arguments):
    return command_line.main(["cohort", *map(str, arguments)])


def test_what_listing_tells(eight_cases, capsys):
    assert lesion_cohort("folder:/here", "-q") == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "a folder" in told
    assert "8 of 4 patients, 6 with labels" in told
    assert "lost-4: It has no scan." in told
    assert "Made for a test." in told
    assert "case-0" not in told


def test_every_case_is_listed(eight_cases, capsys):
    assert lesion_cohort("folder:/here", "-q", "--list") == 0
    told = capsys.readouterr().out
    assert "  case-0  patient-0  test  CT\n" in told
    assert "  case-7  patient-3  training  CT  no labels\n" in told
    assert "Left out: 7\n  lost-0: It has no scan.\n" in told
    assert told.count("lost-") == 7, "each is named once"


def test_a_check_reads_everything_and_says_what_fails(eight_cases, capsys):
    assert lesion_cohort("folder:/here", "-q", "--check") == 3
    shown = capsys.readouterr()
    assert "7 of 8 cases can be read and fit together" in shown.out
    assert "Cannot be used: 1\n  case-3: case-3.nrrd is damaged.\n" in shown.out
    assert "1 of 8 cases cannot be used" in shown.err
    assert "Notes: 1\n  case-1: 1 slice is missing and interpolated.\n" in shown.out


def test_everything_as_json(eight_cases, capsys):
    assert lesion_cohort("folder:/here", "-q", "--check", "--list", "--statistics", "--json") == 3
    said = json.loads(capsys.readouterr().out)
    assert (said["cases"], said["patients"], said["labelled"], len(said["list"])) == (8, 4, 6, 8)
    assert (said["check"]["good"], said["check"]["failed"]) == (
        7,
        [{"case": "case-3", "reason": "case-3.nrrd is damaged."}],
    )
    assert said["check"]["notes"] == [{"case": "case-1", "reason": "1 slice is missing and interpolated."}]
    assert said["splits"] == {"test": 2, "training": 6}
    assert said["lesions"]["lesions"] == 6


def test_labels_are_read_where_that_is_asked_for(eight_cases, capsys):
    assert lesion_cohort("folder:/here", "-q", "--json") == 0
    assert json.loads(capsys.readouterr().out)["lesions"] is None
    assert lesion_cohort("folder:/here", "-q", "--statistics") == 0
    assert "6 in 6 cases" in capsys.readouterr().out


def test_a_good_cohort_passes_the_check(phantoms_kept, capsys):
    assert lesion_cohort("phantoms:chest?seeds=1&protocol=tiny", "--check") == 0
    shown = capsys.readouterr()
    assert "1 of 1 cases can be read" in shown.out
    assert "chest-phantom-0001" in shown.err, "progress"


def test_a_split_is_written_once(tmp_path, capsys):
    path = tmp_path / "split.json"
    arguments = (PHANTOMS, "-q", "--split", "0.7,0.15,0.15", "--seed", "5", "--output", path)
    assert lesion_cohort(*arguments) == 0
    assert f"{path}: training 14, validation 3, test 3" in capsys.readouterr().out
    split = load_split(path)
    assert (split.spec, split.seed) == (PHANTOMS, 5)
    assert lesion_cohort(*arguments) == 6
    assert "already holds split.json" in capsys.readouterr().err
    assert lesion_cohort(*arguments, "--overwrite") == 0


@pytest.mark.parametrize(
    "division",
    [("--split", "7,2,1"), ("--split", "many"), ("--folds", "9"), ("--split", ".5,.3,.2", "--validation", ".1")],
)
def test_a_division_that_cannot_be_is_refused_before_all_images_are_read(
    eight_cases, tmp_path, monkeypatch, capsys, division
):
    monkeypatch.setattr(Made, "images", lambda *_: pytest.fail("An image was read."))
    assert lesion_cohort("folder:/here", "-q", "--check", *division, "--output", tmp_path / "split") in (2, 3)
    assert capsys.readouterr().out == ""
    assert not list(tmp_path.iterdir())


def test_the_official_split_is_written(eight_cases, tmp_path):
    assert lesion_cohort("folder:/here", "-q", "--split", "official", "-o", tmp_path / "s.json") == 0
    assert load_split(tmp_path / "s.json").parts == {
        "training": tuple(f"case-{n}" for n in range(2, 8)),
        "test": ("case-0", "case-1"),
    }


def test_folds_are_written_and_those_of_an_earlier_division_go(tmp_path):
    folder = tmp_path / "folds"
    assert lesion_cohort(PHANTOMS, "-q", "--folds", "5", "--validation", "0.25", "-o", folder) == 0
    splits = [load_split(folder / f"fold-{n:02d}.json") for n in range(5)]
    assert sorted(one for split in splits for one in split.parts["test"]) == [
        f"chest-phantom-{n:04d}" for n in range(20)
    ]
    assert all(len(split.parts["validation"]) == 4 for split in splits)
    assert lesion_cohort(PHANTOMS, "-q", "--folds", "2", "-o", folder, "--overwrite") == 0
    assert sorted(path.name for path in folder.iterdir()) == ["fold-00.json", "fold-01.json"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "--kinds"),
        ([PHANTOMS, "--split", "0.5,0.5", "-o", "x"], "0.7,0.15,0.15"),
        ([PHANTOMS, "--split", "0.5,0.5,0.5", "-o", "x"], "1 together"),
        ([PHANTOMS, "--split", "1,0,0"], "--output"),
        ([PHANTOMS, "-o", "x"], "--split or --folds"),
        ([PHANTOMS, "--split", "1,0,0", "--folds", "3", "-o", "x"], "one of"),
        ([PHANTOMS, "--folds", "1", "-o", "x"], "at least 2"),
        (["lidk:/data"], "no kind of cohort"),
    ],
)
def test_what_makes_no_sense(tmp_path, monkeypatch, capsys, arguments, words):
    monkeypatch.chdir(tmp_path)
    assert lesion_cohort(*arguments) == 2
    assert words in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_every_kind_is_shown_with_its_options(monkeypatch, capsys):
    from LesionTrainingLib.cohorts.phantoms.cohort import KIND

    monkeypatch.setattr("LesionTrainingLib.cohorts.spec.kinds", lambda: {"phantoms": KIND})
    assert lesion_cohort("--kinds") == 0
    told = capsys.readouterr().out
    assert "phantoms:PATH" in told
    assert "protocol (default): how they are scanned" in told
    assert lesion_cohort("--kinds", "--json") == 0
    said = json.loads(capsys.readouterr().out)
    assert said["phantoms"]["options"]["seeds"]["default"] == "0-9"
