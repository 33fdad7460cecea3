"""What is told and logged of an error names no files: they may be named after a patient."""

from __future__ import annotations

from pathlib import Path

import pytest
from LesionDetectionLib.app.worker.failures import details_of, told
from LesionDetectionLib.core.errors import InputError

PATIENT = "DOE^JANE"


def test_an_unexpected_error_is_told_and_logged_without_the_names_of_files(tmp_path):
    def read():
        try:
            (tmp_path / PATIENT / "1.dcm").read_bytes()
        except OSError as error:
            raise ValueError("no series") from error

    with pytest.raises(ValueError, match="no series") as caught:
        read()
    details = details_of(caught.value)
    assert PATIENT not in details
    assert "FileNotFoundError" in details
    assert Path(__file__).name in details  # where it happened stays
    cause = caught.value.__cause__
    assert str(told(cause)).startswith("An unexpected error: FileNotFoundError: No such file or directory. ")


def test_one_of_ours_says_all_itself():
    assert details_of(InputError("The scan a.nrrd is damaged.")) == ""
    assert str(told(InputError("The scan a.nrrd is damaged."))) == "The scan a.nrrd is damaged."
