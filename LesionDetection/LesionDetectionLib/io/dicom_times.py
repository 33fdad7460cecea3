"""Dates and times as DICOM writes them (DA, TM, DT). What is missing or malformed is None, never an error."""

from __future__ import annotations

from datetime import date, datetime, time
from typing import Any


def date_time(day: Any, clock: Any) -> datetime | None:
    """A DICOM date and time (DA, TM) as one; None where either is missing or malformed."""
    parsed_day, parsed_time = parse_date(day), parse_time(clock)
    return datetime.combine(parsed_day, parsed_time) if parsed_day and parsed_time else None


def parse_datetime(value: Any) -> datetime | None:
    """A DICOM DT, without its offset from UTC (the other times of the file carry none)."""
    text = str(value or "").strip().split("+")[0].split("-")[0]
    return date_time(text[:8], text[8:]) if len(text) >= 10 else None


def parse_date(value: Any) -> date | None:
    text = str(value or "").strip().replace(".", "")
    try:
        return datetime.strptime(text[:8], "%Y%m%d").date()
    except ValueError:
        return None


def parse_time(value: Any) -> time | None:
    whole, _, fraction = str(value or "").strip().replace(":", "").partition(".")
    if len(whole) not in (2, 4, 6) or not whole.isdigit() or not (fraction or "0").isdigit():
        return None
    hour, minute, second = (int(whole.ljust(6, "0")[k : k + 2]) for k in (0, 2, 4))
    try:
        return time(hour, minute, 59 if second == 60 else second, int(fraction.ljust(6, "0")[:6] or 0))
    except ValueError:
        return None
