"""LIDC-IDRI: chest CT with the readings of up to four readers: ``lidc:PATH?readers=3``.

Each scan has its readings (``LidcReadMessage`` XML) in the folder of its image: DICOM as the archive gives it, or one NRRD,
NIfTI or MetaImage file; or anywhere below the path, named by its Series Instance UID.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from fnmatch import fnmatch
from pathlib import Path

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.image import CT, Image, understood_as
from LesionDetectionLib.core.progress import Progress

from .case import Case, Truth
from .cohort import Cohort, LeftOut
from .file_images import grid_of, read_as
from .file_names import IMAGE_WORDS, file_name, is_mask, readable, stem_of
from .lidc_nodules import CONSENSUS, HALF, Agreement, ReadingGrid, nodules_of
from .lidc_readings import read_readings, read_series_uid
from .spec import Kind

_PATIENT = re.compile(r"LIDC-IDRI-\d+", re.IGNORECASE)
_MOST_READERS = 4


@dataclass(frozen=True)
class LidcOptions:
    """Attributes:
    readers: that have to outline a nodule of 3 mm and more (1 to 4); what fewer saw is excluded. LUNA16 takes 3.
    consensus: which voxels belong to it: those marked by ``half`` of the readers who outlined it, by as many as
        ``readers`` says, by ``any`` one, or by ``all``.
    image: name of the images, such as ``ct.nrrd`` or ``*_ct.nii.gz``, where a folder holds several; empty to find them.
    """

    readers: int = 3
    consensus: str = HALF
    image: str = ""


@dataclass(frozen=True)
class LidcCase(Case):
    """Attributes:
    series: the Series Instance UID that the readings name, or empty.
    agreement: what counts as a nodule.
    image: a file, or a folder of DICOM.
    readings: the XML file.
    """

    series: str
    agreement: Agreement
    image: Path = field(repr=False)
    readings: Path = field(repr=False)

    def images(self, progress: Progress | None = None) -> dict[str, Image]:
        if not self.image.is_dir():
            return {CT: replace(read_as(self.image, CT, progress), name=self.id)}
        from LesionDetectionLib.io.files import read_image

        return {CT: understood_as(read_image(self.image, self.series or None, progress), CT)}

    def truth(self) -> Truth:
        readings = read_readings(self.readings)
        is_dicom = self.image.is_dir()
        grid = ReadingGrid(grid_of(self.image, (self.series or None) if is_dicom else None), as_scanned=is_dicom)
        try:
            return nodules_of(readings, grid, self.agreement)
        except InputError as error:
            raise InputError(f"{self.readings} does not fit {self.image}: {error}") from error

    def sources(self) -> tuple[Path, ...]:
        return self.image, self.readings


def open_lidc(path: Path, options: LidcOptions, progress: Progress) -> Cohort:
    """The cohort.

    Raises:
        UsageError: settings that make no sense.
        InputError: no folder, or no readings in it.
        Cancelled: through ``progress``.
    """
    if not 1 <= options.readers <= _MOST_READERS or options.consensus not in CONSENSUS:
        raise UsageError(f"readers is from 1 to {_MOST_READERS}, and consensus one of {', '.join(CONSENSUS)}.")
    if not path.is_dir():
        raise InputError(f"There is no folder {path}. Name the one with the scans and their readings (XML).")
    folders = {Path(folder): sorted(names) for folder, _, names in os.walk(path)}
    readings = sorted(folder / name for folder, names in folders.items() for name in names if _is_xml(name))
    if not readings:
        raise InputError(f"{path} and the folders below it hold no XML file, so no readings.")
    images = _Images(folders, options.image)
    cases, left_out, seen = list[LidcCase](), list[LeftOut](), dict[str, Path]()
    for index, xml in enumerate(readings):
        name = xml.relative_to(path).as_posix()
        progress(index / len(readings), name)
        try:
            case = _case(path, xml, images, options)
        except InputError as error:
            left_out.append(LeftOut(name, str(error)))
            continue
        if case.id in seen:
            left_out.append(
                LeftOut(name, f"Its scan has readings in {seen[case.id].relative_to(path)} too, which are used.")
            )
            continue
        seen[case.id] = xml
        cases.append(case)
    cases.sort(key=lambda case: (case.patient, case.id))
    note = (
        f"Nodules of 3 mm and more that at least {options.readers} readers outlined; what fewer saw, smaller nodules and "
        "other findings are excluded."
    )
    return Cohort("", "LIDC-IDRI", tuple(cases), tuple(left_out), (note,))


class _Images:
    """The images below a folder, without opening them."""

    def __init__(self, folders: Mapping[Path, Sequence[str]], pattern: str) -> None:
        self._folders, self._pattern = folders, pattern
        self._by_name: dict[str, list[Path]] = defaultdict(list)
        for folder, names in folders.items():
            self._by_name[folder.name].append(folder)
            for name in names:
                if readable(name):
                    self._by_name[stem_of(name)].append(folder / name)

    def of(self, xml: Path, series: str) -> Path:
        """The image that readings are of. Raises InputError where there is none, or which one is not clear."""
        names = self._folders[xml.parent]
        files = [name for name in names if readable(name)]
        if self._pattern:
            files = [name for name in files if fnmatch(name, self._pattern)]
        else:
            files = [name for name in files if not is_mask(name)]
            plain = [name for name in files if stem_of(name).casefold() in (*IMAGE_WORDS, "ct", series)]
            files = plain if len(plain) == 1 else files
        if len(files) == 1:
            return xml.parent / files[0]
        if files:
            raise InputError(
                f"{xml.parent} holds {len(files)} images that the readings may be of ({', '.join(files[:3])}). Say which: image=NAME."
            )
        if any(_is_dicom(xml.parent / name) for name in names if not _is_xml(name)):
            return xml.parent
        elsewhere = [path for path in self._by_name.get(series, []) if series and path != xml.parent]
        if len(elsewhere) == 1:
            return elsewhere[0]
        raise InputError(
            f"There is no image for the readings {xml.name}: neither beside them nor under the name of its series."
        )


def _case(path: Path, xml: Path, images: _Images, options: LidcOptions) -> LidcCase:
    series = read_series_uid(xml)
    image = images.of(xml, series)
    inside = xml.relative_to(path)
    patient = _PATIENT.search(inside.as_posix())
    case_id = file_name(series or "_".join(inside.with_suffix("").parts))
    owner = patient.group().upper() if patient else inside.parts[0] if len(inside.parts) > 1 else case_id
    agreement = Agreement(options.readers, options.consensus)
    return LidcCase(case_id, owner, "", (CT,), True, series, agreement, image, xml)


def _is_xml(name: str) -> bool:
    return name.lower().endswith(".xml")


def _is_dicom(path: Path) -> bool:
    if path.suffix.lower() == ".dcm":
        return True
    from LesionDetectionLib.io.dicom_headers import may_be_dicom

    return not path.suffix and may_be_dicom(path)


KIND = Kind(
    "lidc",
    "LIDC-IDRI: chest CT with the readings of four readers",
    "a folder; scans with their readings (XML) lie in it or below it",
    LidcOptions,
    open_lidc,
)
