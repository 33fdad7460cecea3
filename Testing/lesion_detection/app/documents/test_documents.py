"""A document becomes a page and a PDF with the same content, whatever stands in it."""

from __future__ import annotations

import datetime
import io

import pytest
from LesionDetectionLib.app.documents import document as parts
from LesionDetectionLib.app.documents.document import Cell, Column, Document, Row, Section, Table, clean
from LesionDetectionLib.app.documents.html import html_text, write_html
from LesionDetectionLib.app.documents.pdf import LACKING, pdf_bytes, write_pdf
from LesionDetectionLib.core.errors import OutputError
from PIL import Image as PillowImage
from read_page import Page
from read_pdf import Pdf

MADE = datetime.datetime(2026, 2, 3, 4, 5, 6, tzinfo=datetime.timezone.utc)


def picture(kind="PNG", size=(40, 20), color=(9, 99, 200), **options):
    file = io.BytesIO()
    PillowImage.new("RGB", size, color).save(file, kind)
    return parts.Picture(file.getvalue(), "a picture", **options)


def one_of_each():
    table = Table(
        (Column("Name", False), Column("Value")),
        (
            Row((Cell("first", "card", color=(0.9, 0.5, 0.1)), Cell("0.25", bar=0.25))),
            Row(("second", "−3"), "a note on it"),
        ),
        "a caption of a table",
    )
    card = parts.Card(
        "C1", "a subtitle", "card", (0.1, 0.9, 0.1), picture("JPEG"), (("Fact", "12 mm³"),), "a note on a card"
    )
    return Document(
        "Some report",
        "A title",
        "The answer ⌀ “quoted” ≥ ×.",
        ("A warning.",),
        (
            Section("", (parts.Aside(picture(caption="a caption of an aside"), parts.Facts((("Beside", "a fact"),))),)),
            Section(
                "One", (parts.Text("A paragraph."), parts.Text("Small print.", quiet=True), parts.Notice("A notice."))
            ),
            Section("Two", (parts.Items(("an item", "another item")), table), "two"),
            Section("Three", (card, parts.Tiles((picture("PNG", color=(1, 2, 3), caption="a tile"), table, card)))),
            Section("Four", (picture(size=(30, 30), wide=True), parts.Facts((("A name", "a value"),)))),
        ),
        ("A first limit.", "A second limit."),
    )


def test_both_hold_the_same():
    page, pdf = Page(html_text(one_of_each())), Pdf(pdf_bytes(one_of_each(), MADE))
    for said in (
        "A title", "The answer ⌀ “quoted” ≥ ×.", "A warning.", "a caption of an aside", "Beside", "a fact", "One", "A paragraph.",
        "Small print.", "A notice.", "an item", "another item", "Name", "first", "0.25", "−3", "a note on it",
        "a caption of a table", "C1", "a subtitle", "Fact", "12 mm³", "a note on a card", "a tile", "A name", "a value",
        "A first limit.", "A second limit.",
    ):  # fmt: skip
        assert said in page.text, said
        assert said in pdf.text, said
    assert page.text.count("A first limit.") == 1
    assert all("A first limit." in text for text in pdf.pages), "it stands at the foot of every page"
    assert [f"Page {n} of {len(pdf.pages)}" in text for n, text in enumerate(pdf.pages, 1)] == [True] * len(pdf.pages)
    assert [link["href"] for link in page.all("a")][:4] == ["#s2", "#two", "#s4", "#s5"], "contents"
    assert {image["src"][:15] for image in page.all("img")} == {"data:image/png;", "data:image/jpeg"}


def test_the_file_says_when_it_was_made_and_names_nobody():
    data = pdf_bytes(one_of_each(), MADE)
    info = Pdf(data).info
    assert "D:20260203040506+00'00'" in info
    assert "/Author ()" in info
    assert data == pdf_bytes(one_of_each(), MADE), "the same document at the same time is the same file"


def test_a_file_beside_the_page_is_linked_whatever_it_is_called():
    names = ("case 1/report.html", "javascript:alert(1)", "//elsewhere/x", '../"><b>')
    rows = tuple(Row((Cell("open", file=name),)) for name in names)
    page = Page(html_text(Document("k", "t", sections=(Section("s", (Table((Column("c"),), rows),)),))))
    assert [link["href"] for link in page.all("a")] == [
        "./case%201/report.html",
        "./javascript%3Aalert%281%29",
        ".///elsewhere/x",
        "./../%22%3E%3Cb%3E",
    ]


def test_a_row_of_another_length_is_a_mistake():
    with pytest.raises(ValueError, match="a row of 1 cells under 2 columns"):
        Table((Column("a"), Column("b")), (Row(("x",)),))


@pytest.mark.parametrize("text", ["a\x00b", "a\ud800b", "a\u202eb", "a\x1bb", "a\uffffb"])
def test_what_no_document_can_hold_becomes_a_sign_for_it(text):
    assert clean(text) == "a\ufffdb"
    document = Document("k", text, text, (text,), (Section(text, (parts.Text(text),)),), patient=text)
    assert "a\ufffdb" in Page(html_text(document)).text
    assert html_text(document).encode("utf-8")
    assert "a\ufffdb" in Pdf(pdf_bytes(document, MADE)).text


def test_signs_that_the_font_lacks_are_shown_as_such():
    pdf = Pdf(pdf_bytes(Document("k", "山田 Müller Ελλάδα"), MADE))
    assert "\ufffd\ufffd Müller Ελλάδα" in pdf.text
    assert " ".join(LACKING.split()) in " ".join(pdf.text.split())


@pytest.mark.parametrize(
    "document",
    [
        Document("k", "t", patient="王小明 · ID 1"),
        Document("k", "t", sections=(Section("", (Table((Column("c"),), (Row((Cell("ก"),)),)),)),)),
        Document("k", "שרה"),  # it would be printed from its end to its beginning
    ],
)
def test_a_document_that_cannot_be_printed_whole_says_so(document):
    assert LACKING[:40] in Pdf(pdf_bytes(document, MADE)).text
    assert LACKING[:40] not in Page(html_text(document)).text


def test_a_document_with_all_its_signs_says_nothing_of_signs():
    document = Document("k", "Müller\nΕλλάδα Łódź ⌀ 3 mm³", "a\x00b")
    assert LACKING[:40] not in Pdf(pdf_bytes(document, MADE)).text


@pytest.mark.parametrize(
    "block",
    [
        parts.Text("word " * 1200),
        parts.Items(("x" * 6000,)),
        parts.Notice("notice " * 900),
        parts.Facts((("n" * 900, "v" * 9000),)),
        Table(tuple(Column("c" * 40) for _ in range(12)), (Row(("cell " * 400,) * 12, "note " * 3000),)),
        parts.Card("t" * 900, "s" * 900, facts=(("f" * 900, "v" * 1200),) * 2, note="n " * 2400),
        parts.Aside(picture(), parts.Facts((("n" * 200, "v" * 4000),))),
        parts.Tiles((parts.Card("t", note="n " * 2400), parts.Facts((("n", "v " * 1500),)))),
        picture(size=(4, 4000), wide=True),
        picture(size=(4000, 4), caption="c " * 300),
    ],
    ids=lambda block: type(block).__name__,
)
def test_nothing_is_too_long_for_a_page(block):
    pdf = Pdf(pdf_bytes(Document("k", "t " * 300, sections=(Section("A heading", (block,)),), footer=("limit",)), MADE))
    assert "A heading" in pdf.text
    assert len(pdf.pages) < 120


def test_a_heading_stays_with_what_follows():
    """Wherever a page ends, no heading is the last on it."""
    for lines in (33, 37, 41):
        filler = parts.Items(tuple(f"line {n}" for n in range(lines)))
        card = parts.Card("C1", picture=picture(size=(400, 120)), note="below")
        pdf = Pdf(pdf_bytes(Document("k", "t", sections=(Section("", (filler,)), Section("Heading", (card,)))), MADE))
        assert any("Heading C1" in " ".join(text.split()) for text in pdf.pages)


def test_a_long_table_has_its_headings_on_each_page():
    rows = tuple(Row((f"row {n}", str(n))) for n in range(200))
    pdf = Pdf(
        pdf_bytes(
            Document("k", "t", sections=(Section("s", (Table((Column("Left", False), Column("Right")), rows),)),)), MADE
        )
    )
    assert len(pdf.pages) > 3
    assert all("Left" in text for text in pdf.pages)
    assert "row 199" in pdf.text


@pytest.mark.parametrize("write", [write_html, write_pdf])
def test_files_appear_whole_or_not_at_all(write, tmp_path):
    write(tmp_path / "out", one_of_each())
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        write(tmp_path / "file" / "out", one_of_each())
