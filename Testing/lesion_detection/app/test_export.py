"""The results folder: complete, consistent, whole or not at all; and the page that people read."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from html.parser import HTMLParser

import jsonschema
import numpy as np
import pytest
import SimpleITK as sitk
from LesionDetectionLib.app import export
from LesionDetectionLib.app.export import DICOM, MAPS, RESULT_NAMES, map_names, write_results
from LesionDetectionLib.app.report import measurement_text, report_page
from LesionDetectionLib.core.detections import SCHEMA_PATH, Detections, OperatingPoint
from LesionDetectionLib.core.detector import Score, method
from LesionDetectionLib.core.errors import Cancelled, GeometryError, OutputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.files import read_image

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """A page's elements and text; fails where tags do not close as they opened."""

    def __init__(self, text):
        super().__init__()
        self.open, self.elements, self.text = [], [], ""
        self.feed(text)
        self.close()
        assert not self.open

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data

    def all(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def page_of(image, detections):
    return report_page(image, detections, lambda rank: b"picture %d" % rank)


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


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((0.0, 0.0), "4 lesion candidates above the thresholds (Least response 0.00, Least area 0 px; operating point"),
        ((0.5, 10.0), "4 lesion candidates, 2 above the thresholds (Least response 0.50, Least area 10 px; operating"),
    ],
)
def test_the_page_says_where_the_controls_were(make_controlled_run, values, said):
    image, detections = make_controlled_run(4)
    detections = detections.with_control_values(values)
    page = Page(page_of(image, detections))
    assert said in page.text
    assert f"balanced, above {', '.join(control.text for control in detections.controls)}" in page.text
    assert "score ≥" not in page.text
    none = Page(page_of(image, replace(detections, lesions=()))).text
    assert "No lesion above the thresholds (Least response" in none


def test_the_page_calls_the_score_what_the_method_calls_it(make_run, monkeypatch):
    image, detections = make_run(2)
    info = replace(method("nodule-ct"), id="made-up", score=Score("SUVmax", "the highest value", 1))
    monkeypatch.setattr("LesionDetectionLib.app.threshold_text.methods", lambda: {"made-up": info})
    lesions = tuple(
        replace(lesion, score=score) for lesion, score in zip(detections.lesions, (12.34, 3.0), strict=True)
    )
    text = page_of(image, replace(detections, lesions=lesions))
    page = Page(text)
    assert "2 lesion candidates with SUVmax of at least 0.3" in page.text
    assert "balanced, SUVmax ≥ 0.3" in page.text
    assert ">12.3</span>" in text
    assert "var(--bar) 100%" in text
    assert "var(--bar) 24%" in text, "a bar as long as its share of the highest"
    assert not re.search(r"<th[^>]*>Score</th>", text)


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
    assert "report.html" not in write_results(tmp_path / "c", image, detections, scene=False, report=False)


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


@pytest.mark.parametrize("steps", [1, 3, 5, 7])
def test_cancelled_at_any_step_leaves_nothing(make_run, tmp_path, steps):
    progress = Progress(lambda fraction, text: count.append(text) or (len(count) == steps and progress.cancel()))
    count: list[str] = []
    with pytest.raises(Cancelled):
        write_results(tmp_path / "out", *make_run(2), progress=progress)
    assert len(count) == steps
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("part", ["write_csv", "_write_scene_files", "_write_pictures"])
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


def test_the_page_loads_nothing_runs_nothing_and_escapes_everything(make_run):
    evil = "<script>alert(1)</script>\" onload='x' & ${name} $name"
    image, detections = make_run(1, name=evil)
    image = replace(image, notes=(evil,), identifiers={"PatientName": "Doe^Jane"})
    lesion = replace(detections.lesions[0], note=evil, measurements={evil: 1.0})
    detections = replace(
        detections, lesions=(lesion,), method=evil, provenance={evil: {evil: [evil]}}, warnings=(evil,)
    )
    text = page_of(image, detections)
    page = Page(text)
    assert not page.all("script")
    assert page.text.count(evil) >= 7
    assert not any(name.startswith("on") for _, attributes in page.elements for name in attributes)
    assert not re.search(r"https?:|//|url\(|@import", re.sub(r"base64,\S+", "", text))
    assert all(source.startswith("data:image/") for source in (image["src"] for image in page.all("img")))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert "Doe" not in text
    policy = next(meta["content"] for meta in page.all("meta") if "http-equiv" in meta)
    assert policy.startswith("default-src 'none'")


def test_the_page_says_what_must_be_said(make_run):
    image, detections = make_run(2)
    image = replace(image, notes=("The slice at 12.5 mm was missing and was interpolated.",))
    bare = replace(detections.lesions[1], mask=None, recist=None, measurements={}, note="Its outline leaked.")
    detections = replace(detections, lesions=(detections.lesions[0], bare))
    page = Page(page_of(image, detections))
    for sentence in (
        *detections.warnings,
        *image.notes,
        "not a medical device",
        "Its outline leaked.",
        "Settings · tile",
    ):
        assert sentence in page.text
    assert "at least 0.3 (operating point “balanced”)" in page.text
    assert "8.0 × 6.0 mm" in page.text
    measured = page_of(image, replace(detections, lesions=(bare,), operating_point=OperatingPoint("all", 0.0)))
    assert '<p class="summary">1 lesion.</p>' in measured
    anchors = {attributes["href"][1:] for attributes in page.all("a")}
    assert anchors <= {attributes.get("id") for _, attributes in page.elements}
    assert {"L1", "L2"} <= anchors


@pytest.mark.parametrize(
    ("name", "value", "written"),
    [
        ("volume_mm3", 2075.4, ("Volume", "2075 mm³")),
        ("volume_mm3", 36_600.0, ("Volume", "36.6 mL")),
        ("mean_hu", -12.6, ("Mean", "−13 HU")),
        ("max_suvbw", 7.914, ("Max", "7.91 SUV")),
        ("max_sulbm", 5.8891, ("Max SUL", "5.89 g/mL")),
        ("max_suvbsa", 1.9676, ("Max SUV by surface area", "1.97 cm²/mL")),
        ("sphericity", 0.8123, ("Sphericity", "0.81")),
        ("mtv_ml", 12.345, ("Metabolic tumour volume", "12.35 mL")),
        ("tlg_g", 80.04, ("Total lesion glycolysis", "80.0 g")),
    ],
)
def test_measurements_are_written_with_their_unit(name, value, written):
    assert measurement_text(name, value) == written


def test_many_lesions(make_run, tmp_path):
    image, detections = make_run(40)
    written = write_results(tmp_path / "out", image, detections)
    assert len(list(written["pictures"].iterdir())) == 41
    assert len(Page(written["report.html"].read_text(encoding="utf-8")).all("article")) == 40


def test_a_real_scan(real_data, tmp_path):
    from LesionDetectionLib.core.lesion import Lesion, Mask

    source = real_data("lidc-0314/crop_ct.nrrd")
    image = read_image(source)
    label = read_image(real_data("lidc-0314/crop_label.nrrd"))
    mask = Mask.from_full(label.voxels > 0)
    lesion = Lesion(mask.centroid_ras_mm(image.geometry), 15.5, 1.0, mask=mask)
    written = write_results(tmp_path / "out", image, Detections((lesion,), image.geometry, "readers", image.name))
    segmentation, scan = (sitk.ReadImage(str(path)) for path in (written["lesions.seg.nrrd"], source))
    assert np.array_equal(sitk.GetArrayFromImage(segmentation) > 0, label.voxels > 0)
    assert np.allclose(segmentation.GetOrigin(), scan.GetOrigin())
    assert np.allclose(segmentation.GetDirection(), scan.GetDirection())
    assert np.allclose(segmentation.GetSpacing(), scan.GetSpacing())
