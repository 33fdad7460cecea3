"""The page is one file that loads and runs nothing, escapes every text, and looks like the report."""

from __future__ import annotations

import base64
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.evaluation.output.page import LIMITS, Page, Section, page_html, write_page
from LesionTrainingLib.evaluation.output.plots import Curve, roc_plot
from LesionTrainingLib.evaluation.output.tables import Table

NASTY = '<script>alert(1)</script> & "quotes" \' $title ${lead}'
VOID = {"meta", "img", "br"}


class Reader(HTMLParser):
    """Texts, tags in order, and whether every tag is closed."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.texts, self.open = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        if data.strip() and self.open[-1] != "style":
            self.texts.append(data.strip())

    def all(self, tag):
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
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
            Section(NASTY, (NASTY,)),
        ),
    )


def test_everything_is_there_in_order(page):
    found = Reader(page_html(page))
    assert not found.open
    texts = "\n".join(found.texts)
    order = ["Evaluation", "A model on", "It finds", "Measured on", "Another", "First.", "Second.", "luna16", LIMITS]
    places = [texts.rindex(text) for text in order]
    assert places == sorted(places)
    assert len(found.all("img")) == 2
    assert len(found.all("table")) == 2


def test_small_tables_stand_beside_plots(plot):
    small, long = Table(("x", "y"), ((1, 2),)), Table(("x",), tuple((row,) for row in range(40)))
    text = page_html(Page("t", "l", sections=(Section("s", (small, plot, "Between.", plot, long, small)),)))
    tags = re.findall(
        r'<(div class="\w+"|/div|table|figure|p)>', text[text.index("<section") : text.index("</section")]
    )
    assert " ".join(tag.removeprefix("div class=") for tag in tags) == (
        '"tiles" "wide" table /div figure /div p "tiles" figure /div "wide" table /div "wide" table /div'
    )


def test_a_picture_with_details_stands_by_itself(plot):
    text = page_html(Page("t", "l", sections=(Section("s", (plot, replace(plot, wide=True), plot)),)))
    body = text[text.index("<section") : text.index("</section")]
    tags = re.findall(r'<(div class="\w+"|/div|figure|figure class="wide")>', body)
    assert tags == ['div class="tiles"', "figure", "/div", 'figure class="wide"', 'div class="tiles"', "figure", "/div"]


def test_texts_are_escaped(page):
    text = page_html(page)
    found = Reader(text)
    assert not found.all("script")
    assert "<script" not in text
    assert found.texts.count(NASTY) == 7  # contents, heading, paragraph; cell and caption, twice
    nasty = Page(NASTY, NASTY, (NASTY,), (), kind=NASTY, footer=(NASTY,))
    assert Reader(page_html(nasty)).texts.count(NASTY) == 6


def test_nothing_is_loaded_or_run(page, plot):
    text = page_html(page)
    found = Reader(text)
    assert not re.search(r"https?:|@import|url\(|\son\w+=|javascript:", text)
    assert {name for name, _ in found.tags}.isdisjoint({"script", "link", "iframe", "object", "form"})
    policy = next(a["content"] for a in found.all("meta") if a.get("http-equiv") == "Content-Security-Policy")
    assert policy.startswith("default-src 'none'")
    source = found.all("img")[0]["src"]
    assert base64.b64decode(source.removeprefix("data:image/png;base64,")) == plot.png
    assert found.all("img")[0]["alt"] == plot.alternative


def test_links_lead_somewhere(page):
    found = Reader(page_html(page))
    targets = {attributes["id"] for _, attributes in found.tags if "id" in attributes}
    assert {a["href"].removeprefix("#") for a in found.all("a")} == {"s1", "s2", "s3"} <= targets


def test_few_sections_need_no_contents():
    assert not Reader(page_html(Page("t", "l", sections=(Section("s", ("p",)),)))).all("nav")


def test_the_style_is_the_reports(page):
    text = page_html(page)
    for rule in ("--paper: #fdfdfb", "prefers-color-scheme: dark", "@media print", ".warning {"):
        assert rule in text


def test_writing(tmp_path, page):
    write_page(tmp_path / "new" / "index.html", page)
    assert (tmp_path / "new" / "index.html").read_text(encoding="utf-8") == page_html(page)
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_page(tmp_path / "file" / "index.html", page)
