"""Where things lie in the pictures of patients, however their voxels are stored."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.evaluation.output.tiles import BLUE, RED, YELLOW
from LesionTrainingLib.reproduction.pet_weak import pictures
from LesionTrainingLib.reproduction.pet_weak.fold_work import store_of
from LesionTrainingLib.reproduction.pet_weak.found import Found
from LesionTrainingLib.reproduction.pet_weak.maps_kept import MAP, SeenMap
from LesionTrainingLib.reproduction.pet_weak.measured import Outlined
from LesionTrainingLib.reproduction.pet_weak.pictures import Views, patients_figure
from LesionTrainingLib.reproduction.pet_weak.rows import NETWORK_ROWS, OUR_ROW

SHAPE, SPACING = (30, 20, 24), np.array([4.0, 5.0, 6.0])
LEFT, FRONT, HIGH = (18, 6, 22)
"""Of the tumour, in voxels to the left, to the back and up."""


def body():
    """[k, j, i], i to the left, j to the back: a box of tracer, and a tumour left, in front and high."""
    voxels = np.zeros(SHAPE, np.float32)
    voxels[2:28, 3:17, 3:21] = 1.0
    voxels[HIGH - 1 : HIGH + 2, FRONT - 1 : FRONT + 2, LEFT - 1 : LEFT + 2] = 9.0
    return Image(voxels, np.diag([-SPACING[0], -SPACING[1], SPACING[2], 1.0]), PET, SUV_BW, "pet")


def stored(image, order, flips):
    """The same scan with its axes in another order and direction."""
    voxels, matrix = image.voxels, image.ijk_to_ras.copy()
    for axis in range(3):  # i, j, k
        if flips[axis]:
            voxels = np.flip(voxels, 2 - axis)
            matrix[:3, 3] += matrix[:3, axis] * (image.voxels.shape[2 - axis] - 1)
            matrix[:3, axis] *= -1
    matrix[:3, :3] = matrix[:3, list(order)]
    return Image(voxels.transpose([2 - order[2 - axis] for axis in range(3)]), matrix, PET, SUV_BW, image.name)


@given(order=st.permutations(range(3)), flips=st.tuples(*[st.booleans()] * 3))
@settings(max_examples=20)
def test_a_view_is_the_same_however_voxels_are_stored(order, flips):
    plain, other = Views.of(body()), Views.of(stored(body(), order, flips))
    for first, second in zip(plain.seen(plain.axial.voxels), other.seen(other.axial.voxels), strict=True):
        assert np.array_equal(first, second)
    assert other.pixel_mm == plain.pixel_mm


def test_the_head_is_above_the_left_to_the_right_and_the_back_to_the_right():
    views = Views.of(body())
    front, side = views.seen(views.axial.voxels)
    row, column = np.argwhere(front > 5).mean(axis=0)
    assert row < len(front) / 2
    assert column > front.shape[1] / 2
    row, column = np.argwhere(side > 5).mean(axis=0)
    assert row < len(side) / 2
    assert column < side.shape[1] / 2


@given(order=st.permutations(range(3)), flips=st.tuples(*[st.booleans()] * 3))
@settings(max_examples=10)
def test_a_map_lies_where_the_image_has_it(order, flips):
    views, coarse = Views.of(body()), body().voxels[::2, ::2, ::2] / 9
    grid = body().ijk_to_ras @ np.diag([2.0, 2.0, 2.0, 1.0])
    seen = SeenMap.of(stored(Image(coarse, grid), order, flips))
    for n, picture in enumerate(views.seen(views.axial.voxels)):
        placed = pictures._on_view(seen, views, n)
        assert placed.shape == picture.shape
        assert picture[np.unravel_index(placed.argmax(), placed.shape)] == 9


@pytest.fixture
def job(tmp_path):
    """One patient, in whom our row found the tumour and the others nothing."""
    image = body()
    drawn = Lesion((0.0, 0.0, 0.0), 10.0, 1.0, mask=Mask.from_full(image.voxels > 5))
    case = SimpleNamespace(
        id="p", images=lambda: {PET: image}, truth=lambda: SimpleNamespace(lesions=(drawn,)), label="lung"
    )
    settings = SimpleNamespace(examples=2)
    job = SimpleNamespace(folder=tmp_path, settings=settings, cohort=SimpleNamespace(cases=(case,)))
    for row in NETWORK_ROWS:
        lesions = (drawn,) if row == OUR_ROW else ()
        store = store_of(job, row, "key")
        store.put(one_found(row), Detections(lesions, image.geometry, "pet-weak"))
        if row == OUR_ROW:
            SeenMap.of(image.with_voxels(0.8 * (image.voxels > 0))).save(store.detections("p").with_name(MAP))
    return job


def one_found(row):
    ours = row == OUR_ROW
    return Found("p", "p", "lung", float(ours), ours, int(ours), "")


def colored(picture, color):
    return (np.abs(picture - 255 * np.array(color)) <= 1).all(axis=2)


def test_what_is_drawn_and_found_is_outlined(job, monkeypatch):
    tiles = []
    monkeypatch.setattr(pictures, "sheet", lambda given, *_: tiles.extend(given) or b"png")
    rows = {row.name: Outlined(row, {0: (one_found(row),)}) for row in NETWORK_ROWS}
    plot = patients_figure(job, rows, "phantoms, lung")
    assert [title for title, _ in tiles] == [
        "CAMs alone, lung\nDice 0.00, no mark",
        "CAMs & FCNs, lung\nDice 0.00, no mark",
        "Our, lung\nDice 1.00",
        "U-NET, lung\nDice 0.00, no mark",
    ]
    for title, picture in tiles:
        assert colored(picture, YELLOW).any()
        assert not colored(picture, RED).any()  # where it is found, it is where it is drawn, and that is drawn last
        assert colored(picture, BLUE).any() == title.startswith("Our")
    assert [row[2:] for row in plot.data.rows] == [(0.0, 0), (0.0, 0), (1.0, 1), (0.0, 0)]


def test_without_a_drawn_tumour_there_is_no_picture(job):
    rows = {row.name: Outlined(row, {0: ()}) for row in NETWORK_ROWS}
    assert patients_figure(job, rows, "phantoms, lung") is None
