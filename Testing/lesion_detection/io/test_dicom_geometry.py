"""The grid of a stack without its pixels is the grid that reading it gives; and a stack from a list of files."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import GeometryError, InputError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.dicom import read_stack, stack_geometry
from LesionDetectionLib.io.dicom_headers import files_under, headers, is_cut_off, scan
from LesionDetectionLib.io.dicom_series import find_stacks, find_stacks_in
from pydicom import dcmread, dcmwrite
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, generate_uid
from scipy.spatial.transform import Rotation

EVEN = [2.0 * k for k in range(12)]


def check_same_grid(folder):
    (stack,), skipped = find_stacks(folder, Progress())
    image = read_stack(stack, skipped, Progress())
    geometry = stack_geometry(stack)
    assert geometry.shape_kji == image.shape_kji
    assert np.array_equal(geometry.ijk_to_ras, image.ijk_to_ras)
    return image


def damage(path):
    """Cut the file off in its pixels; the header stays whole."""
    path.write_bytes(path.read_bytes()[:-40])


@given(
    turn=st.integers(0, 1000).map(lambda seed: Rotation.random(random_state=seed).as_matrix()),
    lost=st.sets(st.integers(0, 11), max_size=1),
    tilted=st.booleans(),
    jitter=st.floats(0, 0.9),
)
@settings(deadline=None, max_examples=15, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_grid_is_that_of_the_image(dicom, turn, lost, tilted, jitter):
    for path in dicom.folder.glob("*"):
        path.unlink()
    distances = [d + (jitter if n == 5 else 0.0) for n, d in enumerate(EVEN) if n not in lost]
    slide = 0.3 * turn[1] if tilted else (0.0, 0.0, 0.0)
    dicom.series(distances, orientation=(*turn[0], *turn[1]), slide=slide)
    check_same_grid(dicom.folder)


@pytest.mark.parametrize("damaged", [[0], [11], [4], [0, 1], [10, 11], [0, 11]])
@pytest.mark.parametrize("jitter", [0.0, 0.9])
def test_slices_that_are_lost_in_reading_count(dicom, damaged, jitter):
    paths = dicom.series([d * 1.0 for d in range(24)] if jitter == 0 else [d + jitter * (d == 9) for d in range(24)])
    for n in damaged:
        damage(paths[n if n < 6 else n + 12])
    image = check_same_grid(dicom.folder)
    ends = sum(n in damaged for n in (0, 1, 10, 11))
    assert image.shape_kji[0] == 24 - ends


def test_a_multi_frame_file_has_a_grid_too(dicom):
    dicom.enhanced(EVEN)
    assert check_same_grid(dicom.folder).shape_kji == (12, 7, 9)


def test_slices_of_two_sizes_have_no_grid(dicom):
    dicom.series(EVEN)
    dicom.series([30.0], prefix="other", Rows=5, pixels=np.zeros((5, 9), np.uint16))
    (stack,), _ = find_stacks(dicom.folder, Progress())
    with pytest.raises(GeometryError, match="mixes slices"):
        stack_geometry(stack)


def test_a_list_of_files_gives_the_stacks_of_their_folder(dicom):
    dicom.series(EVEN)
    other = dicom.series(EVEN[:5], prefix="other", SeriesInstanceUID=generate_uid())
    (stack,), skipped = find_stacks_in(other, Progress())
    assert skipped == []
    assert {plane.path for plane in stack.planes} == set(other)
    assert read_stack(stack, skipped, Progress()).shape_kji == (5, 7, 9)
    assert {s.info.uid for s in find_stacks(dicom.folder, Progress())[0]} > {stack.info.uid}


def test_missing_files_are_counted_and_not_named(dicom):
    paths = dicom.series(EVEN)
    paths[3].unlink()
    with pytest.raises(InputError, match="1 of 12 files are missing") as caught:
        find_stacks_in(paths, Progress())
    assert paths[3].name not in str(caught.value)


def test_files_without_images_are_named_by_their_kind(dicom):
    paths = dicom.series(EVEN[:3], Modality="SR")
    with pytest.raises(InputError, match="no image in the 3 files of the series: 3 x SR"):
        find_stacks_in(paths, Progress())


def test_headers_come_one_by_one_and_in_order(dicom):
    dicom.series(EVEN)
    files = files_under(dicom.folder)
    planes = [plane for found in headers(files, Progress()) for plane in found]
    assert [plane.path for plane in planes] == files == sorted(files)
    assert len(scan(dicom.folder, Progress())[0]) == 12


@pytest.mark.parametrize("name", ["crlm-ct-1004/image", "sts-001/FDG_PET/image"])
def test_real_series(real_data, name):
    check_same_grid(real_data(name))


@pytest.mark.parametrize("syntax", [ExplicitVRLittleEndian, DeflatedExplicitVRLittleEndian])
def test_a_whole_file_is_not_cut_off(dicom, syntax):
    (path,) = dicom.series([0.0])
    dataset = dcmread(path)
    dataset.file_meta.TransferSyntaxUID = syntax
    dcmwrite(path, dataset)
    assert not is_cut_off(dcmread(path), path)
    if syntax == ExplicitVRLittleEndian:
        damage(path)
        assert is_cut_off(dcmread(path), path)
