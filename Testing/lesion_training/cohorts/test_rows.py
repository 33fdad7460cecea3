"""Cells as numbers, and what is said where they are none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.cohorts.cohort import LeftOut
from LesionTrainingLib.cohorts.rows import MOST_NAMED, Row, read_table, shortened


def a_row(decimal_comma=False, **cells):
    return Row(7, cells, decimal_comma)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_what_was_written(value):
    assert a_row(x=repr(value)).number("x") == value
    assert a_row(True, x=repr(value).replace(".", ",")).number("X") == value


@pytest.mark.parametrize("text", ["", "x", "1,5", "nan", "inf", "1e999", "1 2"])
def test_what_is_no_number(text):
    with pytest.raises(ValueError, match="x"):
        a_row(x=text).number("x")


def test_whole_numbers_and_lists():
    assert a_row(x="5.0").whole("x") == 5
    with pytest.raises(ValueError, match=r"“5\.5” under x is no whole number"):
        a_row(x="5.5").whole("x")
    assert a_row(x="1, 2.5,-3").numbers("x", 3) == (1, 2.5, -3)
    for wrong in ("1,2", "1,2,nan", "", "1,2,x"):
        with pytest.raises(ValueError, match="is not 3 numbers"):
            a_row(x=wrong).numbers("x", 3)
    assert a_row().text("y") == ""


def test_lines_are_those_of_the_file(tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(b'\xef\xbb\xbf\r\nA,b\r\n\r\n1,"two\r\nlines"\r\n , \r\n3,4\r\n5\r\n')
    table = read_table(path, ("a", "B"))
    assert table.columns == ("a", "b")
    assert [(row.line, row.text("a")) for row in table.rows] == [(5, "1"), (7, "3")]
    assert table.bad == (LeftOut("5", "a.csv, line 8: there are 1 cells under 2 columns."),)


def test_long_lists_are_shortened():
    many = [LeftOut(str(n), "no") for n in range(MOST_NAMED + 3)]
    assert shortened(many[:MOST_NAMED], "rows") == many[:MOST_NAMED]
    assert shortened(many, "rows of a.csv")[-1] == LeftOut(
        "rows of a.csv", "3 more rows of a.csv make no sense either."
    )
