"""Section Images: opening files, series, scenes and phantoms, and choosing among what is open."""

from __future__ import annotations

import asyncio
import shutil

import pytest
from LesionDetectionLib.io.files import write_image

from ..io.conftest import PATIENT, SyntheticDicom
from .conftest import chest
from .files.scene_files import bundle, naming, write_chest_scene

AT = [0.0, 2.0, 4.0]


@pytest.fixture
def scan(tmp_path):
    """A CT as a file."""
    write_image(chest(), tmp_path / "scan.nrrd")
    return tmp_path / "scan.nrrd"


@pytest.fixture
def dicom(tmp_path):
    """A CT and a PET of one patient, and another CT."""
    made = SyntheticDicom(tmp_path / "dicom")
    made.series(AT, prefix="ct/a")
    made.pet(prefix="pet/a", SeriesInstanceUID="1.2.826.0.1.11.5003", SeriesDescription="Whole body", SeriesNumber=9)
    made.series(
        AT,
        prefix="other/a",
        SeriesInstanceUID="1.2.826.0.1.11.5004",
        SeriesDescription="Another",
        FrameOfReferenceUID="1.2.826.0.1.12",
        SeriesNumber=10,
    )
    return tmp_path / "dicom"


@pytest.fixture
def opened(viewer):
    """``opened(path, ...)`` opens as the command line does; the nodes that are chosen."""

    def do(*paths):
        asyncio.run(viewer.open(paths))
        return viewer.context.choices.volumes

    yield do
    viewer.exchange.served = None
    with viewer.context.state as state:
        state.served_scans, state.series_shown = [], False


@pytest.fixture
def sent(viewer, tmp_path):
    """``sent(path, ...)``: as if a browser had sent these files and folders."""

    def do(*paths):
        folder = viewer.exchange.new_place("upload")
        for number, path in enumerate(paths):
            if path.is_dir():
                shutil.copytree(path, folder / str(number))
            else:
                (folder / str(number)).mkdir(parents=True)
                shutil.copy(path, folder / str(number))

        async def receive():
            viewer.exchange.uploads.received(folder)
            await viewer.open_part.opener.finished()

        asyncio.run(receive())
        return folder

    return do


def run(viewer, action):
    """Something that the person does, and what it began."""

    async def both():
        with viewer.context.state:
            action()
        await viewer.open_part.opener.finished()

    asyncio.run(both())


def volumes(viewer):
    return [node.GetName() for node in viewer.open_part.opener.volumes.nodes()]


def test_the_section_has_its_elements(page):
    names = "open-files open-folder open-progress open-cancel ct-select pet-select served-list series-dialog"
    for name in names.split():
        assert page.html.count(f'id="{name}"') == 1


def test_a_file_is_opened_chosen_and_described(viewer, state, opened, scan):
    chosen = opened(scan)
    assert list(chosen) == ["CT"]
    assert chosen["CT"].GetName() == "scan"
    assert state.ct_chosen == chosen["CT"].GetID()
    assert [one["title"] for one in state.ct_items] == ["No CT", "scan"]
    assert "64 × 64 × 40 voxels" in state.images_text[0]
    assert state.has_images
    assert not state.opening
    area = next(iter(viewer.context.stage.areas.values()))
    assert area.composite.GetBackgroundVolumeID() == chosen["CT"].GetID()


def test_what_it_was_taken_for_is_told(state, opened, tmp_path):
    from dataclasses import replace

    write_image(replace(chest(), modality="", unit=""), tmp_path / "scan.nii.gz")
    opened(tmp_path / "scan.nii.gz")
    assert any("by its values it was taken for a CT" in line for line in state.images_warnings)


@pytest.mark.parametrize(
    ("name", "content", "says"),
    [
        ("broken.nrrd", b"NRRD0004\nnonsense", "broken.nrrd cannot be read"),
        ("empty.nii.gz", b"", "nothing in empty.nii.gz"),
        ("broken.mrb", b"no zip", "no scene bundle"),
        ("letter.txt", b"hello", "no image that this program reads"),
    ],
)
def test_what_cannot_be_opened_is_one_sentence_and_nothing_else(
    viewer, page, state, opened, tmp_path, name, content, says
):
    (tmp_path / name).write_bytes(content)
    assert opened(tmp_path / name) == {}
    assert says in page.told()
    assert str(tmp_path) not in page.everything()
    assert volumes(viewer) == []
    assert not state.opening


def test_of_several_files_one_that_is_broken_lets_none_in(viewer, page, opened, scan, tmp_path):
    (tmp_path / "broken.nrrd").write_bytes(b"NRRD0004\nnonsense")
    assert opened(scan, tmp_path / "broken.nrrd") == {}
    assert "broken.nrrd" in page.told()
    assert volumes(viewer) == []


def test_of_several_series_the_person_chooses(viewer, page, state, opened, dicom):
    assert opened(dicom / "ct", dicom) == {}
    assert state.series_shown
    assert len(state.series_items) == 4
    assert volumes(viewer) == []
    run(viewer, lambda: viewer.open_part.answer_series([]))
    assert not state.series_shown
    assert volumes(viewer) == []


def test_ct_and_pet_are_proposed_and_opened_together(viewer, page, state, sent, dicom):
    folder = sent(dicom)
    titles = [one["title"] for one in state.series_items]
    assert titles == ["Thorax/lung", "Whole body", "Another"]
    assert [titles[int(one)] for one in state.series_chosen] == ["Thorax/lung", "Whole body"]
    run(viewer, lambda: viewer.open_part.answer_series(state.series_chosen))
    chosen = viewer.context.choices.volumes
    assert {name: node.GetName() for name, node in chosen.items()} == {"CT": "Thorax-lung", "PT": "Whole body"}
    assert "PET in SUV" in " ".join(state.images_text)
    assert "from DICOM" in state.images_text[0]
    assert PATIENT not in page.everything()
    assert "secret-4711" not in page.everything()
    sources = viewer.open_part.opener.volumes.sources(chosen["CT"])
    assert len(sources) == 3
    assert all(path.is_relative_to(folder) for path in sources)
    with viewer.context.state:
        viewer.close_scene()
    assert not folder.exists()


def test_what_was_sent_is_removed_when_it_is_read_or_refused(viewer, page, state, sent, scan, tmp_path):
    assert not sent(scan).exists()
    assert state.ct_chosen
    (tmp_path / "letter").write_text("hello")
    assert not sent(tmp_path / "letter").exists()
    assert "no image" in page.told()
    assert volumes(viewer) == ["scan"]


def test_a_ct_and_its_pet_as_files_are_opened_without_asking(viewer, state, sent, scan, tmp_path):
    from dataclasses import replace

    write_image(replace(chest(), modality="PT", unit="SUVbw"), tmp_path / "pet.nrrd")
    sent(scan, tmp_path / "pet.nrrd")
    assert not state.series_shown
    assert sorted(viewer.context.choices.volumes) == ["CT", "PT"]


def test_another_patients_ct_takes_the_pet_out_of_the_choice(viewer, opened, dicom):
    opened(dicom / "ct")
    opened(dicom / "pet")
    assert sorted(viewer.context.choices.volumes) == ["CT", "PT"]  # of one frame of reference
    opened(dicom / "other")
    assert {name: node.GetName() for name, node in viewer.context.choices.volumes.items()} == {"CT": "Another"}


def test_the_person_chooses_among_what_is_open(viewer, page, state, opened, scan, dicom):
    opened(scan)
    opened(dicom / "pet")
    chosen = viewer.context.choices.volumes
    assert sorted(chosen) == ["PT"]  # nothing says that both are of one patient
    page.set(ct_chosen=state.ct_items[1]["value"])
    assert chosen["CT"].GetName() == "scan"
    assert [one["title"] for one in state.pet_items] == ["No PET", "Whole body"]
    page.set(ct_chosen="")
    assert sorted(chosen) == ["PT"]
    pet = chosen["PT"].GetID()
    page.set(pet_chosen="")
    page.set(ct_chosen=pet)
    assert chosen["CT"].GetID() == pet
    assert "It says that it is of modality PT, not CT." in state.images_warnings
    page.set(ct_chosen="vtkMRMLSliceNodeRed")  # no volume
    assert "CT" not in chosen


def test_a_scene_brings_its_volume_and_its_results(viewer, state, sent, scan, opened, tmp_path):
    opened(scan)
    folder = sent(write_chest_scene(tmp_path / "chest.mrb"))
    assert volumes(viewer) == ["chest"]
    assert viewer.context.choices.volumes["CT"].GetName() == "chest"
    assert len(viewer.context.session.listed) == 4
    assert not folder.exists()
    assert {area.node.GetOrientation() for area in viewer.context.stage.areas.values()} == {
        *("Axial", "Coronal", "Sagittal")
    }
    assert [path.name for path in viewer.exchange.folder.iterdir()] == ["in-use"]


def test_before_decisions_are_lost_to_a_scene_the_person_is_asked(viewer, detected, page, state, sent, tmp_path):
    sent(write_chest_scene(tmp_path / "other.mrb"))
    assert state.question_shown
    assert viewer.context.session.results is detected
    run(viewer, lambda: viewer.context.answer(True))
    assert viewer.context.session.results is not detected
    assert volumes(viewer) == ["chest"]


@pytest.mark.parametrize("name", ["/etc/passwd", "/etc/passwd.nrrd", "http://127.0.0.1:1/x.nrrd", "../../x.nrrd"])
def test_a_hostile_scene_reads_nothing_and_leaves_what_is_open(viewer, page, sent, scan, opened, tmp_path, name):
    opened(scan)
    sent(bundle(tmp_path / "x.mrb", {"x/x.mrml": naming("fileName", name)}))
    assert "names a file" in page.told()
    assert volumes(viewer) == ["scan"]
    (tmp_path / "x.mrml").write_text(naming("fileName", name))
    sent(tmp_path / "x.mrml")
    assert "names a file" in page.told()
    assert volumes(viewer) == ["scan"]


def test_a_scene_without_its_data_is_told_and_leaves_nothing(viewer, page, state, sent, tmp_path):
    sent(bundle(tmp_path / "x.mrb", {"x/x.mrml": naming("fileName", "Data/gone.nrrd")}))
    assert "could not be read" in page.told() or "no volume" in page.told()
    assert volumes(viewer) == []
    assert not state.has_images


def test_a_folder_of_one_scan_is_opened_at_once(viewer, state, opened, dicom):
    opened(dicom / "ct")
    assert volumes(viewer) == ["Thorax-lung"]
    assert state.served_scans == []


def test_a_folder_of_several_scans_is_offered(viewer, page, state, opened, scan, dicom, tmp_path):
    assert opened(tmp_path) == {}
    assert [one["path"] for one in state.served_scans] == ["dicom/ct", "dicom/other", "dicom/pet", "scan.nrrd"]
    run(viewer, lambda: viewer.open_part.on_served("dicom/pet"))
    run(viewer, lambda: viewer.open_part.on_served("scan.nrrd"))
    run(viewer, lambda: viewer.open_part.on_served("dicom/pet"))  # again: it is there
    assert volumes(viewer) == ["Whole body", "scan"]
    assert [node.GetName() for node in viewer.context.choices.volumes.values()] == ["Whole body"]
    for path in ("../scan.nrrd", "/etc/passwd", "nothing"):
        run(viewer, lambda path=path: viewer.open_part.on_served(path))
        assert page.told() == "There is no such scan in the folder that this viewer shows."
    assert volumes(viewer) == ["Whole body", "scan"]


def test_without_a_folder_nothing_is_served(viewer, page):
    run(viewer, lambda: viewer.open_part.on_served("/etc/passwd"))
    assert page.told() == "There is no such scan in the folder that this viewer shows."


def test_one_thing_is_opened_at_a_time_and_can_be_cancelled(viewer, page, state, scan, monkeypatch):
    import threading

    from LesionDetectionLib.viewer.files import opening
    from LesionDetectionLib.viewer.parts import opener

    reading, go_on = threading.Event(), threading.Event()

    def slow(choice, progress):
        reading.set()
        go_on.wait(20)
        return opening.read(choice, progress)

    monkeypatch.setattr(opener, "read", slow)

    async def both():
        task = asyncio.ensure_future(viewer.open([scan]))
        await asyncio.to_thread(reading.wait, 20)
        assert state.opening
        with viewer.context.state:
            viewer.open_part.on_served("scan.nrrd")
            viewer.open_part.open_phantom("chest")
        assert "being opened already" in page.told()
        assert viewer.exchange.uploads.may_come()
        page.press("open-cancel")
        go_on.set()
        await task

    asyncio.run(both())
    assert page.told() == "Cancelled. Nothing was opened."
    assert volumes(viewer) == []
    assert not viewer.exchange.uploads.may_come()


def test_a_thread_that_does_not_hear_is_not_waited_for(viewer, page, state, scan, monkeypatch):
    import threading

    from LesionDetectionLib.viewer import later
    from LesionDetectionLib.viewer.parts import opener

    reading, never = threading.Event(), threading.Event()
    monkeypatch.setattr(later, "_GRACE_S", 0.05)
    monkeypatch.setattr(opener, "read", lambda _choice, _progress: (reading.set(), never.wait(20)))

    async def both():
        task = asyncio.ensure_future(viewer.open([scan]))
        await asyncio.to_thread(reading.wait, 20)
        page.press("open-cancel")
        await task

    asyncio.run(both())
    never.set()
    assert page.told() == "Cancelled. Nothing was opened."
    assert not state.opening


def test_a_phantom_is_made_by_the_worker(viewer, state, engine):
    from LesionDetectionLib.app.worker.images import write_image as write_for_worker
    from LesionTrainingLib.session.requests import IMAGE

    async def both():
        with viewer.context.state:
            viewer.open_part.open_phantom("chest")
        while not engine.jobs:
            await asyncio.sleep(0)
        request = engine.request
        assert (request.anatomy, request.protocol) == ("chest", "fast")
        engine.go_on(0.5, "Painting vessels")
        await asyncio.sleep(0.3)
        assert (state.opening_text, int(100 * state.opening_fraction) / 100) == ("Painting vessels", 0.47)
        from pathlib import Path

        folder = Path(request.folder)
        folder.mkdir()
        write_for_worker(folder / IMAGE, chest())
        engine.finish(folder)
        await viewer.open_part.opener.finished()
        assert not folder.exists()

    asyncio.run(both())
    assert volumes(viewer) == [chest().name]


def test_a_phantom_that_fails_or_does_not_exist_is_told(viewer, page, engine):
    async def both():
        with viewer.context.state:
            viewer.open_part.open_phantom("liver")
        assert page.told() == "There is no such phantom."
        with viewer.context.state:
            viewer.open_part.open_phantom("chest")
        while not engine.jobs:
            await asyncio.sleep(0)
        engine.fail("The disk is full.")
        await viewer.open_part.opener.finished()

    asyncio.run(both())
    assert page.told() == "The disk is full."
    assert volumes(viewer) == []
