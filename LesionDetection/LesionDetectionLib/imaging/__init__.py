"""Geometry and image operations on plain arrays and ``Image``: numpy, scipy, OpenCV."""
