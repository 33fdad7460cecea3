"""The first pass over DICOM files: headers only, no pixels, one record for each image plane.

A plane is a file of a classic series or a frame of an enhanced multi-frame file; what follows treats both alike. The
patient's name and identifier are never read.
"""

from __future__ import annotations

import io
import os
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from pydicom import dcmread
from pydicom.dataelem import RawDataElement
from pydicom.dataset import Dataset
from pydicom.uid import DeflatedExplicitVRLittleEndian, ExplicitVRLittleEndian, ImplicitVRLittleEndian

from LesionDetectionLib.core.progress import Progress

from . import pet_facts
from .dicom_times import date_time, parse_datetime

SPLIT_KEYS = (
    "TemporalPositionIdentifier",
    "TemporalPositionIndex",
    "AcquisitionNumber",
    "FrameReferenceTime",
    "TriggerTime",
    "NominalPercentageOfCardiacPhase",
    "EchoTime",
    "AcquisitionTime",
    "ConvolutionKernel",
    "ImageType",
    "ContentTime",
)
"""Attributes that tell the phases of a series apart where it holds a position more than once; tried in this order."""

NOT_IMAGES = frozenset(
    [
        "SR",
        "SEG",
        "RTSTRUCT",
        "RTDOSE",
        "RTPLAN",
        "RTRECORD",
        "RTIMAGE",
        "PR",
        "KO",
        "REG",
        "FID",
        "DOC",
        "AU",
        "ECG",
        "RWV",
        "M3D",
        "PLAN",
        "ANN",
        "TEXTUREMAP",
    ]
)
"""Modalities without a scan in them; skipped, and counted in messages."""

_TAGS = [
    *SPLIT_KEYS,
    *pet_facts.TAGS,
    "SOPClassUID",
    "SOPInstanceUID",
    "StudyInstanceUID",
    "SeriesInstanceUID",
    "FrameOfReferenceUID",
    "Modality",
    "SeriesDescription",
    "SeriesNumber",
    "StudyDate",
    "AcquisitionDate",
    "AcquisitionDateTime",
    "InstanceNumber",
    "Rows",
    "Columns",
    "SamplesPerPixel",
    "NumberOfFrames",
    "ImagePositionPatient",
    "ImageOrientationPatient",
    "PixelSpacing",
    "SliceThickness",
    "RescaleSlope",
    "RescaleIntercept",
    "RescaleType",
    "PhotometricInterpretation",
    "SharedFunctionalGroupsSequence",
    "PerFrameFunctionalGroupsSequence",
]
_UNDEFINED_LENGTH = 0xFFFFFFFF
_WORKERS = min(8, (os.cpu_count() or 1) + 2)
"""Reading waits for the disk or network more than it computes."""
_ELEMENT_BYTES, _MOST_BLANK_ELEMENTS = 8, 16
"""A broken copy is long runs of zeros; pydicom takes every eight of them for an element, minutes long in a large file."""


@dataclass(frozen=True, eq=False)
class Plane:
    """One image plane: where its pixels are stored, where it lies (LPS mm, as DICOM says) and what its values mean.

    Attributes:
        path, frame: the file, and the number of the frame in it (None where the file is the plane).
        position: LPS mm of the centre of the first pixel.
        orientation: cosines of the direction along a row (3) and down a column (3).
        pixel_spacing: mm between rows, mm between columns.
        slope, intercept: None where the file has none.
        marks: the values of :data:`SPLIT_KEYS` that it has.
        pet_facts: of a PET, what all planes of its series have to say alike.
    """

    path: Path
    frame: int | None
    sop_uid: str
    series_uid: str
    study_uid: str
    frame_of_reference: str
    modality: str
    description: str
    series_number: int
    study_date: str
    transfer_syntax: str
    rows: int
    columns: int
    position: tuple[float, ...]
    orientation: tuple[float, ...]
    pixel_spacing: tuple[float, ...]
    thickness: float
    slope: float | None
    intercept: float | None
    rescale_type: str
    photometric: str
    acquired: datetime | None
    marks: dict[str, str] = field(default_factory=dict)
    pet_facts: pet_facts.Facts = ()


@dataclass(frozen=True)
class Skipped:
    """A DICOM file that gives no plane: ``kind`` in a word or two, ``damaged`` where it should have given one."""

    path: Path
    kind: str
    damaged: bool = False


def scan(path: Path, progress: Progress) -> tuple[list[Plane], list[Skipped]]:
    """Read the headers of a file, or of all DICOM files in a folder and below it. Other files are passed over."""
    return scan_files(files_under(path), progress)


def scan_files(files: Sequence[Path], progress: Progress) -> tuple[list[Plane], list[Skipped]]:
    """Read the headers of these files, in their order. Files that are not DICOM are passed over."""
    planes: list[Plane] = []
    skipped: list[Skipped] = []
    for result in headers(files, progress):
        if isinstance(result, Skipped):
            skipped.append(result)
        else:
            planes.extend(result)
    return planes, skipped


def files_under(path: Path) -> list[Path]:
    """The file, or all files of a folder and below it that may be DICOM, in a fixed order. Links are followed, once each."""
    if path.is_file():
        return [path]
    files: list[Path] = []
    seen: set[str] = set()
    for folder, subfolders, names in os.walk(path, followlinks=True):
        real = os.path.realpath(folder)
        if real in seen:  # two links to one folder, or one to a folder above
            subfolders.clear()
            continue
        seen.add(real)
        files.extend(file for name in names if _is_candidate(file := Path(folder, name)))
    return sorted(files)


def headers(files: Sequence[Path], progress: Progress) -> Iterator[list[Plane] | Skipped]:
    """What :func:`read_header` says of each file, in their order; several are read at a time, and none is kept."""
    with quiet_pydicom(), ThreadPoolExecutor(_WORKERS) as pool:
        try:
            for done, result in enumerate(pool.map(read_header, files)):
                progress(done / len(files), f"Reading headers ({done + 1} of {len(files)})")
                yield result
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def read_header(path: Path) -> list[Plane] | Skipped:
    """The planes of one file (none where it is not DICOM)."""
    try:
        if not may_be_dicom(path):
            return []
        with _UpToBlank(io.FileIO(path)) as file:
            return _planes(path, dcmread(file, stop_before_pixels=True, specific_tags=_TAGS, force=True))
    except Exception as error:  # pydicom meets damaged files with errors of every kind
        return Skipped(path, f"damaged ({type(error).__name__})", damaged=True)


class _UpToBlank(io.BufferedReader):
    """A file that ends where nothing but zeros follows, for a reader that asks for one element's head after the other."""

    _blank = 0

    def read(self, size: int | None = -1, /) -> bytes:
        data = super().read(size)
        if size == _ELEMENT_BYTES:
            self._blank = 0 if any(data) else self._blank + 1
        return data if self._blank <= _MOST_BLANK_ELEMENTS else b""


def may_be_dicom(path: Path) -> bool:
    """Whether the first bytes, or the ending, are those of a DICOM file."""
    with path.open("rb") as file:
        start = file.read(132)
    if start[128:132] == b"DICM" or path.suffix.lower() in (".dcm", ".dicom", ".ima"):
        return True
    # Without the preamble a data set begins with group 0002 or 0008, little endian.
    return start[:2] in (b"\x02\x00", b"\x08\x00") and start[3:4] == b"\x00"


def open_whole(path: Path) -> Dataset:
    """The whole data set, with the transfer syntax filled in for files that lack their meta header."""
    dataset = dcmread(path, force=True)
    if "TransferSyntaxUID" not in dataset.file_meta:
        implicit = dataset.original_encoding[0]
        dataset.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian if implicit else ExplicitVRLittleEndian
    return dataset


def is_cut_off(dataset: Dataset, path: Path) -> bool:
    """Whether the file ends within an element. pydicom reads a sequence that is cut off as a shorter one, in silence.

    Args:
        dataset: just read from ``path``, none of its sequences looked at yet.
    """
    if dataset.file_meta.get("TransferSyntaxUID") == DeflatedExplicitVRLittleEndian:
        return False  # lengths are those of what was deflated, and a cut is an error of its own
    size = path.stat().st_size
    elements: list[Any] = [
        dataset.get_item(tag) for tag in list(dataset.keys())
    ]  # iterating over it would convert them
    raw = [element for element in elements if isinstance(element, RawDataElement)]
    return any(e.length != _UNDEFINED_LENGTH and e.value_tell + e.length > size for e in raw)


@contextmanager
def quiet_pydicom() -> Iterator[None]:
    """Keep pydicom's remarks on sloppy files from the user's screen; what matters is told in notes and errors."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _is_candidate(path: Path) -> bool:
    """Not an index of files, nor a hidden companion that a Mac leaves beside each file ("._1-01.dcm")."""
    return path.name != "DICOMDIR" and not path.name.startswith(".") and path.is_file()


def _planes(path: Path, dataset: Dataset) -> list[Plane] | Skipped:
    modality = str(dataset.get("Modality", "") or "")
    if modality in NOT_IMAGES:
        return Skipped(path, modality)
    if "LOCALIZER" in _text(dataset, "ImageType"):
        return Skipped(path, "localizer")
    if "SeriesInstanceUID" not in dataset or not modality:
        return Skipped(path, "damaged (cut off in its header)", damaged=True)
    if int(dataset.get("SamplesPerPixel", 1) or 1) != 1:
        return Skipped(path, "colour picture")
    if "PerFrameFunctionalGroupsSequence" in dataset:
        shared = dataset.get("SharedFunctionalGroupsSequence") or [Dataset()]
        frames = dataset.PerFrameFunctionalGroupsSequence
        found = [_plane(path, dataset, n, (frame, shared[0])) for n, frame in enumerate(frames)]
    elif int(dataset.get("NumberOfFrames", 1) or 1) > 1:
        return Skipped(path, "multi-frame picture without positions")
    else:
        found = [_plane(path, dataset, None, ())]
    planes = [plane for plane in found if plane is not None]
    if not planes:
        damaged = modality in ("CT", "PT", "MR")
        return Skipped(path, f"{modality} image without position, size or spacing", damaged=damaged)
    return planes


def _plane(path: Path, dataset: Dataset, frame: int | None, groups: tuple[Dataset, ...]) -> Plane | None:
    """None where the plane does not say where it lies."""

    def find(sequence: str, keyword: str) -> Any:
        """From the frame's own functional group, then the shared one, then the file."""
        for group in groups:
            items = group.get(sequence)
            if items and items[0].get(keyword) is not None:
                return items[0].get(keyword)
        return dataset.get(keyword)

    position = _numbers(find("PlanePositionSequence", "ImagePositionPatient"), 3)
    orientation = _numbers(find("PlaneOrientationSequence", "ImageOrientationPatient"), 6)
    spacing = _numbers(find("PixelMeasuresSequence", "PixelSpacing"), 2)
    rows, columns = int(dataset.get("Rows") or 0), int(dataset.get("Columns") or 0)
    if position is None or orientation is None or spacing is None or min(spacing) <= 0 or min(rows, columns) < 1:
        return None
    marks = {key: _text(dataset, key) for key in SPLIT_KEYS if _text(dataset, key)}
    for key, source in (
        ("TemporalPositionIndex", "TemporalPositionIndex"),
        ("AcquisitionNumber", "FrameAcquisitionNumber"),
    ):
        if groups and (value := find("FrameContentSequence", source)) is not None:
            marks[key] = str(value)
    acquired = date_time(dataset.get("AcquisitionDate") or dataset.get("StudyDate"), dataset.get("AcquisitionTime"))
    if groups:
        acquired = parse_datetime(find("FrameContentSequence", "FrameAcquisitionDateTime")) or acquired
    return Plane(
        path=path,
        frame=frame,
        sop_uid=_text(dataset, "SOPInstanceUID"),
        series_uid=_text(dataset, "SeriesInstanceUID"),
        study_uid=_text(dataset, "StudyInstanceUID"),
        frame_of_reference=_text(dataset, "FrameOfReferenceUID"),
        modality=_text(dataset, "Modality"),
        description=_text(dataset, "SeriesDescription"),
        series_number=int(dataset.get("SeriesNumber") or 0),
        study_date=_text(dataset, "StudyDate"),
        transfer_syntax=str(dataset.file_meta.get("TransferSyntaxUID", "")),
        rows=rows,
        columns=columns,
        position=position,
        orientation=orientation,
        pixel_spacing=spacing,
        thickness=_number(find("PixelMeasuresSequence", "SliceThickness")) or 0.0,
        slope=_number(find("PixelValueTransformationSequence", "RescaleSlope")),
        intercept=_number(find("PixelValueTransformationSequence", "RescaleIntercept")),
        rescale_type=str(find("PixelValueTransformationSequence", "RescaleType") or "").strip(),
        photometric=_text(dataset, "PhotometricInterpretation"),
        acquired=acquired or parse_datetime(dataset.get("AcquisitionDateTime")),
        marks=marks,
        pet_facts=pet_facts.pet_facts(dataset) if dataset.get("Modality") == "PT" else (),
    )


def _text(dataset: Dataset, keyword: str) -> str:
    value = dataset.get(keyword)
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else str(value)


def _number(value: Any) -> float | None:
    return None if value is None or value == "" else float(value)


def _numbers(value: Any, count: int) -> tuple[float, ...] | None:
    if value is None or isinstance(value, (str, bytes)) or not hasattr(value, "__len__") or len(value) != count:
        return None
    numbers = tuple(float(n) for n in value)
    return numbers if np.isfinite(numbers).all() else None
