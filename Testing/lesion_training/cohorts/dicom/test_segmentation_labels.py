"""DICOM SEG as lesions: every voxel comes back, whatever the order, subset or grid of the frames."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.lesion import Code
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.dicom import stack_geometry
from LesionDetectionLib.io.dicom_series import find_stacks
from LesionTrainingLib.cohorts.dicom.frames import Frame, sample
from LesionTrainingLib.cohorts.dicom.label_rules import LabelRules
from LesionTrainingLib.cohorts.dicom.segmentation_labels import read_segmentation
from pydicom import dcmread
from scipy import ndimage

FRAME = "1.2.826.0.1.11.9"
WHOLE = LabelRules(one_lesion="whole")


def grid_of(folder):
    (stack,), _ = find_stacks(folder, Progress())
    return stack_geometry(stack)


def joined(labels, geometry):
    """All voxels of all lesions; none may be in two."""
    total = np.zeros(geometry.shape_kji, int)
    for lesion in labels.lesions:
        total[lesion.mask.slices_kji] += lesion.mask.voxels
    assert total.max() <= 1
    return total.astype(bool)


@pytest.mark.parametrize(
    "orientation", [(1, 0, 0, 0, 1, 0), (0.936, 0.352, 0, -0.352, 0.936, 0), (0.8, 0, 0.6, 0, 1, 0)]
)
@pytest.mark.parametrize("kind", ["BINARY", "FRACTIONAL", "LABELMAP"])
def test_each_kind_comes_back_exactly(files, blobs, orientation, kind):
    uid = files.image(orientation=orientation)
    geometry, mask = grid_of(files.folder), blobs()
    # Sorted by z, the slices of all three orientations rise along k.
    path = files.segmentation(uid, mask.astype(float) if kind == "FRACTIONAL" else mask.astype(np.uint8), kind=kind)
    labels = read_segmentation(path, geometry, FRAME, LabelRules())
    assert np.array_equal(joined(labels, geometry), mask)
    assert len(labels.lesions) == 2
    assert {lesion.meaning for lesion in labels.lesions} == {Code("27925004", "SCT", "Nodule")}
    assert not any("grid" in note for note in labels.notes)


def test_each_lesion_says_where_and_how_large_it_is(files, blobs):
    uid = files.image()
    geometry, mask = grid_of(files.folder), blobs()
    labels = read_segmentation(files.segmentation(uid, mask), geometry, FRAME, LabelRules())
    parts, _ = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    for n, lesion in enumerate(labels.lesions, 1):
        places = np.argwhere(parts == n)[:, ::-1]
        assert lesion.center_ras_mm == pytest.approx(tuple(geometry.ras_from_ijk(places.mean(axis=0))))
        volume = len(places) * 0.9 * 0.7 * 2.5
        assert lesion.measurements["volume_mm3"] == pytest.approx(volume)
        assert np.pi / 6 * lesion.diameter_mm**3 == pytest.approx(volume)
        edges = geometry.ras_from_ijk([places.min(axis=0) - 0.5, places.max(axis=0) + 0.5])
        assert np.array(lesion.box_ras_mm) == pytest.approx(np.sort(edges, axis=0))
        assert (lesion.score, lesion.note) == (1.0, "Segment “Tumour”.")


def test_some_slices_in_another_order(files, blobs):
    uid = files.image()
    geometry, mask = grid_of(files.folder), blobs()
    slices = [7, 2, 5, 3]
    labels = read_segmentation(files.segmentation(uid, mask[slices], slices=slices), geometry, FRAME, LabelRules())
    expected = np.zeros_like(mask)
    expected[slices] = mask[slices]
    assert np.array_equal(joined(labels, geometry), expected)
    assert labels.notes == ()


def test_thick_slices_that_overlap_do_not_spread(files, blobs):
    """A slice thickness of twice the spacing, and no word of the spacing in the file."""
    uid = files.image(SliceThickness="5")
    geometry, mask = grid_of(files.folder), blobs()
    path = files.segmentation(uid, mask)
    dataset = dcmread(path)
    measures = dataset.SharedFunctionalGroupsSequence[0].PixelMeasuresSequence[0]
    if "SpacingBetweenSlices" in measures:
        del measures.SpacingBetweenSlices
    assert measures.SliceThickness == 5
    dataset.save_as(path)
    assert np.array_equal(joined(read_segmentation(path, geometry, FRAME, LabelRules()), geometry), mask)


def test_several_segments_may_overlap_and_are_picked_by_text(files, blobs):
    uid = files.image()
    geometry = grid_of(files.folder)
    first, second = blobs(seed=1), blobs(seed=2)
    path = files.segmentation(uid, np.stack([first, second], axis=-1), labels=("Tumour 1", "Left lung"))
    lesions = read_segmentation(path, geometry, FRAME, WHOLE).lesions
    assert [lesion.note for lesion in lesions] == ["Segment “Tumour 1”.", "Segment “Left lung”."]
    for lesion, mask in zip(lesions, (first, second), strict=True):
        assert np.array_equal(lesion.mask.full(geometry.shape_kji), mask)
    labels = read_segmentation(path, geometry, FRAME, LabelRules(segments=("tumour*",), one_lesion="whole"))
    assert [lesion.note for lesion in labels.lesions] == ["Segment “Tumour 1”."]
    assert labels.notes == ("Segments that the option segments leaves out: “Left lung”.",)
    assert len(read_segmentation(path, geometry, FRAME, LabelRules(segments=("nodule",))).lesions) == 4  # by its type
    with pytest.raises(InputError, match=r"No segment fits.*“Tumour 1”, “Left lung”"):
        read_segmentation(path, geometry, FRAME, LabelRules(segments=("kidney",)))


def test_the_segments_of_a_label_map(files, blobs):
    uid = files.image()
    geometry, mask = grid_of(files.folder), blobs()
    parts, count = ndimage.label(mask, structure=np.ones((3, 3, 3)))
    assert count == 2
    path = files.segmentation(uid, parts.astype(np.uint8), kind="LABELMAP", labels=("A", "B"))
    first, second = read_segmentation(path, geometry, FRAME, WHOLE).lesions
    assert np.array_equal(first.mask.full(geometry.shape_kji), parts == 1)
    assert np.array_equal(second.mask.full(geometry.shape_kji), parts == 2)


def test_a_fraction_of_one_half_is_inside(files):
    uid = files.image()
    geometry = grid_of(files.folder)
    values = np.zeros(geometry.shape_kji)
    values[4, 8:12, 5] = 0.2, 0.49, 0.51, 1.0
    labels = read_segmentation(files.segmentation(uid, values, kind="FRACTIONAL"), geometry, FRAME, LabelRules())
    assert np.array_equal(joined(labels, geometry), values >= 0.5)
    assert "fractional" in labels.notes[0]


def test_an_empty_segment_is_no_lesion(files, blobs):
    uid = files.image()
    geometry = grid_of(files.folder)
    mask = np.stack([blobs(), np.zeros_like(blobs())], axis=-1)
    labels = read_segmentation(files.segmentation(uid, mask, labels=("A", "B")), geometry, FRAME, WHOLE)
    assert len(labels.lesions) == 1
    assert labels.notes == ("The segment “B” is empty.",)


def test_another_grid_is_sampled_with_a_note(files, blobs, tmp_path):
    """A segmentation of twice the resolution in the plane, and of half the slices."""
    fine = files.image(shape=(5, 48, 40), spacing=(0.45, 0.35, 5.0), origin=(-30.225, 11.825, 101.25), into="fine")
    files.image(into="coarse")
    geometry, own = grid_of(files.folder / "coarse"), grid_of(files.folder / "fine")
    wanted = blobs()
    wanted[1::2] = wanted[::2]
    labels = read_segmentation(
        files.segmentation(fine, wanted[::2].repeat(2, axis=1).repeat(2, axis=2)), geometry, FRAME, LabelRules()
    )
    assert own.voxel_volume_mm3 == pytest.approx(geometry.voxel_volume_mm3 / 2)
    assert np.array_equal(joined(labels, geometry), wanted)
    assert labels.notes == ("The segmentation lies on another grid than the image; each voxel took the nearest pixel.",)


def test_a_segmentation_beside_the_image(files, blobs):
    far = files.image(origin=(400.0, 400.0, 100.0), into="far")
    files.image(into="near")
    path = files.segmentation(far, blobs())
    with pytest.raises(
        InputError, match=r"Nothing of what was drawn lies in the image\..*no voxel on the image's grid"
    ):
        read_segmentation(path, grid_of(files.folder / "near"), FRAME, LabelRules())


def test_a_segmentation_of_empty_segments_says_that_there_is_no_lesion(files, blobs):
    uid = files.image()
    path = files.segmentation(uid, np.zeros_like(blobs()))
    labels = read_segmentation(path, grid_of(files.folder), FRAME, LabelRules())
    assert (labels.lesions, labels.notes) == ((), ("The segment “Tumour” is empty.",))


def test_what_cannot_be_read_is_said(files, blobs):
    uid = files.image()
    geometry = grid_of(files.folder)
    path = files.segmentation(uid, blobs())
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_segmentation(path, geometry, "1.2.3", LabelRules())
    with pytest.raises(InputError, match="cannot be read as a segmentation"):
        read_segmentation(files.paths[uid][0], geometry, FRAME, LabelRules())


@pytest.mark.parametrize("kind", ["BINARY", "LABELMAP"])
def test_a_file_that_is_cut_off_is_never_read_as_a_smaller_one(files, blobs, kind):
    uid = files.image()
    geometry = grid_of(files.folder)
    path = files.segmentation(uid, blobs().astype(np.uint8), kind=kind)
    whole = path.read_bytes()
    for length in [*range(1000, len(whole), 997), len(whole) - 70, len(whole) - 20]:
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match="cannot be read as a segmentation"):
            read_segmentation(path, geometry, FRAME, LabelRules())


@pytest.mark.parametrize("seed", range(6))
def test_frames_on_turned_and_mirrored_axes_of_the_same_voxels(seed):
    """Frames cut along any axis of the grid, rows running either way, say the same voxels."""
    rng = np.random.default_rng(seed)
    mask = rng.random((5, 6, 7)) < 0.3
    geometry = Geometry(mask.shape, np.array([[-0.8, 0, 0, 10], [0, -0.6, 0, 20], [0, 0, 1.5, -30], [0, 0, 0, 1.0]]))
    axes = rng.permutation(3)  # array axes of slices, rows, columns
    flips = rng.random(3) < 0.5
    turned = mask.transpose(axes)[tuple(slice(None, None, -1) if f else slice(None) for f in flips)]
    steps = geometry.ijk_to_ras[:3, :3].T * (-1, -1, 1)  # [ijk, LPS mm]
    starts = np.zeros(3)
    for place, axis in enumerate(axes):
        if flips[place]:
            starts[2 - axis] = mask.shape[axis] - 1
    slices, rows, columns = (steps[2 - axis] * (-1 if f else 1) for axis, f in zip(axes, flips, strict=True))
    origin = geometry.ras_from_ijk(starts) * (-1, -1, 1)
    spacing = float(np.linalg.norm(rows)), float(np.linalg.norm(columns))
    orientation = (*(columns / spacing[1]), *(rows / spacing[0]))
    frames = [Frame(turned[n], tuple(origin + n * slices), orientation, spacing) for n in range(len(turned))]
    shuffled = [frames[n] for n in rng.permutation(len(frames))]
    sampled = sample(shuffled, 9.0, geometry)
    assert sampled.on_grid
    assert np.array_equal(sampled.mask.full(mask.shape), mask)


def test_frames_that_are_no_stack_are_refused():
    geometry = Geometry((3, 4, 5), np.eye(4))
    pixels = np.ones((4, 5), bool)
    flat = Frame(pixels, (0, 0, 0), (1, 0, 0, 0, 1, 0), (1, 1))
    with pytest.raises(GeometryError, match="not parallel"):
        sample([flat, Frame(pixels, (0, 0, 1), (1, 0, 0, 0, 0, 1), (1, 1))], 1.0, geometry)
    with pytest.raises(GeometryError, match="differ in size"):
        sample([flat, Frame(pixels[:2], (0, 0, 1), (1, 0, 0, 0, 1, 0), (1, 1))], 1.0, geometry)
