"""``lesion detect`` with several images: which is which, what may be missing, their series, settings, and what is written."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import dataclass, replace

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.app.commands.scans import of_one_folder, read_images
from LesionDetectionLib.core.detections import Control, Detections, OperatingPoint
from LesionDetectionLib.core.detector import Choice, MethodInfo, Score, method
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image, write_image

from ..io.conftest import SyntheticDicom

INFO = MethodInfo(
    "pair",
    "A pair",
    ("PT", "CT"),
    False,
    "hot spots",
    "all",
    "none",
    "stand_in_pair:settings_for",
    "stand_in_pair:create",
    optional=("CT",),
    choices=(Choice("lungs_only", "Lungs only", "Needs the CT."), Choice("least", "Least", "", range=(0.0, 9.0))),
    score=Score("SUVmax", "", 1),
)


@dataclass(frozen=True)
class PairSettings:
    operating_point: str = ""
    lungs_only: bool = False
    least: float = 2.5


class Pair:
    """Marks the highest voxel of the PET, and keeps what it was asked for."""

    asked = None

    def detect(self, images, settings, progress):
        Pair.asked = ({name: image.name for name, image in images.items()}, settings)
        if settings.lungs_only and "CT" not in images:
            raise InputError("Looking in the lungs needs a CT.")
        pet = images["PT"]
        k, j, i = np.unravel_index(pet.voxels.argmax(), pet.shape_kji)
        center = tuple(float(n) for n in pet.geometry.ras_from_ijk((i, j, k)))
        lesion = Lesion(center, 4.0, float(pet.voxels.max()), evidence=((float(pet.voxels.max()),),))
        return Detections(
            (lesion,),
            pet.geometry,
            "pair",
            pet.name,
            "PT",
            "SUVbw",
            OperatingPoint("fixed", settings.least),
            controls=(Control("least_suvmax", "Least SUVmax", settings.least, 0.0, 20.0, decimals=1),),
            maps={"Uptake": pet.crop((1, 1, 1), (4, 4, 3))},
        )


@pytest.fixture(autouse=True)
def the_method(monkeypatch):
    module = types.ModuleType("stand_in_pair")
    module.create, module.settings_for = lambda bundle, device: Pair(), lambda bundle: PairSettings()
    monkeypatch.setitem(sys.modules, "stand_in_pair", module)
    monkeypatch.setattr(
        "LesionDetectionLib.app.commands.detect.method", lambda name: INFO if name == "pair" else method(name)
    )
    monkeypatch.setattr("LesionDetectionLib.app.threshold_text.methods", lambda: {"pair": INFO})
    monkeypatch.setattr(Pair, "asked", None)


@pytest.fixture
def scans(tmp_path):
    """``pet`` and ``ct`` say nothing of themselves, ``said-pet`` and ``said-ct`` do."""
    ct = np.random.default_rng(0).normal(-800, 50, (6, 20, 20)).astype(np.int16)
    pet = np.random.default_rng(1).uniform(0, 2, (5, 8, 8)).astype(np.float32)
    pet[2, 3, 4] = 8.5
    images = {"ct": Image(ct, np.diag([1.0, 1.0, 2.0, 1.0])), "pet": Image(pet, np.diag([3.0, 3.0, 3.0, 1.0]))}
    images["said-ct"] = replace(images["ct"], modality="CT", unit="HU")
    images["said-pet"] = replace(images["pet"], modality="PT", unit="SUVbw")
    for name, image in images.items():
        write_image(image, tmp_path / f"{name}.nrrd")
    return tmp_path


def detect(scans, *names, more=()):
    paths = [str(scans / f"{name}.nrrd") for name in names]
    return main(["detect", *paths, "--method", "pair", "-o", str(scans / "out"), "--overwrite", "-q", *more])


@pytest.mark.parametrize(
    ("names", "images"),
    [
        (("said-pet", "said-ct"), {"PT": "said-pet", "CT": "said-ct"}),
        (("said-ct", "said-pet"), {"PT": "said-pet", "CT": "said-ct"}),
        (("pet", "ct"), {"PT": "pet", "CT": "ct"}),
        (("ct", "pet"), {"PT": "pet", "CT": "ct"}),
        (("said-ct", "pet"), {"PT": "pet", "CT": "said-ct"}),
        (("pet",), {"PT": "pet"}),
        (("said-pet",), {"PT": "said-pet"}),
    ],
)
def test_which_is_which(scans, names, images):
    """By what the files say, else by what their values can only be, else by their order."""
    read = read_images(INFO, [scans / f"{name}.nrrd" for name in names], [None] * len(names), Progress())
    assert {modality: one.image.name for modality, one in read.items()} == images
    assert list(read) == list(images), "the main one first"
    assert all(names[one.number] == one.image.name for one in read.values())


def test_lesions_lie_on_the_main_image(scans):
    assert detect(scans, "said-ct", "pet") == 0
    assert Pair.asked[0] == {"PT": "pet", "CT": "said-ct"}
    content = json.loads((scans / "out" / "detections.json").read_text())
    assert (content["image"]["name"], content["image"]["size_ijk"]) == ("pet", [8, 8, 5])


@pytest.mark.parametrize(
    ("names", "code", "said"),
    [
        (
            ("pet", "ct", "ct"),
            2,
            "The method pair needs PET, and CT unless its settings do without. 3 images are given.",
        ),
        (("said-ct",), 3, "There is no PET: “said-ct” is CT."),
        (("ct",), 3, "There is no PET: “ct” is CT."),
        (("said-pet", "said-pet"), 3, "Two of the scans are PET."),
    ],
)
def test_images_that_do_not_do_are_a_sentence(scans, capsys, names, code, said):
    assert detect(scans, *names) == code
    assert said in capsys.readouterr().err
    assert not (scans / "out").exists()


def test_a_method_of_one_image_says_so_too(scans, capsys):
    assert main(["detect", str(scans / "ct.nrrd"), str(scans / "pet.nrrd"), "--method", "nodule-ct", "-o", "out"]) == 2
    assert "The method nodule-ct needs CT. 2 images are given." in capsys.readouterr().err


def test_settings_are_given_by_name(scans, capsys, monkeypatch):
    monkeypatch.setattr("LesionDetectionLib.app.commands.detect.write_results", lambda *_, **__: {})
    assert detect(scans, "pet", more=["--set", "least=4", "--set", "lungs_only=no", "--operating-point", "x"]) == 0
    assert Pair.asked[1] == PairSettings("x", False, 4.0)
    assert detect(scans, "pet", more=["--set", "lungs_only=yes"]) == 3
    assert "needs a CT" in capsys.readouterr().err
    assert detect(scans, "pet", more=["--set", "lungs=yes"]) == 2
    said = capsys.readouterr().err
    assert "“lungs” is not known. Choices: lungs_only (yes or no); least (0 to 9)." in said


def test_what_is_written_and_printed(scans, capsys):
    arguments = ["detect", str(scans / "said-pet.nrrd"), "--method", "pair", "-o", str(scans / "out")]
    assert main(arguments) == 0
    said = capsys.readouterr().out
    assert "1 lesion in said-pet (operating point fixed, above Least SUVmax 2.5)" in said
    assert "rank SUVmax" in said
    assert "8.50" in said
    back = read_image(scans / "out" / "maps" / "uptake.nrrd")
    assert back.shape_kji == (3, 4, 4)
    assert Detections.load(scans / "out" / "detections.json").controls[0].value == 2.5
    page = (scans / "out" / "report.html").read_text(encoding="utf-8")
    assert "above the thresholds (Least SUVmax 2.5; operating point “fixed”)" in page
    assert "<dt>Maps</dt><dd>Uptake</dd>" in page


def test_how_often_a_series_may_be_named(scans, capsys):
    more = [part for one in ("1", "2", "3") for part in ("--series", one)]
    assert detect(scans, "pet", "ct", more=more) == 2
    assert "--series is given 3 times for 2 scans" in capsys.readouterr().err


@pytest.fixture
def study(tmp_path):
    """One folder with a CT and a PET."""
    made = SyntheticDicom(tmp_path / "study")
    distances = [0.0, 3.0, 6.0]
    made.series(distances, prefix="ct", SeriesInstanceUID="1.2.1", SeriesDescription="CT")
    made.series(
        distances, prefix="pet", SeriesInstanceUID="1.2.2", SeriesDescription="PET", Modality="PT", SeriesNumber=4
    )
    return made


def test_one_folder_with_a_ct_and_a_pet_is_both(study):
    assert of_one_folder(INFO, [study.folder], [None], Progress()) == ([study.folder] * 2, ["2", "1"])
    of_ct = replace(INFO, modalities=("CT",), optional=())
    assert of_one_folder(of_ct, [study.folder], [None], Progress()) == ([study.folder], ["1"])


def test_a_ct_and_a_pet_of_two_studies_are_no_pair(study):
    study.series([0.0, 3.0], prefix="pet", SeriesInstanceUID="1.2.2", Modality="PT", StudyInstanceUID="1.2.9")
    (study.folder / "pet-002.dcm").unlink(missing_ok=True)
    assert of_one_folder(INFO, [study.folder], [None], Progress()) == ([study.folder], [None])


def test_one_folder_that_leaves_open_which_is_meant_lists_them(study, capsys):
    study.series([0.0, 3.0], prefix="thin", SeriesInstanceUID="1.2.3", SeriesDescription="CT, thin")
    assert of_one_folder(INFO, [study.folder], [None], Progress()) == ([study.folder], [None])
    assert main(["detect", str(study.folder), "--method", "pair", "-o", str(study.folder / "out"), "-q"]) == 3
    said = capsys.readouterr().err
    assert "holds 3 image series" in said
    assert "name the folder once for each, and --series as often" in said
    of_mr = replace(INFO, modalities=("MR",), optional=())
    assert of_one_folder(of_mr, [study.folder], [None], Progress()) == ([study.folder], [None])
