"""Cards as HTML: what a card is made of is kept, and nothing else gets through."""

from __future__ import annotations

import re
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.viewer.card import card_html

pytest.importorskip("markdown", reason="without it cards are shown as they are")

KNOWN = {"h3", "h4", "h5", "h6", "p", "ul", "ol", "li", "pre", "code", "em", "strong", "blockquote", "hr", "br"}
TABLE = {"table", "thead", "tbody", "tr", "th", "td"}


def tags(html):
    return set(re.findall(r"</?([^\s>/]+)", html))


def test_headings_lists_tables_and_commands():
    html = card_html(
        "# A\n\n## B\n\n**bold**\n\n- one\n- `two`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n    lesion train\n"
    )
    assert tags(html) == {"h3", "h4", "p", "strong", "ul", "li", "code", "pre", *TABLE}
    assert "<h3>A</h3>" in html
    assert "<td>2</td>" in html


@pytest.mark.parametrize(
    "hostile",
    [
        "<script>alert(1)</script>",
        "<div onclick='x'>\n\ntext\n\n</div>",
        "[x](javascript:alert(1))",
        "![x](http://elsewhere/pixel.png)",
        "<http://elsewhere>",
        "[x]: javascript:alert(1)\n\n[x]",
        "`<img src=x onerror=alert(1)>`",
        "    <script>alert(1)</script>",
        "<!-- --><svg/onload=alert(1)>",
        "# <img src=x>",
        "| <a href='x'>y</a> |\n|---|\n| <b>1</b> |",
        "&lt;script&gt; &#60;script&#62;",
        "\x02klzzwxh:0000\x03<script>",
        "<style>@import url(http://elsewhere)</style>",
    ],
)
def test_markup_is_text(hostile):
    html = card_html(hostile)
    assert tags(html) <= KNOWN | TABLE
    assert not re.search(r"<[^>]*(?:href|src|onerror|onclick|onload)", html)


@given(st.text(alphabet=st.sampled_from("<>&\"'`[]()!#|-*_: \nabx/=\x02\x03"), max_size=60))
def test_no_card_makes_other_tags(text):
    assert tags(card_html(text)) <= KNOWN | TABLE


def test_without_the_library_a_card_is_its_text(monkeypatch):
    monkeypatch.setitem(sys.modules, "markdown", None)
    assert card_html("# A <b>") == "<pre># A &lt;b&gt;</pre>"


def test_a_card_that_is_made_to_be_too_much_is_its_text():
    assert card_html("1. " * 5000).startswith("<pre>1. 1. ")
    long = card_html("word " * 100_000)
    assert len(long) < 101_000
    assert "The card is longer." in long
