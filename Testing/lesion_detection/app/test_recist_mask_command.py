"""``lesion recist-mask``: on a scan, by numbers and by Slicer's lines; on DeepLesion's list."""

from __future__ import annotations

import csv
import json

import cv2
import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.io.files import write_image

SHAPE = (5, 40, 44)
ENDS = {"long": [[-12.0, -20, 4], [-30.0, -20, 4]], "short": [[-21.0, -13, 4], [-21.0, -27, 4]]}
"""RAS mm; voxels of 1 x 1 x 2 mm, the first at the origin, columns to the left: so x runs from -43 to 0."""


def text(name):
    return ",".join(str(n) for end in ENDS[name] for n in end)


@pytest.fixture
def a_scan(tmp_path):
    k, j, i = np.indices(SHAPE)
    lesion = ((i - 21) / 9) ** 2 + ((j - 20) / 7) ** 2 + ((k - 2) * 2 / 8) ** 2 < 1
    voxels = np.where(lesion, 60, -700) + np.random.default_rng(0).integers(-15, 15, SHAPE)
    path = tmp_path / "scan.nrrd"
    write_image(Image(voxels.astype(np.int16), np.diag([-1.0, -1.0, 2.0, 1.0]), "CT", "HU"), path)
    return path


def slicer_line(path, ends, system="LPS"):
    sign = np.array([-1, -1, 1]) if system == "LPS" else 1
    points = [{"id": str(n), "position": (np.array(end) * sign).tolist()} for n, end in enumerate(ends)]
    markup = {"type": "Line", "coordinateSystem": system, "controlPoints": points}
    path.write_text(json.dumps({"markups": [markup]}))
    return str(path)


def test_numbers_and_saved_lines_give_the_same_results(a_scan, tmp_path, capsys):
    by_numbers, by_lines = tmp_path / "numbers", tmp_path / "lines"
    assert (
        main(["recist-mask", str(a_scan), "--long", text("long"), "--short", text("short"), "-o", str(by_numbers)]) == 0
    )
    told = capsys.readouterr().out
    assert "1 lesion in scan" in told
    assert "GrabCut is used" in told
    files = [
        slicer_line(tmp_path / "b.mrk.json", ENDS["short"], "RAS"),
        slicer_line(tmp_path / "a.mrk.json", ENDS["long"]),
    ]
    assert main(["recist-mask", str(a_scan), "--lines", *files, "-o", str(by_lines), "-q"]) == 0
    first, second = (json.loads((folder / "detections.json").read_text()) for folder in (by_numbers, by_lines))
    (lesion,) = first["lesions"]
    assert lesion["mask"] == second["lesions"][0]["mask"]
    assert lesion["recist"]["long_axis_ras_mm"] == ENDS["long"]
    assert lesion["mask"]["size_ijk"][2] >= 3
    assert (by_numbers / "lesions.seg.nrrd").is_file()


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["--long", text("long")], 2, "--long and --short"),
        ([], 2, "--long and --short"),
        (["--long", "1,2,3", "--short", text("short")], 2, "--long takes six numbers"),
        (["--long", text("long"), "--short", "-21,-13,4,-21,-27,90"], 2, "A diameter ends at"),
        (["--long", text("long"), "--short", text("short"), "--row", "3"], 2, "--row is for DeepLesion's list"),
        (["--lines", "absent.mrk.json", "absent.mrk.json"], 3, "absent.mrk.json cannot be read"),
    ],
)
def test_what_makes_no_sense_is_told(a_scan, tmp_path, capsys, arguments, code, words):
    assert main(["recist-mask", str(a_scan), *arguments, "-o", str(tmp_path / "out"), "-q"]) == code
    assert words in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("content", ["no JSON", "{}", '{"markups": [{"type": "Plane"}]}', '{"markups": 3}'])
def test_files_that_are_no_line_are_refused(a_scan, tmp_path, capsys, content):
    wrong = tmp_path / "wrong.mrk.json"
    wrong.write_text(content)
    line = slicer_line(tmp_path / "a.mrk.json", ENDS["long"])
    assert main(["recist-mask", str(a_scan), "--lines", line, str(wrong), "-o", str(tmp_path / "out")]) == 3
    assert "is not one line, as 3D Slicer saves it" in capsys.readouterr().err


HEADING = (
    "File_name,Key_slice_index,Measurement_coordinates,Bounding_boxes,Lesion_diameters_Pixel_,Coarse_lesion_type,"
    "Possibly_noisy,Spacing_mm_px_,Image_size,Train_Val_Test\n"
)


def row(series, index, x, y):
    """A lesion of 18 x 14 pixels at a place, in the list's coordinates, which count from 1."""
    points = f"{x - 8}, {y + 1}, {x + 10}, {y + 1}, {x + 1}, {y - 6}, {x + 1}, {y + 8}"
    box = f"{x - 13}, {y - 11}, {x + 15}, {y + 13}"
    return f'{series}_{index:03d}.png,{index},"{points}","{box}","18, 14",-1,0,"0.8, 0.8, 2","90, 80",1\n'


@pytest.fixture
def a_list(tmp_path):
    """Two lesions in one slice, a third whose image is not there, and one beyond its image."""
    rows, columns = np.mgrid[:80, :90]
    plane = np.full((80, 90), -700.0)
    for x, y in ((25, 30), (60, 50)):
        plane[((columns - x - 0.5) / 9) ** 2 + ((rows - y - 0.5) / 7) ** 2 < 1] = 50
    plane += np.random.default_rng(0).normal(0, 15, plane.shape)
    folder = tmp_path / "Images_png" / "000001_01_01"
    folder.mkdir(parents=True)
    cv2.imwrite(str(folder / "010.png"), (plane + 32768).astype(np.uint16))
    path = tmp_path / "DL_info.csv"
    lines = [row("000001_01_01", 10, 25, 30), row("000001_01_01", 10, 60, 50), row("000002_01_01", 4, 25, 30)]
    path.write_text(HEADING + "".join(lines) + row("000001_01_01", 10, 88, 50))
    return path


def made(a_list, output, *more):
    images = str(a_list.parent / "Images_png")
    return main(["recist-mask", str(a_list), "--images", images, "--output", str(output), *more])


def test_the_lesions_of_a_list_become_label_pictures_and_a_table(a_list, tmp_path, capsys):
    output = tmp_path / "masks"
    assert made(a_list, output) == 0
    told = capsys.readouterr().out
    assert "2 masks in 1 key slices" in told
    assert "1 key slices have no image" in told
    assert "1 lesions have no mask" in told
    with (output / "masks.csv").open(encoding="utf-8") as stream:
        rows = list(csv.DictReader(stream))
    assert [one["row"] for one in rows] == ["2", "3", "5"]
    assert [one["way"] for one in rows] == ["grabcut", "grabcut", ""]
    assert "outside the image" in rows[2]["reason"]
    labels = cv2.imread(str(output / rows[0]["mask"]), cv2.IMREAD_UNCHANGED)
    assert labels.shape == (80, 90)
    assert np.count_nonzero(labels == 1) == int(rows[0]["area_px"]) == pytest.approx(np.pi * 63, rel=0.06)
    assert labels[50, 60] == 2
    assert float(rows[1]["long_mm"]) == pytest.approx(14.4)
    # DeepLesion's corner pixels belong to the box; the list counts from 1.
    assert [float(rows[0][side]) for side in ("left", "top", "right", "bottom")] == [11, 18, 40, 43]


def test_one_lesion_or_one_slice_of_a_list(a_list, tmp_path, capsys):
    assert made(a_list, tmp_path / "row", "--row", "3", "--way", "ellipse") == 0
    assert "000001_01_01_010.png row 3" in capsys.readouterr().out
    (picture,) = (tmp_path / "row" / "masks").iterdir()
    assert set(np.unique(cv2.imread(str(picture), cv2.IMREAD_UNCHANGED))) == {0, 1}
    assert made(a_list, tmp_path / "file", "--file", "000001_01_01_010.png", "-q") == 0
    assert made(a_list, tmp_path / "no", "--row", "77", "-q") == 2
    assert "no lesion in line 77" in capsys.readouterr().err
    assert made(a_list, tmp_path / "no", "--row", "4", "-q") == 3
    assert "None of the 1 images" in capsys.readouterr().err
    assert made(a_list, tmp_path / "row", "-q") == 6
    assert not (tmp_path / "no").exists()


def test_options_of_the_other_kind_are_refused(a_list, tmp_path, capsys):
    assert made(a_list, tmp_path / "out", "--long", text("long")) == 2
    assert "--long is for a scan" in capsys.readouterr().err
    assert main(["recist-mask", str(a_list), "-o", str(tmp_path / "out")]) == 2
    assert "--images is missing" in capsys.readouterr().err
