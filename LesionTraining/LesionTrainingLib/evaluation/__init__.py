"""Matching detections with the truth, and what follows from it."""
