"""The readings of a LIDC-IDRI scan: what each of up to four readers marked, from ``LidcReadMessage`` XML.

Nodules of 3 mm and more are outlined slice by slice and rated; smaller ones and other findings are single points. Positions
in a slice are pixels (x: column, y: row, from 0), slices are told by their z in LPS mm. Armato et al., Med Phys 38 (2011)
915-931.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree

from LesionDetectionLib.core.errors import InputError

ROOT = "LidcReadMessage"
_RADIOGRAPH = "IdriReadMessage"
_LARGEST_BYTES = 1 << 26
"""Of one file; the greatest of the collection has about one megabyte."""
_CHUNK = 1 << 14


@dataclass(frozen=True)
class Contour:
    """An outline in one slice, or a point.

    Attributes:
        z_mm: of the slice (LPS and RAS alike).
        points_xy: pixels on the outline; the region lies inside of them.
        inclusion: false where the region is a hole.
    """

    z_mm: float
    points_xy: tuple[tuple[int, int], ...]
    inclusion: bool = True


@dataclass(frozen=True)
class Reading:
    """One nodule as one reader saw it.

    Attributes:
        name: the reader's own for it.
        contours: at least one.
        ratings: name of a characteristic -> 1 to 5 or 6; empty for nodules below 3 mm.
    """

    name: str
    contours: tuple[Contour, ...]
    ratings: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_small(self) -> bool:
        """Whether it is a single point: a nodule below 3 mm."""
        return len(self.contours) == 1 and len(self.contours[0].points_xy) == 1


@dataclass(frozen=True)
class Session:
    """What one reader marked; ``non_nodules`` are points."""

    nodules: tuple[Reading, ...]
    non_nodules: tuple[Contour, ...]


@dataclass(frozen=True)
class Readings:
    """All sessions of one scan."""

    series_uid: str
    sessions: tuple[Session, ...]


def read_readings(path: Path) -> Readings:
    """The readings of one scan.

    Raises:
        InputError: it cannot be read, is damaged, or is something else than the reading of a CT.
    """
    parser = ElementTree.XMLParser(target=_Careful())
    for chunk in _chunks(path):
        _feed(parser, chunk, path)
    root = _close(parser, path)
    _check_root(_plain(root.tag), path)
    header = _child(root, "ResponseHeader")
    try:
        sessions = tuple(_session(node) for node in _children(root, "readingSession"))
    except ValueError as error:
        raise InputError(f"{path} is damaged: {error}. Download it again.") from error
    if not sessions:
        raise InputError(f"{path} holds no reading session.")
    return Readings("" if header is None else _text(header, "SeriesInstanceUid"), sessions)


def read_series_uid(path: Path) -> str:
    """The Series Instance UID that readings are of, or an empty text; only the beginning of the file is read.

    Raises:
        InputError: see :func:`read_readings`.
    """
    target = _Head()
    parser = ElementTree.XMLParser(target=target)
    for chunk in _chunks(path):
        _feed(parser, chunk, path)
        if target.done or (target.root and target.root != ROOT):
            break
    else:
        _close(parser, path)
    _check_root(target.root, path)
    return target.uid.strip()


class _Careful(ElementTree.TreeBuilder):
    """Refuses a document type: with it come entities that grow without end or name other files."""

    def doctype(self, name: str, public: str | None, system: str | None) -> NoReturn:
        _refuse_doctype()


class _Head:
    """Collects the root's name and the series UID, and builds nothing."""

    def __init__(self) -> None:
        self.root, self.uid, self.done, self._inside = "", "", False, False

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        name = _plain(tag)
        self.root = self.root or name
        self._inside = name == "SeriesInstanceUid" and not self.done
        self.done = self.done or name == "readingSession"

    def data(self, text: str) -> None:
        self.uid += text if self._inside else ""

    def end(self, tag: str) -> None:
        self.done = self.done or self._inside
        self._inside = False

    def doctype(self, name: str, public: str | None, system: str | None) -> NoReturn:
        _refuse_doctype()

    def close(self) -> None:
        """Nothing was built."""


def _refuse_doctype() -> NoReturn:
    raise ValueError("it has a document type, which readings never have")


def _chunks(path: Path) -> Iterator[bytes]:
    try:
        if path.stat().st_size > _LARGEST_BYTES:
            raise InputError(f"{path} is too large to be the readings of a scan.")
        with path.open("rb") as file:
            while chunk := file.read(_CHUNK):
                yield chunk
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error


def _feed(parser: ElementTree.XMLParser, chunk: bytes, path: Path) -> None:
    try:
        parser.feed(chunk)
    except (ElementTree.ParseError, ValueError) as error:
        _damaged(path, error)


def _close(parser: ElementTree.XMLParser, path: Path) -> Any:
    try:
        return parser.close()
    except ElementTree.ParseError as error:
        _damaged(path, error)


def _damaged(path: Path, error: Exception) -> NoReturn:
    raise InputError(f"{path} is no XML file that can be read: {error}. Download it again.") from error


def _check_root(name: str, path: Path) -> None:
    if name == _RADIOGRAPH:
        raise InputError(f"{path} is the reading of a radiograph, not of a CT.")
    if name != ROOT:
        raise InputError(f"{path} holds no readings of a CT ({ROOT}) but “{name or 'nothing'}”.")


def _session(node: ElementTree.Element) -> Session:
    nodules = [_reading(nodule) for nodule in _children(node, "unblindedReadNodule")]
    points = [_point(other) for other in _children(node, "nonNodule")]
    return Session(tuple(reading for reading in nodules if reading.contours), tuple(points))


def _reading(node: ElementTree.Element) -> Reading:
    contours = []
    for roi in _children(node, "roi"):
        points = tuple((_whole(edge, "xCoord"), _whole(edge, "yCoord")) for edge in _children(roi, "edgeMap"))
        if points:
            inclusion = _text(roi, "inclusion").upper() != "FALSE"
            contours.append(Contour(_number(roi, "imageZposition"), points, inclusion))
    rated = _child(node, "characteristics")
    ratings = {} if rated is None else {_plain(entry.tag): _rating(entry) for entry in rated}
    return Reading(_text(node, "noduleID"), tuple(contours), {name: n for name, n in ratings.items() if n})


def _point(node: ElementTree.Element) -> Contour:
    locus = _child(node, "locus")
    if locus is None:
        raise ValueError("a non-nodule without a place")
    return Contour(_number(node, "imageZposition"), ((_whole(locus, "xCoord"), _whole(locus, "yCoord")),))


def _rating(node: ElementTree.Element) -> int:
    text = (node.text or "").strip()
    return int(text) if text.isdecimal() else 0


def _plain(tag: str) -> str:
    return tag.rpartition("}")[2]


def _children(node: ElementTree.Element, name: str) -> list[ElementTree.Element]:
    return [child for child in node if _plain(child.tag) == name]


def _child(node: ElementTree.Element, name: str) -> ElementTree.Element | None:
    return next(iter(_children(node, name)), None)


def _text(node: ElementTree.Element, name: str) -> str:
    child = _child(node, name)
    return "" if child is None else (child.text or "").strip()


def _number(node: ElementTree.Element, name: str) -> float:
    try:
        value = float(_text(node, name))
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise ValueError(f"“{_text(node, name)}” under {name} is no number")
    return value


def _whole(node: ElementTree.Element, name: str) -> int:
    value = _number(node, name)
    if value != int(value):
        raise ValueError(f"“{_text(node, name)}” under {name} is no pixel")
    return int(value)
