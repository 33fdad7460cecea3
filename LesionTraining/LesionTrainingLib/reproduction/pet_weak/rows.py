"""The rows of Tables 1 and 2: networks that outline tumours, and what tells outcomes from which outlines."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class TableRow:
    """One row.

    Attributes:
        name: short, for files and keys.
        title: as the paper's tables have it.
        outlines: whether a network of its own outlines tumours, so that it has a Dice coefficient.
        tells: whether outcomes are told from its outlines.
    """

    name: str
    title: str
    outlines: bool
    tells: bool


UNET_ROW = TableRow("unet", "U-NET", True, False)
ALONE_ROW = TableRow("cams-alone", "CAMs alone", True, True)
FCN_ROW = TableRow("cams-fcn", "CAMs & FCNs", True, True)
RPET_ROW = TableRow("rpet-net", "3d-rpet-Net", False, True)
OUR_ROW = TableRow("our", "Our", True, True)
DRAWN_ROW = TableRow("drawn", "Drawn tumours (no row of the paper)", False, True)
"""What the features of our row tell from drawn tumours: what the outlines cost."""
ALL_ROWS = (UNET_ROW, ALONE_ROW, FCN_ROW, RPET_ROW, OUR_ROW, DRAWN_ROW)
"""In the order of the paper's tables."""
NETWORK_ROWS = (ALONE_ROW, FCN_ROW, OUR_ROW, UNET_ROW)
"""In the order of the work: the second learns from the maps of the first."""
