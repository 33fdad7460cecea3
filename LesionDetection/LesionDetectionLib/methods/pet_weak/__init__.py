"""Tumours in PET from two projections (Amyar et al.)."""

from .about import METHOD

__all__ = ["METHOD"]
