"""Which other files a file names. What comes from outside may name files of its own folder, and nothing else: neither other
files of this machine, nor anything on the network.

Scenes (.mrml) name their data; headers of MetaImage and NRRD may name where their voxels are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote
from xml.parsers import expat

from LesionDetectionLib.core.errors import InputError

_LONGEST_HEADER = 1 << 20
_DETACHED = (".mhd", ".mha", ".nhdr", ".nrrd")
_META_VOXELS = re.compile(rb"^[ \t]*ElementDataFile[ \t]*[=:](.*)$", re.IGNORECASE | re.MULTILINE)
_NRRD_VOXELS = re.compile(rb"^[ \t]*data[ \t]?file[ \t]*:(.*)$", re.IGNORECASE | re.MULTILINE)
_NAMES_A_FILE = re.compile(r"(filename|filepath|uri|url|listmember\d+|directory|archetype)$", re.IGNORECASE)
"""Attributes of a scene that do."""
_STORAGE = re.compile(r"storage$", re.IGNORECASE)
"""Elements of a scene that are read from files."""
_LOOKS_LIKE_ONE = re.compile(r"^[/~]|://|\\|(^|/)\.\.(/|$)")
"""What no other attribute of these elements has."""
_ADDRESS = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:|//|\\\\)", re.IGNORECASE)
_READ_IN_SCENES = (
    *(".nrrd", ".nhdr", ".nii", ".nii.gz", ".mha", ".mhd", ".json", ".fcsv", ".acsv", ".csv", ".tsv", ".txt", ".ctbl"),
    *(".cset", ".vtk", ".vtp", ".vtu", ".stl", ".ply", ".obj", ".h5", ".tfm", ".mat", ".png", ".jpg", ".jpeg", ".tif"),
    *(".tiff", ".bmp", ".html", ".xml", ".mrml", ".raw", ".zraw", ".gz"),
)
"""Endings of what a scene's own files may be: none of them holds other files, or a program."""


def check_header(path: Path) -> None:
    """Where the voxels of a MetaImage or NRRD file are: in itself, or in a file beside it. Nothing to do for others.

    Raises:
        InputError: it names a file elsewhere.
    """
    if path.suffix.lower() not in _DETACHED:
        return
    with path.open("rb") as file:
        # Not only up to where the header seems to end: readers differ in that, and no voxels look so.
        header = file.read(_LONGEST_HEADER).replace(b"\r", b"\n")
    pattern = _META_VOXELS if path.suffix.lower() in (".mhd", ".mha") else _NRRD_VOXELS
    for found in pattern.finditer(header):
        said = found[1].decode("utf-8", errors="replace").strip()
        names = _listed(header[found.end() :]) if said.split(" ")[0].upper() == "LIST" else iter([said])
        for name in names:
            # Of a pattern ("slice%03d.raw 1 10 1") the first word is the name.
            if name.upper() != "LOCAL" and not _is_beside(name, path.parent):
                raise InputError(
                    f"{path.name} says that its voxels are in a file of another folder, which is not read here. Put both into "
                    "one folder, or save it as one file."
                )


def check_scene(scene: Path) -> None:
    """All that a scene file (.mrml) names, and the headers of what lies beside it.

    Raises:
        InputError: it is no scene, or names what is not in its own folder.
    """
    folder = scene.parent
    for element, attribute, value in _attributes(scene):
        if value and _NAMES_A_FILE.search(attribute):
            _check_named(scene, folder, element, unquote(value))
        elif _STORAGE.search(element) and _LOOKS_LIKE_ONE.search(unquote(value)):
            raise _elsewhere(scene, element)
    for path in folder.rglob("*"):
        if path.is_file():
            check_header(path)


def _check_named(scene: Path, folder: Path, element: str, name: str) -> None:
    if _leads_out(name, folder):
        raise _elsewhere(scene, element)
    plain = name.lower()
    if not plain.endswith(_READ_IN_SCENES):
        raise InputError(
            f"{scene.name} names a file of a kind that is not read in scenes here (in “{element}”: …{plain[-8:]}). Save the "
            "scene in Slicer without it."
        )


def _elsewhere(scene: Path, element: str) -> InputError:
    return InputError(
        f"{scene.name} names a file that is not in its own folder (in “{element}”), and such files are not read here. Save it "
        "in Slicer as one file (.mrb), and open that."
    )


def _is_beside(name: str, folder: Path) -> bool:
    return "/" not in name and "\\" not in name and not _leads_out(name, folder)


def _leads_out(name: str, folder: Path) -> bool:
    if "\x00" in name or _ADDRESS.match(name) or name.startswith(("/", "\\", "~")):
        return True
    parts = re.split(r"[/\\]", name)
    return ".." in parts or not (folder / name).resolve().is_relative_to(folder.resolve())


def _listed(rest: bytes) -> Iterator[str]:
    for line in rest.split(b"\n"):
        if line.strip():
            yield line.decode("utf-8", errors="replace").strip()


def _attributes(scene: Path) -> Iterator[tuple[str, str, str]]:
    """Each attribute of a scene: element, name, value. Raises InputError where it is no scene."""
    found: list[tuple[str, str, str]] = []
    root: list[str] = []

    def start(element: str, attributes: dict[str, str]) -> None:
        root[:] = root or [element]
        found.extend((element, name, value) for name, value in attributes.items())

    def refuse(*_declared: object) -> None:
        raise InputError(f"{scene.name} declares a document type, as no scene of Slicer does, and is not read.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse  # and with it entities, inner and outer ones
    try:
        with scene.open("rb") as file:
            parser.ParseFile(file)
    except (expat.ExpatError, ValueError) as error:
        raise InputError(f"{scene.name} is damaged, or no scene of Slicer. Save it again.") from error
    if root != ["MRML"]:
        raise InputError(f"{scene.name} is no scene of Slicer.")
    return iter(found)
