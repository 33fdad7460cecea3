"""The answer in one sentence, and what was searched with what."""

from __future__ import annotations

from dataclasses import replace

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import CLICKED, DRAWN, MERGED, Finding, Status
from LesionDetectionLib.io.display import modality_name, value_unit

from ..threshold_text import controls_text, point_text, score_name
from .rates import rate_text, rates_of
from .study import Study
from .words import counted, inside, percent, plain


def lead(study: Study) -> str:
    """What was found, or what a person made of it, in one sentence."""
    accepted, rejected = study.count(Status.ACCEPTED), study.count(Status.REJECTED)
    if study.all_by_person and not accepted:
        return f"{counted(len(study.items), 'lesion')}, measured where a person pointed or drew."
    if accepted:
        listed = len(study.findings.listed)
        of = f", of {listed} that were listed" if listed != accepted else ""
        return f"{counted(accepted, 'finding')} that a person accepted{of}{_also_rejected(rejected)}."
    own = [item.lesion for item in study.items if item.by_person]
    found = _of_run(replace(study.detections, lesions=tuple(item.lesion for item in study.items if not item.by_person)))
    more = f"; {len(own)} more made by a person" if own else ""
    return f"{found[:-1]}{more}{_also_rejected(rejected)}."


def _also_rejected(rejected: int) -> str:
    return f"; {rejected} {'was' if rejected == 1 else 'were'} rejected" if rejected else ""


def _of_run(detections: Detections) -> str:
    if detections.controls:
        return _by_controls(detections)
    count, point, name = len(detections.lesions), detections.operating_point, score_name(detections)
    score = "a score" if name == "score" else name
    passing = f"with {score} of at least {point.threshold:.3g} (operating point “{point.name}”)"
    if point.threshold <= 0:  # no scores were left out, as when a person pointed at the lesion
        return f"{counted(count, 'lesion')}." if count else "No lesion was found."
    if count == 0:
        return f"No lesion above the threshold: none was found {passing}."
    return f"{counted(count, 'lesion candidate')} {passing}."


def _by_controls(detections: Detections) -> str:
    count = len(detections.lesions)
    passing = sum(map(detections.passing, detections.lesions))
    thresholds = f"the thresholds ({controls_text(detections)}; operating point “{detections.operating_point.name}”)"
    if count == 0:
        return f"No lesion above {thresholds}."
    candidates = counted(count, "lesion candidate")
    # Every candidate was asked for, or a person accepted one that lies below.
    return f"{candidates} above {thresholds}." if passing == count else f"{candidates}, {passing} above {thresholds}."


def searched(study: Study) -> tuple[tuple[str, str], ...]:
    """The image, and what it was searched with."""
    image, detections = study.image, study.detections
    ni, nj, nk = image.shape_kji[::-1]
    modality, unit = modality_name(image.modality), value_unit(image)
    model, device = inside(detections.provenance, "model"), inside(detections.provenance, "device")
    facts = {
        "Image": f"{modality}, values in {unit}" if modality and unit else modality or "modality not stated",
        "Size": f"{ni} × {nj} × {nk} voxels, {extent_text(study)} mm",
        "Voxel": f"{' × '.join(f'{mm:.3g}' for mm in image.spacing_mm)} mm",
        "Method": method_name(study),
        "Model": f"{plain(inside(model, 'name'))}, version {plain(inside(model, 'version'))}" if model else "",
        "Device": plain(device) if device else "",
        "Operating point": "" if study.all_by_person else point_text(detections),
        "When the model was measured": _when_measured(study),
        "Maps": ", ".join(detections.maps),
        "Review": _review(study) if study.reviewed else "",
    }
    return tuple((name, value) for name, value in facts.items() if value)


def extent_text(study: Study) -> str:
    """``326 × 261 × 270``, in mm."""
    image = study.image
    return " × ".join(f"{n * mm:.0f}" for n, mm in zip(image.shape_kji[::-1], image.spacing_mm, strict=True))


def method_name(study: Study) -> str:
    """``Lung nodules in CT (nodule-ct)``, or in what other way a person got the result."""
    method = study.detections.method
    if study.info is None:
        return {"click": "a person’s click", "recist": "two diameters"}.get(method, method)
    return f"{study.info.title} ({method})"


def _when_measured(study: Study) -> str:
    """``about 0.7 false marks per scan, 94 % of the lesions found (on phantoms)``; empty where that is not known."""
    rates = None if study.model is None else rates_of(study.detections, study.model)
    if rates is None or study.model is None:
        return ""
    on = " (on phantoms)" if study.model.trained_on_phantoms else ""
    return f"about {rate_text(rates.false_marks)} false marks per scan, {percent(rates.sensitivity)} of the lesions found{on}"


def _review(study: Study) -> str:
    """``2 accepted, 1 rejected, 3 not decided on``."""
    listed = study.findings.listed
    undecided = sum(item.status is Status.NEW for item in listed)
    parts = (
        (study.count(Status.ACCEPTED), "accepted"),
        (study.count(Status.REJECTED), "rejected"),
        (undecided, "not decided on"),
    )
    return ", ".join(f"{count} {what}" for count, what in parts if count) or "no finding"


def decision(item: Finding) -> str:
    """What a person decided on a finding of a review."""
    return {Status.NEW: "not decided", Status.ACCEPTED: "accepted", Status.REJECTED: "rejected"}[item.status]


def made_by(item: Finding) -> str:
    """How a person made a finding, or changed what a method made; empty where nobody did."""
    origin = {CLICKED: "measured at a person’s click", MERGED: "joined by a person", DRAWN: "drawn by a person"}
    return origin.get(item.origin, "") or ("changed by a person" if item.corrected else "")
