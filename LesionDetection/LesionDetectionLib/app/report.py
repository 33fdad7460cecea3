"""A run as one self-contained HTML page: no script, nothing loaded from anywhere, every text escaped."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from string import Template
from typing import Any

from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.detector import MethodInfo, methods
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.io.display import lesion_color, modality_name, value_unit
from LesionDetectionLib.io.lesion_table import VOLUME, named_measurements

from .threshold_text import controls_text, point_text, score_name, score_of

LIMITS = (
    "Research software, not a medical device, and not for clinical decisions. A score orders the findings of one method; "
    "it is not the probability of disease. A place that is not listed was not shown to be healthy."
)
_TEMPLATE = Path(__file__).with_name("report.html")
_UNIT_ENDINGS = {
    "mm3": "mm³",
    "mm2": "mm²",
    "mm": "mm",
    "ml": "mL",
    "g": "g",
    "hu": "HU",
    "suvbw": "SUV",
    "percent": "%",
}
_OTHER_SUV = {"sulbm": ("SUL", "g/mL"), "suvbsa": ("SUV by surface area", "cm²/mL")}
"""Beside SUV by body weight, and told from it by name."""
_WHOLE_NAMES = {"mtv": "Metabolic tumour volume", "tlg": "Total lesion glycolysis"}
_MILLILITRES_FROM_MM3 = 10_000.0
"""From here on (a sphere of 27 mm) a volume is given in mL; nodule guidelines speak of mm³."""

Picture = Callable[[int], bytes]
"""JPEG of the lesion of a rank (from 1), or of the overview for rank 0."""


def report_page(image: Image, detections: Detections, picture: Picture) -> str:
    """The page. It names the image, never the patient: identifiers of the source are left out."""
    info = methods().get(detections.method)
    sentences = dict.fromkeys((*detections.warnings, *image.notes))
    page = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return page.substitute(
        title=_text(f"Lesion report: {detections.image_name}"),
        name=_text(detections.image_name),
        summary=_text(_summary(detections)),
        warnings="\n".join(f'<p class="warning" role="note">{_text(sentence)}</p>' for sentence in sentences),
        overview=_overview(detections, picture),
        facts=_definitions(_image_facts(image, detections)),
        lesions=_lesions(image, detections, picture),
        method=_method(info, detections),
        provenance=_definitions(dict(_flat(detections.provenance))),
        limits=_text(LIMITS),
    )


def measurement_text(name: str, value: float) -> tuple[str, str]:
    """What to call a measurement and how to write it: ``("Volume", "2075 mm³")`` for ``volume_mm3``."""
    base, _, ending = name.rpartition("_")
    if name == VOLUME and value >= _MILLILITRES_FROM_MM3:
        return "Volume", f"{value / 1000:.1f} mL"
    if ending in _OTHER_SUV:
        kind, unit = _OTHER_SUV[ending]
        return f"{_words(base)} {kind}", f"{_number(value, 2)} {unit}"
    if ending not in _UNIT_ENDINGS:
        return _words(name), _number(value, 2)
    digits = {"hu": 0, "mm3": 0, "suvbw": 2, "ml": 2}.get(ending, 1)
    return _WHOLE_NAMES.get(base) or _words(base), f"{_number(value, digits)} {_UNIT_ENDINGS[ending]}"


def _summary(detections: Detections) -> str:
    if detections.controls:
        return _summary_by_controls(detections)
    count, point, name = len(detections.lesions), detections.operating_point, score_name(detections)
    score = "a score" if name == "score" else name
    passing = f"with {score} of at least {point.threshold:.3g} (operating point “{point.name}”)"
    if point.threshold <= 0:  # no scores were left out, as when a person pointed at the lesion
        return f"{count} lesion{'' if count == 1 else 's'}." if count else "No lesion was found."
    if count == 0:
        return f"No lesion above the threshold: none was found {passing}."
    return f"{count} lesion candidate{'' if count == 1 else 's'} {passing}."


def _summary_by_controls(detections: Detections) -> str:
    count = len(detections.lesions)
    passing = sum(map(detections.passing, detections.lesions))
    thresholds = f"the thresholds ({controls_text(detections)}; operating point “{detections.operating_point.name}”)"
    if count == 0:
        return f"No lesion above {thresholds}."
    candidates = f"{count} lesion candidate{'' if count == 1 else 's'}"
    # Every candidate was asked for, or a person accepted one that lies below.
    return f"{candidates} above {thresholds}." if passing == count else f"{candidates}, {passing} above {thresholds}."


def _overview(detections: Detections, picture: Picture) -> str:
    numbers = (
        "A ring marks each candidate, with its number."
        if detections.lesions
        else "No ring: nothing passed the threshold."
    )
    caption = f"Seen from the front and from the patient’s left; the patient’s right is on the left. {numbers}"
    return _figure(picture(0), "Overview of the whole image from the front and from the left", caption)


def _image_facts(image: Image, detections: Detections) -> dict[str, str]:
    ni, nj, nk = image.shape_kji[::-1]
    spacing = " × ".join(f"{mm:.3g}" for mm in image.spacing_mm)
    modality = modality_name(image.modality)
    unit = value_unit(image)
    return {
        "Image": f"{modality}, values in {unit}" if modality and unit else modality or "modality not stated",
        "Size": f"{ni} × {nj} × {nk} voxels",
        "Voxel": f"{spacing} mm",
        "Extent": " × ".join(f"{n * mm:.0f}" for n, mm in zip((ni, nj, nk), image.spacing_mm, strict=True)) + " mm",
        "Method": detections.method,
        "Operating point": point_text(detections),
        **({"Maps": ", ".join(detections.maps)} if detections.maps else {}),
    }


def _lesions(image: Image, detections: Detections, picture: Picture) -> str:
    if not detections.lesions:
        return f"<h2>Findings</h2>\n<p>{_text(_summary(detections))}</p>"
    cards = [_card(image, detections, rank, picture(rank)) for rank in range(1, len(detections.lesions) + 1)]
    return f"<h2>Findings</h2>\n{_table(detections)}\n<h2>Each finding</h2>\n" + "\n".join(cards)


def _table(detections: Detections) -> str:
    """Only columns that some lesion fills; further lengths, and SUV of other types, stand with each finding, or the page would
    be too narrow."""
    measured = [
        dict(
            measurement_text(name, value)
            for name, value in named_measurements(lesion, detections.geometry).items()
            if not name.endswith(("_mm", *_OTHER_SUV))
        )
        for lesion in detections.lesions
    ]
    names = list(dict.fromkeys(name for each in measured for name in each))
    with_axes = any(lesion.recist for lesion in detections.lesions)
    score = score_of(detections)
    full = max([1.0, *(lesion.score for lesion in detections.lesions)])
    heads = [_head("Finding", "text"), _head(score.title), _head("Diameter")]
    heads += [_head("Long × short")] if with_axes else []
    heads += [_head(name) for name in names]
    heads += [_head("R"), _head("A"), _head("S")]
    rows = []
    for rank, (lesion, values) in enumerate(zip(detections.lesions, measured, strict=True), 1):
        cells = [
            f'<td class="rank">{_dot(rank)}<a href="#L{rank}">L{rank}</a></td>',
            f"<td>{_score(lesion.score, score.decimals, full)}</td>",
            _cell(f"{lesion.diameter_mm:.1f} mm"),
        ]
        cells += [_cell(_axes(lesion))] if with_axes else []
        cells += [_cell(values.get(name, "–")) for name in names]
        cells += [_cell(_number(part, 1)) for part in lesion.center_ras_mm]
        rows.append(f"<tr>{''.join(cells)}</tr>")
        if lesion.note:
            rows.append(
                f'<tr class="note"><td></td><td class="text" colspan="{len(heads) - 1}">{_text(lesion.note)}</td></tr>'
            )
    body = "\n".join(rows)
    return (
        f'<div class="wide"><table>\n<thead><tr>{"".join(heads)}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>\n'
        '<p class="quiet">R, A, S: millimetres to the patient’s right, anterior and superior, as Slicer shows them.</p>'
    )


def _card(image: Image, detections: Detections, rank: int, picture: bytes) -> str:
    lesion = detections.lesions[rank - 1]
    score = score_of(detections)
    facts = [
        (score.title, f"{lesion.score:.{score.decimals + 1}f}"),
        ("Diameter", f"{lesion.diameter_mm:.1f} mm"),
    ]
    if lesion.recist is not None:
        facts.append(("Long × short axis", _axes(lesion)))
    facts += [measurement_text(n, value) for n, value in named_measurements(lesion, detections.geometry).items()]
    facts.append(("R, A, S", ", ".join(_number(part, 1) for part in lesion.center_ras_mm) + " mm"))
    items = "".join(f"<li><span>{_text(name)}</span>{_text(value)}</li>" for name, value in facts)
    note = f'\n<p class="note">{_text(lesion.note)}</p>' if lesion.note else ""
    alternative = f"{lesion.meaning.meaning} L{rank} in an axial, a coronal and a sagittal slice"
    return (
        f'<article class="lesion" id="L{rank}">\n'
        f'<header><h3>{_dot(rank)}L{rank}</h3><span class="quiet">{_text(lesion.meaning.meaning)}</span>'
        '<a class="up" href="#top">back to top</a></header>\n'
        f'{_figure(picture, alternative)}\n<ul class="facts">{items}</ul>{note}\n</article>'
    )


def _method(info: MethodInfo | None, detections: Detections) -> str:
    if info is None:
        return f"<p>Method: {_text(detections.method)}.</p>"
    parts = [("", info.title), ("Finds: ", info.finds), ("Limits: ", info.limits), ("Reference: ", info.reference)]
    return "\n".join(f"<p>{_text(lead + text)}</p>" for lead, text in parts if text)


def _figure(data: bytes, alternative: str, caption: str = "") -> str:
    source = "data:image/jpeg;base64," + base64.b64encode(data).decode("ascii")
    below = f"<figcaption>{_text(caption)}</figcaption>" if caption else ""
    return f'<figure><img src="{source}" alt="{_text(alternative)}">{below}</figure>'


def _definitions(facts: Mapping[str, str]) -> str:
    return "\n".join(f"<dt>{_text(name)}</dt><dd>{_text(value)}</dd>" for name, value in facts.items())


def _flat(value: Mapping[str, Any], lead: str = "") -> Iterator[tuple[str, str]]:
    """Nested provenance as lines: ``model · version`` and its value."""
    for name, entry in value.items():
        label = f"{lead} · {_words(str(name), capital=False)}" if lead else _words(str(name))
        if isinstance(entry, Mapping):
            yield from _flat(entry, label)
        else:
            yield label, _plain(entry)


def _plain(value: Any) -> str:
    if isinstance(value, (list, tuple)):
        return ", ".join(map(_plain, value))
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _score(score: float, decimals: int, full: float) -> str:
    """The score over a bar of that length; ``full`` is one, or the highest where scores are no shares of one."""
    percent = 100 * min(max(score, 0.0), full) / full
    style = f"background:linear-gradient(to right,var(--bar) {percent:.0f}%,transparent {percent:.0f}%)"
    return f'<span class="score" style="{style}">{score:.{decimals}f}</span>'


def _dot(rank: int) -> str:
    red, green, blue = (round(255 * part) for part in lesion_color(rank))
    return f'<span class="dot" style="background:#{red:02x}{green:02x}{blue:02x}"></span>'


def _axes(lesion: Lesion) -> str:
    return "–" if lesion.recist is None else f"{lesion.recist.long_mm:.1f} × {lesion.recist.short_mm:.1f} mm"


def _head(name: str, kind: str = "") -> str:
    return f'<th scope="col" class="{kind}">{_text(name)}</th>'


def _cell(value: str, kind: str = "") -> str:
    return f'<td class="{kind}">{_text(value)}</td>'


def _words(name: str, capital: bool = True) -> str:
    words = re.sub(r"_+", " ", name).strip()
    return words[:1].upper() + words[1:] if capital else words


def _number(value: float, digits: int) -> str:
    return f"{value:.{digits}f}".replace("-", "−")


def _text(value: str) -> str:
    return html.escape(value, quote=True)
