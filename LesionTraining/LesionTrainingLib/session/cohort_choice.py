"""Every kind of cohort as something to choose in a panel, and what a chosen one holds, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.atomic import atomic_file
from LesionDetectionLib.core.errors import UsageError

from ..cohorts.cohort import LeftOut
from ..cohorts.option_help import Option, options_of
from ..cohorts.spec import CohortSpec, kinds
from ..cohorts.statistics import CohortStatistics

FOLDER, FILE, NAME = "folder", "file", "name"
"""What the path of a kind is: the panel shows the fitting way to choose it."""
_FILES, _NAMES = ("table",), ("phantoms",)
_LONGEST_LINE = 300
"""A longer specification goes into a file."""


@dataclass(frozen=True)
class Source:
    """A kind of cohort.

    Attributes:
        kind: in specifications.
        title: what it is, in words.
        path_is: what its path names, in words.
        path_form: :data:`FOLDER`, :data:`FILE` or :data:`NAME`.
        options: what can be set, with defaults and meanings.
    """

    kind: str
    title: str
    path_is: str
    path_form: str
    options: tuple[Option, ...]


def sources() -> tuple[Source, ...]:
    """All kinds, in the order in which specifications list them."""
    return tuple(
        Source(kind.name, kind.title, kind.path_is, _form(kind.name), options_of(kind)) for kind in kinds().values()
    )


def _form(kind: str) -> str:
    return FILE if kind in _FILES else NAME if kind in _NAMES else FOLDER


@dataclass(frozen=True)
class CohortChoice:
    """A kind, where it lies, and its options as they are typed; empty ones are left at their defaults."""

    kind: str
    path: str
    options: Mapping[str, str] = field(default_factory=dict)

    def spec(self) -> CohortSpec:
        """Raises UsageError where there is no path, or an option that the kind does not know."""
        known = {source.kind: source for source in sources()}
        if self.kind not in known:
            raise UsageError(f"There is no kind of cohort “{self.kind}”. Choose one of: {', '.join(known)}.")
        source = known[self.kind]
        if not self.path.strip():
            raise UsageError(f"Say where the data is: {source.path_is}.")
        given = {name: value.strip() for name, value in self.options.items() if value.strip()}
        names = [option.name for option in source.options]
        unknown = sorted(set(given) - set(names))
        if unknown:
            raise UsageError(f"{source.kind} has no option “{unknown[0]}”. It has: {', '.join(names)}.")
        return CohortSpec(self.kind, self.path.strip(), given)


def is_long(spec: CohortSpec) -> bool:
    """Whether a specification is too long for one line, such as one that names many series."""
    return len(str(spec)) > _LONGEST_LINE


def written(spec: CohortSpec, folder: Path) -> str:
    """The text that opens this cohort: one line, or the path of a file in ``folder`` where it would be too long.

    The file's name tells what it is, as models name the file and not what is in it.

    Raises:
        OutputError: the folder cannot be written.
    """
    if not is_long(spec):
        return str(spec)
    import json

    count = len(str(spec.options.get("series", "")).split(","))
    path = folder / f"{spec.kind}-{count}-series.yaml"
    content = {"kind": spec.kind, "path": str(Path(spec.path).resolve()), **spec.options}
    with atomic_file(path) as temporary:
        # JSON is YAML too, and needs no library to be written.
        temporary.write_text(json.dumps(content, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    return str(path)


@dataclass(frozen=True)
class CohortSummary:
    """What a cohort holds, as far as labels tell, in plain values.

    Attributes:
        title: what it is, in words.
        spec: that it was opened by.
        cases, patients, labelled: how many.
        lesions: of all labelled cases; -1 where labels were not read.
        sizes: band in mm (``6-10``) -> lesions.
        splits: part of the official split -> cases; empty where there is none.
        problems: what cannot be used, and why.
        notes: sentences on the cohort as a whole.
        on_phantoms: whether all of it is computer-made.
    """

    title: str
    spec: str
    cases: int
    patients: int
    labelled: int
    lesions: int
    sizes: Mapping[str, int]
    splits: Mapping[str, int]
    problems: tuple[LeftOut, ...]
    notes: tuple[str, ...]
    on_phantoms: bool

    @classmethod
    def of(cls, statistics: CohortStatistics) -> CohortSummary:
        lesions = statistics.lesions
        return cls(
            title=statistics.title,
            spec=statistics.spec,
            cases=statistics.cases,
            patients=statistics.patients,
            labelled=statistics.labelled,
            lesions=-1 if lesions is None else lesions.lesions,
            sizes={} if lesions is None else lesions.sizes,
            splits=statistics.splits,
            problems=statistics.left_out,
            notes=statistics.notes,
            on_phantoms=statistics.on_phantoms,
        )

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CohortSummary:
        """Raises TypeError or KeyError where it is none of :meth:`to_json`."""
        problems = tuple(LeftOut(**problem) for problem in value["problems"])
        return cls(**{**value, "problems": problems, "notes": tuple(value["notes"])})
