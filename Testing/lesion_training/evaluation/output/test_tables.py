"""Tables for programs keep every digit; tables for people are escaped and rounded."""

from __future__ import annotations

import csv
import io
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import OutputError
from LesionTrainingLib.evaluation.output.tables import Table, write_columns, write_csv

TABLE = Table(
    ("policy", "hits", "sensitivity", "distance (mm)"),
    (("luna16", 1024, 0.8634064, None), ("a|b <i>", np.int64(-3), np.float64(1 / 3), float("nan"))),
    "Counted | by script.",
)


def read(text):
    return list(csv.reader(io.StringIO(text, newline="")))


def test_csv_for_programs():
    assert read(TABLE.csv()) == [
        ["policy", "hits", "sensitivity", "distance (mm)"],
        ["luna16", "1024", "0.8634064", ""],
        ["a|b <i>", "-3", "0.3333333333333333", ""],
    ]
    assert TABLE.csv().count("\r\n") == 3


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=5))
def test_numbers_read_back_exactly(numbers):
    for kind in (float, np.float64):
        rows = read(Table(("x",), tuple((kind(number),) for number in numbers)).csv())
        assert [float(row[0]) for row in rows[1:]] == numbers


@given(
    st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1).filter(lambda t: t[0] not in "=+-@\t\r")
)
def test_text_reads_back(text):
    assert read(Table(("x", "y"), ((text, 1),)).csv())[1] == [text, "1"]


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@x", "\tx"])
def test_no_formula_reaches_a_spreadsheet(text):
    assert read(Table((text,), ((text,),)).csv()) == [[f"'{text}"], [f"'{text}"]]


def test_markdown():
    assert TABLE.markdown().splitlines() == [
        "| policy | hits | sensitivity | distance (mm) |",
        "| --- | ---: | ---: | ---: |",
        "| luna16 | 1024 | 0.863 | – |",
        "| a\\|b <i> | −3 | 0.333 | – |",
        "",
        "Counted \\| by script.",
    ]


@pytest.mark.parametrize(
    ("cell", "shown"),
    [
        (0.12345, "0.12"),
        (-2.0, "−2.00"),
        (7, "7"),
        (-7, "−7"),
        (None, "–"),
        (math.nan, "–"),
        (-math.inf, "−∞"),
        (np.False_, "no"),
        (np.int32(4), "4"),
        (np.float32(0.5), "0.50"),
        ("x", "x"),
    ],
)
def test_what_people_see(cell, shown):
    assert Table(("x",), (), digits=2).shown(cell) == shown


def test_a_table_without_rows():
    empty = Table(("x", "y"), ())
    assert empty.csv() == "x,y\r\n"
    assert empty.markdown() == "| x | y |\n| --- | --- |"


def test_a_row_that_does_not_fit():
    with pytest.raises(ValueError, match="1 cells under 2 columns"):
        Table(("x", "y"), ((1,),))


def test_writing(tmp_path):
    write_csv(tmp_path / "new" / "ä.csv", Table(("μm",), ((0.5,),)))
    assert (tmp_path / "new" / "ä.csv").read_bytes() == "μm\r\n0.5\r\n".encode()
    (tmp_path / "file").write_text("x")
    with pytest.raises(OutputError):
        write_csv(tmp_path / "file" / "table.csv", TABLE)


def test_columns_are_written_as_rows_are(tmp_path):
    """Column by column gives the same bytes: text with commas, quotes, line ends and formulas, numbers, and gaps."""
    columns = {
        "text, quoted": ["plain", 'a "b", c', "=1+1", "two\r\nlines", ""],
        "gaps": [None, 1, 2.5, None, -3],
        "whole": [1, 2, 3, 4, 5],
        "exact": [0.1, 1 / 3, 1e-20, 1e300, -0.5],
        "mixed": ["x", None, 3, 4.5, "@y"],
    }
    write_columns(tmp_path / "columns.csv", columns)
    write_csv(tmp_path / "rows.csv", Table(tuple(columns), tuple(zip(*columns.values(), strict=True))))
    assert (tmp_path / "columns.csv").read_bytes() == (tmp_path / "rows.csv").read_bytes()
