"""Tables of features and of outcomes: what is written reads back, what is unclear is asked."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError, OutputError, UsageError
from LesionTrainingLib.radiomics.outcomes import outcomes_in, read_outcomes
from LesionTrainingLib.radiomics.request import table_and_column
from LesionTrainingLib.radiomics.table import FeatureTable, joined


@pytest.fixture
def table():
    return FeatureTable(("b", "=1+2", "a"), ("mean", "max"), [[1 / 3, 2], [np.inf, 1e-300], [np.nan, 5]], "abc")


def test_what_is_written_reads_back(tmp_path, table):
    table.save(tmp_path / "features.csv")
    found = FeatureTable.load(tmp_path / "features.csv", "abc")
    assert (found.patients, found.names, found.digest) == (table.patients, table.names, "abc")
    np.testing.assert_array_equal(found.values, table.values)
    assert np.isnan(found.values[1, 0]), "infinite is not defined"


def test_features_of_other_settings_are_refused(tmp_path, table):
    table.save(tmp_path / "features.csv")
    with pytest.raises(InputError, match="made with other settings"):
        FeatureTable.load(tmp_path / "features.csv", "abd")


def test_any_table_with_numbers_will_do(tmp_path):
    (tmp_path / "own.csv").write_text("Patient;Volume;SUV\nx;1,5;\ny;2;3\n")
    found = FeatureTable.load(tmp_path / "own.csv")
    assert (found.patients, found.names) == (("x", "y"), ("volume", "suv"))
    np.testing.assert_array_equal(found.values, [[1.5, np.nan], [2, 3]])


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("patient,a\nx,1\nx,2\n", "patient “x” is in the table of features twice"),
        ("patient,a\nx,large\n", "“large” under a is no number"),
        ("patient,a\nx,1,2\n", "3 cells under 2 columns"),
        ("patient,a\n", "names no patient"),
        ("name,a\nx,1\n", "no column patient"),
    ],
)
def test_a_table_that_makes_no_sense_is_told(tmp_path, text, words):
    (tmp_path / "bad.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        FeatureTable.load(tmp_path / "bad.csv")


def test_rows_are_taken_by_name(table):
    assert table.of(("a", "b")).values[1, 1] == 2
    with pytest.raises(InputError, match="no patient “z”"):
        table.of(("a", "z"))
    with pytest.raises(InputError, match="values of shape"):
        FeatureTable(("a",), ("mean",), np.zeros((2, 1)))


def test_a_feature_that_a_row_lacks_is_not_defined():
    found = joined([("a", {"x": 1.0}), ("b", {"y": 2.0})], "")
    np.testing.assert_array_equal(found.values, [[1, np.nan], [np.nan, 2]])


def test_a_full_disk_is_told(tmp_path, table):
    (tmp_path / "taken").write_text("")
    with pytest.raises(OutputError):
        table.save(tmp_path / "taken" / "features.csv")


def written(tmp_path, text):
    path = tmp_path / "outcomes.csv"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("cells", "positive"),
    [
        ("1 0 1", ""),
        ("1.0 0.0 1.0", ""),
        ("Yes no YES", ""),
        ("true False TRUE", ""),
        ("dead alive dead", ""),
        ("alive dead alive", "Alive"),
        ("CR PD CR", "cr"),
    ],
)
def test_two_words_are_an_outcome(tmp_path, cells, positive):
    rows = "".join(f"p{number},{cell}\n" for number, cell in enumerate(cells.split()))
    path = written(tmp_path, "Patient,Response\n" + rows + "p7,\np8,NA\n")
    assert read_outcomes(path, "response", positive) == {"p0": True, "p1": False, "p2": True}
    found = outcomes_in(path, "", positive)
    assert (found.column, found.unknown) == ("response", ("p7", "p8"))


def test_the_same_said_twice_is_one_outcome_and_known_once_is_known(tmp_path):
    path = written(tmp_path, "id,event\na,1\na,1\nb,\nb,0\n")
    found = outcomes_in(path)
    assert (found.values, found.unknown) == ({"a": True, "b": False}, ())


@pytest.mark.parametrize(
    ("text", "column", "positive", "error", "words"),
    [
        (
            "patient,r\na,1\na,0\n",
            "",
            "",
            InputError,
            "line 3: the patient “a” has the outcome “1” in an earlier row, and “0”",
        ),
        ("patient,r\na,1\nb,1\n", "r", "", InputError, "nothing to tell apart"),
        ("patient,r\na,1\nb,2\nc,0\n", "r", "", InputError, "3 values"),
        ("patient,r\na,\nb,na\n", "r", "", InputError, "no patient has an outcome"),
        ("patient,r\na,x\nb,y\n", "r", "", UsageError, "say which is positive"),
        ("patient,r\na,1\nb,0\n", "r", "yes", UsageError, "No outcome under “r” is “yes”"),
        ("patient,r\na,1\nb,0\n", "s", "", UsageError, "no column “s”.*It has r"),
        ("patient,r\na,1\nb,0\n", "patient", "", UsageError, "no column “patient” with"),
        ("patient,r,s\na,1,0\nb,0,1\n", "", "", UsageError, "2 columns that may be the outcome: r, s"),
        ("name,r\na,1\n", "", "", InputError, "no column patient"),
        ("patient,r\n,1\nb,0\n", "r", "", InputError, "line 2: no patient is named"),
        ("patient,r\na,1,2\n", "r", "", InputError, "3 cells"),
    ],
)
def test_what_is_no_outcome_is_told(tmp_path, text, column, positive, error, words):
    with pytest.raises(error, match=words):
        outcomes_in(written(tmp_path, text), column, positive)


def test_a_column_stands_behind_the_table(tmp_path):
    path = written(tmp_path, "patient,r\n")
    assert table_and_column(str(path)) == (path, "")
    assert table_and_column(f"{path}:survival_3y") == (path, "survival_3y")
    with pytest.raises(InputError, match="no table"):
        table_and_column(f"{path}x:r")
