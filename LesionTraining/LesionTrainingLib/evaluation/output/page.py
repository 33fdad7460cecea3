"""An evaluation as one self-contained HTML page: no script, nothing loaded from anywhere, every text escaped.

It looks like the report of a detection: the style sheet is taken from that report's template.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from itertools import groupby
from pathlib import Path
from string import Template

from LesionDetectionLib.core.atomic import atomic_file

from .figures import Plot
from .tables import Table

LIMITS = (
    "Research software, not a medical device, and not for clinical decisions. Figures hold for the data that they were "
    "measured on, under the rules that are named with them."
)
_TEMPLATE = Path(__file__).with_name("page.html")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)

_TEXT, _TILE, _WIDE = "text", "tile", "wide"
_TILE_COLUMNS, _TILE_ROWS = 5, 12
"""A table of at most this size stands beside a plot."""

Block = str | Table | Plot
"""A paragraph, a table or a plot."""


@dataclass(frozen=True)
class Section:
    """A heading and what stands below it. Plots that follow each other, and small tables among them, stand side by side
    where there is room."""

    title: str
    blocks: tuple[Block, ...]


@dataclass(frozen=True)
class Page:
    """What :func:`write_page` writes.

    Attributes:
        title: what was judged.
        lead: the answer in one sentence.
        warnings: what makes it mean less than it seems, such as phantoms; in boxes, first.
        sections: the rest, in order.
        kind: small print above the title.
        footer: sentences at the end.
    """

    title: str
    lead: str
    warnings: tuple[str, ...] = ()
    sections: tuple[Section, ...] = ()
    kind: str = "Evaluation"
    footer: tuple[str, ...] = (LIMITS,)


def write_page(path: Path, page: Page) -> None:
    """Write the page, whole or not at all.

    Raises:
        OutputError: it cannot be written.
    """
    with atomic_file(path) as temporary:
        temporary.write_text(page_html(page), encoding="utf-8")


def page_html(page: Page) -> str:
    """The page as text."""
    template = Template(_TEMPLATE.read_text(encoding="utf-8"))
    return template.substitute(
        report_style=_report_style(),
        kind=_text(page.kind),
        title=_text(page.title),
        lead=_text(page.lead),
        warnings="\n".join(f'<p class="warning" role="note">{_text(warning)}</p>' for warning in page.warnings),
        contents=_contents(page.sections),
        sections="\n".join(_section(number, section) for number, section in enumerate(page.sections, 1)),
        footer=_lines(map(_block, page.footer)),
    )


@cache
def _report_style() -> str:
    found = _STYLE.search((files("LesionDetectionLib.app") / "report.html").read_text(encoding="utf-8"))
    assert found, "the report's template has no style sheet"
    return found.group(1).strip()


def _contents(sections: tuple[Section, ...]) -> str:
    """Links to the sections, where there are enough to look for one."""
    if len(sections) < 3:
        return ""
    links = (f'<a href="#s{number}">{_text(section.title)}</a>' for number, section in enumerate(sections, 1))
    return f"<nav>{' '.join(links)}</nav>"


def _section(number: int, section: Section) -> str:
    parts = []
    for kind, group in groupby(section.blocks, key=_kind):
        blocks = tuple(group)
        text = _lines(map(_block, blocks))
        side_by_side = kind is _TILE and any(isinstance(block, Plot) for block in blocks)
        parts.append(f'<div class="tiles">\n{text}\n</div>' if side_by_side else text)
    return f'<section id="s{number}">\n<h2>{_text(section.title)}</h2>\n{_lines(parts)}\n</section>'


def _kind(block: Block) -> str:
    """What may stand side by side: plots that are not wide, and tables that are no larger than a plot."""
    if isinstance(block, str):
        return _TEXT
    small = (
        not block.wide
        if isinstance(block, Plot)
        else (len(block.columns) <= _TILE_COLUMNS and len(block.rows) <= _TILE_ROWS)
    )
    return _TILE if small else _WIDE


def _block(block: Block) -> str:
    if isinstance(block, str):
        return f"<p>{_text(block)}</p>"
    return _figure(block) if isinstance(block, Plot) else f'<div class="wide">{block.html()}</div>'


def _figure(plot: Plot) -> str:
    source = "data:image/png;base64," + base64.b64encode(plot.png).decode("ascii")
    below = f"<figcaption>{_text(plot.caption)}</figcaption>" if plot.caption else ""
    kind = ' class="wide"' if plot.wide else ""
    return f'<figure{kind}><img src="{source}" alt="{_text(plot.alternative)}">{below}</figure>'


def _lines(parts: Iterable[str]) -> str:
    return "\n".join(parts)


def _text(value: str) -> str:
    return html.escape(value, quote=True)
