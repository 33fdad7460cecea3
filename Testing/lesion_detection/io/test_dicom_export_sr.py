"""Findings as structured reports: values, units and codes as another reader of the template finds them."""

from __future__ import annotations

from dataclasses import replace

import highdicom as hd
import numpy as np
import pytest
from LesionDetectionLib.app.dicom_export import export_dicom
from LesionDetectionLib.core.bundle import Bundle, Manifest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.lesion import LESION, NODULE, Lesion, Mask
from LesionDetectionLib.imaging.body_size import Body, lean_body_mass_janmahasatian_kg
from LesionDetectionLib.imaging.measurements import measure_mask
from LesionDetectionLib.imaging.suv_peak import suv_peak
from LesionDetectionLib.io.dicom_findings import on_phantoms
from LesionDetectionLib.io.dicom_sr import OWN_SCHEME
from LesionDetectionLib.io.files import read_image
from pydicom import dcmread
from pydicom.sr.codedict import codes
from pydicom.uid import Comprehensive3DSRStorage, ComprehensiveSRStorage, SegmentationStorage

DISTANCES = (0.0, 2.5, 5.0, 7.5, 10.0)
DERIVATIONS = {"Mean": np.mean, "Minimum": np.min, "Maximum": np.max, "Standard Deviation": np.std}


def block(image, start, size, **facts):
    """A lesion of a block of voxels, measured as click to measure does."""
    mask = Mask(np.ones(size[::-1], dtype=bool), start)
    measured = measure_mask(image, mask)
    return Lesion(
        measured.center_ras_mm,
        measured.recist.long_mm,
        mask=mask,
        recist=measured.recist,
        measurements=measured.values,
        **{"score": 0.5, "meaning": NODULE, "method": "made-up", **facts},
    )


def findings_of(image, *lesions):
    run = Detections(lesions, image.geometry, "made-up", image.name, image.modality, image.unit)
    return Findings.of(run, threshold=0.0)


def three_blocks(image):
    return findings_of(
        image,
        block(image, (1, 1, 0), (5, 4, 3), score=0.9),
        block(image, (3, 2, 1), (3, 3, 3), score=0.7, meaning=LESION),  # overlaps the first
        block(image, (7, 5, 4), (1, 1, 1), score=0.2),
    )


def read(path):
    document = hd.sr.srread(path)
    return document, document.content.get_volumetric_roi_measurement_groups()


def values_of(group):
    return {
        (item.name.meaning, item.derivation.meaning if item.derivation else ""): (float(item.value), item.unit.value)
        for item in group.get_measurements()
    }


def test_a_group_a_lesion_with_its_measurements(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    image = read_image(dicom.folder)
    findings = three_blocks(image)
    export = export_dicom(tmp_path / "out", files, findings)
    seg = dcmread(export.seg)
    document, groups = read(export.sr)
    assert document.SOPClassUID == ComprehensiveSRStorage
    assert len(groups) == 3
    for number, (group, item) in enumerate(zip(groups, findings.items, strict=True), 1):
        lesion = item.lesion
        assert (group.tracking_identifier, group.tracking_uid) == (item.id, item.tracking_uid)
        assert group.finding_type.value == lesion.meaning.value
        assert group.referenced_segment.referenced_segment_numbers[0] == number
        assert group.referenced_segment.referenced_sop_instance_uid == seg.SOPInstanceUID
        assert group.referenced_segment.source_series_for_segmentation.value == dcmread(files[0]).SeriesInstanceUID
        found = values_of(group)
        inside = image.voxels[lesion.mask.slices_kji][lesion.mask.voxels]
        for name, function in DERIVATIONS.items():
            value, unit = found.pop(("Attenuation Coefficient", name))
            assert unit == "[hnsf'U]"
            assert value == pytest.approx(float(function(inside.astype(float))), rel=1e-9)
        assert found == {
            ("Volume", ""): (pytest.approx(lesion.mask.count * 0.8 * 0.5 * 2.5), "mm3"),
            ("Long axis", ""): (pytest.approx(lesion.recist.long_mm), "mm"),
            ("Short axis", ""): (pytest.approx(lesion.recist.short_mm), "mm"),
            ("Score", ""): (lesion.score, "1"),
            ("Rank by score", ""): (number, "1"),
        }
    assert groups[0].finding_sites[0].value.meaning == "Lung"
    assert not groups[1].finding_sites
    names = [[(m.name.meaning, m.derivation) for m in group.get_measurements()] for group in groups]
    assert names[0] == names[1] == names[2]  # readers take the first group's for the columns of a table


def test_what_it_says_of_itself(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    findings = three_blocks(read_image(dicom.folder))
    document, _ = read(export_dicom(tmp_path / "out", files, findings, observer="Müller^Jörg").sr)
    assert document.ContentTemplateSequence[0].TemplateIdentifier == "1500"
    assert (document.VerificationFlag, document.CompletionFlag) == ("UNVERIFIED", "PARTIAL")
    assert document.SeriesDescription == "Measurements (research use)"
    assert [scheme.CodingSchemeDesignator for scheme in document.CodingSchemeIdentificationSequence] == [OWN_SCHEME]
    observers = {context.observer_type.meaning for context in document.content.get_observer_contexts()}
    assert observers == {"Person", "Device"}
    context = document.content.get_observer_contexts(observer_type=codes.DCM.Device)[0]
    assert context.observer_identifying_attributes.name == "SlicerLesionDetection"
    (person,) = document.content.get_observer_contexts(observer_type=codes.DCM.Person)
    assert person.observer_identifying_attributes.name == "Müller^Jörg"
    procedure = hd.sr.utils.find_content_items(document, name=codes.DCM.ProcedureReported)
    assert procedure[0].value.meaning == "CT unspecified body region"
    (study,) = document.CurrentRequestedProcedureEvidenceSequence
    by_class = {
        item.ReferencedSOPClassUID: len(series.ReferencedSOPSequence)
        for series in study.ReferencedSeriesSequence
        for item in series.ReferencedSOPSequence
    }
    assert by_class == {dcmread(files[0]).SOPClassUID: 5, SegmentationStorage: 1}


def test_without_a_name_only_the_software_observed(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    document, _ = read(export_dicom(tmp_path / "out", files, three_blocks(read_image(dicom.folder))).sr)
    (context,) = document.content.get_observer_contexts()
    assert context.observer_type == codes.DCM.Device


def test_it_says_whether_a_person_accepted_what_is_in_it(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    findings = three_blocks(read_image(dicom.folder))

    def statuses(state):
        document, groups = read(export_dicom(tmp_path / "out", files, state, overwrite=True).sr)
        said = [evaluation.value.value for group in groups for evaluation in group.get_qualitative_evaluations()]
        return document.CompletionFlag, document.VerificationFlag, said

    assert statuses(findings) == ("PARTIAL", "UNVERIFIED", ["not-reviewed"] * 3)
    accepted = findings.changing(["L1", "L3"], lambda item: replace(item, status=Status.ACCEPTED))
    assert statuses(accepted) == ("COMPLETE", "UNVERIFIED", ["accepted"] * 2)
    _, groups = read(tmp_path / "out" / "lesions.sr.dcm")
    assert [values_of(group)[("Rank by score", "")][0] for group in groups] == [1, 3]


def test_lesions_without_outlines_are_points(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    image = read_image(dicom.folder)
    outlined = block(image, (1, 1, 0), (5, 4, 3), score=0.3)
    points = [
        Lesion((19.0, -32.0, 105.0), 6.25, 0.9, meaning=NODULE, method="m"),
        Lesion((18.0, -31.0, 102.0), 4.0, 0.8, meaning=LESION, method="m"),
    ]
    alone = export_dicom(tmp_path / "alone", files, findings_of(image, *points))
    assert alone.seg is None
    assert [path.name for path in (tmp_path / "alone").iterdir()] == ["lesions.sr.dcm"]
    both = export_dicom(tmp_path / "both", files, findings_of(image, outlined, *points))
    assert len(dcmread(both.seg).SegmentSequence) == 1
    for export, volumes in ((alone, 0), (both, 1)):
        document, groups = read(export.sr)
        assert document.SOPClassUID == Comprehensive3DSRStorage
        assert len(groups) == volumes
        found = document.content.get_planar_roi_measurement_groups(
            graphic_type=hd.sr.GraphicTypeValues3D.POINT, reference_type=codes.DCM.ImageRegion
        )
        assert [group.tracking_identifier for group in found] == ["L1", "L2"]
        for group, point in zip(found, points, strict=True):
            assert np.allclose(group.roi.value[0] * (-1, -1, 1), point.center_ras_mm, atol=1e-4)
            assert group.roi.frame_of_reference_uid == dcmread(files[0]).FrameOfReferenceUID
            assert values_of(group)[("Diameter", "")] == (point.diameter_mm, "mm")
            assert group.finding_sites  # Slicer's importer takes the first without asking
        assert found[1].finding_sites[0].value.meaning == "Entire body"


def test_where_nothing_is_reported_the_report_says_so(dicom, tmp_path):
    files = dicom.series(DISTANCES)
    export = export_dicom(tmp_path / "out", files, findings_of(read_image(dicom.folder)))
    assert export.seg is None
    document = dcmread(export.sr)
    container = document.ContentSequence[-1]
    assert container.ConceptNameCodeSequence[0].CodeMeaning == "Qualitative Evaluations"
    assert container.ContentSequence[0].TextValue.startswith("No lesion was reported.")
    assert not any(
        item.ConceptNameCodeSequence[0].CodeMeaning == "Imaging Measurements" for item in document.ContentSequence
    )


def test_pet_is_measured_in_suv_though_the_files_are_in_becquerel(dicom, tmp_path):
    files = dicom.pet()
    image = read_image(dicom.folder)
    assert image.unit == "SUVbw"
    findings = findings_of(image, block(image, (1, 1, 0), (5, 4, 3)))
    _, (group,) = read(export_dicom(tmp_path / "out", files, findings).sr)
    found = values_of(group)
    inside = image.voxels[findings.items[0].lesion.mask.slices_kji].astype(float)
    for name, function in DERIVATIONS.items():
        value, unit = found["SUVbw", name]
        assert unit == "g/ml{SUVbw}"
        assert value == pytest.approx(float(function(inside)), rel=1e-9)
    assert {item.name.value for item in group.get_measurements()} >= {"126401"}
    assert not any(name.startswith("SUVlbm") for name, _ in found)  # nobody says how tall the patient is


def test_pet_of_a_patient_whose_size_is_known_is_measured_by_lean_body_mass_too(dicom, tmp_path):
    files = dicom.pet(PatientSize="1.70", PatientSex="M")
    image = read_image(dicom.folder)
    lesion = block(image, (1, 1, 0), (5, 4, 3))
    _, (group,) = read(export_dicom(tmp_path / "out", files, findings_of(image, lesion)).sr)
    found = values_of(group)
    factor = lean_body_mass_janmahasatian_kg(Body(70.0, 1.70, "M")) / 70
    for name in ("Mean", "Maximum", "Peak Value Within ROI"):
        value, unit = found["SUVlbm(Janma)", name]
        assert unit == "g/ml{SUVlbm(Janma)}"
        assert value == pytest.approx(factor * found["SUVbw", name][0], rel=1e-9)
    peak = suv_peak(image.voxels, lesion.mask.voxels, lesion.mask.start_ijk[::-1], image.spacing_mm)
    assert found["SUVbw", "Peak Value Within ROI"][0] == pytest.approx(peak)


def test_pet_that_cannot_be_converted_is_measured_in_becquerel(dicom, tmp_path):
    files = dicom.pet(PatientWeight=None)
    image = read_image(dicom.folder)
    _, (group,) = read(export_dicom(tmp_path / "out", files, findings_of(image, block(image, (1, 1, 0), (3, 3, 2)))).sr)
    assert values_of(group)["Activity Concentration", "Mean"][1] == "Bq/ml"


def test_values_of_unknown_unit_are_left_out(dicom, tmp_path):
    files = dicom.series(DISTANCES, RescaleSlope=None, RescaleIntercept=None)
    image = read_image(dicom.folder)
    _, (group,) = read(export_dicom(tmp_path / "out", files, findings_of(image, block(image, (1, 1, 0), (3, 3, 2)))).sr)
    assert [name for name, _ in values_of(group)] == ["Volume", "Long axis", "Short axis", "Score", "Rank by score"]


def test_models_trained_on_phantoms_are_known_by_their_warning():
    """The sentence is made elsewhere; here it is looked for."""

    def run(phantoms):
        manifest = Manifest("made-up", "m", "1", {}, {}, {}, trained_on_phantoms=phantoms)
        warnings = Bundle(manifest, {}, "", "").warnings()
        return Detections((), None, "made-up", warnings=warnings)

    assert on_phantoms(run(True))
    assert not on_phantoms(run(False))


def test_pet_of_a_patient(real_data, tmp_path):
    folder = real_data("sts-001/FDG_PET/image")
    image = read_image(folder)
    hottest = np.unravel_index(np.argmax(image.voxels), image.shape_kji)
    k, j, i = (int(n) for n in hottest)
    findings = findings_of(image, block(image, (i - 1, j - 1, k - 1), (3, 3, 3)))
    _, (group,) = read(export_dicom(tmp_path / "out", [p for p in folder.rglob("*") if p.is_file()], findings).sr)
    value, unit = values_of(group)["SUVbw", "Maximum"]
    assert unit == "g/ml{SUVbw}"
    assert value == pytest.approx(float(image.voxels.max()), rel=1e-9)
