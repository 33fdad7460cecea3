"""Tumours in PET from two projections (Amyar et al.)."""
