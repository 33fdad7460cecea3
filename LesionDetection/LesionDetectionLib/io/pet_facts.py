"""What all files of one PET series have to say alike, or its values are not of one measurement."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydicom.dataset import Dataset

PHILIPS_SUV, PHILIPS_ACTIVITY = 0x70531000, 0x70531009
_OF_FILE: Mapping[Any, str] = {
    "Units": "units",
    "SUVType": "type of SUV",
    "CorrectedImage": "corrections",
    "DecayCorrection": "decay correction",
    "SeriesDate": "series' time",
    "SeriesTime": "series' time",
    "DecayCorrectionDateTime": "time of decay correction",
    "PatientWeight": "patient's weight",
    PHILIPS_SUV: "factor to SUV",
    PHILIPS_ACTIVITY: "factor to Bq/ml",
}
_DOSE = "RadiopharmaceuticalInformationSequence"
_OF_DOSE = {
    "RadionuclideTotalDose": "injected dose",
    "RadionuclideHalfLife": "half-life",
    "RadiopharmaceuticalStartTime": "time of the injection",
    "RadiopharmaceuticalStartDateTime": "time of the injection",
}
TAGS = (*_OF_FILE, _DOSE)
"""What is read of each file, by keyword or tag."""

Facts = tuple[tuple[str, str], ...]
"""Names in words, and values as text."""


def pet_facts(dataset: Dataset) -> Facts:
    """What one file says. What cannot be read counts as missing."""
    doses = _value(dataset, _DOSE) or [Dataset()]
    found = [(words, _plain(_value(dataset, key))) for key, words in _OF_FILE.items()]
    found += [(words, _plain(_value(dose, key))) for dose in doses for key, words in _OF_DOSE.items()]
    return tuple(found)


def differing(facts: Iterable[Facts]) -> tuple[str, ...]:
    """In what the files differ, in words."""
    distinct = list(dict.fromkeys(facts))
    names = [each[0][0] for each in zip(*distinct, strict=False) if len(set(each)) > 1]
    if len({len(one) for one in distinct}) > 1:
        names.append("number of injections")
    return tuple(dict.fromkeys(names))


def _value(dataset: Dataset, key: Any) -> Any:
    try:
        element = dataset.get(key)
    except Exception:  # a damaged value: pydicom raises errors of every kind
        return None
    return element.value if isinstance(key, int) and element is not None else element


def _plain(value: Any) -> str:
    """As text that is the same for the same value: ``70.0`` and ``70``, corrections in any order."""
    if value is None:
        return ""
    if not isinstance(value, (str, bytes)) and hasattr(value, "__iter__"):
        return " ".join(sorted(map(_plain, value)))
    text = value.decode("ascii", errors="replace") if isinstance(value, bytes) else str(value)
    text = text.strip("\0 ")
    try:
        return repr(float(text))
    except ValueError:
        return text.upper()
