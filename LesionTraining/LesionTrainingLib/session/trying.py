"""Data to try training on without any: phantoms of what each method finds, few and coarse, and the preset that takes minutes."""

from __future__ import annotations

from .cohort_choice import CohortChoice

PHANTOMS, TRIAL = "phantoms", "trial"
"""Kind of cohort, and the preset that every method has."""
_SEEDS = "0-11"
_PHANTOMS = {
    "nodule-ct": ("chest", "tiny", {}),
    "high-uptake-ct": ("pet-ct", "tiny", {"active": "yes"}),
    "universal-ct": ("body", "tiny", {}),
    "liver-ct": ("body", "abdomen-tiny", {}),
    "pet-weak": ("pet", "tiny-mixed", {}),
}
"""Method -> anatomy, protocol and further options."""


def phantoms_for(method: str) -> CohortChoice:
    """Phantoms that a method learns from within minutes; of the chest for one that is not known here."""
    anatomy, protocol, more = _PHANTOMS.get(method, _PHANTOMS["nodule-ct"])
    return CohortChoice(PHANTOMS, anatomy, {"seeds": _SEEDS, "protocol": protocol, **more})
