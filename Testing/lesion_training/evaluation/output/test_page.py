"""A page becomes one document, and that a page of HTML and a PDF: all of it, in order, with every text escaped."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.documents import document as documents
from LesionDetectionLib.app.documents.html import html_text
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.evaluation.output.page import (
    LIMITS,
    PAGE,
    PDF,
    Page,
    Section,
    as_document,
    write_page,
    write_report,
)
from LesionTrainingLib.evaluation.output.plots import Curve, roc_plot
from LesionTrainingLib.evaluation.output.tables import Table

NASTY = '<script>alert(1)</script> & "quotes" \' $title ${lead}'


@pytest.fixture(scope="module")
def plot():
    return roc_plot([Curve("AUC 0.5", np.array([0.0, 1.0]), np.array([0.0, 1.0]))])


@pytest.fixture
def page(plot):
    table = Table(("Policy", "Hits"), (("luna16", 12), (NASTY, 3)), NASTY)
    return Page(
        "A model on 40 phantoms",
        "It finds 80 % of the nodules.",
        ("Measured on phantoms.", "Another warning."),
        (
            Section("Detection", ("First.", "Second.", plot, plot, table)),
            Section("Scores", (table,)),
            Section(NASTY, (NASTY, documents.Notice("Mind this."))),
        ),
    )


def test_everything_is_there_in_order(page):
    text = html_text(as_document(page))
    order = [
        "Evaluation",
        "A model on",
        "It finds",
        "Measured on",
        "Another",
        "First.",
        "Second.",
        "luna16",
        "Mind this.",
    ]
    places = [text.rindex(told) for told in (*order, LIMITS)]
    assert places == sorted(places)
    assert text.count("<img") == text.count("<table>") == 2
    assert "<script" not in text
    assert text.count("&lt;script&gt;") == 7  # contents, heading, paragraph; cell and caption, twice


def test_small_tables_stand_beside_plots(plot):
    small, long = Table(("x", "y"), ((1, 2),)), Table(("x",), tuple((row,) for row in range(40)))
    details, wordy = (
        replace(plot, wide=True),
        Table(("why",), (("a sentence that wants the whole width of the page",),)),
    )
    blocks = (small, plot, "Between.", plot, long, small, wordy, details, plot)
    (section,) = as_document(Page("t", "l", sections=(Section("s", blocks),))).sections
    kinds = [
        [type(one).__name__ for one in block.blocks] if isinstance(block, documents.Tiles) else type(block).__name__
        for block in section.blocks
    ]
    assert kinds == [["Table", "Picture"], "Text", ["Picture"], "Table", ["Table"], "Table", "Picture", ["Picture"]]


def test_numbers_stand_right_and_texts_left_as_people_write_them():
    table = Table(("name", "share", "none"), (("a", -0.12345, None), ("b", float("nan"), None)), "Caption.", digits=2)
    (section,) = as_document(Page("t", "l", sections=(Section("s", (table,)),))).sections
    made = section.blocks[0].blocks[0]
    assert [column.numeric for column in made.columns] == [False, True, True]
    assert [row.cells for row in made.rows] == [("a", "−0.12", "–"), ("b", "–", "–")]
    assert made.caption == "Caption."


def test_the_page_has_the_plot_and_both_files_are_written(tmp_path, page, plot):
    write_report(tmp_path / "new", page)
    text = (tmp_path / "new" / PAGE).read_text(encoding="utf-8")
    (source, _) = re.findall(r'src="data:image/png;base64,([^"]+)" alt="([^"]+)"', text)[0]
    assert base64.b64decode(source) == plot.png
    assert (tmp_path / "new" / PDF).read_bytes().startswith(b"%PDF-")
    assert {path.name for path in (tmp_path / "new").iterdir()} == {PAGE, PDF}
    write_page(tmp_path / "alone.html", page)
    assert (tmp_path / "alone.html").read_text(encoding="utf-8") == text
    with pytest.raises(OutputError):
        write_page(tmp_path / "alone.html" / "below.html", page)
