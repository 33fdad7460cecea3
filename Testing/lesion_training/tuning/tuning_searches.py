"""Requests for searches that take a second."""

from __future__ import annotations

from high_uptake_cases import made_case
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture
from LesionTrainingLib.cohorts.split import Split
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.high_uptake_ct.settings import RecipeSettings, SliceSettings
from LesionTrainingLib.learning.parts import Parts, PartsRequest
from LesionTrainingLib.learning.sampling.class_balance import BalanceSettings
from LesionTrainingLib.tuning.request import TuningRequest

SETTINGS = RecipeSettings(
    lungs_only=False,
    architecture=PatchArchitecture(filters=(4, 6), hidden=(12, 8), dropout=0.1),
    fit=EngineSettings(steps=5000, batch=16, tensorboard=False),
    balance=BalanceSettings(every=10),
    balance_most=32,
    selection=SliceSettings(slices="2", slices_without=2),
)
STEPS = 20
TRAINING, VALIDATION = tuple(map(made_case, range(4))), (made_case(7), made_case(8))
PARTS = Parts(TRAINING, VALIDATION, (), Split("", 0, {}), (), on_phantoms=True)
COHORT = "folder:/data/of/someone"


def request_in(folder, *vary, **changes):
    given = {"settings": SETTINGS, "steps": STEPS, "device": "cpu", **changes}
    return TuningRequest("high-uptake-ct", PartsRequest(COHORT), folder, vary, **given)
