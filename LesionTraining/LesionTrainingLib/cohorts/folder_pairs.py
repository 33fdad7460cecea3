"""Which files of a folder are scans, which are their labels, and which belong together, by their names."""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatch
from pathlib import Path

from .cohort import LeftOut
from .file_names import (
    IMAGE_WORDS,
    MASK_WORDS,
    MODALITY_WORDS,
    file_name,
    folder_role,
    is_mask,
    modality_in,
    stem_of,
    words,
)

_CHANNEL = re.compile(r"(.+)_(\d{4})")
"""nnU-Net ends the names of images with ``_0000`` for the first channel, and those of labels with nothing."""
_CHANNEL_FOLDERS = ("imagestr", "imagests")


@dataclass(frozen=True)
class Found:
    """One file.

    Attributes:
        path: below the folder.
        mask: whether it holds labels.
        key: what it is of: folders and name without what only says its role, modality or channel.
        modality: that its name or the data set's description says, or empty.
    """

    path: Path
    mask: bool
    key: tuple[str, ...]
    modality: str


@dataclass(frozen=True)
class Group:
    """The files of one case: images by modality (empty: not known), and labels."""

    id: str
    images: Mapping[str, Path]
    masks: tuple[Found, ...]


def channels_of(folder: Path) -> dict[int, str]:
    """Modality of each channel, as ``dataset.json`` of nnU-Net says; empty where there is none or it cannot be read."""
    try:
        content = json.loads((folder / "dataset.json").read_text(encoding="utf-8"))
        named = content.get("channel_names") or content.get("modality") or {}
        return {int(number): modality_in(words(str(name))) for number, name in named.items()}
    except (OSError, ValueError, AttributeError, RecursionError):
        return {}


def found_of(path: Path, images: str, masks: str) -> Found | None:
    """What a file is.

    Args:
        path: below the cohort's folder.
        images, masks: patterns of paths; empty to go by names. With a pattern for images other files are nothing (None).
    """
    text = path.as_posix()
    if masks and fnmatch(text, masks):
        mask = True
    elif images:
        if not fnmatch(text, images):
            return None
        mask = False
    else:
        mask = not masks and (folder_role(_last_role(path)) == "mask" or is_mask(path.name))
    stem = stem_of(path.name)
    folders = [folder for folder in path.parts[:-1] if not folder_role(folder)]
    return Found(path, mask, (*folders, *_own_words(stem)), modality_in(words(stem)))


def with_channels(files: Sequence[Found], channels: Mapping[int, str]) -> list[Found]:
    """The files, images that are channels of one case (``a_0000``, ``a_0001``) with the key of the case.

    Numbers are channels where all images end in them, none of the labels do, and either labels have the name without the
    number, or the folder or its description is nnU-Net's. Otherwise ``a_0001`` is a scan of its own.

    Args:
        channels: see :func:`channels_of`.
    """
    images = [one for one in files if not one.mask]
    keys = {one.key for one in files if one.mask}
    parts = {one: _CHANNEL.fullmatch(one.key[-1]) if one.key else None for one in images}
    cases = {one: (*one.key[:-1], match[1]) for one, match in parts.items() if match}
    as_nnunet = bool(channels) or all(_last_role(one.path).casefold() in _CHANNEL_FOLDERS for one in images)
    if len(cases) < len(images) or keys & {one.key for one in images} or not (as_nnunet or keys & set(cases.values())):
        return list(files)
    return [
        replace(one, key=cases[one], modality=one.modality or _channel(one, channels)) if one in cases else one
        for one in files
    ]


def _channel(one: Found, channels: Mapping[int, str]) -> str:
    return channels.get(int(one.key[-1][-4:]), "")


def group(files: Sequence[Found]) -> tuple[list[Group], list[LeftOut]]:
    """Put images and labels together, first by equal keys, then where a folder has one of each left and their names leave no doubt.

    Returns:
        In the order of the images' keys; and what cannot be put together.
    """
    images, masks = defaultdict[tuple[str, ...], list[Found]](list), defaultdict[tuple[str, ...], list[Found]](list)
    for one in files:
        (masks if one.mask else images)[one.key].append(one)
    _pair_the_last(images, masks)
    groups, left_out, taken = list[Group](), list[LeftOut](), dict[str, Path]()
    for key in sorted(images):
        mine = images[key]
        case_id = file_name("_".join(key)) if key else file_name(stem_of(mine[0].path.name))
        by_modality: dict[str, Path] = {}
        for one in mine:
            by_modality.setdefault(one.modality, one.path)
        if len(by_modality) < len(mine):
            names = ", ".join(one.path.as_posix() for one in mine[:3])
            left_out.append(
                LeftOut(
                    case_id,
                    f"It has {len(mine)} images, two of them of one kind ({names}). Choose with images=PATTERN.",
                )
            )
        elif case_id in taken:
            left_out.append(
                LeftOut(case_id, f"{mine[0].path} and {taken[case_id]} would have one name. Rename one of them.")
            )
        else:
            taken[case_id] = mine[0].path
            groups.append(Group(case_id, by_modality, tuple(masks.pop(key, ()))))
    left_out += [
        LeftOut(one.path.as_posix(), "There is no image with this name for these labels.")
        for key in sorted(masks)
        for one in masks[key]
    ]
    return groups, left_out


def _pair_the_last(images: dict[tuple[str, ...], list[Found]], masks: dict[tuple[str, ...], list[Found]]) -> None:
    """Where a folder has one image without labels and one label map without an image, they belong together, if they are all
    that it holds, or if one of them has a name that says nothing but what it is (``ct.nrrd``, ``label.nrrd``).

    Among other pairs, names that differ are of two patients: one's labels and the other's image are missing.
    """
    lonely_images, lonely_masks = _by_folder(images, set(masks)), _by_folder(masks, set(images))
    paired = _by_folder(images, set(images) - set(masks))
    for folder, keys in lonely_images.items():
        own = lonely_masks.get(folder, [])
        if len(keys) == len(own) == 1 and (
            not paired.get(folder) or _is_plain(images[keys[0]]) or _is_plain(masks[own[0]])
        ):
            masks[keys[0]] = masks.pop(own[0])


def _by_folder(
    files: Mapping[tuple[str, ...], Sequence[Found]], without: Collection[tuple[str, ...]]
) -> dict[Path, list[tuple[str, ...]]]:
    """The keys of the files that lie in each folder, but for those ``without``."""
    folders = defaultdict[Path, list[tuple[str, ...]]](list)
    for key, found in files.items():
        if key not in without:
            folders[found[0].path.parent].append(key)
    return folders


def _is_plain(found: Sequence[Found]) -> bool:
    return not _own_words(stem_of(found[0].path.name))


def _last_role(path: Path) -> str:
    """The folder nearest to the file whose name says a role."""
    return next((folder for folder in reversed(path.parts[:-1]) if folder_role(folder)), "")


def _own_words(stem: str) -> tuple[str, ...]:
    """The name without words that say role or modality at its beginning or end; empty where nothing is left."""
    said = {*IMAGE_WORDS, *MASK_WORDS, *MODALITY_WORDS}
    rest = stem
    while True:
        parts = words(rest)
        if parts and parts[-1] in said:
            rest = rest[: len(rest.rstrip("._- ")) - len(parts[-1])]
        elif parts and parts[0] in said:
            rest = rest.lstrip("._- ")[len(parts[0]) :]
        else:
            break
        rest = rest.strip("._- ")
    return (rest,) if rest else ()
