"""A folder of NIfTI, NRRD or MetaImage scans with label maps of their lesions: ``folder:PATH?modality=CT``.

Scans and labels find each other by their names:

    case_1/ct.nrrd  case_1/label.nrrd                    a folder a case
    imagesTr/a_0000.nii.gz  labelsTr/a.nii.gz            nnU-Net, with its channels
    images/a.nii.gz  masks/a.nii.gz                      two folders
    a.nrrd  a.truth.nrrd                                 side by side; also _mask, -label, .seg
    case_1/CT_image.nii.gz  PET_image.nii.gz  CT_mask.nii.gz   several modalities
    train/images/a.nii.gz  train/labels/a.nii.gz         with the makers' split (train, val, test)

or by patterns, with ``*`` for anything: ``images=*/t1.nii.gz&masks=*/tumour.nii.gz``.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, MR, PET, UNKNOWN, Image
from LesionDetectionLib.core.progress import Progress

from .case import Case, Truth
from .cohort import Cohort, LeftOut
from .file_images import grid_of, read_as
from .file_names import folder_role, readable, split_in
from .folder_pairs import Found, Group, channels_of, found_of, group, with_channels
from .label_maps import COMPONENTS, WAYS, lesions_in, read_label_map
from .patients import doubts, patient_of
from .phantom_files import phantom_of
from .spec import Kind, numbers

MODALITIES = (CT, PET, MR)


@dataclass(frozen=True)
class FolderOptions:
    """Attributes:
    images, masks: patterns of the files' paths below the folder, with ``*`` for anything; empty to go by names.
    modality: of images whose names do not say it: ``CT``, ``PT`` or ``MR``; empty for CT, if they look like one.
    main: the modality that labels belong to, where a case has several; empty for CT, or the first.
    lesions: ``components``: each connected part of the labels is a lesion; ``labels``: each label is one.
    values: the labels that mean lesions, such as ``2`` where 1 is the organ (liver or pancreas with tumours); empty for all
        but 0.
    unlabelled: whether scans without labels are kept (to detect in, not to learn from).
    patient: a regular expression with one group that finds the patient in an image's path; empty for the folder that
        the image lies in (above folders of visits: sub-01/ses-2, 4711/2019-03-08), or its name.
    """

    images: str = ""
    masks: str = ""
    modality: str = ""
    main: str = ""
    lesions: str = COMPONENTS
    values: str = ""
    unlabelled: bool = True
    patient: str = ""


@dataclass(frozen=True)
class FolderCase(Case):
    """Attributes:
    assumed: whether nobody said the modality of its image.
    way, lesion_values: ``lesions`` and ``values`` of :class:`FolderOptions`.
    files: its images, in the order of ``modalities``.
    masks: its labels; none where it has none.
    """

    assumed: bool
    way: str
    lesion_values: tuple[int, ...]
    files: tuple[Path, ...] = field(repr=False)
    masks: tuple[Path, ...] = field(repr=False)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        progress = progress or Progress()
        images = {}
        for n, (modality, path) in enumerate(zip(self.modalities, self.files, strict=True)):
            part = progress.part(n / len(self.files), (n + 1) / len(self.files))
            images[modality] = replace(read_as(path, modality, part, self.assumed), name=self.id)
        return images

    def truth(self) -> Truth:
        if not self.masks:
            return Truth()
        geometry = grid_of(self.files[0])
        truth = Truth()
        for path in self.masks:
            try:
                lesions, notes = lesions_in(read_label_map(path), geometry, self.way, self.lesion_values)
            except InputError as error:
                text = str(error)
                raise InputError(text if str(path) in text else f"{path}: {text}") from error
            truth = Truth(truth.lesions + lesions, notes=tuple(dict.fromkeys(truth.notes + notes)))
        return truth

    def sources(self) -> tuple[Path, ...]:
        return (*self.files, *self.masks)


def open_folder(path: Path, options: FolderOptions, progress: Progress) -> Cohort:
    """The cohort.

    Raises:
        UsageError: options that make no sense.
        InputError: no folder, or no images in it.
        Cancelled: through ``progress``.
    """
    values, patient = _checked(options)
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name one with images.")
    files = list[Found]()
    for inside in _files_below(path):
        found = found_of(inside, options.images, options.masks)
        if found is not None:
            files.append(found)
    if all(found.mask for found in files):
        if options.images:
            raise InputError(f"The folder {path} holds no image that fits images={options.images}.")
        raise InputError(
            f"The folder {path} holds no NIfTI, NRRD or MetaImage scans. DICOM series are a cohort dicom:{path}."
        )
    groups, left_out = group(with_channels(files, channels_of(path)))
    cases = list[FolderCase]()
    for n, one in enumerate(groups):
        progress(n / len(groups), one.id)
        try:
            case = _case(path, one, options, values, patient)
        except ValueError as error:
            left_out.append(LeftOut(one.id, f"{error}."))
            continue
        if case.labelled or options.unlabelled:
            cases.append(case)
        else:
            left_out.append(LeftOut(case.id, "It has no labels (unlabelled=no)."))
    on_phantoms = bool(cases) and all(case.masks and phantom_of(case.masks[0]) for case in cases)
    title = f"{'phantoms' if on_phantoms else 'images'} in {path.resolve().name}"
    sure = on_phantoms or patient is not None
    notes = (
        () if sure else doubts((case.patient for case in cases), "patient=([^/]+)/ takes the first folder of the path")
    )
    return Cohort("", title, tuple(cases), tuple(left_out), notes, on_phantoms)


def _checked(options: FolderOptions) -> tuple[tuple[int, ...], re.Pattern[str] | None]:
    if options.lesions not in WAYS:
        raise UsageError(f"lesions is one of {', '.join(WAYS)}, not “{options.lesions}”.")
    for name, value in (("modality", options.modality), ("main", options.main)):
        if value not in (UNKNOWN, *MODALITIES):
            raise UsageError(f"{name} is one of {', '.join(MODALITIES)}, not “{value}”.")
    values = numbers(options.values, "labels") if options.values else ()
    if not options.patient:
        return values, None
    try:
        pattern = re.compile(options.patient)
    except re.error as error:
        raise UsageError(f"patient={options.patient} is no regular expression: {error}.") from error
    if pattern.groups != 1:
        raise UsageError(f"patient={options.patient} needs one group in brackets, such as patient=(STS_\\d+).")
    return values, pattern


def _files_below(path: Path) -> list[Path]:
    """Paths of images and label maps below ``path``, without hidden ones, sorted."""
    found = []
    for folder, folders, names in os.walk(path):
        folders[:] = [name for name in folders if not name.startswith(".")]
        found += [Path(folder, name).relative_to(path) for name in names if readable(name) and not name.startswith(".")]
    return sorted(found, key=Path.as_posix)


def _case(
    path: Path, one: Group, options: FolderOptions, values: tuple[int, ...], patient: re.Pattern[str] | None
) -> FolderCase:
    """Raises ValueError, with what is wrong, for files that do not make a case."""
    images = dict(one.images)
    assumed = False
    if UNKNOWN in images:
        modality = options.modality or CT
        if modality in images:
            raise ValueError(f"it has two images of modality {modality}; choose with images=PATTERN")
        assumed = not options.modality
        images[modality] = images.pop(UNKNOWN)
    main = options.main or (CT if CT in images else next(iter(images)))
    if main not in images:
        raise ValueError(f"it has no image of modality {main}")
    order = (main, *(name for name in images if name != main))
    masks = _masks_for(main, one.masks)
    inside = images[main]
    return FolderCase(
        one.id,
        _patient(inside, one, patient),
        _split(inside),
        order,
        bool(masks),
        assumed and len(images) == 1,
        options.lesions,
        values,
        tuple(path / images[name] for name in order),
        tuple(path / mask for mask in masks),
    )


def _masks_for(main: str, masks: Sequence[Found]) -> list[Path]:
    """The labels of the main image: those drawn on it, else those that do not say, else those of another image."""
    for wanted in (main, UNKNOWN):
        own = [mask.path for mask in masks if mask.modality == wanted]
        if own:
            return _only(own)
    return _only([mask.path for mask in masks])


def _only(masks: list[Path]) -> list[Path]:
    if len(masks) > 1:
        names = ", ".join(mask.as_posix() for mask in masks[:3])
        raise ValueError(f"it has {len(masks)} label maps ({names}); choose with masks=PATTERN")
    return masks


def _patient(image: Path, one: Group, pattern: re.Pattern[str] | None) -> str:
    if pattern is not None:
        match = pattern.search(image.as_posix())
        if not match or not match[1]:
            raise ValueError(f"patient={pattern.pattern} finds no patient in {image.as_posix()}")
        return match[1]
    folders = [folder for folder in image.parts[:-1] if not folder_role(folder) and not split_in(folder)]
    return patient_of(folders, one.id)


def _split(image: Path) -> str:
    return next((split for folder in image.parts[:-1] if (split := split_in(folder))), "")


KIND = Kind(
    "folder",
    "a folder of NIfTI, NRRD or MetaImage scans with label maps",
    "the folder; those below it are searched too",
    FolderOptions,
    open_folder,
)
