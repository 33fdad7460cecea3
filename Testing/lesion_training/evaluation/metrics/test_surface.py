"""Surface distances against a public implementation's figures, SimpleITK, all pairs, and spheres."""

from __future__ import annotations

import math

import numpy as np
import pytest
import SimpleITK as sitk
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.evaluation.metrics.surface import surface_distances, surface_elements
from scipy.spatial.distance import cdist

THICK = (2.5, 0.7, 0.9)
MASKS = hnp.arrays(bool, st.tuples(st.just(2), *[st.integers(1, 5)] * 3))
SPACINGS = st.tuples(*[st.floats(0.3, 6)] * 3)


def ellipsoid(shape, center_mm, radii_mm, spacing_mm):
    """[k, j, i] voxels whose centre lies inside; positions in mm from the centre of voxel 0."""
    axes = np.meshgrid(*(np.arange(n) * mm for n, mm in zip(shape, spacing_mm, strict=True)), indexing="ij")
    return sum(((x - c) / r) ** 2 for x, c, r in zip(axes, center_mm, radii_mm, strict=True)) < 1


def two_ellipsoids():
    first = ellipsoid((20, 60, 50), (24, 20, 22), (12, 9, 14), THICK)
    return first, ellipsoid((20, 60, 50), (26, 22, 20), (9, 11, 12), THICK)


def test_figures_of_the_published_implementation():
    """Made with the "surface-distance" package of Nikolov et al. on these two ellipsoids."""
    found = surface_distances(*two_ellipsoids(), THICK, at_corners=True)
    there, back = found.first_mm @ found.first_mm2, found.second_mm @ found.second_mm2
    assert len(found.first_mm) == 2118
    assert there / found.first_mm2.sum() == pytest.approx(1.7840042428300737)
    assert back / found.second_mm2.sum() == pytest.approx(1.4649118016463225)
    assert found.first_mm2.sum() == pytest.approx(1982.00439368451)
    assert found.second_mm2.sum() == pytest.approx(1670.5424161876326)
    assert found.percentile_mm(95) == pytest.approx(5.0)
    assert found.hausdorff_mm == pytest.approx(5.852349955359813)
    assert found.surface_dice(1.0) == pytest.approx(0.42219345861311064)
    assert found.mean_mm == pytest.approx((there + back) / (found.first_mm2.sum() + found.second_mm2.sum()))


def corner_image(mask, spacing_mm):
    """The surface elements of a mask as voxels of an image, half a voxel off, for SimpleITK."""
    padded = np.pad(mask, 1)
    parts = [
        padded[k : k + mask.shape[0] + 1, j : j + mask.shape[1] + 1, i : i + mask.shape[2] + 1]
        for k in (0, 1)
        for j in (0, 1)
        for i in (0, 1)
    ]
    image = sitk.GetImageFromArray((np.any(parts, axis=0) & ~np.all(parts, axis=0)).astype(np.uint8))
    image.SetSpacing([float(mm) for mm in spacing_mm[::-1]])
    return image


def test_hausdorff_against_simpleitk_on_the_same_elements():
    first, second = two_ellipsoids()
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(corner_image(first, THICK), corner_image(second, THICK))
    found = surface_distances(first, second, THICK, at_corners=True)
    assert found.hausdorff_mm == pytest.approx(measure.GetHausdorffDistance(), abs=1e-5)


def test_hausdorff_against_simpleitk_on_the_masks():
    """SimpleITK measures between sets of voxels: for one that sticks out of the other, half a voxel's diagonal off at
    most."""
    spacing = (1.5, 0.8, 0.8)
    first = ellipsoid((40, 60, 60), (30, 24, 24), (12, 12, 12), spacing)
    second = ellipsoid((40, 60, 60), (30, 24, 24), (20, 15, 13), spacing)
    images = [sitk.GetImageFromArray(mask.astype(np.uint8)) for mask in (first, second)]
    for image in images:
        image.SetSpacing(spacing[::-1])
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(*images)
    found = surface_distances(first, second, spacing).hausdorff_mm
    assert found == pytest.approx(measure.GetHausdorffDistance(), abs=np.linalg.norm(spacing) / 2)
    assert found == pytest.approx(8, abs=np.linalg.norm(spacing))


@settings(deadline=None)
@given(MASKS, SPACINGS)
def test_against_all_pairs(pair, spacing):
    found = surface_distances(pair[0], pair[1], spacing)
    (first, first_mm2), (second, second_mm2) = (surface_elements(mask, np.array(spacing)) for mask in pair)
    if not (len(first) and len(second)):
        return
    distances = cdist(first, second)
    there, back = distances.min(axis=1), distances.min(axis=0)
    assert found.hausdorff_mm == pytest.approx(max(there.max(), back.max()))
    mean = (there @ first_mm2 + back @ second_mm2) / (first_mm2.sum() + second_mm2.sum())
    assert found.mean_mm == pytest.approx(mean, abs=1e-9)
    for percent in (0, 50, 95, 100):
        loops = [plain_percentile(there, first_mm2, percent), plain_percentile(back, second_mm2, percent)]
        assert found.percentile_mm(percent) == pytest.approx(max(loops), abs=1e-9)


def plain_percentile(distances, areas, percent):
    gathered = 0.0
    for distance, area in sorted(zip(distances, areas, strict=True)):
        gathered += area
        if gathered >= areas.sum() * percent / 100 * (1 - 1e-12):
            return distance
    return max(distances)


@settings(deadline=None)
@given(MASKS, SPACINGS)
def test_properties(pair, spacing):
    there, back = surface_distances(*pair, spacing), surface_distances(pair[1], pair[0], spacing)
    assert there.mean_mm == pytest.approx(back.mean_mm)
    assert there.percentile_mm(100) == there.hausdorff_mm == back.hausdorff_mm
    assert 0 <= there.mean_mm <= there.hausdorff_mm
    assert 0 <= there.surface_dice(0.5) <= there.surface_dice(2.0) <= 1
    same = surface_distances(pair[0], pair[0], spacing)
    assert (same.mean_mm, same.hausdorff_mm, same.surface_dice(0)) == (0, 0, 1)


@settings(deadline=None)
@given(MASKS, SPACINGS, st.floats(0.1, 10))
def test_distances_grow_with_the_voxels(pair, spacing, factor):
    small = surface_distances(*pair, spacing)
    large = surface_distances(*pair, np.array(spacing) * factor)
    assert large.mean_mm == pytest.approx(small.mean_mm * factor, abs=1e-9)
    assert large.hausdorff_mm == pytest.approx(small.hausdorff_mm * factor, abs=1e-9)


@pytest.mark.parametrize("spacing", [(1.0, 1.0, 1.0), (2.0, 0.6, 0.8), (1.25, 0.7, 0.7)])
@pytest.mark.parametrize(("inner", "outer"), [(10, 14), (10, 11), (4, 5)])
def test_spheres_in_one_another(spacing, inner, outer):
    """Everywhere as far apart as their radii differ: the mean to a tenth of a voxel's longest edge, every element to one."""
    shape = tuple(math.ceil(40 / mm) for mm in spacing)
    masks = [ellipsoid(shape, (19.1, 20.2, 19.5), (radius,) * 3, spacing) for radius in (inner, outer)]
    found = surface_distances(*masks, spacing)
    assert found.mean_mm == pytest.approx(outer - inner, abs=max(spacing) / 10)
    assert found.percentile_mm(95) == pytest.approx(outer - inner, abs=max(spacing) / 2)
    assert found.hausdorff_mm == pytest.approx(outer - inner, abs=max(spacing))
    # Marching cubes of a mask without grey edges is rough: its area is 8 to 18 % above the sphere's at any size.
    assert 1.0 < found.first_mm2.sum() / (4 * math.pi * inner**2) < 1.2


def test_elements_lie_on_the_sphere():
    points, _ = surface_elements(ellipsoid((40, 40, 40), (20.1, 19.7, 20), (12,) * 3, (1, 1, 1)), np.ones(3))
    radii = np.linalg.norm(points - (20.1, 19.7, 20), axis=1)
    assert radii.mean() == pytest.approx(12, abs=0.05)
    assert np.abs(radii - 12).max() < 0.6


def test_a_shifted_box_by_hand():
    """Shifted by two voxels along k: each box has an end that far from the other, and sides on the other's."""
    first = np.zeros((20, 12, 12), bool)
    first[4:10, 3:9, 3:9] = True
    found = surface_distances(first, np.roll(first, 2, axis=0), (3.0, 1.0, 1.0))
    assert found.hausdorff_mm == 6.0
    assert found.percentile_mm(1) == 0.0


def test_areas_of_one_voxel_by_hand():
    """A single voxel is an octahedron with half-axes a, b, c of half a voxel: eight faces, together of the area
    4 sqrt(a²b² + b²c² + c²a²), each with its centroid a third of every half-axis away."""
    voxel = np.zeros((5, 5, 5), bool)
    voxel[2, 2, 2] = True
    a, b, c = 1.0, 1.5, 2.0
    points, areas = surface_elements(voxel, np.array([2 * a, 2 * b, 2 * c]))
    assert areas.sum() == pytest.approx(4 * math.sqrt((a * b) ** 2 + (b * c) ** 2 + (c * a) ** 2))
    assert np.allclose(points.mean(axis=0), (4, 6, 8))
    assert np.allclose(np.abs(points - (4, 6, 8)), (a / 3, b / 3, c / 3))
    corners, _ = surface_elements(voxel, np.array([2 * a, 2 * b, 2 * c]), at_corners=True)
    assert np.allclose(np.abs(corners - (4, 6, 8)), (a, b, c))


def test_a_single_voxel_three_away():
    masks = np.zeros((2, 9, 4, 4), bool)
    masks[0, 1, 1, 1] = masks[1, 4, 1, 1] = True
    found = surface_distances(*masks, (2.0, 1.0, 1.0))
    assert found.hausdorff_mm == 6.0
    assert found.mean_mm == pytest.approx(6 - 1 / 3)  # half of the faces lie nearer by two thirds of a millimetre


def test_a_mask_at_the_border_is_as_one_inside():
    whole = np.ones((4, 5, 6), bool)
    part = whole.copy()
    part[-1] = False
    inside = [np.pad(mask, 3) for mask in (whole, part)]
    at_border, within = surface_distances(whole, part, THICK), surface_distances(*inside, THICK)
    assert np.allclose(at_border.first_mm, within.first_mm)
    assert np.allclose(at_border.second_mm2, within.second_mm2)
    assert at_border.hausdorff_mm == 2.5


def test_empty_masks():
    empty, full = np.zeros((3, 4, 5), bool), np.ones((3, 4, 5), bool)
    neither = surface_distances(empty, empty, THICK)
    assert (neither.mean_mm, neither.hausdorff_mm, neither.percentile_mm(), neither.surface_dice(1)) == (0, 0, 0, 1)
    for pair in ((empty, full), (full, empty)):
        one = surface_distances(*pair, THICK)
        assert (one.mean_mm, one.hausdorff_mm, one.percentile_mm(), one.surface_dice(1)) == (np.inf,) * 3 + (0,)


@pytest.mark.parametrize(
    ("shapes", "spacing", "said"),
    [
        (((3, 3, 3), (3, 3, 4)), (1, 1, 1), "3 × 3 × 3 and 3 × 3 × 4 voxels"),
        (((3, 3), (3, 3)), (1, 1), "three dimensions; these have 2"),
        (((3, 3, 3), (3, 3, 3)), (1, 1), "3 lengths in millimetres"),
        (((3, 3, 3), (3, 3, 3)), (1, 0, 1), "all above zero"),
        (((3, 3, 3), (3, 3, 3)), (1, np.nan, 1), "all above zero"),
    ],
)
def test_what_is_refused(shapes, spacing, said):
    with pytest.raises(InputError, match=said):
        surface_distances(np.ones(shapes[0]), np.ones(shapes[1]), spacing)


def test_a_percentile_is_a_percentage():
    with pytest.raises(ValueError, match="not a percentage"):
        surface_distances(*two_ellipsoids(), THICK).percentile_mm(101)


def test_a_real_tumour_against_simpleitk(real_data):
    """A tumour in PET, and what is left of it after a round of erosion."""
    image = sitk.ReadImage(str(real_data("sts-petct/STS_001/PET_mask.nii.gz")), sitk.sitkUInt8) > 0
    mask = sitk.GetArrayFromImage(image) > 0
    smaller = sitk.GetArrayFromImage(sitk.BinaryErode(image, (1, 1, 1))) > 0
    spacing = image.GetSpacing()[::-1]
    measure = sitk.HausdorffDistanceImageFilter()
    measure.Execute(corner_image(mask, spacing), corner_image(smaller, spacing))
    corners = surface_distances(mask, smaller, spacing, at_corners=True)
    assert corners.hausdorff_mm == pytest.approx(measure.GetHausdorffDistance(), abs=1e-4)
    found = surface_distances(mask, smaller, spacing)
    assert 0 < found.mean_mm < found.percentile_mm(95) <= found.hausdorff_mm
