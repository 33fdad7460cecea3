"""``lesion evaluate`` with a model or a method, which detects first."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Choice, MethodInfo
from LesionDetectionLib.core.image import CT, PET, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort

from .blocks import GRID, MARKS, TRUTH, run, summary_of

pytestmark = pytest.mark.usefixtures("nothing_drawn")


def test_a_model_on_a_cohort(tmp_path, a_cohort, a_model, capsys):
    assert run("--model", a_model.path, "--cohort", "here:x", "--output", tmp_path / "out") == 0
    assert [(asked.operating_point, asked.measure) for asked in a_model.asked] == [("0", False)] * 3
    summary = summary_of(tmp_path / "out")
    assert summary["scans"] == 3
    assert summary["operating_points"]["strict"]["found"] == 1
    assert [one["image"] for one in summary["left_out"]] == ["lost", "unlabelled", "bad"]
    said = capsys.readouterr().out
    assert "“blocks” was trained on computer-made phantoms only" in said
    assert "Measured on computer-made blocks, no patients." in said


def test_two_models_on_a_cohort(tmp_path, a_cohort, a_model):
    arguments = ("--model", a_model.path, "--compare-model", a_model.path, "--cohort", "here:x")
    assert run(*arguments, "--output", tmp_path / "out", "--quiet") == 0
    assert len(a_model.asked) == 6
    assert summary_of(tmp_path / "out")["comparison"]["difference"] == 0


@dataclass(frozen=True)
class Bare:
    """Settings of the method below."""

    operating_point: str = ""


def make_bare(bundle, device):
    assert bundle is None
    return SimpleNamespace(detect=lambda images, settings, progress: Detections(MARKS[images[CT].name], GRID, "bare"))


@pytest.mark.parametrize("needs_model", [False, True])
def test_a_method_without_a_model(tmp_path, a_cohort, monkeypatch, capsys, needs_model):
    module = "stand_in_for_a_method"
    monkeypatch.setitem(sys.modules, module, SimpleNamespace(settings=lambda bundle: Bare(), create=make_bare))
    info = MethodInfo(
        "bare", "A method of rules", (CT,), needs_model, "", "", "", f"{module}:settings", f"{module}:create"
    )
    monkeypatch.setattr("LesionDetectionLib.core.detector.methods", lambda: {"bare": info})
    code = run("--method", "bare", "--cohort", "here:x", "--output", tmp_path / "out", "--quiet")
    if needs_model:
        assert code == 2
        assert "needs a model" in capsys.readouterr().err
        return
    assert code == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["method"], summary["model"], summary["marks"]) == ("bare", None, "A method of rules (bare)")
    assert (summary["true_positives"], summary["operating_points"]) == (1, {})


PET_GRID = Geometry((9, 10, 10), np.diag([3.0, 3.0, 3.5, 1.0]))


@dataclass(frozen=True)
class PetCtCase(Case):
    """The blocks above in a CT, and a PET on a grid of its own; "c" has no PET, and "b" no CT but as the truth's grid."""

    def images(self, progress=None):
        ct = Image(np.zeros(GRID.shape_kji, np.int16), GRID.ijk_to_ras, CT, "HU", self.id)
        pet = Image(np.zeros(PET_GRID.shape_kji, np.float32), PET_GRID.ijk_to_ras, PET, "SUVbw", self.id)
        return {CT: ct} if self.id == "c" else {CT: ct, PET: pet}

    def truth(self):
        return Truth(TRUTH[self.id])

    def sources(self):
        return ()


@dataclass(frozen=True)
class PetSettings:
    """Attributes:
    all_candidates: as a method with controls has it.
    shift_mm: of the marks.
    """

    operating_point: str = ""
    all_candidates: bool = False
    shift_mm: float = 0.0


@pytest.fixture
def a_pet_method(monkeypatch):
    """``--method pet``: marks each true lesion by a mask on the PET's grid; what it was asked for is kept."""
    asked = []

    def detect(images, settings, progress):
        asked.append((tuple(images), settings))
        lesions = []
        for true in TRUTH[images[PET].name]:
            i, j, k = np.rint(PET_GRID.ijk_from_ras(true.center_ras_mm)).astype(int)
            center = tuple(float(n) for n in true.center_ras_mm + np.array([settings.shift_mm, 0, 0]))
            lesions.append(Lesion(center, 6.0, 7.5, mask=Mask(np.ones((1, 1, 1), bool), (int(i), int(j), int(k)))))
        return Detections(tuple(lesions), PET_GRID, "pet", modality=PET)

    module = SimpleNamespace(
        settings=lambda bundle: PetSettings(), create=lambda bundle, device: SimpleNamespace(detect=detect)
    )
    monkeypatch.setitem(sys.modules, "stand_in_for_a_pet_method", module)
    info = MethodInfo(
        "pet",
        "PET",
        (PET, CT),
        False,
        "",
        "",
        "",
        "stand_in_for_a_pet_method:settings",
        "stand_in_for_a_pet_method:create",
        optional=(CT,),
        choices=(Choice("shift_mm", "Shift", "Moves the marks.", range=(0.0, 50.0), unit="mm"),),
        review_settings={"all_candidates": True},
    )
    monkeypatch.setattr("LesionDetectionLib.core.detector.methods", lambda: {"pet": info})
    cases = tuple(PetCtCase(name, name, "", (CT, PET), True) for name in TRUTH)
    monkeypatch.setattr(
        "LesionTrainingLib.cohorts.spec.open_cohort", lambda spec, progress=None: Cohort(spec, "pairs", cases)
    )
    return asked


def test_marks_on_a_pet_are_scored_against_truth_on_a_ct(tmp_path, a_pet_method):
    arguments = ("--method", "pet", "--cohort", "here:x", "--quiet", "--bootstraps", "0")
    assert run(*arguments, "--output", tmp_path / "out") == 0
    summary = summary_of(tmp_path / "out")
    assert (summary["scans"], summary["true_positives"], summary["false_positives"]) == (2, 3, 0)
    (left,) = summary["left_out"]
    assert (left["image"], left["reason"]) == ("c", "The method pet needs PT, and this case has CT.")
    assert [images for images, _ in a_pet_method] == [(PET, CT)] * 2, "its main image first"
    assert all(settings.all_candidates and settings.operating_point == "0" for _, settings in a_pet_method)


def test_outlines_on_a_pet_become_boxes_on_a_ct(tmp_path, a_pet_method, capsys):
    arguments = ("--method", "pet", "--cohort", "here:x", "--protocol", "picai", "--bootstraps", "0")
    assert run(*arguments, "--output", tmp_path / "out") == 0
    assert "lie on different voxel grids in some images, so boxes were compared" in capsys.readouterr().out
    # A voxel of 3 x 3 x 3.5 mm in a block of 4 x 4 x 8 mm: an IoU of 0.25 at best, above the 0.1 that is wanted.
    assert summary_of(tmp_path / "out")["true_positives"] == 3


def test_settings_of_what_detects(tmp_path, a_pet_method, capsys):
    arguments = ("--method", "pet", "--cohort", "here:x", "--output", tmp_path / "out", "--quiet", "--bootstraps", "0")
    assert run(*arguments, "--set", "shift_mm=20") == 0
    assert summary_of(tmp_path / "out")["true_positives"] == 0
    assert summary_of(tmp_path / "out")["settings"] == {"shift_mm": 20}
    assert run(*arguments, "--overwrite", "--set", "shift=20") == 2
    assert "“shift” is not known. Choices: shift_mm (0 to 50 mm)." in capsys.readouterr().err
    assert run("--detections", tmp_path, "--truth", tmp_path, "--output", tmp_path / "o", "--set", "a=1") == 2
    assert "--set is for a method that detects" in capsys.readouterr().err


def test_a_method_that_there_is_not(tmp_path, a_cohort, capsys):
    assert run("--method", "odd", "--cohort", "here:x", "--output", tmp_path / "out") == 2
    assert "There is no method “odd”" in capsys.readouterr().err


def test_masks_are_made_where_they_are_compared(tmp_path, a_cohort, a_model):
    arguments = ("--model", a_model.path, "--cohort", "here:x", "--output", tmp_path / "out", "--quiet")
    assert run(*arguments, "--protocol", "autopet") == 0
    assert all(asked.measure for asked in a_model.asked)
    summary = summary_of(tmp_path / "out")
    assert summary["least_score"] == 0.65  # the model's own default
    assert summary["false_positives"] == 0
