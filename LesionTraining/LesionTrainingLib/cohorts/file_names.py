"""What the names of files say: which is a scan and which its labels, of which modality, and of which case."""

from __future__ import annotations

import re
from collections.abc import Iterable

from LesionDetectionLib.core.image import CT, MR, PET

from .case import TEST, TRAINING, VALIDATION

ENDINGS = (".nii.gz", ".nrrd", ".nhdr", ".nii", ".mha", ".mhd")
"""Of images and label maps; the same formats as :data:`LesionDetectionLib.io.file_kinds.READABLE`."""
IMAGE_WORDS = ("image", "images", "img", "scan", "volume", "vol")
MASK_WORDS = (
    *("mask", "masks", "label", "labels", "seg", "segs", "segmentation", "segmentations"),
    *("truth", "gt", "groundtruth", "annotation", "annotations", "contour", "contours"),
)
MODALITY_WORDS = {
    **dict.fromkeys(("ct", "ctres", "cect", "ldct"), CT),
    **dict.fromkeys(("pet", "pt", "suv", "suvbw"), PET),
    **dict.fromkeys(("mr", "mri", "t1", "t2", "flair", "adc", "dwi", "t1w", "t2w"), MR),
}
_SPLIT_FOLDERS = {
    **dict.fromkeys(("train", "training"), TRAINING),
    **dict.fromkeys(("val", "valid", "validation"), VALIDATION),
    **dict.fromkeys(("test", "testing"), TEST),
}
_PARTS = re.compile(r"[._\-\s]+")
_SUBSET_SUFFIX = re.compile(r"(tr|ts|val|train|test|training)$")
"""nnU-Net and its kin: imagesTr, labelsTs."""


def readable(name: str) -> bool:
    """Whether a file's name ends as images and label maps do."""
    return name.lower().endswith(ENDINGS)


def stem_of(name: str) -> str:
    """A file's name without the ending that says its format."""
    lower = name.lower()
    return next((name[: -len(ending)] for ending in ENDINGS if lower.endswith(ending)), name)


def words(text: str) -> list[str]:
    """The parts of a name between dots, underscores, hyphens and blanks, in small letters."""
    return [part for part in _PARTS.split(text.casefold()) if part]


def is_mask(name: str) -> bool:
    """Whether a file's name says that it is a label map."""
    return any(word in MASK_WORDS for word in words(stem_of(name)))


def folder_role(folder: str) -> str:
    """``image`` or ``mask`` where a folder's name says so (``images``, ``labelsTr``), else empty."""
    name = folder.casefold()
    names = {name, _SUBSET_SUFFIX.sub("", name).rstrip("_-")}
    if names & set(MASK_WORDS):
        return "mask"
    return "image" if names & set(IMAGE_WORDS) else ""


def split_in(name: str) -> str:
    """The part of a split that a word or folder names (``train``, ``val``, ``test``), or empty."""
    return _SPLIT_FOLDERS.get(name.strip().casefold(), "")


def modality_in(names: Iterable[str]) -> str:
    """The modality that words name, the last one deciding, or empty."""
    found = [MODALITY_WORDS[word] for word in names if word in MODALITY_WORDS]
    return found[-1] if found else ""


def file_name(text: str) -> str:
    """A text as a name for files: everything but letters, digits, dots, hyphens and underscores becomes an underscore."""
    return re.sub(r"[^\w.-]+", "_", text, flags=re.ASCII).strip("._") or "case"
