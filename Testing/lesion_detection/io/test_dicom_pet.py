"""PET series from their headers to SUV, vendor by vendor, and against an independent conversion of a real scan."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.io.files import read_image
from pydicom import dcmread
from pydicom.dataset import Dataset

ONE_HOUR = 70_000 / (350e6 * 0.5 ** (3600 / 6588))


def test_values_are_activity_times_the_factor_with_each_slices_slope(dicom):
    dicom.pet()
    image = read_image(dicom.folder)
    assert (image.modality, image.unit, image.voxels.dtype, image.notes) == ("PT", "SUVbw", np.float32, ())
    stored = np.arange(63).reshape(7, 9) * 100
    expected = stored * np.array([2.0, 3.0, 4.0])[:, None, None] * ONE_HOUR
    assert image.voxels == pytest.approx(expected, rel=1e-6)


def test_beds_are_timed_by_the_earliest_of_all(dicom):
    """A workstation's series time lies after the acquisition; the first bed began at eleven."""
    dicom.pet(SeriesTime="150000", AcquisitionTime=["111000", "110500", "110000"])
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR, rel=1e-6)


def _add_private(dicom, group, creator, values):
    for path in dicom.folder.glob("*.dcm"):
        dataset = dcmread(path)
        block = dataset.private_block(group, creator, create=True)
        for element, (vr, value) in values.items():
            block.add_new(element, vr, value)
        dataset.save_as(path)


def test_ge_private_scan_time(dicom):
    dicom.pet(SeriesTime="150000", AcquisitionTime="113000")
    _add_private(dicom, 0x0009, "GEMS_PETD_01", {0x0D: ("DT", "20200102110000.00")})
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR, rel=1e-6)


BEDS = {"SeriesTime": "150000", "ActualFrameDuration": "240000"}
"""A workstation's series; beds of four minutes."""


def test_the_start_from_a_bed_as_ge_counts(dicom):
    """GE's Frame Reference Time is to the bed's beginning; others' to a moment near its middle."""
    at = {"AcquisitionTime": "112000", "FrameReferenceTime": "1200000"}
    dicom.pet(Manufacturer="GE MEDICAL SYSTEMS", **BEDS, **at)
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR, rel=1e-6)
    dicom.pet(Manufacturer="SIEMENS", **BEDS, **at)
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR * 2 ** (119.75 / 6588), rel=1e-4)


def test_one_acquisition_time_for_all_beds_is_the_scans_start(dicom):
    """As in a real series of GE's, whose beds differ in Frame Reference Time alone."""
    dicom.pet(FrameReferenceTime=["243000", "486000", "1215000"], **BEDS)
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR, rel=1e-6)


def _of_nuclide(dicom, named):
    code, dose = Dataset(), Dataset()
    code.CodeMeaning = named
    dose.RadionuclideCodeSequence = [code]
    dose.RadiopharmaceuticalStartTime = "100000"
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = "350000000", "6588"
    dicom.pet(RadiopharmaceuticalInformationSequence=[dose])
    return read_image(dicom.folder)


@pytest.mark.parametrize("named", ["68Ga", "^68^Gallium", "Ga-68", "^11^Carbon"])
def test_a_half_life_of_another_nuclide_is_refused(dicom, named):
    image = _of_nuclide(dicom, named)
    assert image.unit == "Bq/ml"
    assert "half-life is given as 6588 s, and that of the nuclide" in image.notes[0]


@pytest.mark.parametrize("named", ["^18^Fluorine", "18F", "F-18", "^68^Germanium", "unknown"])
def test_a_half_life_that_may_be_the_nuclides(dicom, named):
    assert _of_nuclide(dicom, named).unit == "SUVbw"


def test_siemens_private_time_of_decay_correction(dicom):
    dicom.pet(SeriesTime="150000", AcquisitionTime="113000")
    _add_private(dicom, 0x0071, "SIEMENS MED PT", {0x22: ("DT", "20200102110000.000000")})
    assert read_image(dicom.folder).voxels[0, 0, 1] == pytest.approx(200 * ONE_HOUR, rel=1e-6)


def test_philips_private_factor(dicom):
    dicom.pet(Units="CNTS")
    _add_private(dicom, 0x7053, "Philips PET Private Group", {0x00: ("DS", "0.001"), 0x09: ("DS", "3.5")})
    image = read_image(dicom.folder)
    assert image.unit == "SUVbw"
    assert image.voxels[:, 0, 1] == pytest.approx([0.2, 0.3, 0.4])


@pytest.mark.parametrize(("manufacturer", "unit"), [("Philips Medical Systems", "SUVbw"), ("Another", "")])
def test_a_private_factor_whose_creator_was_removed(dicom, manufacturer, unit):
    """As de-identification leaves it, and as in the digital reference objects of the IBSI."""
    dicom.pet(Units="CNTS", Manufacturer=manufacturer)
    _add_private(dicom, 0x7053, "Philips PET Private Group", {0x00: ("DS", "0.001")})
    for path in dicom.folder.glob("*.dcm"):
        dataset = dcmread(path)
        del dataset[0x70530010]
        dataset.save_as(path)
    assert read_image(dicom.folder).unit == unit


def test_philips_factors_that_differ(dicom):
    dicom.pet(Units="CNTS")
    _add_private(dicom, 0x7053, "Philips PET Private Group", {0x00: ("DS", "0.0005"), 0x09: ("DS", "3.5")})
    image = read_image(dicom.folder)
    assert image.unit == "Bq/ml"
    assert image.voxels[0, 0, 1] == pytest.approx(700)
    assert "differ by 104 %" in image.notes[0]


def test_philips_activity_factor(dicom):
    dicom.pet(Units="CNTS")
    _add_private(dicom, 0x7053, "Philips PET Private Group", {0x00: ("DS", "0"), 0x09: ("DS", "3.5")})
    image = read_image(dicom.folder)
    assert image.unit == "SUVbw"
    assert image.voxels[0, 0, 1] == pytest.approx(200 * 3.5 * ONE_HOUR, rel=1e-6)


def test_suv_is_never_converted_twice(dicom):
    dicom.pet(Units="GML", RescaleSlope="0.01")
    image = read_image(dicom.folder)
    assert (image.unit, image.notes) == ("SUVbw", ())
    assert image.voxels[0, 0, 1] == pytest.approx(1.0)


SIZE = {"PatientSize": "1.75", "PatientSex": "M"}
"""With 70 kg: lean body mass 648900 / (6680 + 4937.14) = 55.857 kg, or 56.52 kg by James; body surface 1.8481 m2."""


def test_factors_to_other_types_are_the_patients(dicom):
    dicom.pet(**SIZE)
    image = read_image(dicom.folder)
    assert image.suv_factors == pytest.approx({"SUVlbm": 55.857 / 70, "SUVbsa": 18_481 / 70_000}, rel=1e-4)
    assert image.crop((0, 0, 0), (2, 2, 2)).with_voxels(np.ones((2, 2, 2))).suv_factors == image.suv_factors


def test_suv_by_lean_body_mass_is_converted(dicom):
    dicom.pet(Units="GML", SUVType="LBMJAMES128", RescaleSlope="0.01", **SIZE)
    image = read_image(dicom.folder)
    assert (image.unit, image.notes) == ("SUVbw", ())
    assert image.voxels[0, 0, 1] == pytest.approx(70 / 56.52)


def test_suv_by_body_surface_is_converted(dicom):
    dicom.pet(Units="CM2ML", RescaleSlope="0.01", **SIZE)
    image = read_image(dicom.folder)
    assert image.unit == "SUVbw"
    assert image.voxels[0, 0, 1] == pytest.approx(70_000 / 18_481, rel=1e-4)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"Units": "GML", "SUVType": "LBMJANMA", "RescaleSlope": "0.01"}, "height is not in the file"),
        ({"Units": "PROPCNTS"}, "“PROPCNTS”, from which no SUV follows"),
        ({"Units": "GML", "RescaleSlope": "2"}, "one in a hundred lies above 12"),
        ({"Units": ["BQML", "GML", "BQML"]}, "differ in units:"),
        ({"RescaleSlope": None}, "lack rescale slope"),
    ],
)
def test_values_of_an_unknown_unit_are_left_as_they_are(dicom, changes, reason):
    dicom.pet(**changes)
    image = read_image(dicom.folder)
    assert (image.unit, image.suv_factors) == ("", {})
    assert reason in image.notes[0]


def test_files_that_differ_are_refused(dicom):
    paths = dicom.pet()
    changed = dcmread(paths[1])
    changed.RadiopharmaceuticalInformationSequence[0].RadionuclideTotalDose = "360000000"
    changed.PatientWeight = "70.0"  # the same
    changed.CorrectedImage = ["ATTN", "DECY", "SCAT"]  # too
    changed.save_as(paths[1])
    image = read_image(dicom.folder)
    assert image.unit == "Bq/ml"
    assert "The files of the series differ in injected dose:" in image.notes[0]
    changed.RadiopharmaceuticalInformationSequence = []
    changed.SeriesTime = "113000"
    changed.save_as(paths[1])
    assert "differ in series' time, " in read_image(dicom.folder).notes[0]


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"PatientWeight": None}, "The patient's weight is not in the file"),
        ({"RadionuclideTotalDose": None}, "The injected dose is not in the file"),
        ({"RadiopharmaceuticalStartTime": "garbled"}, "The time of the injection is not in the file"),
        ({"RadiopharmaceuticalInformationSequence": []}, "The injected dose is not in the file"),
        ({"CorrectedImage": ["DECY"]}, "not corrected for attenuation"),
        ({"CorrectedImage": None}, "not corrected for attenuation and decay"),
        ({"DecayCorrection": "NONE"}, "Decay Correction is “NONE”"),
    ],
)
@pytest.mark.filterwarnings("ignore:Invalid value for VR TM")
def test_without_suv_the_activity_is_read_and_the_reason_noted(dicom, changes, reason):
    dicom.pet(**changes)
    image = read_image(dicom.folder)
    assert image.unit == "Bq/ml"
    assert image.voxels[:, 0, 1].tolist() == [200, 300, 400]
    (note,) = image.notes
    assert note.startswith("Not converted to SUV: ")
    assert reason in note


def test_a_damaged_header_costs_the_suv_and_not_the_image(dicom):
    for path in dicom.pet():
        data = path.read_bytes()
        place = data.index(b"\x54\x00\x01\x10CS") + 4
        path.write_bytes(data[:place] + b"C\x0f" + data[place + 2 :])
    image = read_image(dicom.folder)
    assert image.unit == ""
    assert "is damaged" in image.notes[0]


def test_dynamic_frames_are_separate_choices(dicom):
    from LesionDetectionLib.io.dicom_series import list_series

    dicom.pet(FrameReferenceTime="1000")
    dicom.pet(FrameReferenceTime="61000", prefix="late")
    assert [info.phase for info in list_series(dicom.folder)] == ["FrameReferenceTime 1000", "FrameReferenceTime 61000"]


def test_the_enhanced_object(dicom):
    code, mapping, dose = Dataset(), Dataset(), Dataset()
    code.CodeValue, code.CodingSchemeDesignator, code.CodeMeaning = "Bq/ml", "UCUM", "Becquerels/milliliter"
    mapping.MeasurementUnitsCodeSequence = [code]
    dose.RadiopharmaceuticalStartDateTime = "20200102100000"
    dose.RadionuclideTotalDose, dose.RadionuclideHalfLife = "350000000", "6588"
    path = dicom.enhanced(
        [0.0, 2.0, 4.0],
        Modality="PT",
        PatientWeight="70",
        DecayCorrected="YES",
        AttenuationCorrected="YES",
        DecayCorrectionDateTime="20200102110000",
        RadiopharmaceuticalInformationSequence=[dose],
        RealWorldValueMappingSequence=[mapping],
    )
    image = read_image(path)
    assert (image.unit, image.notes) == ("SUVbw", ())
    other = dcmread(path)
    other.RealWorldValueMappingSequence[0].RealWorldValueSlope = 2.0  # the frames' rescale slope is 1
    other.save_as(path)
    assert "in another way than by rescale slope" in read_image(path).notes[0]
    ras = image.geometry.ras_from_ijk((4, 3, 1))
    assert image.voxels[1, 3, 4] == pytest.approx(dicom.hounsfield(ras * (-1, -1, 1)) * ONE_HOUR, abs=0.6 * ONE_HOUR)


def test_the_request_of_the_panel_says_what_the_reader_does(dicom):
    from LesionDetectionLib.app.suv_request import SuvRequest
    from LesionDetectionLib.app.worker.engine import InProcess

    files = [str(path) for path in dicom.pet(**SIZE)]
    job = InProcess().submit(SuvRequest(files), {}, lambda _job: None)
    found = SuvRequest.result_from_json(SuvRequest.result_to_json(job.result))
    assert found == job.result
    assert found.factor == pytest.approx(ONE_HOUR)
    assert found.suv_factors == read_image(dicom.folder).suv_factors


# --- a real scan: GE Discovery ST, 71 kg, 388.78 MBq F-18 FDG at 10:35:00, series at 11:20:11


@pytest.fixture(scope="module")
def pet(real_data):
    return read_image(real_data("sts-001/FDG_PET"))


def test_a_real_pet_by_hand(pet, real_data):
    """Decay by hand: 2711 s after the injection 388777472 Bq are 388777472 * 2^(-2711 / 6588) = 292297777 Bq."""
    assert pet.unit == "SUVbw"
    slices = [dcmread(path) for path in sorted((real_data("sts-001/FDG_PET") / "image").glob("*.dcm"))[::50]]
    for one in slices:
        z = float(one.ImagePositionPatient[2])
        k = round(float(pet.geometry.ijk_from_ras((0, 0, z))[2]))
        activity = one.pixel_array * float(one.RescaleSlope)
        assert pet.voxels[k] == pytest.approx(activity * 71_000 / 292_297_777, rel=1e-5, abs=1e-6)
    # 1.63 m, male: lean body mass 658170 / (6680 + 216 * 26.7229) = 52.856 kg; body surface 0.007184 * 71^0.425 * 163^0.725 m2.
    assert pet.suv_factors == pytest.approx({"SUVlbm": 52.856 / 71, "SUVbsa": 17_660 / 71_000}, rel=1e-4)


def test_a_real_pet_agrees_with_an_independent_conversion(pet, real_data):
    """The IBSI's own SUV image of the same patient, cropped around the tumour: another group's software."""
    peer = read_image(real_data("sts-petct/STS_001/PET_image.nii.gz"))
    start = pet.geometry.ijk_from_ras(peer.geometry.ras_from_ijk((0, 0, 0)))
    i, j, k = np.rint(start).astype(int)
    assert np.abs(start - (i, j, k)).max() < 1e-4
    ours = pet.crop((i, j, k), peer.shape_kji[::-1]).voxels
    # The two differ by at most one stored step: 16 bits over the hottest slice, 25.4 / 32767 = 0.00078.
    assert np.abs(ours - peer.voxels).max() < 8e-4
    assert ours.max() == pytest.approx(25.412, abs=1e-3)
