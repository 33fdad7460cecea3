"""A method on a cohort from scratch: every mark in every labelled case, and the case's truth."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from LesionDetectionLib.app.given_settings import with_given
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import Detector, MethodInfo, method
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.operating_points import operating_points

from ..cohorts.cohort import Cohort, LeftOut
from ..inference.images_for import images_for
from .matching.findings import Findings
from .reading.ahead import ReadCase, work_on_read
from .reading.sets import ImageMarks, ImageTruth, MarkSet, TruthSet


@dataclass(frozen=True, eq=False)
class Finder:
    """What detects: a method, with a model or, where the method needs none, without."""

    info: MethodInfo
    bundle: Bundle | None = None

    @classmethod
    def of(cls, method_id: str, bundle: Bundle | None = None) -> Finder:
        """The method of this id, or of the bundle where the id is empty.

        Raises:
            UsageError: there is no such method.
            BundleError: the bundle is for another method.
        """
        if bundle is None:
            return cls(method(method_id))
        if method_id:
            bundle.require_method(method_id)
        return cls(method(bundle.manifest.method), bundle)

    @property
    def title(self) -> str:
        """Whose marks they are, in words."""
        if self.bundle is None:
            return f"{self.info.title} ({self.info.id})"
        manifest = self.bundle.manifest
        return f"“{manifest.name}” {manifest.version} ({manifest.method})"


def detect_in_cohort(
    finder: Finder,
    cohort: Cohort,
    device: str,
    progress: Progress,
    *,
    outlines: bool = False,
    workers: int = 1,
    given: Mapping[str, Any] | None = None,
) -> tuple[TruthSet, MarkSet]:
    """Detect in each labelled case, whatever the marks score, and read the case's labels.

    A case that cannot be read or detected in is left out and listed.

    Args:
        outlines: also outline each mark, where the method can leave that out: policies that compare masks need it.
        workers: processes that read cases while this one detects; each holds one or two cases in memory.
        given: settings of the method, by name, in place of the model's.

    Raises:
        UsageError: the method needs a model and has none, or has no such setting.
        BundleError, DeviceError: the model or device cannot be used.
        InputError: no case could be used.
        Cancelled: see ``progress``.
    """
    bundle = finder.bundle
    points = operating_points(bundle) if bundle is not None else ()
    detector = finder.info.create(bundle, device)
    settings = _all_marks(finder.info, finder.info.default_settings(bundle), outlines, given or {})
    labelled = [case for case in cohort.cases if case.labelled]

    def detect(read: ReadCase) -> tuple[ImageTruth, ImageMarks]:
        return _detect(finder.info, detector, read, settings)

    done, failed = work_on_read(labelled, detect, workers, progress)
    unlabelled = tuple(LeftOut(case.id, "It has no labels.") for case in cohort.cases if not case.labelled)
    left_out = (*cohort.left_out, *unlabelled, *failed)
    if not done:
        raise InputError(
            f"No case of {cohort.spec} could be used. The first, “{left_out[0].case}”: {left_out[0].reason}"
        )
    phantoms = (f"Measured on {cohort.title}, no patients.",) if cohort.on_phantoms else ()
    truth = TruthSet(
        {case.id: truth for case, (truth, _) in done},
        f"{cohort.title} ({len(done)} cases)",
        left_out,
        (*phantoms, *cohort.notes),
        cohort.on_phantoms,
        {case.id: case for case, _ in done},
    )
    marks = MarkSet(
        {case.id: marks for case, (_, marks) in done},
        finder.title,
        complete=False,
        notes=bundle.warnings() if bundle is not None else (),
        operating_points={point.name: point.threshold for point in points},
        default_point=points[0].name if points else "",
    )
    return truth, marks


def _detect(info: MethodInfo, detector: Detector, read: ReadCase, settings: Any) -> tuple[ImageTruth, ImageMarks]:
    """Marks on the grid of the method's main image, and truth on that of the case's, which may be another: of PET and CT."""
    found = detector.detect(images_for(info, read.images), settings, Progress())
    main = next(iter(read.images.values()))
    # A detector's own grid is the same to within rounding, or truth and marks would be compared as on different ones.
    geometry = found.geometry if found.geometry.same_grid(main.geometry) else main.geometry
    marks = ImageMarks(Findings.of_lesions(with_other_controls(found)), found.geometry)
    return dataclasses.replace(read.truth, geometry=geometry), marks


def with_other_controls(found: Detections) -> tuple[Lesion, ...]:
    """The lesions as a threshold on the first control, which is on the score, gives them with the other controls where they are.

    A lesion's score is the highest that one of its rows of evidence has whose other values pass; one without any is none.
    Without controls, or evidence, lesions stay as they are.
    """
    others = [control.value for control in found.controls[1:]]
    lesions = []
    for lesion in found.lesions:
        if not found.controls or not lesion.evidence:
            lesions.append(lesion)
            continue
        passing = [row[0] for row in lesion.evidence if all(a > b for a, b in zip(row[1:], others, strict=True))]
        if passing:
            lesions.append(dataclasses.replace(lesion, score=max(passing)))
    return tuple(lesions)


def _all_marks(info: MethodInfo, settings: Any, outlines: bool, given: Mapping[str, Any]) -> Any:
    """The settings with every mark shown, and outlined only where that is needed."""
    settings = with_given(info, settings, given)
    changes: dict[str, Any] = {"operating_point": "0", **info.review_settings}
    if any(entry.name == "measure" for entry in dataclasses.fields(settings)):
        changes["measure"] = outlines
    return dataclasses.replace(settings, **changes)
