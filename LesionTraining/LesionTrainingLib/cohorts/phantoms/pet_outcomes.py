"""Outcomes of the patients of PET phantoms that follow from their tumours: invented, without any clinical meaning.

Response to radio-chemotherapy (oesophagus) and survival for three years (lung) are drawn from a logistic model of the primary's
volume, heterogeneity and SUVmax as they were painted, so that a study of features has something to find, and chance has its
share: whoever knew the three exactly would reach an area under the ROC curve of about .80 (response) and .72 (survival).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from LesionDetectionLib.core.lesion import Lesion

from .pet_settings import LUNG, OESOPHAGUS
from .phantom import PhantomCase, random_stream

RESPONSE, SURVIVAL = "response", "survival_3y"


@dataclass(frozen=True)
class OutcomeModel:
    """log odds = constant + sum over the three of weight * (value - mean) / spread.

    Attributes:
        name: of the outcome.
        constant: log odds of the usual tumour.
        means, spreads: of the logarithm of the volume in mm3, of the heterogeneity (standard deviation over mean of the
            uptake) and of the SUVbw of the hottest part, over the phantoms of the default protocol.
        weights: of the three.
    """

    name: str
    constant: float
    means: tuple[float, float, float]
    spreads: tuple[float, float, float]
    weights: tuple[float, float, float]

    def log_odds(self, primary: Lesion) -> float:
        """Of a painted primary tumour."""
        values = covariates_of(primary)
        return self.constant + sum(
            weight * (value - mean) / spread
            for value, mean, spread, weight in zip(values, self.means, self.spreads, self.weights, strict=True)
        )


MODELS = {
    OESOPHAGUS: OutcomeModel(RESPONSE, 0.1, (9.84, 0.21, 10.6), (0.74, 0.12, 3.6), (-0.80, -0.80, -0.50)),
    LUNG: OutcomeModel(SURVIVAL, 0.0, (10.2, 0.31, 10.3), (1.19, 0.19, 3.8), (-0.44, -0.48, -0.28)),
}
"""Label -> its outcome."""


def covariates_of(primary: Lesion) -> tuple[float, float, float]:
    """Logarithm of the volume in mm3, heterogeneity, and SUVbw of the hottest part, as painted."""
    told = primary.measurements
    return math.log(told["volume_mm3"]), told["heterogeneity"], told["painted_suvbw"]


def outcomes_of(case: PhantomCase) -> dict[str, bool]:
    """``response`` or ``survival_3y`` of a PET phantom's patient; nothing where there is no tumour."""
    model = MODELS.get(case.label)
    if model is None or not case.lesions:
        return {}
    chance = float(random_stream(case.seed, "pet outcome").random())
    return {model.name: chance < float(1 / (1 + np.exp(-model.log_odds(case.lesions[0]))))}
