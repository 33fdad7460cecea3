"""Findings as a DICOM structured report: a measurement report (TID 1500), one measurement group a lesion.

A lesion with an outline is a volume of interest (TID 1411) that refers to its segment; one without is a point in the
patient (TID 1410, a spatial coordinate in 3D). Every group of a kind has the same measurements in the same order: readers
make a table of them whose columns are those of the first group. The ends of the RECIST diameters are left out: TID 1411 has
no place for them, and a second group for each lesion would break the one that Slicer's QuantitativeReporting reads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import highdicom.sr as sr
import numpy as np
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence as DicomSequence
from pydicom.uid import SegmentationStorage, generate_uid

from LesionDetectionLib import __version__
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.image import BQ_PER_ML, CT, HU, MR, PET, SUV_BW, SUV_LBM, Image
from LesionDetectionLib.core.lesion import Code
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.recist import recist_of_mask
from LesionDetectionLib.imaging.suv_peak import suv_peak

from .dicom_findings import Exported, algorithm_of, are_reviewed, series_description, site_of
from .dicom_seg import MAKER, MODEL, SERIAL, dicom_code, plain
from .dicom_sources import UTF8, SourceSeries, unseen

_Group = sr.VolumetricROIMeasurementsAndQualitativeEvaluations | sr.PlanarROIMeasurementsAndQualitativeEvaluations

OWN_SCHEME = "99LESION"
"""For the few words that no published scheme has."""
_SERIES_NUMBER = 702
_DEVICE_UID = "2.25.183920604216829403365087311852086216411"
"""Of this software as an observer (2.25 and a random UUID)."""

_PROCEDURES = {
    CT: Code("25045-6", "LN", "CT unspecified body region"),
    PET: Code("44136-0", "LN", "PET unspecified body region"),
    MR: Code("25056-3", "LN", "MRI unspecified body region"),
}
_ANY_PROCEDURE = Code("363679005", "SCT", "Imaging procedure")

_MM = Code("mm", "UCUM", "millimeter")
_MM3 = Code("mm3", "UCUM", "cubic millimeter")
_ONE = Code("1", "UCUM", "no units")
_VOLUME = Code("118565006", "SCT", "Volume")
_LONG_AXIS, _SHORT_AXIS = Code("103339001", "SCT", "Long axis"), Code("103340004", "SCT", "Short axis")
_DIAMETER = Code("81827009", "SCT", "Diameter")
_SCORE = Code("246262008", "SCT", "Score")
_RANK = Code("rank", OWN_SCHEME, "Rank by score")
_INTENSITIES = {
    HU: (Code("112031", "DCM", "Attenuation Coefficient"), Code("[hnsf'U]", "UCUM", "Hounsfield unit")),
    SUV_BW: (
        Code("126401", "DCM", "SUVbw"),
        Code("g/ml{SUVbw}", "UCUM", "Standardized Uptake Value body weight"),
    ),
    BQ_PER_ML: (Code("122709", "DCM", "Activity Concentration"), Code("Bq/ml", "UCUM", "Becquerels/milliliter")),
}
"""Unit of the image -> quantity and unit."""
_LEAN = (
    Code("126405", "DCM", "SUVlbm(Janma)"),
    Code("g/ml{SUVlbm(Janma)}", "UCUM", "Standardized Uptake Value lean body mass (Janma)"),
)
"""SUL, of which PERCIST speaks: quantity and unit (CID 85)."""
_MEAN, _MINIMUM = Code("373098007", "SCT", "Mean"), Code("255605001", "SCT", "Minimum")
_PEAK = Code("126031", "DCM", "Peak Value Within ROI")
_MAXIMUM, _DEVIATION = Code("56851009", "SCT", "Maximum"), Code("386136009", "SCT", "Standard Deviation")

_SOMEWHERE = Code("38266002", "SCT", "Entire body")
"""Site of a point whose organ is not known: Slicer's importer of such reports needs one."""
_STATUS = Code("status", OWN_SCHEME, "Review status")
_STATUSES = {
    Status.ACCEPTED: Code("accepted", OWN_SCHEME, "Accepted by a person"),
    Status.NEW: Code("not-reviewed", OWN_SCHEME, "Not reviewed"),
}
_NOTHING = (
    "No lesion was reported. This does not show that there is none: research software, not for clinical decisions."
)


def report(
    findings: Findings,
    items: Sequence[Exported],
    sources: SourceSeries,
    seg: Dataset | None,
    progress: Progress,
    observer: str = "",
) -> Dataset:
    """The report, ready to be saved. It is unverified, and complete only where a person accepted all that is in it.

    Args:
        items: what is reported; none for a report that says so.
        seg: the segmentation that holds the items' segments; None where none has an outline.
        observer: name of the person who reviewed the findings; empty for none.

    Raises:
        Cancelled: through ``progress``.
    """
    with unseen():
        groups = []
        for n, item in enumerate(items):
            progress(n / len(items), f"Reporting lesion {n + 1} of {len(items)}")
            groups.append(_group(item, findings, sources, seg))
        content = _content(groups, sources.image.modality, observer)
        progress(1.0, "Writing the structured report")
        points = any(not item.segment for item in items)
        document_class = sr.Comprehensive3DSR if points else sr.ComprehensiveSR
        document: Dataset = document_class(
            evidence=[sources.description, *([seg] if seg is not None else [])],
            content=content,
            series_instance_uid=generate_uid(prefix=None),
            series_number=_SERIES_NUMBER,
            sop_instance_uid=generate_uid(prefix=None),
            instance_number=1,
            manufacturer=MAKER,
            manufacturer_model_name=MODEL,
            software_versions=__version__,
            device_serial_number=SERIAL,
            is_complete=are_reviewed(findings),
            is_final=False,
            is_verified=False,
            series_description=series_description("Measurements", findings.run),
        )
        document.SpecificCharacterSet = UTF8
        document.CurrentRequestedProcedureEvidenceSequence = [_evidence(sources, seg)]
        document.CodingSchemeIdentificationSequence = [_own_scheme()]
        if not items:
            document.ContentSequence = DicomSequence([*list(document.ContentSequence)[:-1], _nothing_reported()])
    return document


def _content(groups: Sequence[_Group], modality: str, observer: str) -> sr.MeasurementReport:
    return sr.MeasurementReport(
        observation_context=_context(observer),
        procedure_reported=dicom_code(_PROCEDURES.get(modality, _ANY_PROCEDURE)),
        # highdicom wants a group even where there is none; it is taken out again
        imaging_measurements=groups
        or [sr.MeasurementsAndQualitativeEvaluations(_tracking("none", generate_uid(None)))],
        language_of_content_item_and_descendants=sr.LanguageOfContentItemAndDescendants(
            sr.CodedConcept("en", "RFC5646", "English")
        ),
    )


def _nothing_reported() -> sr.ContainerContentItem:
    """What stands in place of the measurements: "Qualitative Evaluations" with a sentence (TID 1500, rows 12 to 14)."""
    contains = sr.RelationshipTypeValues.CONTAINS
    container = sr.ContainerContentItem(
        name=sr.CodedConcept("C0034375", "UMLS", "Qualitative Evaluations"), relationship_type=contains
    )
    comment = sr.TextContentItem(sr.CodedConcept("121106", "DCM", "Comment"), _NOTHING, relationship_type=contains)
    container.ContentSequence = sr.ContentSequence([comment])
    return container


def _context(observer: str) -> sr.ObservationContext:
    """The software observed; a person did so too only where a name is given."""
    device = sr.ObserverContext(
        sr.CodedConcept("121007", "DCM", "Device"),
        sr.DeviceObserverIdentifyingAttributes(uid=_DEVICE_UID, name=MAKER, manufacturer_name=MAKER, model_name=MODEL),
    )
    if not observer:
        return sr.ObservationContext(observer_device_context=device)
    person = sr.ObserverContext(
        sr.CodedConcept("121006", "DCM", "Person"), sr.PersonObserverIdentifyingAttributes(name=plain(observer))
    )
    return sr.ObservationContext(observer_person_context=person, observer_device_context=device)


def _group(item: Exported, findings: Findings, sources: SourceSeries, seg: Dataset | None) -> _Group:
    finding, run = item.finding, findings.run
    algorithm, site = algorithm_of(finding, run), site_of(finding, run)
    site = site or (None if item.segment else _SOMEWHERE)
    facts: dict[str, Any] = {
        "tracking_identifier": _tracking(finding.id, finding.tracking_uid),
        "finding_type": dicom_code(finding.lesion.meaning),
        "finding_sites": [sr.FindingSite(anatomic_location=dicom_code(site))] if site else None,
        "algorithm_id": sr.AlgorithmIdentification(
            algorithm.name, algorithm.version, list(algorithm.parameters) or None
        ),
        "measurements": _measurements(item, findings, sources.image),
        "qualitative_evaluations": [
            sr.QualitativeEvaluation(dicom_code(_STATUS), dicom_code(_STATUSES[finding.status]))
        ],
    }
    if item.segment and seg is not None:
        segment = sr.ReferencedSegment(
            sop_class_uid=SegmentationStorage,
            sop_instance_uid=seg.SOPInstanceUID,
            segment_number=item.segment,
            source_series=sr.SourceSeriesForSegmentation(sources.description.SeriesInstanceUID),
        )
        return sr.VolumetricROIMeasurementsAndQualitativeEvaluations(referenced_segment=segment, **facts)
    place = np.array(finding.lesion.center_ras_mm) * (-1, -1, 1)
    point = sr.ImageRegion3D(
        graphic_type=sr.GraphicTypeValues3D.POINT,
        graphic_data=place[None],
        frame_of_reference_uid=sources.description.FrameOfReferenceUID,
    )
    return sr.PlanarROIMeasurementsAndQualitativeEvaluations(referenced_region=point, **facts)


def _tracking(identifier: str, uid: str) -> sr.TrackingIdentifier:
    return sr.TrackingIdentifier(uid=uid, identifier=identifier)


def _measurements(item: Exported, findings: Findings, image: Image) -> list[sr.Measurement]:
    """The same for all lesions with an outline, and for all without, in the same order."""
    lesion, geometry = item.finding.lesion, findings.run.geometry
    if lesion.mask is None:
        sizes = [_measured(_DIAMETER, lesion.diameter_mm, _MM)]
    else:
        recist = lesion.recist or recist_of_mask(lesion.mask, geometry)
        sizes = [
            _measured(_VOLUME, len(item.ijk) * geometry.voxel_volume_mm3, _MM3),
            _measured(_LONG_AXIS, recist.long_mm, _MM),
            _measured(_SHORT_AXIS, recist.short_mm, _MM),
            *_intensities(item, image),
        ]
    return [*sizes, _measured(_SCORE, lesion.score, _ONE), _measured(_RANK, item.rank, _ONE)]


def _intensities(item: Exported, image: Image) -> list[sr.Measurement]:
    """Mean, minimum, maximum and standard deviation (of the voxels, not estimated from a sample) in the outline. Of a PET in SUV
    also the peak (:mod:`~LesionDetectionLib.imaging.suv_peak`); and mean, maximum and peak by lean body mass, where the
    patient's size is known."""
    i, j, k = item.ijk.T
    values = image.voxels[k, j, i].astype(np.float64)
    if image.unit not in _INTENSITIES or not np.isfinite(values).all():
        return []
    quantity, unit = _INTENSITIES[image.unit]
    found = [(_MEAN, values.mean()), (_MINIMUM, values.min()), (_MAXIMUM, values.max()), (_DEVIATION, values.std())]
    if image.unit == SUV_BW:
        found.append((_PEAK, _peak(item, image)))
    measured = [_measured(quantity, float(value), unit, how) for how, value in found]
    if image.unit == SUV_BW and (lean := image.suv_factors.get(SUV_LBM)) is not None:
        measured += [
            _measured(_LEAN[0], lean * v, _LEAN[1], how) for how, v in found if how in (_MEAN, _MAXIMUM, _PEAK)
        ]
    return measured


def _peak(item: Exported, image: Image) -> float:
    kji = item.ijk[:, ::-1]
    start = kji.min(axis=0)
    box = np.zeros(kji.max(axis=0) - start + 1, dtype=bool)
    box[tuple((kji - start).T)] = True
    return suv_peak(image.voxels, box, start, image.spacing_mm)


def _measured(quantity: Code, value: float, unit: Code, derivation: Code | None = None) -> sr.Measurement:
    return sr.Measurement(
        name=dicom_code(quantity),
        value=value,
        unit=dicom_code(unit),
        derivation=None if derivation is None else dicom_code(derivation),
    )


def _own_scheme() -> Dataset:
    scheme = Dataset()
    scheme.CodingSchemeDesignator, scheme.CodingSchemeName = OWN_SCHEME, "Terms of SlicerLesionDetection"
    scheme.CodingSchemeResponsibleOrganization = MAKER
    return scheme


def _evidence(sources: SourceSeries, seg: Dataset | None) -> Dataset:
    """All files of the source series, and the segmentation."""
    study = Dataset()
    study.StudyInstanceUID = sources.description.StudyInstanceUID
    series = [(sources.description.SeriesInstanceUID, list(sources.instances.items()))]
    if seg is not None:
        series.insert(0, (seg.SeriesInstanceUID, [(seg.SOPInstanceUID, seg.SOPClassUID)]))
    study.ReferencedSeriesSequence = []
    for series_uid, instances in series:
        item = Dataset()
        item.SeriesInstanceUID = series_uid
        item.ReferencedSOPSequence = []
        for uid, class_uid in instances:
            reference = Dataset()
            reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = class_uid, uid
            item.ReferencedSOPSequence.append(reference)
        study.ReferencedSeriesSequence.append(item)
    return study
