"""What was not checked: sentences that follow from the facts of the run and of its review."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.finding import Status
from LesionDetectionLib.io.display import modality_name

from ..documents.document import Items, Section
from ..threshold_text import least_text, score_name
from .rates import Share, rates_of
from .study import Study
from .summary import extent_text
from .words import counted, inside, number, number_in

_FEW_LESIONS = 10
"""With fewer lesions of a kind, a share of those found says next to nothing (10 of 10 may be 69 %: Clopper and Pearson)."""


def unchecked_section(study: Study) -> Section:
    return Section("What was not checked", (Items(tuple(_sentences(study))),), "not-checked")


def _sentences(study: Study) -> Iterator[str]:
    yield from _searched(study)
    yield from _left_out(study)
    yield from _few(study)
    yield _who_looked(study)
    bare = sum(item.lesion.mask is None for item in study.items)
    if bare:
        has = "1 finding has" if bare == 1 else f"{bare} findings have"
        yield f"{has} no outline: volume and grey values were not measured there, and a circle stands for it in the pictures."
    yield (
        "Earlier scans were not compared, nor other series of this examination, reports, or anything else that is known of the "
        "patient."
    )
    yield "Nobody checked whether this scan (its dose, contrast phase, breathing, artefacts) suits the method."
    if study.detections.warnings or study.image.notes:
        yield "The notes at the head of this report say what else limits it."


def _searched(study: Study) -> Iterator[str]:
    """Where and for what there was a search."""
    if study.all_by_person:
        yield "Nothing was searched for: a person chose the places that are measured here. The rest was not looked at."
        return
    box = _region(study)
    if box:
        yield f"Only a region was searched: {box}. Findings with their centre elsewhere were not looked for."
    else:
        yield (
            f"The image covers {extent_text(study)} mm of the patient: nothing beyond it was looked at, and within it only what the "
            "method looks for."
        )
    info = study.info
    if info is None:
        yield f"What the method “{study.detections.method}” looks for, and what it passes by, is not known to this program."
        return
    yield f"It looks for: {info.finds} Anything else was not looked for."
    if info.limits:
        yield f"Its limits: {info.limits}"
    yield _images(study)


def _images(study: Study) -> str:
    info = study.info
    assert info is not None
    required = " and ".join(map(modality_name, info.required))
    if info.optional:
        more = " and ".join(map(modality_name, info.optional))
        return f"Only the {required} was looked at, with the {more} where the method was given it; no other image."
    verb = "was" if len(info.required) == 1 else "were"
    return f"Only this {required} {verb} looked at; no other image."


def _region(study: Study) -> str:
    """``R −50.0 to 10.0, A 0.0 to 60.0, S −20.0 to 40.0 mm``; empty where the whole image was searched."""
    box: Any = inside(study.detections.provenance, "settings", "region_ras_mm")
    if not isinstance(box, (list, tuple)) or len(box) != 2:
        return ""
    corners = [[number_in(value) for value in corner] for corner in box if isinstance(corner, (list, tuple))]
    if len(corners) != 2 or any(len(corner) != 3 or None in corner for corner in corners):
        return "its corners are damaged"
    ends = zip("RAS", *corners, strict=True)
    return ", ".join(f"{axis} {number(low or 0, 1)} to {number(high or 0, 1)}" for axis, low, high in ends) + " mm"


def _left_out(study: Study) -> Iterator[str]:
    """What is known of, and not in this report."""
    findings, detections = study.findings, study.detections
    rejected = study.count(Status.REJECTED)
    if rejected:
        yield f"{counted(rejected, 'finding')} that a person rejected {_are(rejected)} not listed."
    reported = {item.id for item in study.items}
    undecided = sum(item.id not in reported and item.status is Status.NEW for item in findings.listed)
    if study.reviewed and undecided:
        yield f"{counted(undecided, 'finding')} that nobody decided on {_are(undecided)} not listed, as others were accepted."
    hidden = len(findings.items) - len(findings.listed) if study.reviewed else 0
    if hidden:
        yield f"{counted(hidden, 'finding')} below the threshold ({least_text(_in_force(study))}) {_are(hidden)} not listed."
    elif _has_threshold(study):
        below = (
            "below the thresholds" if detections.controls else f"below the threshold of the {score_name(detections)}"
        )
        yield f"Places {below} ({least_text(detections)}) are not listed, and not counted here."


def _has_threshold(study: Study) -> bool:
    """Whether places were left out for their score: not where a person pointed, nor where every candidate is listed."""
    detections = study.detections
    if detections.controls:
        return not study.all_by_person and all(map(detections.passing, detections.lesions))
    return not study.all_by_person and detections.operating_point.threshold > 0


def _in_force(study: Study) -> Detections:
    """With the operating point where the review has it now."""
    return study.findings.as_detections(())


def _few(study: Study) -> Iterator[str]:
    """Sizes and kinds that the model was hardly measured on."""
    rates = rates_of(study.detections, study.model) if study.model is not None else None
    if rates is None:
        if study.model is not None or inside(study.detections.provenance, "model"):
            yield "How many lesions the model misses at this threshold, and of which sizes, is not known to this report."
        return
    for what, shares in (("size", rates.sizes), ("kind", rates.kinds)):
        few = [share for share in shares if share.lesions < _FEW_LESIONS]
        if few:
            yield (
                f"The model was measured on few lesions of some {what}s ({_listed(few)}): how many of such it finds is hardly "
                "known."
            )


def _listed(shares: list[Share]) -> str:
    return ", ".join(f"{share.name}: {share.lesions or 'none'}" for share in shares)


def _who_looked(study: Study) -> str:
    """Who decided on what is listed."""
    listed = study.findings.listed if study.reviewed else study.items
    if study.all_by_person and not study.reviewed:
        return "Nobody else has reviewed the measurements."
    decided = sum(item.status is not Status.NEW for item in listed)
    alone = "Whether a person also looked through the rest of the image is not recorded."
    if not decided:
        return f"Nobody has reviewed {'the findings' if listed else 'this result'}. {alone}"
    if decided == len(listed):
        return f"A person decided on {'the one finding' if decided == 1 else f'each of the {decided} findings'} that the list had. {alone}"
    return f"A person decided on {decided} of the {len(listed)} findings that the list had. {alone}"


def _are(count: int) -> str:
    return "is" if count == 1 else "are"
