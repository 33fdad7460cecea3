"""Phantoms in Slicer's Sample Data: listed at no cost, made on this computer, the same each time."""

from __future__ import annotations

import hashlib
import importlib
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.image import PHANTOM

REPOSITORY = Path(__file__).resolve().parents[3]
ICONS = REPOSITORY / "LesionDetection" / "Resources" / "Icons"

PET_MEAN = 0.203389
"""SUV; of the PET/CT phantom of Sample Data."""


@pytest.fixture
def sample_data(slicer_app):
    return importlib.import_module("LesionDetectionLib.panel.sample_data")


def test_phantoms_are_listed_as_slicer_wants_it(slicer_app, sample_data):
    sample_data.register(ICONS)
    assert [one["sampleName"] for one in slicer_app.samples] == [sample.name for sample in sample_data.SAMPLES]
    for one in slicer_app.samples:
        assert one["category"] == "Lesion Detection"
        assert Path(one["thumbnailFileName"]).is_file()
        assert callable(one["customDownloader"])
        # SampleDataSource takes lists or texts here; None fails.
        assert isinstance(one["uris"], str)
        assert isinstance(one["fileNames"], str)
        assert isinstance(one["nodeNames"], str)


def test_the_module_lists_them_once_slicer_has_started(slicer_app):
    slicer_app.load_logic("LesionDetection")
    assert slicer_app.samples == []
    slicer_app.startup_completed()
    assert [Path(one["thumbnailFileName"]).is_file() for one in slicer_app.samples] == [True] * 5


def test_without_the_training_library_nothing_is_listed(slicer_app, sample_data, monkeypatch):
    monkeypatch.setattr(sample_data, "_PHANTOMS", "LesionNoSuchLib.cohorts.phantoms")
    sample_data.register(ICONS)
    assert slicer_app.samples == []


def test_listing_loads_no_library():
    code = (
        "import sys, types; sys.modules.update({name: types.ModuleType(name) for name in ('qt', 'slicer', 'slicer.i18n', "
        "'SampleData')}); sys.modules['slicer.i18n'].tr = str; found = []\n"
        "sys.modules['SampleData'].SampleDataLogic = types.SimpleNamespace("
        "registerCustomSampleDataSource=lambda **facts: found.append(facts))\n"
        "from LesionDetectionLib.panel import sample_data; sample_data.register('.')\n"
        "heavy = {'torch', 'scipy', 'cv2', 'SimpleITK', 'skimage', 'pydicom', 'matplotlib'} & set(sys.modules)\n"
        "print(len(found), sorted(heavy))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "5 []"


def has_known_voxels(ct, sample):
    import slicer

    voxels = slicer.util.arrayFromVolume(ct)
    assert voxels.dtype == np.int16
    little = np.ascontiguousarray(voxels, voxels.dtype.newbyteorder("<"))
    return hashlib.sha256(little.tobytes()).hexdigest() == sample.sha256


def test_a_click_makes_a_pet_ct_with_known_voxels(slicer_app, sample_data):
    import slicer
    from LesionDetectionLib.io.mrml import image_from_node

    sample_data.register(ICONS)
    ct, pet = slicer_app.samples[2]["customDownloader"](None)
    assert [node.GetName() for node in (ct, pet)] == ["PET/CT phantom CT", "PET/CT phantom PET"]
    assert has_known_voxels(ct, sample_data.SAMPLES[2])
    assert slicer.util.arrayFromVolume(pet).dtype == np.float32
    assert slicer.util.arrayFromVolume(pet).mean() == pytest.approx(PET_MEAN, rel=1e-4)
    for node, modality, unit in ((ct, "CT", "HU"), (pet, "PT", "SUVbw")):
        image = image_from_node(node)
        assert (image.modality, image.unit) == (modality, unit)
    assert slicer_app.questions == []


def test_a_click_makes_the_phantom_with_known_voxels(slicer_app, sample_data):
    sample_data.register(ICONS)
    (node,) = slicer_app.samples[1]["customDownloader"](None)
    assert has_known_voxels(node, sample_data.SAMPLES[1])
    assert node.GetName() == "Chest phantom"
    segmentation = slicer_app.scene.GetFirstNodeByClass("vtkMRMLSegmentationNode")
    assert segmentation.GetSegmentation().GetNumberOfSegments() == 11
    assert slicer_app.questions == []


def test_a_click_makes_a_body_with_known_voxels(slicer_app, sample_data):
    sample = sample_data.SAMPLES[3]
    sample_data.register(ICONS)
    (node,) = slicer_app.samples[3]["customDownloader"](None)
    assert node.GetName() == sample.name == "Body CT phantom"
    assert has_known_voxels(node, sample)
    assert node.GetImageData().GetDimensions() == (512, 512, 32)
    assert slicer_app.questions == []


def test_a_click_makes_a_pet_of_a_whole_body(slicer_app, sample_data):
    from LesionDetectionLib.io.mrml import image_from_node

    sample_data.register(ICONS)
    (node,) = slicer_app.samples[4]["customDownloader"](None)
    assert node.GetName() == sample_data.SAMPLES[4].name == "Whole-body PET phantom"
    image = image_from_node(node)
    assert (image.modality, image.unit, image.identifiers[PHANTOM]) == ("PT", "SUVbw", "pet")
    assert image.shape_kji[0] * image.spacing_mm[2] > 700
    assert slicer_app.questions == []


def test_libraries_are_asked_for_first(slicer_app, sample_data, monkeypatch):
    asked = []
    monkeypatch.setattr(sample_data.dependencies, "ensure", lambda feature: asked.append(feature))
    sample_data.register(ICONS)
    assert slicer_app.samples[0]["customDownloader"](None) == []
    assert asked == ["phantom"]
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0


def test_cancel_leaves_nothing(slicer_app, sample_data, monkeypatch):
    import slicer

    dialogs = []
    real = slicer.util.createProgressDialog

    def made(**options):
        dialogs.append(real(**options))
        return dialogs[-1]

    monkeypatch.setattr(slicer.util, "createProgressDialog", made)
    maker = sample_data.load(f"{sample_data._PHANTOMS}.phantom:maker")

    def stopped(anatomy):
        make, default = maker(anatomy)

        def until_cancelled(seed, settings, progress):
            progress(0.1, "Growing vessels")
            dialogs[-1].cancel()
            return make(seed, settings, progress)

        return until_cancelled, default

    monkeypatch.setattr("LesionTrainingLib.cohorts.phantoms.phantom.maker", stopped)
    sample_data.register(ICONS)
    assert slicer_app.samples[0]["customDownloader"](None) == []
    assert slicer_app.scene.GetNumberOfNodesByClass("vtkMRMLScalarVolumeNode") == 0
    assert slicer_app.questions == []


def test_what_goes_wrong_is_told(slicer_app, sample_data, monkeypatch):
    def broken(*_arguments):
        raise RuntimeError("no memory")

    monkeypatch.setattr(sample_data, "make", broken)
    sample_data.register(ICONS)
    assert slicer_app.samples[0]["customDownloader"](None) == []
    assert slicer_app.questions[-1].kind == "error"
