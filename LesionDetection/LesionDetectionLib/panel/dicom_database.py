"""Slicer's DICOM database: the files that a volume came from, and new files into it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import slicer
from slicer.i18n import tr as _

from LesionDetectionLib.core.errors import InputError, OutputError
from LesionDetectionLib.io.mrml_volume import frame_of_reference, set_frame_of_reference

_INSTANCES = "DICOM.instanceUIDs"
_FRAME_TAG = "0020,0052"


def database() -> Any | None:
    """The database, open or not; None where Slicer runs without DICOM, and until it has started: the module DICOM makes it then,
    after a module that Slicer starts with."""
    return getattr(slicer, "dicomDatabase", None)


def source_files(volume_node: Any) -> list[Path]:
    """The files of the series that a volume was loaded from.

    Raises:
        InputError: it did not come from the database, or a file is gone.
    """
    uids = (volume_node.GetAttribute(_INSTANCES) or "").split()
    if not uids:
        text = _("“{name}” was not loaded from DICOM, so there is no examination that DICOM results could belong to.")
        raise InputError(text.format(name=volume_node.GetName()))
    there = _open_database()
    files = [Path(there.fileForInstance(uid) or "") for uid in uids]
    missing = sum(not file.is_file() for file in files)
    if missing:
        text = _("{missing} of the {count} DICOM files of “{name}” are gone. Import the series again.")
        raise InputError(text.format(missing=missing, count=len(files), name=volume_node.GetName()))
    return files


def know_frame_of_reference(volume_node: Any) -> None:
    """Let a volume that came from the database say which frame of reference it has: Slicer's reader leaves that away, and without
    it nobody can tell whether a CT and a PET belong together. Nothing is changed where it is known, or cannot be."""
    uids = (volume_node.GetAttribute(_INSTANCES) or "").split()
    there = database()
    if not uids or there is None or not there.isOpen or frame_of_reference(volume_node):
        return
    if frame := str(there.instanceValue(uids[0], _FRAME_TAG) or "").strip():
        set_frame_of_reference(volume_node, frame)


def put_into_database(folder: Path) -> None:
    """Copy the DICOM files of a folder into the database. Raises OutputError where it is not open."""
    from DICOMLib import DICOMUtils

    _open_database()
    if DICOMUtils.importDicom(str(folder), copyFiles=True) is False:
        raise OutputError(_("Slicer's DICOM database did not take the files in {folder}.").format(folder=folder))


def _open_database() -> Any:
    there = database()
    if there is None or not there.isOpen:
        raise InputError(_("Slicer's DICOM database is not open. Open the DICOM module once and try again."))
    return there
