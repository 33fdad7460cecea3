"""How a cohort is named: ``luna16:/data/LUNA16?subset=0-8``, or a YAML file for what is too long for one line.

    KIND:PATH?option=value&option=value

``%``, ``?``, ``&`` and ``=`` in a path or value are written as in a web address (``%3F``). Options that every kind knows:
``split`` (only the cases of this part of the official split) and ``limit`` (only so many cases). A YAML file has the same
as keys, ``kind`` and ``path`` (relative to the file) among them; or a list ``cohorts`` of several such, or of short ones,
that are joined.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields, replace
from importlib import import_module
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.plain_values import from_json

from .case import TEST, TRAINING, VALIDATION
from .cohort import Cohort, LeftOut

_KINDS = {
    "luna16": ".luna16",
    "lidc": ".lidc",
    "deeplesion": ".deeplesion",
    "folder": ".folder",
    "reviewed": ".reviewed",
    "table": ".table",
    "dicom": ".dicom.folder",
    "dicomdb": ".dicom.database",
    "phantoms": ".phantoms.cohort",
}
"""Kind -> the module that has its ``KIND``; loaded when it is used."""
_COMMON = ("split", "limit")
_SAFE = "/\\:~+,;@ "
_MOST_NUMBERS = 1_000_000
"""More in one range are a slip, and would fill the memory."""


@dataclass(frozen=True)
class Kind:
    """A kind of cohort.

    Attributes:
        name: in specifications.
        title: what it is, in words.
        path_is: what the path names ("the folder with subset0 to subset9").
        options: a frozen dataclass of plain values, all with defaults, described in its docstring.
        open: (path, options, progress) -> Cohort. It lists, it does not read voxels; what is wrong with a single case goes
            to ``left_out``. ``spec`` is filled in afterwards.
    """

    name: str
    title: str
    path_is: str
    options: type
    open: Callable[[Path, Any, Progress], Cohort]


@dataclass(frozen=True)
class CohortSpec:
    """A specification taken apart. Options are as written: text from a line, any plain value from YAML."""

    kind: str
    path: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> CohortSpec:
        """Take ``KIND:PATH?option=value&...`` apart.

        Raises:
            UsageError: it is not of this form, or the kind is not known.
        """
        kind, colon, rest = text.partition(":")
        if not colon or not re.fullmatch(r"[a-z][a-z0-9]*", kind):
            raise UsageError(
                f"“{text}” is no cohort: write KIND:PATH, such as luna16:/data/LUNA16?subset=0-8, or name a YAML file. "
                f"Kinds: {', '.join(_KINDS)}."
            )
        if kind not in _KINDS:
            raise UsageError(f"There is no kind of cohort “{kind}”. Choose one of: {', '.join(_KINDS)}.")
        path, _, query = rest.partition("?")
        options: dict[str, Any] = {}
        for pair in query.split("&") if query else []:
            name, equals, value = pair.partition("=")
            if not equals or not name or name in options:
                raise UsageError(f"“{pair}” in “{text}” is no option: write name=value, each name once.")
            options[name] = unquote(value)
        return cls(kind, unquote(path), options)

    def __str__(self) -> str:
        query = "&".join(f"{name}={quote(_plain(value), safe=_SAFE)}" for name, value in self.options.items())
        return f"{self.kind}:{quote(self.path, safe=_SAFE)}" + (f"?{query}" if query else "")


def is_spec(text: str) -> bool:
    """Whether a text on the command line means a cohort and no scan: ``KIND:...`` of a known kind, or a YAML file."""
    return (text.partition(":")[0] in _KINDS and ":" in text) or text.lower().endswith((".yaml", ".yml"))


def kinds() -> dict[str, Kind]:
    """All kinds by name."""
    return {name: _kind(name) for name in _KINDS}


def open_cohort(text: str, progress: Progress | None = None) -> Cohort:
    """The cohort of a specification or YAML file; voxels are not read.

    Raises:
        UsageError: the specification is wrong; the text says in what.
        InputError: there is nothing usable at its path.
        Cancelled: through ``progress``.
    """
    progress = progress or Progress()
    if text.lower().endswith((".yaml", ".yml")):
        return replace(_open_yaml(Path(text), progress), spec=text)
    return _open(CohortSpec.parse(text), progress)


def numbers(text: str, what: str = "numbers") -> tuple[int, ...]:
    """``0-8`` or ``3,5,8`` as numbers.

    Raises:
        UsageError: something else; ``what`` names it in the sentence.
    """
    found: list[int] = []
    for part in text.split(","):
        match = re.fullmatch(r"\s*(\d+)(?:-(\d+))?\s*", part)
        if not match or (match[2] and int(match[2]) < int(match[1])):
            raise UsageError(f"“{text}” names no {what}: write a range such as 0-8, or numbers with commas between.")
        first, last = int(match[1]), int(match[2] or match[1])
        if last - first >= _MOST_NUMBERS:
            raise UsageError(f"“{text}” names too many {what}: at most {_MOST_NUMBERS} in a range.")
        found += range(first, last + 1)
    return tuple(found)


def _kind(name: str) -> Kind:
    kind: Kind = import_module(_KINDS[name], __package__).KIND
    return kind


def _open(spec: CohortSpec, progress: Progress) -> Cohort:
    kind = _kind(spec.kind)
    if not spec.path:
        raise UsageError(
            f"The cohort {spec} has no path: write {spec.kind}:PATH, here {kind.path_is} (. is this folder)."
        )
    common = {name: value for name, value in spec.options.items() if name in _COMMON}
    try:
        own = {name: _typed(kind.options, name, v) for name, v in spec.options.items() if name not in _COMMON}
        options: Any = from_json(kind.options, own)
    except ValueError as error:
        known = ", ".join([*(entry.name for entry in fields(kind.options)), *_COMMON])
        raise UsageError(f"In the cohort {spec}: {error}. Options of {spec.kind}: {known}.") from error
    cohort = replace(kind.open(Path(spec.path).expanduser(), options, progress), spec=str(spec))
    return _restricted(cohort, common)


def _restricted(cohort: Cohort, common: Mapping[str, Any]) -> Cohort:
    """Apply the options of all kinds."""
    if "split" in common:
        wanted = str(common["split"])
        if wanted not in (TRAINING, VALIDATION, TEST):
            raise UsageError(f"There is no split “{wanted}”. Choose {TRAINING}, {VALIDATION} or {TEST}.")
        cohort = cohort.of_split(wanted)
    if "limit" in common:
        if not str(common["limit"]).isdecimal():
            raise UsageError(f"The limit “{common['limit']}” is no number of cases.")
        cohort = replace(cohort, cases=cohort.cases[: int(common["limit"])])
    if not cohort.cases:
        raise InputError(f"No case of {cohort.spec} can be used. {_first_reasons(cohort)}")
    return cohort


def _first_reasons(cohort: Cohort) -> str:
    if not cohort.left_out:
        return "It has none, or its options leave none."
    first = "; ".join(f"{left.case}: {left.reason}" for left in cohort.left_out[:3])
    return f"{len(cohort.left_out)} were left out, among them {first}"


def _typed(options: type, name: str, value: Any) -> Any:
    """A text from a specification in the form of the option's default; anything else is left for the strict check."""
    default = getattr(options(), name, None)
    if not isinstance(value, str):
        # YAML writes 0-8 as text and 3 as a number: an option that is a text takes both.
        return str(value) if isinstance(default, str) and isinstance(value, int) else value
    try:
        if isinstance(default, bool):
            return {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}[value.lower()]
        if isinstance(default, (int, float)):
            return type(default)(value)
    except (KeyError, ValueError):
        raise ValueError(f"“{name}” cannot be “{value}”") from None
    return value


def _plain(value: Any) -> str:
    return {True: "yes", False: "no"}.get(value, str(value)) if isinstance(value, bool) else str(value)


def _open_yaml(path: Path, progress: Progress) -> Cohort:
    content = read_yaml(path)
    entries = content.pop("cohorts", None)
    if entries is None:
        return _open(_spec_of(content, path), progress)
    if content or not isinstance(entries, list) or not entries:
        raise UsageError(f"{path} needs either kind and path, or a list “cohorts” and nothing else.")
    opened = []
    for index, entry in enumerate(entries):
        part = progress.part(index / len(entries), (index + 1) / len(entries))
        spec = CohortSpec.parse(entry) if isinstance(entry, str) else _spec_of(entry, path)
        opened.append(_open(_relative_to(spec, path), part))
    return _joined(opened)


def read_yaml(path: Path) -> dict[str, Any]:
    """A YAML file that is a table of names and values.

    Raises:
        InputError: missing or no YAML; UsageError: no table.
    """
    import yaml

    try:
        content = yaml.safe_load(Path(path).read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise InputError(f"{path} is no YAML file: {' '.join(str(error).split())}.") from error
    if not isinstance(content, dict) or not all(isinstance(name, str) for name in content):
        raise UsageError(f"{path} needs names with values (kind: ..., path: ...), and holds something else.")
    return content


def _spec_of(entry: Any, path: Path) -> CohortSpec:
    if not isinstance(entry, dict) or "kind" not in entry:
        raise UsageError(f"A cohort in {path} has no “kind”. Kinds: {', '.join(_KINDS)}.")
    options = {str(name): value for name, value in entry.items() if name not in ("kind", "path")}
    if not isinstance(entry["kind"], str) or entry["kind"] not in _KINDS:
        raise UsageError(f"There is no kind of cohort “{entry['kind']}”. Choose one of: {', '.join(_KINDS)}.")
    where = entry.get("path")
    if where is None or where == "":
        raise UsageError(f"A cohort of the kind {entry['kind']} in {path} has no “path”.")
    return _relative_to(CohortSpec(entry["kind"], str(where), options), path)


def _relative_to(spec: CohortSpec, path: Path) -> CohortSpec:
    """Paths in a YAML file are relative to the file. A phantom anatomy is no path."""
    if spec.kind == "phantoms":
        return spec
    return replace(spec, path=str(path.parent / Path(spec.path).expanduser()))


def _joined(cohorts: list[Cohort]) -> Cohort:
    """Several as one; a case that two of them have is kept from the first."""
    cases, left_out, seen = [], [], dict[str, str]()
    for cohort in cohorts:
        left_out += list(cohort.left_out)
        for case in cohort.cases:
            if case.id in seen:
                left_out.append(LeftOut(case.id, f"{cohort.spec} has a case that {seen[case.id]} has too."))
            else:
                seen[case.id] = cohort.spec
                cases.append(case)
    return Cohort(
        spec="",
        title=" + ".join(dict.fromkeys(cohort.title for cohort in cohorts)),
        cases=tuple(cases),
        left_out=tuple(left_out),
        notes=tuple(note for cohort in cohorts for note in cohort.notes),
        on_phantoms=all(cohort.on_phantoms for cohort in cohorts),
    )
