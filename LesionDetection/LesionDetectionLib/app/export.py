"""Everything about one run in one folder: for programs, for spreadsheets, for Slicer and for people."""

from __future__ import annotations

import itertools
import re
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_folder, refuse_taken
from LesionDetectionLib.core.bundle import Manifest
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import GeometryError, OutputError
from LesionDetectionLib.core.finding import DETECTED, Findings
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.lesion_table import finding_columns, write_columns, write_csv

from .dicom_export import export_dicom
from .packages import PACKAGES, find, how_to_install
from .report.study import Study

DETECTIONS, TABLE = "detections.json", "lesions.csv"
SEGMENTATION, POINTS, SCENE = "lesions.seg.nrrd", "lesions.mrk.json", "scene.mrb"
PICTURES, REPORT, PDF, DICOM, MAPS = "pictures", "report.html", "report.pdf", "dicom", "maps"
RESULT_NAMES = (DETECTIONS, TABLE, SEGMENTATION, POINTS, SCENE, PICTURES, REPORT, PDF, MAPS, DICOM)
"""What a results folder may hold. The segmentation is left out where no lesion has a mask, maps where the method made none,
the PDF where the library for it is not installed."""


def write_results(
    folder: Path,
    image: Image,
    result: Detections | Findings,
    *,
    scene: bool = True,
    pictures: bool = True,
    report: bool = True,
    sources: Sequence[Path] = (),
    origin: str = DETECTED,
    model: tuple[Manifest, str] | None = None,
    patient: str = "",
    overwrite: bool = False,
    progress: Progress | None = None,
) -> dict[str, Path]:
    """Write the results of one run to ``folder``, all of them or none: table and JSON, maps where the method made some, and
    what else is wanted.

    Args:
        image: the main image, on whose grid the masks lie.
        result: of a run; or of its review, of which what counts is written (:attr:`.Findings.reported`), with what a person
            decided.
        scene: also write the segmentation, the point list and the Slicer scene.
        pictures: also write one PNG a lesion and an overview.
        report: also write the HTML page (with the pictures in it, whether or not they are written as files), and the same as
            PDF where reportlab is installed: see :func:`pdf_missing`.
        sources: the DICOM files of the image; where given, a DICOM segmentation and report are written too.
        origin: who found the lesions of a run: ``detected`` or ``clicked``.
        model: what the model says of itself, and its digest, as :func:`~LesionDetectionLib.core.bundle.read_manifest` gives
            them: for the report, which passes another model than that of the run over.
        patient: a line that names the patient, for the head of the report; nothing else that is written has it.
        overwrite: replace the results of an earlier run in ``folder``, all of them; other files there are left alone.

    Returns:
        the path of each file or folder that was written, by its name.

    Raises:
        GeometryError: the result is not of this image, or the sources of another grid.
        InputError, DependencyError: the sources cannot be used; see :func:`.dicom_export.export_dicom`.
        OutputError: results are there already, no permission, or disk full.
        Cancelled: through ``progress``; nothing was written.
    """
    folder, progress = Path(folder), progress or Progress()
    study = Study.of(image, result, origin=origin, model=model, patient=patient)
    if not image.geometry.same_grid(study.detections.geometry):
        raise GeometryError(
            f"These detections lie on another voxel grid than “{image.name}”. Choose the image that they were made on."
        )
    refuse_taken(folder, RESULT_NAMES, overwrite)
    with atomic_folder(folder, overwrite) as temporary:
        try:
            _write_all(temporary, study, scene, pictures, report, progress.part(0.0, 0.9 if sources else 1.0))
            if sources:
                export_dicom(temporary / DICOM, sources, study.findings, progress=progress.part(0.9, 1.0))
        except OutputError as error:
            # The user named the folder, not its hidden, temporary sibling.
            raise OutputError(str(error).replace(str(temporary), str(folder))) from error
        written = {entry.name for entry in temporary.iterdir()}
        progress(1.0, "Results written")
    # What an earlier run left and this one does not have would be read as a part of this one.
    for name in RESULT_NAMES:
        if name not in written:
            _remove(folder / name)
    return {name: folder / name for name in RESULT_NAMES if name in written}


def pdf_missing() -> str:
    """Why there would be no PDF beside the page, a sentence; empty where there is one."""
    lacking = find(PACKAGES["reportlab"])
    if lacking.good:
        return ""
    return f"The report was written as a page only: for a PDF too, {lacking.problem}. {how_to_install([lacking])}"


def _write_all(folder: Path, study: Study, scene: bool, pictures: bool, report: bool, progress: Progress) -> None:
    progress(0.0, "Writing the table")
    study.detections.save(folder / DETECTIONS)
    _write_table(study, folder / TABLE)
    _write_maps(folder, study.detections, progress.part(0.05, 0.15))
    if scene:
        _write_scene_files(folder, study.image, study.detections, progress.part(0.15, 0.7))
    if pictures or report:
        _write_pictures(folder, study, pictures, report, progress.part(0.7, 0.95))


def _write_table(study: Study, path: Path) -> None:
    if study.reviewed:
        write_columns(finding_columns(replace(study.findings, items=study.items)), path)
    else:
        write_csv(study.detections, path)


def _write_scene_files(folder: Path, image: Image, detections: Detections, progress: Progress) -> None:
    from LesionDetectionLib.io import mrml, mrml_scene

    progress(0.0, "Making the scene")
    with mrml_scene.temporary_scene() as scene:
        volume = mrml.volume_node(scene, image)
        nodes = mrml.add_detections(scene, volume, detections)
        mrml_scene.show_in_slices(scene, volume, detections.lesions[0].center_ras_mm if detections.lesions else None)
        progress(0.1, "Writing segmentation and marks")
        if nodes.segmentation is not None:
            mrml_scene.write_node(nodes.segmentation, "vtkMRMLSegmentationStorageNode", folder / SEGMENTATION)
            mrml_scene.save_cropped(scene, nodes.segmentation)
        mrml_scene.write_node(nodes.points, "vtkMRMLMarkupsJsonStorageNode", folder / POINTS)
        progress(0.2, "Writing the scene")
        mrml_scene.write_scene(scene, folder / SCENE)
    progress(1.0, "Scene written")


def _write_maps(folder: Path, detections: Detections, progress: Progress) -> None:
    from LesionDetectionLib.io.files import write_image

    for number, (name, image) in enumerate(map_names(detections.maps).items()):
        progress(number / len(detections.maps), "Writing the maps")
        write_image(image, folder / MAPS / name)


def map_names(maps: Mapping[str, Image]) -> dict[str, Image]:
    """Maps by the names of their files: ``lesion-similarity.nrrd`` for “Lesion similarity”."""
    named: dict[str, Image] = {}
    for title, image in maps.items():
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "map"
        alone = next(
            name for n in itertools.count(1) if (name := f"{slug}-{n}" if n > 1 else slug) + ".nrrd" not in named
        )
        named[f"{alone}.nrrd"] = image
    return named


def _write_pictures(folder: Path, study: Study, pictures: bool, report: bool, progress: Progress) -> None:
    """Each picture is drawn once: as a lossless file, and smaller for the report."""
    from .drawing import jpeg, png

    count = len(study.items)
    inline: list[bytes] = []
    if pictures:
        (folder / PICTURES).mkdir()
    for rank in range(count + 1):
        progress(rank / (count + 2), f"Drawing picture {rank + 1} of {count + 1}")
        number, drawn = _drawn(study, rank)
        if pictures:
            (folder / PICTURES / (f"L{number:03d}.png" if rank else "overview.png")).write_bytes(png(drawn))
        if report:
            inline.append(jpeg(drawn))
    if report:
        progress((count + 1) / (count + 2), "Writing the report")
        _write_report(folder, study, inline)


def _drawn(study: Study, rank: int) -> tuple[int, Any]:
    """The number and the picture of the lesion of a rank; for rank 0, the overview."""
    from .pictures import lesion_picture, overview_picture

    if not rank:
        return 0, overview_picture(study.image, study.detections, study.numbers)
    item = study.items[rank - 1]
    return item.number, lesion_picture(study.image, study.detections, rank, item.number, scored=not item.by_person)


def _write_report(folder: Path, study: Study, pictures: Sequence[bytes]) -> None:
    from .documents.html import write_html
    from .report.pages import report_document

    written = datetime.now().astimezone()
    document = report_document(study, pictures.__getitem__, written)
    write_html(folder / REPORT, document)
    if not pdf_missing():
        from .documents.pdf import write_pdf

        write_pdf(folder / PDF, document, written)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
