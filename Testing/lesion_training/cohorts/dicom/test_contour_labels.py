"""RTSTRUCT as lesions: outlines of known masks come back, and real contours agree with other software."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.dicom import stack_geometry
from LesionDetectionLib.io.dicom_series import find_stacks
from LesionTrainingLib.cohorts.dicom.contour_labels import mask_of_contours, read_contours, read_structures
from LesionTrainingLib.cohorts.dicom.label_rules import LabelRules
from matplotlib.path import Path as Outline
from pydicom import dcmread
from skimage.measure import find_contours

FRAME = "1.2.826.0.1.11.9"


def grid_of(folder):
    (stack,), _ = find_stacks(folder, Progress())
    return stack_geometry(stack)


def outlines(mask, geometry):
    """Contours of a mask, [n, 3] LPS mm each, half a pixel outside its pixels' centres."""
    found = []
    for k in np.flatnonzero(mask.any(axis=(1, 2))):
        for line in find_contours(np.pad(mask[k].astype(float), 1), 0.5):
            ijk = np.column_stack([line[:-1, ::-1] - 1, np.full(len(line) - 1, k)])
            found.append(geometry.ras_from_ijk(ijk) * (-1, -1, 1))
    return found


def square(geometry, k, low, high):
    """A square contour between two (i, j) corners at the height k, LPS mm."""
    (a, b), (c, d) = low, high
    return geometry.ras_from_ijk([(a, b, k), (c, b, k), (c, d, k), (a, d, k)]) * (-1, -1, 1)


@pytest.mark.parametrize(
    "orientation",
    [(1, 0, 0, 0, 1, 0), (-1, 0, 0, 0, 1, 0), (0, 0.6, 0.8, 1, 0, 0), (0.936, 0.352, 0, -0.352, 0.936, 0)],
)
def test_outlines_of_a_mask_give_it_back(files, blobs, orientation):
    uid = files.image(orientation=orientation)
    geometry, mask = grid_of(files.folder), blobs()
    path = files.structures(uid, {"GTV": outlines(mask, geometry)})
    labels = read_contours(path, geometry, FRAME, LabelRules())
    (lesion,) = labels.lesions
    assert np.array_equal(lesion.mask.full(geometry.shape_kji), mask)
    assert labels.notes == ()
    assert lesion.note == "Structure “GTV”."
    assert lesion.measurements["volume_mm3"] == pytest.approx(mask.sum() * 0.9 * 0.7 * 2.5, rel=1e-3)


def test_parts_of_a_structure_may_be_lesions(files, blobs):
    uid = files.image()
    geometry, mask = grid_of(files.folder), blobs()
    path = files.structures(uid, {"GTV": outlines(mask, geometry)})
    lesions = read_contours(path, geometry, FRAME, LabelRules(one_lesion="part")).lesions
    assert len(lesions) == 2
    assert np.array_equal(sum(lesion.mask.full(geometry.shape_kji) for lesion in lesions), mask)


def test_contours_go_to_the_nearest_slice_and_the_nearest_contour_counts(files):
    files.image()
    geometry = grid_of(files.folder)
    small, large = ((2, 2), (5, 5)), ((2, 2), (9, 9))
    contours = [
        square(geometry, k, *corners) for k, corners in ((3.4, small), (3.1, large), (4.45, small), (12, small))
    ]
    mask, notes = mask_of_contours(contours, geometry)
    sizes = mask.full(geometry.shape_kji).sum(axis=(1, 2))
    assert {int(k): int(sizes[k]) for k in np.flatnonzero(sizes)} == {3: 49, 4: 9}
    assert "drawn finer" in notes[1]
    assert "beyond the image; contours left out: 1" in notes[0]


def test_contours_of_one_plane_stay_together_in_spite_of_rounding(files):
    files.image()
    geometry = grid_of(files.folder)
    contours = [square(geometry, k, low, high) for k, low, high in ((3.0, (1, 1), (9, 9)), (3.011, (3, 3), (5, 5)))]
    mask, notes = mask_of_contours(contours, geometry)
    assert (mask.count, notes) == (64 - 4, [])


def test_gaps_are_told(files):
    files.image()
    geometry = grid_of(files.folder)
    mask, notes = mask_of_contours([square(geometry, k, (2, 2), (6, 6)) for k in (2, 4, 6)], geometry)
    assert mask.count == 48
    assert "slices left empty: 2" in notes[0]


def test_contours_of_other_planes_are_refused_with_a_note(files):
    files.image()
    geometry = grid_of(files.folder)
    upright = geometry.ras_from_ijk([(2, 5, 1), (9, 5, 1), (9, 5, 6), (2, 5, 6)]) * (-1, -1, 1)
    mask, notes = mask_of_contours([upright], geometry)
    assert mask is None
    assert "not in the image's slices; they were left out: 1" in notes[0]


def test_a_scan_whose_contours_are_all_elsewhere_is_not_one_without_lesions(files):
    uid = files.image()
    geometry = grid_of(files.folder)
    upright = geometry.ras_from_ijk([(2, 5, 1), (9, 5, 1), (9, 5, 6), (2, 5, 6)]) * (-1, -1, 1)
    beyond = square(geometry, 40, (2, 2), (6, 6))
    for contours, words in (([upright], "not in the image's slices"), ([beyond], "reaches beyond the image")):
        path = files.structures(uid, {"GTV": contours})
        with pytest.raises(InputError, match=rf"Nothing of what was drawn lies in the image.*{words}"):
            read_contours(path, geometry, FRAME, LabelRules())
    path = files.structures(uid, {"GTV": [upright, square(geometry, 3, (2, 2), (6, 6))]})
    assert len(read_contours(path, geometry, FRAME, LabelRules()).lesions) == 1


def test_a_point_is_a_lesion_without_size(files):
    uid = files.image()
    geometry = grid_of(files.folder)
    path = files.structures(uid, {"GTV seed": [[(-20.0, 18.0, 105.0)]]})
    (lesion,) = read_contours(path, geometry, FRAME, LabelRules()).lesions
    assert (lesion.center_ras_mm, lesion.diameter_mm, lesion.mask) == ((20.0, -18.0, 105.0), 0.0, None)


@pytest.mark.parametrize(
    ("rules", "expected"),
    [
        (LabelRules(), ["GTV_1", "Liver met", "odd"]),
        (LabelRules(structures=("ptv", "ski?")), ["PTV", "Skin"]),
        (LabelRules(structures=("gtv*",)), ["GTV_1"]),
    ],
)
def test_which_structures_are_lesions(files, rules, expected):
    uid = files.image()
    geometry = grid_of(files.folder)
    names = {"GTV_1": "GTV", "PTV": "PTV", "Skin": "", "Liver met": "", "odd": "SOMETHING", "Heart": "ORGAN"}
    contour = [square(geometry, 3, (2, 2), (6, 6))]
    path = files.structures(uid, dict.fromkeys(names, contour), types=list(names.values()))
    labels = read_contours(path, geometry, FRAME, rules)
    assert [lesion.note for lesion in labels.lesions] == [f"Structure “{name}”." for name in expected]
    assert all(f"“{name}”" in labels.notes[0] for name in set(names) - set(expected))


def test_open_lines_are_left_out_with_a_note(files):
    uid = files.image()
    geometry = grid_of(files.folder)
    points = square(geometry, 3, (2, 2), (6, 6))
    path = files.structures(uid, {"GTV": [("OPEN_PLANAR", points), ("CLOSED_PLANAR", points)]})
    labels = read_contours(path, geometry, FRAME, LabelRules())
    assert len(labels.lesions) == 1
    assert "enclose nothing; they were left out: 1" in labels.notes[0]


def test_what_cannot_be_read_is_said(files):
    uid = files.image()
    geometry = grid_of(files.folder)
    path = files.structures(uid, {"Heart": [square(geometry, 3, (2, 2), (6, 6))]}, types=["ORGAN"])
    with pytest.raises(InputError, match=r"No structure is a lesion.*“Heart” \(ORGAN\)"):
        read_contours(path, geometry, FRAME, LabelRules())
    with pytest.raises(GeometryError, match="another frame of reference"):
        read_contours(path, geometry, "1.2.3", LabelRules(structures=("heart",)))
    with pytest.raises(InputError, match="no structure set"):
        read_contours(files.paths[uid][0], geometry, FRAME, LabelRules())


@pytest.mark.parametrize("explicit", [True, False])
def test_a_file_that_is_cut_off_is_never_read_as_a_smaller_one(files, explicit):
    uid = files.image(shape=(3, 24, 20))
    geometry = grid_of(files.folder)
    path = files.structures(uid, {name: [square(geometry, k, (2, 2), (6, 6)) for k in (0, 1)] for name in "AB"})
    dataset = dcmread(path)
    for sequence in (dataset["StructureSetROISequence"], dataset["ROIContourSequence"]):
        sequence.is_undefined_length = not explicit
    dataset.save_as(path)
    whole, size = path.read_bytes(), path.stat().st_size
    assert len(read_contours(path, geometry, FRAME, LabelRules()).lesions) == 2
    observations = whole.index(b"\x06\x30\x80\x00")  # the element after the contours: its types are not needed
    for length in range(300, observations, 37):
        path.write_bytes(whole[:length])
        with pytest.raises(InputError, match=r"(cannot be read as a|no) structure set"):
            read_contours(path, geometry, FRAME, LabelRules())
    assert observations < size


@pytest.fixture(scope="module")
def sarcoma(real_data):
    """The geometry of a PET, and the structures drawn on it: a tumour and its oedema."""
    (stack,), _ = find_stacks(real_data("sts-001/FDG_PET/image"), Progress())
    (path,) = (real_data("sts-001/FDG_PET/mask")).glob("*.dcm")
    return stack_geometry(stack), path, stack.planes[0].frame_of_reference


def test_real_contours_agree_with_the_published_mask(sarcoma, real_data):
    """The same patient's mask as others made it of the same contours (IBSI validation set)."""
    geometry, path, frame = sarcoma
    tumour, oedema = read_contours(path, geometry, frame, LabelRules()).lesions
    published = sitk.ReadImage(str(real_data("sts-petct/STS_001/PET_mask.nii.gz")))
    expected = sitk.GetArrayFromImage(published) > 0
    x, y, z = published.GetOrigin()
    i, j, k = np.rint(geometry.ijk_from_ras((-x, -y, z))).astype(int)
    nk, nj, ni = expected.shape
    found = tumour.mask.full(geometry.shape_kji)
    assert np.array_equal(found[k : k + nk, j : j + nj, i : i + ni], expected)
    assert tumour.mask.count == expected.sum() == 5095
    assert oedema.measurements["volume_mm3"] == pytest.approx(578_972, abs=1)


def test_real_contours_against_a_plain_rasteriser(sarcoma):
    """Every contour by another library's point-in-polygon test; and the volume by the polygons' areas."""
    geometry, path, _ = sarcoma
    for structure in read_structures(path):
        contours = [points for _, points in structure.contours]
        mask, notes = mask_of_contours(contours, geometry)
        assert notes == []
        expected = np.zeros(geometry.shape_kji, bool)
        places = np.stack(np.meshgrid(*map(np.arange, geometry.shape_kji[:0:-1])), axis=-1).reshape(-1, 2)
        area = 0.0
        for contour in contours:
            ijk = geometry.ijk_from_ras(contour * (-1, -1, 1))
            k = round(ijk[:, 2].mean())
            expected[k] ^= Outline(ijk[:, :2]).contains_points(places).reshape(geometry.shape_kji[1:])
            (x, y), (after_x, after_y) = ijk[:, :2].T, np.roll(ijk[:, :2], -1, axis=0).T
            area += abs((x * after_y - y * after_x).sum()) / 2
        assert np.array_equal(mask.full(geometry.shape_kji), expected)
        assert mask.count == pytest.approx(area, rel=0.01)
