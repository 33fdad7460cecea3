"""Names of the ways from two diameters to a mask. Importing this loads no library."""

from __future__ import annotations

GRABCUT, DILATED, ELLIPSE, BEST = "grabcut", "grabcut-dilated", "ellipse", "best"
WAYS = (BEST, GRABCUT, DILATED, ELLIPSE)
WAY_TEXTS = {
    BEST: "GrabCut or the ellipse, whichever suits the lesion",
    GRABCUT: "GrabCut from the quadrilateral through the four ends",
    DILATED: "GrabCut from the dilated diameters",
    ELLIPSE: "the ellipse with the diameters for axes",
}
