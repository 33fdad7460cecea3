"""What is known of the model: its card in short, and what its threshold lets through."""

from __future__ import annotations

from LesionDetectionLib.core.bundle import MEASURED_LATER, Manifest

from ..documents.document import Block, Column, Facts, Items, Notice, Row, Section, Table, Text, Tiles
from ..operating import MEASURED_ON
from ..threshold_text import point_text
from .rates import Rates, Share, rate_text, rates_of
from .study import Study, model_digest
from .words import counted, inside, number_in, percent, plain

_MOST_LIMITS = 8


def operating_section(study: Study) -> Section | None:
    """What the thresholds in force mean; None where nothing was searched for."""
    if study.all_by_person:
        return None
    facts = [("Operating point", point_text(study.detections))]
    rates = rates_of(study.detections, study.model) if study.model is not None else None
    if rates is None:
        unknown = "not known for this model" if study.model is not None else "not known"
        facts += [("False marks per scan", unknown), ("Lesions found", unknown)]
        return Section("Operating point", (Facts(tuple(facts)), Text(_why_unknown(study))), "operating-point")
    facts += [
        ("False marks per scan", f"about {rate_text(rates.false_marks)}"),
        ("Lesions found", _found(rates)),
        ("Measured on", _measured_on(rates, study)),
    ]
    blocks: list[Block] = [Facts(tuple(facts)), Text(_meaning(rates, study))]
    tables = [_shares("Size", rates.sizes), _shares("Kind", rates.kinds)]
    shown = tuple(table for table in tables if table is not None)
    if shown and rates.near:
        at = (
            "this operating point" if rates.exact else f"“{rates.point}”, the nearest operating point that was measured"
        )
        blocks += [Text(f"Found when the model was measured, at {at}:"), Tiles(shown)]
    return Section("Operating point", tuple(blocks), "operating-point")


def model_section(study: Study) -> Section | None:
    """The model card in short; None where the run had no model."""
    if not _names_model(study):
        return None
    if study.model is None:
        return Section("Model", (Facts(_named(study)), Notice(_not_at_hand(study))), "model")
    model = study.model
    facts = (
        ("Model", f"{model.name}, version {model.version}"),
        ("For the method", str(model.method)),
        ("Learned from", learned_from(model)),
        ("Its data", plain(inside(model.training, "data") or "not stated")),
        ("Measured on", _how_good(model)),
        ("Licence", str(model.licence)),
        ("Intended use", str(model.intended_use)),
        ("SHA-256", model_digest(study.detections)),
    )
    limits = inside(model.training, "limits")
    texts = tuple(map(plain, limits[:_MOST_LIMITS])) if isinstance(limits, list) else ()
    listed: tuple[Block, ...] = (Text("What it cannot do, as its makers say:"), Items(texts)) if texts else ()
    return Section("Model", (Facts(facts), *listed), "model")


def learned_from(model: Manifest) -> str:
    """``160 scans of computer-made phantoms``."""
    scans = number_in(model.training, "cases", "training")
    of = "computer-made phantoms" if model.trained_on_phantoms else "patients"
    return f"{scans:.0f} scans of {of}" if scans else f"scans of {of}"


def _how_good(model: Manifest) -> str:
    test = inside(model.metrics, MEASURED_ON)
    scans, cpm = number_in(test, "scans"), number_in(test, "cpm")
    if cpm is None:
        return f"{scans:.0f} other scans" if scans else "nothing: how good it is was not measured"
    low, high = (number_in(value) for value in _pair(inside(test, "confidence", "cpm")))
    level = number_in(test, "confidence", "level")
    known = low is not None and high is not None and level is not None
    between = f" ({percent(level or 0)} interval {low:.3f} to {high:.3f})" if known else ""
    on = f"{scans:.0f} other scans" if scans else "other scans"
    of = " of phantoms" if model.trained_on_phantoms else ""
    return f"{on}{of}: CPM {cpm:.3f}{between}, the mean sensitivity at 1/8 to 8 false marks per scan"


def _pair(value: object) -> tuple[object, object]:
    return (value[0], value[1]) if isinstance(value, (list, tuple)) and len(value) == 2 else (None, None)


def _named(study: Study) -> tuple[tuple[str, str], ...]:
    model = inside(study.detections.provenance, "model")
    return (
        ("Model", f"{plain(inside(model, 'name'))}, version {plain(inside(model, 'version'))}"),
        ("SHA-256", model_digest(study.detections) or "not stated"),
    )


def _names_model(study: Study) -> bool:
    return bool(inside(study.detections.provenance, "model"))


def _not_at_hand(study: Study) -> str:
    name = plain(inside(study.detections.provenance, "model", "name"))
    return (
        f"The model “{name}” was not at hand when this report was written: what it learned from, how it was measured and what it "
        "cannot do are not known to this report."
    )


def _why_unknown(study: Study) -> str:
    if not _names_model(study):
        return (
            "The result names no model that was measured on scans: how many false marks its thresholds let through, and how many "
            "lesions they miss, is not known."
        )
    if study.model is None:
        return (
            "The model was not at hand when this report was written: how many false marks this threshold lets through, and how many "
            "lesions it misses, is not known to this report."
        )
    return (
        "The model was not measured with these thresholds: how many false marks they let through, and how many lesions they miss, "
        "is not known."
    )


def _found(rates: Rates) -> str:
    text = f"{percent(rates.sensitivity)}"
    if rates.found is not None:
        text += f" ({rates.found} of {rates.lesions})"
    else:
        text = f"about {text}"
    if rates.interval is not None:
        text += f"; {percent(rates.level)} interval {percent(rates.interval[0])} to {percent(rates.interval[1])}"
    return text


def _measured_on(rates: Rates, study: Study) -> str:
    parts = [
        counted(rates.scans, "scan") if rates.scans else "",
        counted(rates.lesions, "lesion") if rates.lesions else "",
    ]
    of = " of phantoms" if study.model is not None and study.model.trained_on_phantoms else ""
    text = f"{' with '.join(filter(None, parts))}{of}" if any(parts) else "scans whose number is not stated"
    if study.model is not None and study.model.training.get(MEASURED_LATER):
        return f"{text}; whether it had learned from their patients is not known to this report"
    return f"{text} that it did not learn from"


def _meaning(rates: Rates, study: Study) -> str:
    missed = 1 - rates.sensitivity
    text = f"On those scans about {percent(missed)} of the lesions were missed at this threshold."
    beyond = f" {rates.beyond}" if rates.beyond else ""
    elsewhere = " In this scan it may be otherwise: scanners, protocols and patients differ."
    if study.model is not None and study.model.trained_on_phantoms:
        elsewhere = " They were computer-made: the figures say nothing of how it does on patients."
    return text + beyond + elsewhere


def _shares(title: str, shares: tuple[Share, ...]) -> Table | None:
    """A table, unless it would say only the sum once more."""
    if len(shares) < 2:
        return None
    rows = tuple(
        Row(
            (
                share.name,
                f"{share.found} of {share.lesions}",
                percent(share.found / share.lesions) if share.lesions else "–",
            )
        )
        for share in shares
    )
    return Table((Column(title, False), Column("Found"), Column("Share")), rows)
