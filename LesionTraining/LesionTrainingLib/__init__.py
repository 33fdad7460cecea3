"""Fitting and judging detectors: cohorts of cases, learning, evaluation. Uses LesionDetectionLib, never the reverse."""
