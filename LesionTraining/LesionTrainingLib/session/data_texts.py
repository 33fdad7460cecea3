"""What is said of data to learn from: kinds of cohorts, what a checked one holds, and what cannot be used."""

from __future__ import annotations

from LesionDetectionLib.app.translation import tr as _

from .cohort_choice import CohortSummary, Source

DATABASE = "dicomdb"
"""The kind whose series are in a database of Slicer's."""


def source_title(source: Source) -> str:
    """A kind of cohort, for a list."""
    titles: dict[str, str] = {
        DATABASE: _("Slicer’s DICOM database"),
        "dicom": _("Folder of DICOM files"),
        "luna16": _("LUNA16"),
        "lidc": _("LIDC-IDRI"),
        "deeplesion": _("DeepLesion"),
        "folder": _("Folder of NIfTI, NRRD or MetaImage"),
        "table": _("Table of scans (CSV)"),
        "reviewed": _("Cases reviewed in Lesion Detection"),
        "phantoms": _("Computer-made phantoms"),
    }
    return titles.get(source.kind, sentence(source.title))


def sentence(text: str) -> str:
    """With a capital at its beginning."""
    return f"{text[:1].upper()}{text[1:]}"


def short_case(case: str) -> str:
    """The end of a long UID, as sentences name it; what is short stays."""
    return f"…{case[-12:]}" if len(case) > 30 else case


def summary_rows(summary: CohortSummary) -> list[tuple[str, str]]:
    """What a cohort holds: (what, how much), in the order of reading."""
    rows = [
        (
            _("Cases"),
            _("{cases} of {patients} patients, {labelled} with labels").format(
                cases=summary.cases, patients=summary.patients, labelled=summary.labelled
            ),
        )
    ]
    if summary.lesions >= 0:
        sizes = ", ".join(f"{band} mm: {count}" for band, count in summary.sizes.items() if count)
        rows.append((_("Lesions"), f"{summary.lesions}" + (f" ({sizes})" if sizes else "")))
    if summary.splits:
        rows.append((_("Official parts"), ", ".join(f"{part}: {count}" for part, count in summary.splits.items())))
    if summary.problems:
        rows.append((_("Left out"), str(len(summary.problems))))
    return rows


def summary_notes(summary: CohortSummary) -> list[str]:
    """Sentences on the cohort as a whole."""
    notes = list(summary.notes)
    if summary.on_phantoms:
        notes.append(_("Computer-made: what is measured on it says nothing about patients."))
    return notes


def no_labels() -> str:
    """Where nothing in a cohort is labelled."""
    return _("There are no labels: nothing can be learned from this.")
