"""Pictures show each place where a radiologist expects it, in the right proportions, whatever the grid."""

from __future__ import annotations

from dataclasses import replace

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.app.drawing import jpeg, png
from LesionDetectionLib.app.pictures import Marked, lesion_picture, marked_picture, overview_picture
from LesionDetectionLib.app.planes import AXIAL, CORONAL, SAGITTAL, View
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.image import PET, SUV_BW, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.io.display import Window, lesion_color

RADIOLOGICAL = np.diag([-1.0, -1.0, 1.0, 1.0])
"""i to the left, j to posterior, k to superior."""
PLANES = {AXIAL: ("R", "L", "A", "P"), CORONAL: ("R", "L", "S", "I"), SAGITTAL: ("A", "P", "S", "I")}
DIRECTIONS = {"R": (1, 0, 0), "L": (-1, 0, 0), "A": (0, 1, 0), "P": (0, -1, 0), "S": (0, 0, 1), "I": (0, 0, -1)}


@pytest.mark.parametrize("plane", PLANES)
def test_letters_and_places_agree_with_radiological_convention(plane):
    geometry = Geometry((9, 11, 13), RADIOLOGICAL * [2, 1, 3, 1])
    view = View(plane, geometry, (6, 5, 4), (101, 81), 2.0)
    assert view.edge_letters() == PLANES[plane]
    middle = geometry.ras_from_ijk((6, 5, 4))
    assert np.allclose(view.pixels_of_ras(middle), (50, 40))
    for letter, (dx, dy) in zip(PLANES[plane], ((-1, 0), (1, 0), (0, -1), (0, 1)), strict=True):
        # Ten millimetres are twenty pixels in every direction, however unequal the voxels are.
        moved = view.pixels_of_ras(middle + 10 * np.array(DIRECTIONS[letter]))
        assert np.allclose(moved, (50 + 20 * dx, 40 + 20 * dy))


@given(
    st.permutations(range(3)),
    st.tuples(*[st.sampled_from([-1.0, 1.0])] * 3),
    st.tuples(*[st.floats(0.5, 4)] * 3),
    st.sampled_from(list(PLANES)),
)
@settings(deadline=None, max_examples=60)
def test_the_hottest_voxel_is_drawn_where_its_position_says(order, signs, spacing, plane):
    matrix = np.eye(4)
    matrix[:3, :3] = np.eye(3)[:, list(order)] * signs * spacing
    voxels = np.zeros((7, 8, 9), np.float32)
    voxels[2, 5, 4] = 100
    image = Image(voxels, matrix)
    place = image.geometry.ras_from_ijk((4, 5, 2))
    axial = to_axial(image)
    center = tuple(axial.geometry.ijk_from_ras(place) + np.array([0.3, -0.3, 0.2]))
    view = View(plane, axial.geometry, center, (160, 160), 8.0)
    picture = view.gray(view.slice_of(axial.voxels), Window(100, 50))[:, :, 0].astype(float)
    y, x = np.indices(picture.shape)
    weights = picture / picture.sum()
    assert np.allclose(((x * weights).sum(), (y * weights).sum()), view.pixels_of_ras(place), atol=0.6)


def test_an_outline_runs_between_the_masks_voxels_and_the_others():
    geometry = Geometry((1, 9, 9), RADIOLOGICAL)
    view = View(AXIAL, geometry, (4, 4, 0), (91, 91), 10.0)
    mask = np.zeros((9, 9), bool)
    mask[3:6, 2:7] = True
    (outline,) = view.outlines(mask)
    low, high = outline.reshape(-1, 2).min(0), outline.reshape(-1, 2).max(0)
    # Voxel edges: columns 1.5 to 6.5, rows 2.5 to 5.5; the picture's middle, pixel 45, is voxel 4.
    assert np.allclose(low, (45 - 25, 45 - 15), atol=1)
    assert np.allclose(high, (45 + 25, 45 + 15), atol=1)


def test_beyond_the_image_it_is_black_and_odd_values_do_no_harm():
    view = View(AXIAL, Geometry((1, 4, 4), RADIOLOGICAL), (1.5, 1.5, 0), (60, 60), 10.0)
    values = np.array([[np.nan, 0, np.inf, -np.inf]] * 4)
    picture = view.gray(values, Window(2, 0))
    assert picture[:9].max() == 0
    assert picture[:, :9].max() == 0
    assert picture[30, 35, 0] > 200, "infinite is white"


def color_count(picture, rank):
    wanted = np.array(lesion_color(rank)) * 255
    return int((np.abs(picture.astype(float) - wanted).max(axis=2) < 12).sum())


def test_each_lesion_has_a_picture_with_its_outline(make_run):
    image, detections = make_run(3)
    for rank in (1, 2, 3):
        picture = lesion_picture(image, detections, rank)
        panel = picture.shape[1] // 4
        assert picture.dtype == np.uint8
        bare, marked = picture[34:, : panel - 5], picture[34:, panel : 2 * panel]
        assert color_count(bare, rank) == 0
        assert color_count(marked, rank) > 20


def test_a_lesion_without_mask_or_at_the_edge_or_in_one_slice_is_drawn(make_run):
    image, _ = make_run(1)
    flat = image.crop((0, 0, 10), (36, 40, 1))
    for where in (image, flat):
        corner = tuple(map(float, where.geometry.ras_from_ijk((0, 0, 0))))
        lesion = Lesion(corner, 9.0, 0.5)
        run = Detections((lesion,), where.geometry, "m")
        assert color_count(lesion_picture(where, run, 1), 1) > 20
        assert overview_picture(where, run).ndim == 3


def test_the_overview_rings_every_lesion_and_leaves_the_image_alone(make_run):
    image, detections = make_run(5)
    before = image.voxels.copy()
    picture = overview_picture(image, detections)
    assert all(color_count(picture, rank) > 20 for rank in range(1, 6))
    assert np.array_equal(image.voxels, before)
    empty = overview_picture(image, replace(detections, lesions=()))
    assert color_count(empty, 1) == 0
    pet = Image(np.abs(image.voxels) / 100.0, image.ijk_to_ras, modality=PET, unit=SUV_BW)
    assert color_count(overview_picture(pet, detections), 1) > 20


def test_encoded_pictures_read_back(make_run):
    picture = overview_picture(*make_run(1))
    exact = cv2.cvtColor(cv2.imdecode(np.frombuffer(png(picture), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.array_equal(exact, picture)
    near = cv2.cvtColor(cv2.imdecode(np.frombuffer(jpeg(picture), np.uint8), cv2.IMREAD_COLOR), cv2.COLOR_BGR2RGB)
    assert np.abs(near.astype(int) - picture).mean() < 4


def test_another_number_changes_name_and_colour_only(make_run):
    image, detections = make_run(2)
    picture = lesion_picture(image, detections, 1, number=7)
    assert color_count(picture, 7) > 20
    assert color_count(picture, 1) == 0
    bare = lesion_picture(image, detections, 1)[34:, :290]
    assert np.array_equal(picture[34:, :290], bare)
    seen = overview_picture(image, detections, numbers=(9, 4))
    assert (color_count(seen, 9) > 20, color_count(seen, 4) > 20, color_count(seen, 1)) == (True, True, 0)


def test_others_are_drawn_where_a_plane_cuts_them():
    """A ball of 10 mm, 8 mm above: seen in both upright planes, not in the axial one; one 3 mm above is cut smaller there."""
    image = Image(np.zeros((60, 60, 60), np.float32), RADIOLOGICAL)
    middle = image.geometry.ras_from_ijk((30, 30, 30))

    def panels(above_mm):
        other = Marked(Lesion(tuple(map(float, middle + np.array([0, 0, above_mm]))), 10.0, 1.0), lesion_color(2))
        picture = marked_picture(
            image, Marked(Lesion(tuple(map(float, middle)), 10.0, 1.0), lesion_color(1)), "M1", "", (other,)
        )
        return [picture[34:, 296 * n : 296 * n + 290] for n in range(4)]

    def places(panel, rank):
        return np.argwhere(np.abs(panel - np.array(lesion_color(rank)) * 255).max(axis=2) < 60)

    far, near = panels(8.0), panels(3.0)
    assert [len(places(panel, 2)) > 20 for panel in far] == [False, False, True, True]
    assert [len(places(panel, 1)) > 20 for panel in far] == [False, True, True, True]
    # 290 pixels show 50 mm; the ball of radius 5 mm has a radius of 4 mm in a plane 3 mm off its middle.
    assert np.ptp(places(near[1], 2), axis=0) == pytest.approx(2 * 4 * 290 / 50, abs=2)
