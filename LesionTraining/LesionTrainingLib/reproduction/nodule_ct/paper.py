"""What the paper printed: Tables 1 and 2 of Dou et al. (MICCAI 2017)."""

from __future__ import annotations

PAPER_DATA = "LUNA16: 888 scans, as published"
"""What the rows of Table 1 were measured on."""
PAPER_FOLD = "LUNA16, one of ten subsets, as published"
"""The same of Table 2; the paper does not say which subset."""

OURS = "Dou et al."
TABLE_1: dict[str, tuple[float, ...]] = {
    OURS: (0.659, 0.745, 0.819, 0.865, 0.906, 0.933, 0.946, 0.839),
    "DIAG ConvNet": (0.692, 0.771, 0.809, 0.863, 0.895, 0.914, 0.923, 0.838),
    "ZENT": (0.661, 0.724, 0.779, 0.831, 0.872, 0.892, 0.915, 0.811),
    "Aidence": (0.601, 0.712, 0.783, 0.845, 0.885, 0.908, 0.917, 0.807),
    "MOT M5Lv1": (0.597, 0.670, 0.718, 0.759, 0.788, 0.816, 0.843, 0.742),
    "VisiaCTLung": (0.577, 0.644, 0.697, 0.739, 0.769, 0.788, 0.793, 0.715),
    "Etrocad": (0.250, 0.522, 0.651, 0.752, 0.811, 0.856, 0.887, 0.676),
}
"""Team -> sensitivity at 1/8, 1/4, 1/2, 1, 2, 4 and 8 false positives per scan, and their mean (CPM)."""

TABLE_2: dict[str, tuple[float, float]] = {
    "FCN": (0.943, 286.2),
    "FCN+OSF": (0.971, 219.1),
    "DeepNet": (0.848, 1.0),
    "ResNet": (0.867, 1.0),
    "ResNet+HL": (0.905, 1.0),
}
"""Network -> sensitivity, false positives per scan."""
