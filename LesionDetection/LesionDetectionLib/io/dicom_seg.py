"""Findings as a DICOM segmentation (SEG): one binary segment a lesion, on the source series' own pixels where that can be.

Supplement 111; PS3.3 A.51. Frames are written only where a segment has voxels. Where our reader interpolated or moved a
slice (missing slices, gantry tilt) the frame has the place of that slice, and no source image claims to be its twin.
"""

from __future__ import annotations

from collections.abc import Sequence

import highdicom
import numpy as np
import numpy.typing as npt
from highdicom.color import CIELabColor
from highdicom.seg import Segmentation, SegmentDescription
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset
from pydicom.sr.coding import Code as DicomCode
from pydicom.uid import ExplicitVRLittleEndian, generate_uid
from pydicom.valuerep import DS

from LesionDetectionLib import __version__
from LesionDetectionLib.core.errors import OutputError
from LesionDetectionLib.core.finding import Findings
from LesionDetectionLib.core.image import FloatArray
from LesionDetectionLib.core.lesion import Code
from LesionDetectionLib.core.progress import Progress

from .dicom_findings import (
    MANUAL,
    Exported,
    algorithm_of,
    algorithm_type,
    overlapping,
    series_description,
    site_of,
)
from .dicom_headers import Plane
from .dicom_placing import first_voxels_ras, slices_of
from .dicom_sources import UTF8, SourceSeries, unseen
from .display import lesion_color
from .lesion_table import finding_label
from .terminology import category_of

MAKER, MODEL, SERIAL = "SlicerLesionDetection", "LesionDetection", "none"
"""Manufacturer, model name and serial number of the "device" that makes our objects."""
_SERIES_NUMBER = 701
_LARGEST_PIXEL_DATA = 2**32 - 2


def segmentation(
    findings: Findings, items: Sequence[Exported], sources: SourceSeries, progress: Progress, creator: str = ""
) -> Dataset:
    """The segmentation of those items that have voxels (segment numbers from 1 on, in their order), ready to be saved.

    Args:
        creator: name of the person who reviewed it; empty for none.

    Raises:
        OutputError: more than 4 GiB of frames.
        Cancelled: through ``progress``.
    """
    items = [item for item in items if item.segment]
    with unseen():
        seg = _without_frames(findings, items, sources, creator)
        seg.SpecificCharacterSet = UTF8
        _refer_to(seg, sources)
        _add_frames(seg, items, sources, progress)
    return seg


def _without_frames(findings: Findings, items: Sequence[Exported], sources: SourceSeries, creator: str) -> Segmentation:
    """All but the frames. highdicom would compare every segment with every slice (100 lesions on 300 slices: 30,000 times),
    and takes overlapping segments only as an array of [slices, rows, columns, segments], 7.8 GB then; so it gets one empty
    slice, and the frames follow."""
    described, geometry = sources.description, sources.image.geometry
    rows, columns = geometry.shape_kji[1:]
    width, height, step = geometry.spacing_mm
    seg = Segmentation(
        source_images=[described],
        pixel_array=np.zeros((1, rows, columns), dtype=np.uint8),
        segmentation_type="BINARY",
        segment_descriptions=[_segment(item, findings) for item in items],
        series_instance_uid=generate_uid(prefix=None),
        series_number=_SERIES_NUMBER,
        sop_instance_uid=generate_uid(prefix=None),
        instance_number=1,
        manufacturer=MAKER,
        manufacturer_model_name=MODEL,
        software_versions=__version__,
        device_serial_number=SERIAL,
        content_label="LESIONS",
        content_description="Lesion outlines; research use only",
        content_creator_name=plain(creator) or None,
        transfer_syntax_uid=ExplicitVRLittleEndian,
        pixel_measures=highdicom.PixelMeasuresSequence((height, width), float(described.SliceThickness)),
        plane_orientation=highdicom.PlaneOrientationSequence("PATIENT", described.ImageOrientationPatient),
        plane_positions=[highdicom.PlanePositionSequence("PATIENT", described.ImagePositionPatient)],
        omit_empty_frames=False,
        series_description=series_description("Lesions", findings.run),
    )
    shared = seg.SharedFunctionalGroupsSequence[0]
    shared.PixelMeasuresSequence[0].SpacingBetweenSlices = DS(step, auto_format=True)
    for holder, keyword in ((shared, "SegmentIdentificationSequence"), (seg, "DimensionOrganizationType")):
        if keyword in holder:  # for a single segment, which the frames name like any other
            delattr(holder, keyword)
    return seg


def _segment(item: Exported, findings: Findings) -> SegmentDescription:
    finding, lesion = item.finding, item.finding.lesion
    kind, algorithm = algorithm_type(finding), algorithm_of(finding, findings.run)
    site = site_of(finding, findings.run)
    identification = highdicom.AlgorithmIdentificationSequence(
        algorithm.name, dicom_code(algorithm.family), algorithm.version, source=MAKER
    )
    if algorithm.parameters:
        identification[0].AlgorithmParameters = "; ".join(algorithm.parameters)
    description = SegmentDescription(
        segment_number=item.segment,
        segment_label=finding_label(finding)[:64],
        segmented_property_category=dicom_code(category_of(lesion.meaning)),
        segmented_property_type=dicom_code(lesion.meaning),
        algorithm_type=kind,
        algorithm_identification=None if kind == MANUAL else identification,
        tracking_uid=finding.tracking_uid,
        tracking_id=finding.id,
        anatomic_regions=[dicom_code(site)] if site else None,
        display_color=_cielab(lesion_color(finding.number)),
    )
    if lesion.note:
        description.SegmentDescription = lesion.note[:1024]
    return description


def _cielab(rgb: tuple[float, float, float]) -> CIELabColor:
    from skimage.color import rgb2lab

    return CIELabColor(*(float(n) for n in rgb2lab(np.array(rgb))))


def dicom_code(code: Code) -> DicomCode:
    return DicomCode(code.value, code.scheme, plain(code.meaning)[:64])


def plain(text: str) -> str:
    """Text for a DICOM value: a backslash would divide it in two."""
    return text.replace("\\", "/")


def _refer_to(seg: Segmentation, sources: SourceSeries) -> None:
    """Name every file of the series: what a viewer follows to load the scan with its segmentation."""
    instances = [_instance(class_uid, uid) for uid, class_uid in sources.instances.items()]
    series = Dataset()
    series.SeriesInstanceUID = sources.description.SeriesInstanceUID
    series.ReferencedInstanceSequence = instances
    seg.ReferencedSeriesSequence = [series]
    seg.SourceImageSequence = [_instance(class_uid, uid) for uid, class_uid in sources.instances.items()]


def _instance(class_uid: str, uid: str) -> Dataset:
    reference = Dataset()
    reference.ReferencedSOPClassUID, reference.ReferencedSOPInstanceUID = class_uid, uid
    return reference


def _add_frames(seg: Segmentation, items: Sequence[Exported], sources: SourceSeries, progress: Progress) -> None:
    rows, columns = sources.image.shape_kji[1:]
    used = sorted({int(k) for item in items for k in np.unique(item.ijk[:, 2])})
    place = {k: n for n, k in enumerate(used, 1)}
    starts = first_voxels_ras(sources.image.geometry) * (-1, -1, 1)
    frames = [(item.segment, k, ij) for item in items for k, ij in slices_of(item.ijk).items()]
    if len(frames) * rows * columns / 8 > _LARGEST_PIXEL_DATA:
        raise OutputError(
            f"The segmentation would have {len(frames)} frames of {columns} x {rows} pixels, more than a DICOM file holds. "
            "Accept or report fewer findings."
        )
    packed = _Bits()
    groups: list[Dataset] = []
    for n, (segment, k, ij) in enumerate(frames):
        if n % 32 == 0:
            progress(n / len(frames), f"Writing frame {n + 1} of {len(frames)}")
        pixels = np.zeros((rows, columns), dtype=bool)
        pixels[ij[:, 1], ij[:, 0]] = True
        packed.add(pixels)
        groups.append(_frame_group(segment, place[k], starts[k], sources, k))
    seg.PerFrameFunctionalGroupsSequence = groups
    seg.NumberOfFrames = len(frames)
    seg.PixelData = packed.bytes()
    seg.SegmentsOverlap = "YES" if overlapping(items, sources.image.geometry) else "NO"


def _frame_group(segment: int, place: int, start_lps: FloatArray, sources: SourceSeries, k: int) -> Dataset:
    """Functional groups of one frame; ``place`` is its slice's number among those in the file."""
    plane = sources.planes[k]
    position = start_lps if plane is None else plane.position
    group, content, identification = Dataset(), Dataset(), Dataset()
    content.add(DataElement("DimensionIndexValues", "UL", [segment, place]))
    identification.add(DataElement("ReferencedSegmentNumber", "US", segment))
    group.FrameContentSequence = [content]
    group.PlanePositionSequence = highdicom.PlanePositionSequence("PATIENT", [float(mm) for mm in position])
    group.DerivationImageSequence = [] if plane is None else [_derivation(plane, sources)]
    group.SegmentIdentificationSequence = [identification]
    return group


def _derivation(plane: Plane, sources: SourceSeries) -> Dataset:
    source = _instance(sources.instances[plane.sop_uid], plane.sop_uid)
    if plane.frame is not None:
        source.ReferencedFrameNumber = plane.frame + 1
    source.PurposeOfReferenceCodeSequence = [_coded("121322", "Source image for image processing operation")]
    source.SpatialLocationsPreserved = "YES"
    derivation = Dataset()
    derivation.SourceImageSequence = [source]
    derivation.DerivationCodeSequence = [_coded("113076", "Segmentation")]
    return derivation


def _coded(value: str, meaning: str) -> Dataset:
    return highdicom.sr.CodedConcept(value, "DCM", meaning)


class _Bits:
    """Pixels of one bit each, packed without gaps between frames, the first in the lowest bit (PS3.5 8.1.1)."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._rest: npt.NDArray[np.bool_] = np.zeros(0, dtype=bool)

    def add(self, pixels: npt.NDArray[np.bool_]) -> None:
        bits = pixels.ravel() if not len(self._rest) else np.concatenate([self._rest, pixels.ravel()])
        whole = len(bits) // 8 * 8
        self._parts.append(np.packbits(bits[:whole], bitorder="little").tobytes())
        self._rest = bits[whole:]

    def bytes(self) -> bytes:
        """All of it, of even length as DICOM wants."""
        last = np.packbits(self._rest, bitorder="little").tobytes()
        data = b"".join([*self._parts, last])
        return data + b"\0" * (len(data) % 2)
