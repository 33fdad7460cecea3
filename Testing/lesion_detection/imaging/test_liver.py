"""The liver is found where it is, with its lesions, and nothing else is taken for it."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, InputError, ModalityError
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.imaging.liver import find_liver, search_liver
from LesionTrainingLib.cohorts.phantoms.body import make_body
from LesionTrainingLib.cohorts.phantoms.body_anatomy import build_anatomy, draw_body_patient
from LesionTrainingLib.cohorts.phantoms.body_settings import ABDOMEN_TINY, TINY
from LesionTrainingLib.cohorts.phantoms.fields import Grid

TRUNK = replace(
    TINY,
    columns=96,
    pixel_mm=(3.5, 4.8),
    slices=0,
    spacing_mm=10.0,
    slice_thickness_mm=10.0,
    step_mm=8.5,
    regions=(("liver", 1.0),),
    lesions=(0.0, 0.0, 1.0),
    contrast=0.0,
    mimics=(0, 0),
    small_nodes=0.0,
    vessel_tips=30,
)
FATTY = 2
"""A seed whose liver has 22 HU without contrast medium, less than muscle and spleen."""


def phantom(seed, made):
    """The scan, its liver, and that liver's truth."""
    case = make_body(seed, made)
    grid = Grid(case.image.geometry, made.step_mm)
    patient = draw_body_patient(seed, made)
    body = build_anatomy(grid, seed, patient, made).whole.body
    kidneys = [-organ.field for organ in body.organs if organ.name in ("kidney", "renal pelvis")]
    distance = np.maximum.reduce([body.liver, *kidneys])
    shown = [k for k in range(case.image.shape_kji[0]) if (grid.plane(distance, k) < 0).any()]
    lesions = [lesion for lesion, kind in zip(case.lesions, case.kinds, strict=True) if kind == "liver"]
    return SimpleNamespace(
        image=case.image,
        liver=find_liver(case.image),
        hu=patient.liver_hu,
        distance=lambda ras_mm: grid.sample(distance, ras_mm),
        slices=(shown[0], shown[-1]),
        centers=np.array([lesion.center_ras_mm for lesion in lesions]),
        landmarks=case.landmarks,
    )


@pytest.fixture(scope="module")
def portal():
    """An abdomen in the portal venous phase, with eight lesions of the liver."""
    return phantom(3, ABDOMEN_TINY)


@pytest.fixture(scope="module")
def fatty():
    """A trunk from neck to pelvis without contrast medium."""
    return phantom(FATTY, TRUNK)


@pytest.fixture(params=["portal", "fatty"])
def either(request):
    return request.getfixturevalue(request.param)


def dice(liver, distance):
    ijk = np.moveaxis(np.indices(liver.mask.shape), 0, -1)[..., ::-1]
    true = distance(liver.geometry.ras_from_ijk(ijk)) < 0
    return 2 * np.count_nonzero(liver.mask & true) / (np.count_nonzero(liver.mask) + np.count_nonzero(true))


def part(image, first, last):
    """The slices from ``first`` to before ``last``."""
    return image.crop((0, 0, first), (image.shape_kji[2], image.shape_kji[1], last - first))


def test_the_region_is_the_liver(either):
    assert dice(either.liver, either.distance) > 0.9
    assert either.liver.mode_hu == pytest.approx(either.hu, abs=5)
    assert np.abs(np.subtract(either.liver.slices, either.slices)).max() <= 1


def test_lesions_of_the_liver_lie_in_it(portal, fatty):
    assert len(portal.centers) == 8
    assert portal.liver.holds(portal.centers).all()
    assert fatty.liver.holds(fatty.centers).all()


def test_other_organs_do_not(either):
    others = [either.landmarks[name] for name in ("spleen", "left kidney", "heart") if name in either.landmarks]
    assert len(others) >= 2
    assert not either.liver.holds(others).any()
    assert either.liver.holds([either.landmarks["liver"]], 0.0).all()


def test_boxes_are_judged_by_their_middle(portal):
    liver = portal.liver
    for center in portal.centers:
        x, y, k = portal.image.geometry.ijk_from_ras(center)
        # A box over voxels x - 3 to x + 3 has its edges half a voxel farther out, and edges begin half a voxel earlier.
        box = [x - 3, y - 4, x + 4, y + 5]
        assert liver.holds_boxes([box], round(k)).all()
    spleen = portal.image.geometry.ijk_from_ras(portal.landmarks["spleen"])
    assert not liver.holds_boxes([[spleen[0] - 2, spleen[1] - 2, spleen[0] + 3, spleen[1] + 3]], round(spleen[2])).any()
    assert liver.holds_boxes(np.zeros((0, 4)), 0).shape == (0,)


def test_the_margin_of_a_large_box_is_a_fifth_of_its_side(portal):
    liver, k = portal.liver, portal.liver.largest_slice
    row, columns = max(
        ((n, np.flatnonzero(line)) for n, line in enumerate(liver.section(k))), key=lambda at: len(at[1])
    )
    away_mm = 20.0
    x = columns[0] - away_mm / liver.axial.spacing_mm[0]

    def box(side_mm):
        half = side_mm / 2 / np.array(liver.axial.spacing_mm[:2])
        return [x + 0.5 - half[0], row + 0.5 - half[1], x + 0.5 + half[0], row + 0.5 + half[1]]

    assert liver.holds_boxes([box(30.0), box(140.0)], k).tolist() == [False, True]


def test_a_section_holds_what_holds_says(portal):
    liver = portal.liver
    for k in (liver.slices[0], liver.largest_slice, liver.slices[1]):
        rows, columns = np.indices(portal.image.shape_kji[1:])
        ijk = np.stack([columns, rows, np.full_like(rows, k)], axis=-1)
        held = liver.holds(portal.image.geometry.ras_from_ijk(ijk.reshape(-1, 3)), 10.0).reshape(rows.shape)
        assert np.mean(held != liver.section(k, 10.0)) < 0.002
        assert liver.section(k).sum() < liver.section(k, 10.0).sum()


def test_slices_say_where_the_liver_shows(portal):
    liver, count = portal.liver, portal.image.shape_kji[0]
    first, last = liver.slices
    assert [k for k in range(count) if liver.shows(k)] == list(range(first, last + 1))
    assert first <= liver.largest_slice <= last
    pixel_mm2 = np.prod(portal.image.spacing_mm[:2])
    for k in (first + 1, liver.largest_slice):
        assert liver.section(k).sum() * pixel_mm2 == pytest.approx(liver.areas_mm2[k], rel=0.05)
    low, high = liver.box_ras_mm
    assert np.all(portal.landmarks["liver"] > low)
    assert np.all(portal.landmarks["liver"] < high)
    assert liver.volume_ml == pytest.approx(liver.areas_mm2.sum() * portal.image.spacing_mm[2] / 1000, rel=0.05)


def test_a_large_cyst_at_the_rim_lies_in_it(portal):
    """No tissue of the liver is left between it and the belly's wall."""
    voxels = np.array(portal.image.voxels)
    ijk = np.moveaxis(np.indices(voxels.shape), 0, -1)[..., ::-1]
    places = portal.image.geometry.ras_from_ijk(ijk)
    away = portal.distance(places)
    k = portal.liver.largest_slice
    right = np.where(np.abs(away[k] + 14) < 3, places[k, ..., 0], -np.inf)
    center = places[k].reshape(-1, 3)[right.argmax()]
    cyst = (np.linalg.norm(places - center, axis=-1) < 25) & (away < 0)
    voxels[cyst] = 8
    liver = find_liver(portal.image.with_voxels(voxels))
    assert liver.holds([center]).all()
    assert dice(liver, portal.distance) > 0.87


AXES = [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)]


@settings(max_examples=4)
@given(
    axes=st.sampled_from(AXES),
    flips=st.tuples(st.booleans(), st.booleans(), st.booleans()),
    shift=st.tuples(*[st.floats(-500, 500)] * 3),
)
def test_any_orientation_and_place_gives_the_same_liver(portal, axes, flips, shift):
    matrix, voxels = np.array(portal.image.ijk_to_ras), portal.image.voxels
    matrix[:3, 3] += shift
    turned = np.eye(4)
    voxels = np.flip(voxels, [axis for axis in range(3) if flips[axis]]).transpose(axes)
    start = np.zeros(3)
    for axis in range(3):
        old = 2 - axes[axis]
        turned[:3, 2 - axis] = matrix[:3, old] * (-1 if flips[axes[axis]] else 1)
        start[old] = portal.image.shape_kji[axes[axis]] - 1 if flips[axes[axis]] else 0
    turned[:3, 3] = matrix[:3, :3] @ start + matrix[:3, 3]
    liver = find_liver(Image(voxels, turned, CT, HU))
    assert np.array_equal(liver.mask, portal.liver.mask)
    assert liver.holds(portal.centers + shift).all()
    assert np.allclose(liver.box_ras_mm, np.array(portal.liver.box_ras_mm) + shift)


def test_a_tilted_scan(portal):
    """Sheared as by a gantry: rows move with the slices, and the patient's places with them."""
    shear = np.eye(4)
    shear[1, 2] = np.tan(np.radians(12))
    tilted = Image(portal.image.voxels, shear @ portal.image.ijk_to_ras, CT, HU)
    liver = find_liver(tilted)
    assert liver.holds(portal.centers @ shear[:3, :3].T).all()


@pytest.mark.parametrize("count", [1, 3])
def test_few_slices_are_enough(portal, count):
    k = portal.liver.largest_slice
    liver = find_liver(part(portal.image, k, k + count))
    assert dice(liver, portal.distance) > 0.9
    assert liver.slices == (0, count - 1)


def test_a_chest_that_shows_the_dome_only(fatty):
    last = fatty.slices[1]
    found = search_liver(part(fatty.image, last - 3, fatty.image.shape_kji[0]))
    assert dice(found.liver, fatty.distance) > 0.85
    assert found.liver.slices[0] == 0
    assert found.liver.slices[1] <= 5
    assert "lower end" in found.words


def test_none_above_and_below_the_liver(fatty):
    first, last = fatty.slices
    end = fatty.image.shape_kji[0]
    for low, high in ((last + 2, end), (0, first - 1), (0, 8)):
        found = search_liver(part(fatty.image, low, high))
        assert found.liver is None
        assert found.words.startswith("No liver was found")


def test_none_in_air():
    voxels = np.random.default_rng(0).normal(-1000, 20, (10, 40, 40)).astype(np.int16)
    found = search_liver(Image(voxels, np.diag([-4.0, -4, 5, 1]), CT, HU))
    assert found.liver is None
    assert "no body" in found.words


def test_none_in_a_body_of_one_tissue():
    voxels = np.full((10, 80, 100), -1000, dtype=np.int16)
    voxels[:, 15:65, 10:90] = 55
    assert find_liver(Image(voxels, np.diag([-4.0, -4, 5, 1]), CT, HU)) is None


def test_what_is_no_ct_is_refused(portal):
    with pytest.raises(ModalityError):
        find_liver(replace(portal.image, modality=PET, unit=SUV_BW))
    holes = np.array(portal.image.voxels, dtype=np.float32)
    holes[0, 0, 0] = np.nan
    with pytest.raises(InputError, match="not numbers"):
        find_liver(portal.image.with_voxels(holes))


def test_cancelled_on_the_way(portal):
    progress = Progress(lambda fraction, text: progress.cancel() if fraction > 0.3 else None)
    with pytest.raises(Cancelled):
        find_liver(portal.image, progress)


def test_a_patient_with_metastases(real_data):
    """Places of it as a reader sees them, in pixels: right and left lobe, the largest lesion; stomach, spleen, kidney."""
    from LesionDetectionLib.io.files import read_image

    image = to_axial(read_image(real_data("crlm-ct-1004/image")))
    liver = find_liver(image)
    first, last = liver.slices
    assert first <= 6
    assert 33 <= last <= 37

    def held(x, y, k):
        return bool(liver.holds_boxes([[x - 4, y - 4, x + 4, y + 4]], k, 0.0)[0])

    assert held(150, 270, 24)
    assert held(300, 200, 27)
    assert not held(350, 250, 24)
    assert not held(390, 290, 27)
    assert not held(185, 300, 12)
