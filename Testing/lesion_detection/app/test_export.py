"""The results folder: complete, consistent, whole or not at all."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import zipfile
from dataclasses import replace

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk
from LesionDetectionLib.app import export, packages
from LesionDetectionLib.app.export import DICOM, MAPS, RESULT_NAMES, map_names, pdf_missing, write_results
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections
from LesionDetectionLib.core.errors import Cancelled, GeometryError, OutputError
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image
from read_page import Page
from read_pdf import Pdf


def test_everything_is_written_and_says_the_same(make_run, tmp_path):
    image, detections = make_run(3)
    told = []
    written = write_results(tmp_path / "out", image, detections, progress=Progress(lambda f, text: told.append(f)))
    assert set(RESULT_NAMES) - set(written) == {DICOM, MAPS}  # the image is no DICOM, and the method made no map
    assert list(written) == [name for name in RESULT_NAMES if name in written]
    assert {entry.name for entry in (tmp_path / "out").iterdir()} == set(written)
    assert {entry.name for entry in written["pictures"].iterdir()} == {
        "overview.png",
        *(f"L00{n}.png" for n in (1, 2, 3)),
    }
    assert told == sorted(told)
    assert told[-1] == 1

    content = json.loads(written["detections.json"].read_text(encoding="utf-8"))
    jsonschema.validate(content, json.loads(SCHEMA_PATH.read_text(encoding="utf-8")))
    back = Detections.load(written["detections.json"])
    with written["lesions.csv"].open(newline="", encoding="utf-8") as file:
        scores = [float(row["score"]) for row in csv.DictReader(file)]
    markup = json.loads(written["lesions.mrk.json"].read_text(encoding="utf-8"))["markups"][0]
    assert scores == [lesion.score for lesion in detections.lesions] == [lesion.score for lesion in back.lesions]
    assert [point["label"][:2] for point in markup["controlPoints"]] == ["L1", "L2", "L3"]
    page = Page(written["report.html"].read_text(encoding="utf-8"))
    assert len(page.all("article")) == 3
    assert len(page.all("img")) == 4
    assert Pdf(written["report.pdf"]).images == 4


def test_maps_are_files_and_volumes_of_the_scene(make_controlled_run, tmp_path):
    image, detections = make_controlled_run(2)
    written = write_results(tmp_path / "out", image, detections, pictures=False, report=False)
    (path,) = written[MAPS].iterdir()
    assert path.name == "lesion-similarity.nrrd"
    similarity = detections.maps["Lesion similarity"]
    back = read_image(path)
    assert np.array_equal(back.voxels, similarity.voxels)
    assert back.voxels.dtype == np.float32
    assert back.geometry.same_grid(similarity.geometry)
    with zipfile.ZipFile(written["scene.mrb"]) as archive:
        names = [name for name in archive.namelist() if name.endswith(".nrrd") and "seg" not in name]
    assert sorted(name.rpartition("/")[2] for name in names) == ["scan Lesion similarity.nrrd", "scan.nrrd"]
    none = replace(detections, maps={})
    assert MAPS not in write_results(tmp_path / "out", image, none, scene=False, overwrite=True, pictures=False)
    assert not (tmp_path / "out" / MAPS).exists(), "a map of an earlier run would be taken for one of this"


def test_maps_have_names_that_every_disk_takes(make_run):
    image, _ = make_run(0)
    titles = ["Lesion similarity", "lesion/similarity", "../Ähnlich: 1", "???"]
    assert list(map_names(dict.fromkeys(titles, image))) == [
        "lesion-similarity.nrrd",
        "lesion-similarity-2.nrrd",
        "hnlich-1.nrrd",
        "map.nrrd",
    ]


def test_no_lesion_is_said_honestly(make_run, tmp_path):
    written = write_results(tmp_path / "out", *make_run(0))
    assert set(written) == set(RESULT_NAMES) - {"lesions.seg.nrrd", DICOM, MAPS}
    page = Page(written["report.html"].read_text(encoding="utf-8"))
    assert "No lesion above the threshold" in page.text
    assert len(page.all("img")) == 1


def test_parts_can_be_left_out(make_run, tmp_path):
    image, detections = make_run(1)
    assert set(write_results(tmp_path / "a", image, detections, scene=False, pictures=False, report=False)) == {
        "detections.json",
        "lesions.csv",
    }
    assert "pictures" not in write_results(tmp_path / "b", image, detections, scene=False, pictures=False)
    assert not {"report.html", "report.pdf"} & set(
        write_results(tmp_path / "c", image, detections, scene=False, report=False)
    )


def test_without_the_library_there_is_a_page_and_a_sentence(make_run, tmp_path, monkeypatch):
    image, detections = make_run(1)
    write_results(tmp_path / "out", image, detections, scene=False, pictures=False)
    assert (tmp_path / "out" / "report.pdf").exists()
    assert pdf_missing() == ""
    monkeypatch.setitem(sys.modules, "reportlab", None)
    monkeypatch.setattr(export, "find", lambda package: packages.Found(package))
    assert "for a PDF too, reportlab is not installed" in pdf_missing()
    assert 'pip install "reportlab>=4.0"' in pdf_missing()
    written = write_results(tmp_path / "out", image, detections, scene=False, pictures=False, overwrite=True)
    assert "report.html" in written
    assert "report.pdf" not in written
    assert not (tmp_path / "out" / "report.pdf").exists(), "an earlier run's would be taken for this one's"


def test_of_a_review_what_counts_is_written_with_what_was_decided(make_run, tmp_path):
    image, detections = make_run(4)
    findings = Findings.of(detections)
    findings = findings.changing(["L2", "L4"], lambda item: replace(item, status=Status.ACCEPTED))
    written = write_results(tmp_path / "out", image, findings, scene=False)
    with written["lesions.csv"].open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [(row["rank"], row["id"], row["status"]) for row in rows] == [
        ("1", "L2", "accepted"),
        ("2", "L4", "accepted"),
    ]
    assert len(Detections.load(written["detections.json"]).lesions) == 2
    assert {entry.name for entry in written["pictures"].iterdir()} == {"overview.png", "L002.png", "L004.png"}
    page, pdf = Page(written["report.html"].read_text(encoding="utf-8")), Pdf(written["report.pdf"])
    assert [article["id"] for article in page.all("article")] == ["L2", "L4"]
    assert pdf.links == 2


def test_a_patients_name_is_in_the_report_alone(make_run, tmp_path):
    image, detections = make_run(1)
    written = write_results(tmp_path / "out", image, detections, scene=False, patient="Doe, Jane · ID 4711")
    holding = {
        path.name
        for path in (tmp_path / "out").rglob("*")
        if path.is_file() and (b"Doe" in path.read_bytes() or b"4711" in path.read_bytes())
    }
    assert holding == {"report.html"}, "a PDF's text is compressed"
    assert "Doe, Jane · ID 4711" in Pdf(written["report.pdf"]).pages[0]
    assert "Doe" not in Pdf(written["report.pdf"]).info


def test_earlier_results_are_kept_unless_overwriting_and_never_mixed(make_run, tmp_path):
    image, detections = make_run(2)
    out = tmp_path / "out"
    write_results(out, image, detections)
    (out / "my notes.txt").write_text("keep")
    before = (out / "detections.json").read_bytes()
    none = replace(detections, lesions=())
    with pytest.raises(OutputError, match="already holds"):
        write_results(out, image, none)
    assert (out / "detections.json").read_bytes() == before
    written = write_results(out, image, none, overwrite=True, pictures=False)
    assert {entry.name for entry in out.iterdir()} == {*written, "my notes.txt"}
    assert not (out / "lesions.seg.nrrd").exists()


def test_detections_of_another_image_are_refused(make_run, tmp_path):
    image, detections = make_run(1)
    other = image.crop((0, 0, 0), (30, 30, 20))
    with pytest.raises(GeometryError, match="another voxel grid than “scan”"):
        write_results(tmp_path / "out", other, detections)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("steps", [1, 3, 5, 7, 9])
def test_cancelled_at_any_step_leaves_nothing(make_run, tmp_path, steps):
    progress = Progress(lambda fraction, text: count.append(text) or (len(count) == steps and progress.cancel()))
    count: list[str] = []
    with pytest.raises(Cancelled):
        write_results(tmp_path / "out", *make_run(2), progress=progress)
    assert len(count) == steps
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["write_csv", "_write_scene_files", "_write_pictures", "_write_report"])
def test_a_full_disk_leaves_nothing_and_names_the_users_folder(make_run, tmp_path, monkeypatch, part):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(export, part, full)
    with pytest.raises(OutputError, match=r"disk is full: \S*/out was not written"):
        write_results(tmp_path / "out", *make_run(1))
    assert not list(tmp_path.iterdir())


FILE_LIMIT = """
import resource, signal, sys
from pathlib import Path
import numpy as np
from LesionDetectionLib.app.export import write_results
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.image import Image
image = Image(np.random.default_rng(0).integers(-1000, 1000, (20, 60, 60)).astype(np.int16), np.eye(4))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, resource.RLIM_INFINITY))
try:
    write_results(Path(sys.argv[1]) / "out", image, Detections((), image.geometry, "m"))
except OutputError as error:
    print("told:", error)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no limit of file sizes to stand in for a full disk")
def test_slicers_own_writers_running_out_of_space_are_noticed(tmp_path):
    """A limit of 40 kB a file stands in for the full disk; the volume has 144 kB."""
    run = subprocess.run([sys.executable, "-c", FILE_LIMIT, str(tmp_path)], capture_output=True, text=True, timeout=60)
    assert "told:" in run.stdout, run.stdout + run.stderr
    assert f"{tmp_path}/out/scene.mrb was not written" in run.stdout
    assert not list(tmp_path.iterdir())


def test_a_real_scan(real_data, tmp_path):
    from LesionDetectionLib.core.lesion import Lesion, Mask

    source = real_data("lidc-0314/crop_ct.nrrd")
    image = read_image(source)
    label = read_image(real_data("lidc-0314/crop_label.nrrd"))
    mask = Mask.from_full(label.voxels > 0)
    lesion = Lesion(mask.centroid_ras_mm(image.geometry), 15.5, 1.0, mask=mask)
    written = write_results(tmp_path / "out", image, Detections((lesion,), image.geometry, "readers", image.name))
    assert Pdf(written["report.pdf"]).images == 2
    segmentation, scan = (sitk.ReadImage(str(path)) for path in (written["lesions.seg.nrrd"], source))
    assert np.array_equal(sitk.GetArrayFromImage(segmentation) > 0, label.voxels > 0)
    assert np.allclose(segmentation.GetOrigin(), scan.GetOrigin())
    assert np.allclose(segmentation.GetDirection(), scan.GetDirection())
    assert np.allclose(segmentation.GetSpacing(), scan.GetSpacing())
