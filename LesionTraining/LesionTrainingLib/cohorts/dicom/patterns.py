"""Texts that name series, segments and structures: ``tumor*, gtv``."""

from __future__ import annotations

from fnmatch import fnmatchcase


def parts_of(text: str) -> tuple[str, ...]:
    """The texts between the commas, without spaces around them."""
    return tuple(part for part in (part.strip() for part in text.split(",")) if part)


def fits(text: str, patterns: tuple[str, ...]) -> bool:
    """Whether any pattern fits ``text``; without patterns, everything does. Case does not matter.

    A pattern with ``*`` or ``?`` has to fit the whole text, any other one has to occur in it.
    """
    return not patterns or any(_fits(text.casefold(), pattern.casefold()) for pattern in patterns)


def _fits(text: str, pattern: str) -> bool:
    if "*" in pattern or "?" in pattern:
        return fnmatchcase(text, pattern.replace("[", "[[]"))  # brackets mean themselves
    return pattern in text
