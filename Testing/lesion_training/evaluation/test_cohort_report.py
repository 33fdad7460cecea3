"""The report of a cohort: what its page and its PDF say, and that each picture shows the right case at the right place."""

from __future__ import annotations

import base64
import csv
import json
import re
from dataclasses import dataclass

import cv2
import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import Cancelled, InputError
from LesionDetectionLib.core.image import CT, HU, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.evaluation.evaluate import Request, evaluate
from LesionTrainingLib.evaluation.picturing import MARKED, TRUE
from read_page import Page
from read_pdf import Pdf

GRID = Geometry((16, 40, 40), np.diag([1.0, 1.0, 2.0, 1.0]))
HOSTILE = "<img src=x onerror=alert(1)>"
LEVELS = {"a": 0, HOSTILE: -100, "gone": 0, "c": 50}
"""Grey value of each case's tissue, by which its pictures are known."""


def block(start, score=1.0, size=4):
    mask = Mask(np.ones((size, size, size), bool), start)
    return Lesion(mask.centroid_ras_mm(GRID), float(size + 1), score, mask=mask)


TRUTH = {
    "a": (block((4, 4, 2)), block((28, 26, 9))),
    HOSTILE: (block((10, 20, 6), size=5),),
    "gone": (block((10, 10, 5), size=6),),
    "c": (),
}
MARKS = {
    "a": (block((4, 4, 2), 0.9), block((28, 26, 9), 0.3)),
    HOSTILE: (block((30, 5, 3), 0.8),),
    "gone": (),
    "c": (Lesion((20.0, 12.0, 16.0), 6.0, 0.95),),
}


@dataclass(frozen=True)
class BlockCase(Case):
    """Tissue of one value with its lesions 200 HU brighter, and marks 50 HU darker; "gone" cannot be read any more."""

    def images(self, progress=None):
        if self.id == "gone":
            raise InputError("The file of gone is gone.")
        voxels = np.full(GRID.shape_kji, LEVELS[self.id], np.int16)
        for change, lesions in ((-50, MARKS[self.id]), (200, TRUTH[self.id])):
            for lesion in lesions:
                if lesion.mask is not None:
                    voxels[lesion.mask.slices_kji] = LEVELS[self.id] + change
        return {CT: Image(voxels, GRID.ijk_to_ras, CT, HU, self.id)}

    def truth(self):
        return Truth(TRUTH[self.id], kinds=("solid",) * len(TRUTH[self.id]))

    def sources(self):
        return ()


@pytest.fixture
def request_of(tmp_path, monkeypatch, blank_figures):
    """``request_of(pictures=3)`` evaluates detections written at score 0.5 in the cases above."""
    cases = tuple(BlockCase(name, name, "", (CT,), True) for name in TRUTH)
    monkeypatch.setattr(
        "LesionTrainingLib.cohorts.spec.open_cohort", lambda spec, progress=None: Cohort(spec, "blocks", cases)
    )
    for name, lesions in MARKS.items():
        Detections(lesions, GRID, "stand-in", operating_point=OperatingPoint("balanced", 0.25)).save(
            tmp_path / "found" / name / "detections.json"
        )

    def make(**more):
        given = {"protocol": "luna16", "output": tmp_path / "out", "cohort": "here:x", "operating_point": "0.5"}
        return Request(**{**given, "detections": tmp_path / "found", "samples": 20, **more})

    return make


def page_of(folder):
    return (folder / "index.html").read_text(encoding="utf-8")


def cards(text):
    """Anchor -> (its HTML, its picture or None)."""
    found = {}
    for name, inner in re.findall(r'<article class="lesion" id="(\w+)">(.*?)</article>', text, re.DOTALL):
        data = re.search(r"data:image/jpeg;base64,([^\"]+)", inner)
        picture = None
        if data:
            bgr = cv2.imdecode(np.frombuffer(base64.b64decode(data.group(1)), np.uint8), cv2.IMREAD_COLOR)
            picture = cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB).astype(float)
        found[name] = (inner, picture)
    return found


def panels(picture):
    return [picture[34:, 296 * n : 296 * n + 290] for n in range(4)]


def places(panel, color):
    """[n, 2] rows and columns of the pixels of a colour, as far as JPEG leaves it."""
    return np.argwhere(np.abs(panel - 255 * np.array(color)).max(axis=2) < 70)


def grey(hu):
    """In the window of soft tissue, -160 to 240 HU."""
    return 255 * (hu + 160) / 400


def is_around_the_middle(panel, color, half):
    """Whether what is drawn in a colour is a closed line about the panel's middle, ``half`` rows and columns away."""
    ring = places(panel, color)
    middle = np.array([144.5, 144.5])
    low, high = ring.min(axis=0) - middle, ring.max(axis=0) - middle
    return bool(np.allclose(-low, half, atol=4) and np.allclose(high, half, atol=4))


def test_pictures_show_the_right_case_and_place(request_of, tmp_path):
    evaluate(request_of(), Progress())
    shown = cards(page_of(tmp_path / "out"))
    assert list(shown) == ["M1", "M2", "M3", "F1", "F2"]
    # The largest miss cannot be read; then that of 5 voxels, and the one that is marked with a score below the point.
    assert "No picture: The file of gone is gone. There is no mark in this scan" in shown["M1"][0]
    assert shown["M1"][1] is None
    scale = 290 / 50
    for name, case, sides in (("M2", HOSTILE, (5, 5)), ("M3", "a", (4, 4))):
        bare, axial, *_ = panels(shown[name][1])
        assert np.median(bare) == pytest.approx(grey(LEVELS[case]), abs=4), name
        assert bare[140:150, 140:150].mean() == pytest.approx(grey(LEVELS[case] + 200), abs=4), name
        assert is_around_the_middle(axial, TRUE, np.array(sides) / 2 * scale), name
        assert len(places(bare, TRUE)) == 0
    assert "but that mark scores less than 0.5 and is not shown" in shown["M3"][0]
    assert "solid" in shown["M3"][0]
    # F1 has no outline: a circle of its 6 mm. F2 is outlined.
    bare, axial, *_ = panels(shown["F1"][1])
    assert np.median(bare) == pytest.approx(grey(50), abs=4)
    assert is_around_the_middle(axial, MARKED, 3 * scale)
    bare, axial, *_ = panels(shown["F2"][1])
    assert bare[140:150, 140:150].mean() == pytest.approx(grey(-150), abs=4)
    assert is_around_the_middle(axial, MARKED, 2 * scale)
    assert "20.0, 12.0, 16.0 mm" in shown["F1"][0]


def test_the_page_the_pdf_and_the_files_say_the_same(request_of, tmp_path):
    evaluate(request_of(), Progress())
    text = page_of(tmp_path / "out")
    page = Page(text)
    assert HOSTILE not in text
    assert HOSTILE in page.text
    assert not [tag for tag, attributes in page.elements if "onerror" in attributes or tag == "script"]
    assert (
        "Marks of score 0.5 or more (as asked for): 1 of 4 nodules found, 3 missed, 2 false marks, 0.50 a scan."
        in page.text
    )
    assert "All 3. An axial slice bare" in page.text
    anchors = {attributes["id"] for _, attributes in page.elements if "id" in attributes}
    links = {attributes["href"].removeprefix("#") for attributes in page.all("a")}
    assert {"M1", "M2", "M3", "F1", "F2"} <= links <= anchors
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())["at_operating_point"]
    assert (summary["lesions"], summary["found"], summary["missed"], summary["false_positives"]) == (4, 1, 3, 2)
    assert sum(band["all"] for band in summary["by_size"]) == 4
    with (tmp_path / "out" / "cases.csv").open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert [row["case"] for row in rows] == [HOSTILE, "a", "gone", "c"]
    assert [sum(int(row[name]) for row in rows) for name in ("lesions", "found", "false_positives")] == [4, 1, 2]
    with (tmp_path / "out" / "lesion_sizes.csv").open(newline="", encoding="utf-8") as file:
        bars = list(csv.DictReader(file))
    assert [sum(int(row[name]) for row in bars) for name in ("found", "missed")] == [1, 3]
    pdf = Pdf(tmp_path / "out" / "report.pdf")
    assert "Missed nodules, the largest first" in pdf.text
    assert "No picture: The file of gone is gone." in pdf.text
    assert pdf.images >= 4


def test_the_detections_own_operating_point_is_taken(request_of, tmp_path):
    evaluate(request_of(operating_point="", pictures=1), Progress())
    text = page_of(tmp_path / "out")
    assert "Marks of score 0.25 or more (operating point “balanced”): 2 of 4 nodules found" in Page(text).text
    assert list(cards(text)) == ["M1", "F1"]
    assert "1 of 2: the largest." in text


@pytest.mark.parametrize("how", ["no pictures", "no images"])
def test_without_pictures_the_worst_are_listed(request_of, tmp_path, nothing_drawn, how):
    more = {"pictures": 0} if how == "no pictures" else {"cohort": "", "truth": tmp_path / "truth"}
    for name, lesions in TRUTH.items():
        Detections(lesions, GRID, "stand-in").save(tmp_path / "truth" / name / "detections.json")
    evaluate(request_of(**more), Progress())
    text = page_of(tmp_path / "out")
    assert cards(text) == {}
    page = Page(text)
    assert "there is no mark in this scan: missed under luna16" in page.text
    assert "0.950" in page.text
    assert not [attributes for attributes in page.all("a") if re.fullmatch("#[MF][0-9]+", attributes["href"])]


def test_nothing_is_wrong(request_of, tmp_path, nothing_drawn):
    for name, lesions in TRUTH.items():
        Detections(lesions, GRID, "stand-in").save(tmp_path / "perfect" / name / "detections.json")
    evaluate(request_of(detections=tmp_path / "perfect"), Progress())
    text = page_of(tmp_path / "out")
    assert "Every nodule is found at this operating point." in text
    assert "No mark is false at this operating point." in text


def test_every_protocol_has_its_own_report_and_cases_are_read_once(request_of, tmp_path, nothing_drawn, monkeypatch):
    read = []
    images = BlockCase.images
    monkeypatch.setattr(BlockCase, "images", lambda self, progress=None: read.append(self.id) or images(self))
    evaluate(request_of(protocol="all", pictures=2, samples=0), Progress())
    assert sorted(read) == sorted(set(read))
    for name in ("luna16", "picai", "autopet"):
        shown = cards(page_of(tmp_path / "out" / name))
        assert "M1" in shown, name
        assert shown["M2"][1] is not None, name


def test_cancelled_while_pictures_are_drawn(request_of, tmp_path, nothing_drawn):
    seen = []

    def stop(fraction, text):
        seen.append(text)
        if text == "a" and "Tables and curves" in seen:
            progress.cancel()

    progress = Progress(stop)
    with pytest.raises(Cancelled):
        evaluate(request_of(), progress)
    assert not (tmp_path / "out").exists()


def test_a_silly_number_of_pictures(request_of, tmp_path, capsys):
    code = main(
        [
            "evaluate",
            "--cohort=here:x",
            f"--detections={tmp_path / 'found'}",
            f"--output={tmp_path / 'o'}",
            "--pictures=-1",
        ]
    )
    assert code == 2
    assert "--pictures is a number from 0 to 200" in capsys.readouterr().err
