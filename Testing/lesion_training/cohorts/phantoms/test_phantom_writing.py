"""Phantoms as files: what is written says, read by others, what was painted."""

from __future__ import annotations

import csv
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled, OutputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms import chest, phantom, writing
from LesionTrainingLib.cohorts.phantoms.case_files import truth_of
from LesionTrainingLib.cohorts.phantoms.dicom_writing import series_uid
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

pytestmark = pytest.mark.usefixtures("phantoms_kept")

SMALL = replace(
    chest.FAST, shape_ijk=(72, 56, 40), spacing_mm=(4.4, 4.4, 6.5), slice_thickness_mm=6.5, vessel_tips=60, psf_mm=4.0
)


@pytest.fixture(scope="module")
def a_case():
    return chest.make_chest(21, SMALL)


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    folder = tmp_path_factory.mktemp("phantoms")
    for format in ("nrrd", "dicom", "luna16"):
        write_phantoms("chest", 21, 1, format, folder / format, settings=SMALL)
    return folder


def _lps_geometry(image):
    """Origin, spacing and direction in LPS, as ITK says them."""
    flip = np.diag([-1, -1, 1])
    spacing = np.array(image.spacing_mm)
    return flip @ image.ijk_to_ras[:3, 3], spacing, flip @ image.ijk_to_ras[:3, :3] / spacing


def _same_place(itk, image, tolerance=1e-4):
    origin, spacing, direction = _lps_geometry(image)
    np.testing.assert_allclose(itk.GetOrigin(), origin, atol=tolerance)
    np.testing.assert_allclose(itk.GetSpacing(), spacing, atol=tolerance)
    np.testing.assert_allclose(np.reshape(itk.GetDirection(), (3, 3)), direction, atol=tolerance)


def test_nrrd_holds_the_scan_the_labels_and_the_truth(written, a_case):
    import SimpleITK as sitk

    name = a_case.image.name
    scan = sitk.ReadImage(str(written / "nrrd" / f"{name}.nrrd"))
    assert np.array_equal(sitk.GetArrayFromImage(scan), a_case.image.voxels)
    _same_place(scan, a_case.image)
    labels = sitk.GetArrayFromImage(sitk.ReadImage(str(written / "nrrd" / f"{name}.truth.nrrd")))
    truth = Detections.load(written / "nrrd" / f"{name}.truth.json")
    assert len(truth.lesions) == len(a_case.lesions) > 0
    for n, lesion in enumerate(truth.lesions, 1):
        assert np.array_equal(labels == n, lesion.mask.full(a_case.image.shape_kji))
    assert truth.geometry.same_grid(a_case.image.geometry)
    assert "phantom" in " ".join(truth.warnings)


def test_dicom_is_one_series_that_itk_and_pydicom_read_alike(written, a_case):
    import pydicom
    import SimpleITK as sitk

    folder = written / "dicom" / a_case.image.name
    reader = sitk.ImageSeriesReader()
    assert reader.GetGDCMSeriesIDs(str(folder)) == (series_uid(a_case),)
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(folder), series_uid(a_case)))
    scan = reader.Execute()
    assert np.array_equal(sitk.GetArrayFromImage(scan), a_case.image.voxels)
    _same_place(scan, a_case.image)
    first = pydicom.dcmread(folder / "0001.dcm")
    assert str(first.PatientName) == "Phantom^Chest"
    assert (first.Modality, float(first.RescaleSlope), float(first.RescaleIntercept)) == ("CT", 1, -1024)
    np.testing.assert_allclose(first.ImagePositionPatient, _lps_geometry(a_case.image)[0], atol=1e-4)
    np.testing.assert_allclose(first.ImageOrientationPatient, (1, 0, 0, 0, 1, 0))
    assert np.array_equal(first.pixel_array.astype(int) - 1024, a_case.image.voxels[0])
    assert (written / "dicom" / f"{a_case.image.name}.truth.json").is_file()


def test_dicom_is_the_same_file_every_time(written, tmp_path):
    write_phantoms("chest", 21, 1, "dicom", tmp_path / "again", settings=SMALL)
    one, other = ({p.name: p.read_bytes() for p in f.rglob("*.dcm")} for f in (written / "dicom", tmp_path / "again"))
    assert len(one) == SMALL.shape_ijk[2]
    assert one == other


def _rows(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_luna16_lists_nodules_in_lps(written, a_case):
    import SimpleITK as sitk

    folder = written / "luna16"
    uid = series_uid(a_case)
    scan = sitk.ReadImage(str(folder / "subset0" / f"{uid}.mhd"))
    assert np.array_equal(sitk.GetArrayFromImage(scan), a_case.image.voxels)
    _same_place(scan, a_case.image)
    assert (folder / "subset0" / f"{uid}.raw").stat().st_size == a_case.image.voxels.nbytes
    assert (folder / "seriesuids.csv").read_text() == f"{uid}\n"
    nodules = _rows(folder / "annotations.csv")
    counted = [lesion for lesion in a_case.lesions if lesion.diameter_mm >= 3]
    assert len(nodules) == len(counted) > 0
    for row, lesion in zip(nodules, counted, strict=True):
        r, a, s = lesion.center_ras_mm
        assert [float(row[f"coord{x}"]) for x in "XYZ"] == pytest.approx([-r, -a, s], abs=1e-5)
        assert float(row["diameter_mm"]) == pytest.approx(lesion.diameter_mm, abs=1e-5)
        inside = scan.TransformPhysicalPointToIndex([float(row[f"coord{x}"]) for x in "XYZ"])
        mask = lesion.mask.full(a_case.image.shape_kji)
        # The centre's voxel, or a neighbour of it where the nodule is smaller than a voxel.
        i, j, k = inside
        assert mask[k - 1 : k + 2, j - 1 : j + 2, i - 1 : i + 2].any()
    candidates = _rows(folder / "candidates.csv")
    assert sum(row["class"] == "1" for row in candidates) == len(a_case.lesions)
    assert sum(row["class"] == "0" for row in candidates) == len(a_case.mimics)


@pytest.fixture
def quickly_made(monkeypatch, a_case):
    """Phantoms that are one and the same but for seed and name; gives the maker."""

    def make(seed, _settings, _progress):
        return replace(a_case, seed=seed, image=replace(a_case.image, name=f"chest-phantom-{seed:04d}"))

    monkeypatch.setattr(writing, "maker", lambda _: (make, SMALL))
    return make


def test_luna16_can_have_ten_subsets_as_the_challenge_has(quickly_made, tmp_path):
    write_phantoms("chest", 30, 11, "luna16", tmp_path / "data", subsets=10)
    cohort = open_cohort(f"luna16:{tmp_path / 'data'}")
    assert not cohort.left_out
    assert cohort.on_phantoms
    assert [sum(case.subset == number for case in cohort.cases) for number in range(10)] == [2, *[1] * 9]
    expected = {series_uid(quickly_made(seed, SMALL, None)) for seed in (30, 40)}
    assert {case.id for case in cohort.cases if case.subset == 0} == expected
    assert all(case.truth().lesions for case in cohort.cases)


def test_a_protocol_says_how_each_seed_is_scanned(quickly_made, tmp_path, monkeypatch):
    asked = []
    monkeypatch.setattr(writing, "protocol_of", lambda _, name, seed: asked.append((name, seed)) or SMALL)
    write_phantoms("chest", 5, 2, "luna16", tmp_path / "data", protocol_name="mixed")
    assert asked == [("mixed", 5), ("mixed", 6)]
    assert len(list((tmp_path / "data" / "subset0").glob("*.mhd"))) == 2


@pytest.mark.parametrize("options", [{"subsets": 0}, {"subsets": 11}, {"protocol_name": "magic"}])
def test_subsets_and_protocols_that_there_are_not(tmp_path, options):
    with pytest.raises(UsageError):
        write_phantoms("chest", 0, 1, "luna16", tmp_path / "out", **options)
    assert not (tmp_path / "out").exists()


def test_several_cases_have_each_their_name(tmp_path):
    paths = write_phantoms("chest", 21, 2, "nrrd", tmp_path / "out", settings=SMALL)
    assert sorted(p.name for p in paths if p.name.endswith(".json")) == [
        "chest-phantom-0021.truth.json",
        "chest-phantom-0022.truth.json",
    ]
    assert all(path.exists() for path in paths)


@pytest.mark.parametrize("format", ["nrrd", "dicom", "luna16"])
def test_earlier_results_are_kept_unless_overwriting_was_asked_for(written, format):
    before = {p: p.stat().st_mtime_ns for p in (written / format).rglob("*")}
    with pytest.raises(OutputError, match="already holds"):
        write_phantoms("chest", 21, 1, format, written / format, settings=SMALL)
    assert {p: p.stat().st_mtime_ns for p in (written / format).rglob("*")} == before


def test_overwriting_replaces(written):
    path = written / "nrrd" / "chest-phantom-0021.truth.json"
    content = path.read_text()
    path.write_text("old")
    write_phantoms("chest", 21, 1, "nrrd", written / "nrrd", overwrite=True, settings=SMALL)
    assert path.read_text() == content


def test_calling_it_off_leaves_nothing(tmp_path):
    progress = Progress(lambda fraction, _: fraction > 0.6 and progress.cancel())
    with pytest.raises(Cancelled):
        write_phantoms("chest", 21, 2, "nrrd", tmp_path / "out", progress, settings=SMALL)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("anatomy", "seed", "count", "format"),
    [("knee", 0, 1, "nrrd"), ("chest", 0, 1, "jpeg"), ("chest", 0, 0, "nrrd"), ("chest", -1, 1, "nrrd")],
)
def test_what_cannot_be_made_is_refused(tmp_path, anatomy, seed, count, format):
    with pytest.raises(UsageError):
        write_phantoms(anatomy, seed, count, format, tmp_path / "out", settings=SMALL)
    assert not (tmp_path / "out").exists()


def test_every_anatomy_can_be_made():
    for name in phantom.anatomies():
        make, defaults = phantom.maker(name)
        assert callable(make)
        assert defaults is not None


def test_the_truth_names_kinds_and_mimics(a_case):
    said = truth_of(a_case).provenance
    assert said["kinds"] == list(a_case.kinds)
    assert len(said["mimics"]) == len(a_case.mimics)
