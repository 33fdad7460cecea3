"""The whole of nodule-ct on coarse phantoms: from a cohort's specification to a bundle that detects; stopped and resumed."""

from __future__ import annotations

import numpy as np
import pytest
from kept_phantoms import lung_part
from LesionDetectionLib.core.bundle import Bundle
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.core.errors import Cancelled
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ReductionArchitecture, ScreeningArchitecture
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.learning.engine.history import History
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings
from LesionTrainingLib.learning.parts import PartsRequest
from LesionTrainingLib.learning.training import TrainingRequest, train_bundle

pytestmark = pytest.mark.usefixtures("lung_parts_kept")

SETTINGS = RecipeSettings(
    spacing_mm=(2.0, 2.0, 2.5),
    screening=ScreeningArchitecture(widths=(4, 4, 8, 8)),
    reduction=ReductionArchitecture(trunk_widths=(4, 4, 8), widths=(8, 8), hidden=8),
    screening_stage=EngineSettings(steps=6, batch=12, tensorboard=False),
    reduction_stage=EngineSettings(steps=5, batch=6, tensorboard=False),
    mining_scans=1,
    mined_per_scan=20,
    candidates_per_scan=5,
)


def train(folder, progress, resume=False):
    specs = [f"phantoms:chest?seeds={seeds}&protocol=tiny" for seeds in ("0", "1")]
    request = TrainingRequest(
        "nodule-ct",
        PartsRequest(*specs, seed=1),
        folder / "model",
        SETTINGS,
        cache_folder=folder.parent / "cache",
        device="cpu",
        resume=resume,
    )
    return train_bundle(request, progress)


def stopping_at(text):
    progress = Progress(lambda _fraction, told: progress.cancel() if told.startswith(text) else None)
    return progress


@pytest.mark.slow
def test_a_run_that_is_stopped_in_either_network_ends_in_the_same_model(tmp_path, kept_phantoms):
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    train(whole, Progress())
    for at in ("Step 2 of 6", "Step 4 of 5"):
        with pytest.raises(Cancelled, match="resume"):
            train(stopped, stopping_at(at), resume=(stopped / "model.run").exists())
        assert not (stopped / "model").exists()
    train(stopped, Progress(), resume=True)
    first, again = Bundle.open(whole / "model"), Bundle.open(stopped / "model")
    expected, found = first.weights(), again.weights()
    assert all(np.array_equal(expected[name], found[name]) for name in expected)
    assert first.manifest.settings == again.manifest.settings
    assert first.manifest.metrics == again.manifest.metrics
    for stage in ("screening", "reduction"):
        curves = [History.read(folder / "model.run" / stage).curve() for folder in (whole, stopped)]
        assert curves[0] == curves[1]
    detector = method("nodule-ct").create(again, "cpu")
    detections = detector.detect(
        {CT: lung_part(kept_phantoms.chest(0, TINY)).image}, method("nodule-ct").default_settings(again), Progress()
    )
    assert "phantom" in " ".join(detections.warnings)
