"""What the paper printed: Table 1 of Pawełczyk et al. (ICIAP 2017), means and standard deviations over ten folds."""

from __future__ import annotations

from dataclasses import dataclass

from ...evaluation.blob_detection import FULL, NONE, RESPONSE, SIZE

WHOSE = "Pawełczyk et al."
TRAINING, TEST, SUBSET = "training", "test (full)", "test (LUNGCX subset)"
"""Of the rows of Table 1."""
DATA = {
    TRAINING: "90 CT, as published",
    TEST: "90 CT, as published",
    SUBSET: "44 of the 90 CT, as published",
}
WITHOUT = "LOLA, 55 CT without active lesions"
"""What the false positive rate was measured on; of LOLA the same in both test sets."""
ACTIVE_PET_CT = (41, 44)
"""Patients in whom LUNGCX found the active lesion, of how many (section 4.2)."""

Pair = tuple[float, float]


@dataclass(frozen=True)
class Printed:
    """A row: mean and standard deviation; None where the paper has a dash.

    Attributes:
        precision, recall: shares.
        bands: recall of lesions <15, (15, 25], (25, 40] and >40 mm.
        false_positives: percentage of images with false positives in LOLA.
    """

    precision: Pair
    recall: Pair
    bands: tuple[Pair | None, Pair | None, Pair | None, Pair | None]
    false_positives: Pair | None


_LOLA = {NONE: (90.14, 8.14), RESPONSE: (20.42, 9.68), SIZE: (26.04, 9.11), FULL: (6.60, 3.52)}
_ALL: Pair = (1.0, 0.0)

TABLE_1: dict[tuple[str, str], Printed] = {
    (TRAINING, NONE): Printed((0.278, 0.102), _ALL, (_ALL, _ALL, _ALL, _ALL), None),
    (TRAINING, RESPONSE): Printed(
        (0.905, 0.052), (0.911, 0.050), ((0.747, 0.115), (0.956, 0.053), (0.971, 0.060), _ALL), None
    ),
    (TRAINING, SIZE): Printed((0.814, 0.060), (0.840, 0.074), ((0.442, 0.242), (0.984, 0.034), _ALL, _ALL), None),
    (TRAINING, FULL): Printed(
        (0.925, 0.038), (0.808, 0.078), ((0.379, 0.213), (0.951, 0.065), (0.971, 0.060), _ALL), None
    ),
    (TEST, NONE): Printed(
        (0.187, 0.072), (0.870, 0.064), ((0.574, 0.259), (0.917, 0.171), _ALL, (0.981, 0.052)), _LOLA[NONE]
    ),
    (TEST, RESPONSE): Printed(
        (0.741, 0.192),
        (0.610, 0.170),
        ((0.269, 0.232), (0.758, 0.342), (0.622, 0.171), (0.867, 0.180)),
        _LOLA[RESPONSE],
    ),
    (TEST, SIZE): Printed(
        (0.589, 0.130), (0.680, 0.166), ((0.315, 0.196), (0.758, 0.259), (0.811, 0.241), (0.944, 0.111)), _LOLA[SIZE]
    ),
    (TEST, FULL): Printed(
        (0.789, 0.179), (0.570, 0.179), ((0.176, 0.173), (0.708, 0.340), (0.622, 0.171), (0.852, 0.183)), _LOLA[FULL]
    ),
    (SUBSET, NONE): Printed((0.261, 0.099), _ALL, (None, _ALL, _ALL, _ALL), _LOLA[NONE]),
    (SUBSET, RESPONSE): Printed(
        (0.852, 0.135), (0.677, 0.272), (None, (0.700, 0.400), (0.593, 0.284), (0.852, 0.319)), _LOLA[RESPONSE]
    ),
    (SUBSET, SIZE): Printed((0.779, 0.160), (0.872, 0.137), (None, (0.700, 0.400), (0.824, 0.210), _ALL), _LOLA[SIZE]),
    (SUBSET, FULL): Printed(
        (0.935, 0.134), (0.677, 0.272), (None, (0.700, 0.400), (0.593, 0.284), (0.852, 0.319)), _LOLA[FULL]
    ),
}
"""(data, variant) -> its row."""
