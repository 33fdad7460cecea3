"""The error family: every mistake a user can make or meet is one of these.

The text of each is one or two sentences for the person at the screen: what is wrong, and what to do next. The command
line prints it as it is and leaves with ``exit_code``; Slicer shows it in a message box.
"""

from __future__ import annotations


class LesionDetectionError(Exception):
    """Base of all errors that are told to the user without a traceback."""

    exit_code = 1


class UsageError(LesionDetectionError):
    """An argument, setting or combination of them that makes no sense (exit code 2)."""

    exit_code = 2


class InputError(LesionDetectionError):
    """An image, series or table that cannot be read or used (exit code 3)."""

    exit_code = 3


class GeometryError(InputError):
    """The voxel grid cannot be trusted: missing slices, sheared or singular axes, a single slice where 3D is needed."""


class ModalityError(InputError):
    """The image is of another modality or unit than the method needs."""


class SeveralSeriesError(InputError):
    """A folder holds more than one image series, so the user has to choose.

    Attributes:
        choices: one line a series, each beginning with what to pass as the choice.
    """

    def __init__(self, message: str, choices: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.choices = choices


class BundleError(LesionDetectionError):
    """A model bundle that is damaged, tampered with, foreign, or made for another method (exit code 4)."""

    exit_code = 4


class DeviceError(LesionDetectionError):
    """The computing device asked for is missing, or ran out of memory (exit code 5)."""

    exit_code = 5


class OutputError(LesionDetectionError):
    """Results cannot be written: no permission, disk full, or they would replace earlier ones (exit code 6)."""

    exit_code = 6


class DependencyError(LesionDetectionError):
    """A library that this part needs is not installed (exit code 7)."""

    exit_code = 7


class Cancelled(LesionDetectionError):
    """The user cancelled; nothing was written (exit code 130, as a shell reports Ctrl-C)."""

    exit_code = 130

    def __init__(self, message: str = "Cancelled. Nothing was written.") -> None:
        super().__init__(message)


def kind_and_text(error: BaseException) -> str:
    """An error that is none of ours in a few words, without names of files: a file may be named after a patient."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else error
    return f"{type(error).__name__}: {text}"


def without_files(text: str, error: BaseException) -> str:
    """A text on an error, such as where it happened, without the names of the files that it and what caused it name."""
    seen: BaseException | None = error
    while seen is not None:
        for name in (getattr(seen, "filename", None), getattr(seen, "filename2", None)):
            if name and isinstance(seen, OSError):
                text = text.replace(repr(name), "a file").replace(str(name), "a file")
        seen = seen.__cause__ or seen.__context__
    return text
