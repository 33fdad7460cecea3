"""Cohorts of liver lesions, from each layout that they come in: all are tried on liver phantoms."""

from __future__ import annotations

import csv
import json

import numpy as np
import pytest
from LesionDetectionLib.core.image import CT, Image
from LesionDetectionLib.imaging.recist_mask import ELLIPSE
from LesionDetectionLib.io.files import read_image, write_image
from LesionTrainingLib.cohorts.phantoms.body_deeplesion import write_deeplesion
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.learning.slices.sections import sections_of
from scipy import ndimage

LIVER = 4
SEED = 1


@pytest.fixture(scope="module")
def a_deeplesion(tmp_path_factory):
    folder = tmp_path_factory.mktemp("liver") / "set"
    write_deeplesion(folder, 3, "liver-tiny", SEED)
    return folder


def rows_of(folder):
    with (folder / "DL_info.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_phantoms_in_deeplesions_layout_tell_types_where_the_set_does(a_deeplesion):
    told = {(int(row["Train_Val_Test"]), int(row["Coarse_lesion_type"])) for row in rows_of(a_deeplesion)}
    assert told == {(1, -1), (2, LIVER), (3, LIVER)}


def test_types_find_no_training_image_and_a_list_brings_them(a_deeplesion):
    by_type = open_cohort(f"deeplesion:{a_deeplesion}?types=4")
    assert {case.split for case in by_type.cases} == {"validation", "test"}
    training = sorted({row["File_name"] for row in rows_of(a_deeplesion) if row["Train_Val_Test"] == "1"})
    (a_deeplesion / "liver.txt").write_text("\n".join(training))
    whole = open_cohort(f"deeplesion:{a_deeplesion}?types=4&list=liver.txt")
    assert {case.split for case in whole.cases} == {"training", "validation", "test"}
    assert whole.on_phantoms
    assert [case.id for case in whole.cases] == [case.id for case in open_cohort(f"deeplesion:{a_deeplesion}").cases]
    assert all(case.truth().lesions and not case.truth().excluded for case in whole.cases)


@pytest.fixture(scope="module")
def with_the_organ(tmp_path_factory):
    """A folder as nnU-Net and LiTS have it, the liver being 1 and its lesions 2; and how many lesions there are."""
    made, folder = tmp_path_factory.mktemp("made"), tmp_path_factory.mktemp("lits")
    write_phantoms("body", 3, 1, "nrrd", made, protocol_name="abdomen-tiny")
    (name,) = (path.name.removesuffix(".truth.nrrd") for path in made.glob("*.truth.nrrd"))
    lesions = read_image(made / f"{name}.truth.nrrd")
    organ = ndimage.binary_dilation(lesions.voxels > 0, iterations=3)
    labels = np.where(lesions.voxels > 0, 2, np.where(organ, 1, 0)).astype(np.uint8)
    for part, image in (
        ("imagesTr", read_image(made / f"{name}.nrrd")),
        ("labelsTr", Image(labels, lesions.ijk_to_ras)),
    ):
        (folder / part).mkdir()
        write_image(image, folder / part / f"liver_1{'_0000' if part == 'imagesTr' else ''}.nii.gz")
    return folder, json.loads((made / f"{name}.truth.json").read_text())["lesions"]


def test_of_labels_that_hold_the_liver_too_only_the_lesions_count(with_the_organ):
    folder, painted = with_the_organ
    (case,) = open_cohort(f"folder:{folder}?values=2").cases
    found = case.truth().lesions
    assert len(found) == len(painted)
    for one, other in zip(
        sorted(found, key=lambda x: x.center_ras_mm), sorted(painted, key=lambda x: x["center_ras_mm"]), strict=True
    ):
        assert np.linalg.norm(np.subtract(one.center_ras_mm, other["center_ras_mm"])) < 5
    (all_labels,) = open_cohort(f"folder:{folder}").cases
    assert sum(x.mask.count for x in all_labels.truth().lesions) > 2 * sum(x.mask.count for x in found)


def test_such_a_folder_gives_sections_of_the_lesions(with_the_organ):
    folder, _ = with_the_organ
    (case,) = open_cohort(f"folder:{folder}?values=2").cases
    image = case.images()[CT]
    for lesion in case.truth().lesions:
        sections = sections_of(lesion, image, ELLIPSE)
        assert sum(section.pixels for section in sections.values()) == lesion.mask.count
        for section in sections.values():
            x0, y0, x1, y1 = section.edges
            assert 0 <= x0 < x1 <= image.shape_kji[2]
            assert 0 <= y0 < y1 <= image.shape_kji[1]
