"""What a checkpoint holds, and whether it belongs to a fit."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.learning.engine import snapshot
from LesionTrainingLib.learning.engine.settings import EngineSettings


def test_names_keep_tensors_apart():
    tensors = {**snapshot.under("network", {"a.b": torch.ones(1)}), **snapshot.under("best", {"a.b": torch.zeros(1)})}
    assert float(snapshot.of("network", tensors)["a.b"]) == 1.0
    assert list(snapshot.of("best", tensors)) == ["a.b"]
    assert snapshot.of("task", tensors) == {}


def test_the_state_of_a_task_comes_back():
    state = {
        "places": np.arange(6, dtype=np.int64).reshape(2, 3)[:, ::-1],
        "none": np.zeros((0, 3)),
        "kept": np.array([True, False]),
        "scalar": np.array(2.5, dtype=np.float32),
        "names": ["a", None],
        "rounds": np.int64(3),
    }
    plain, tensors = snapshot.split_state(state)
    back = snapshot.join_state(plain, tensors)
    assert plain == {"names": ["a", None], "rounds": 3}
    assert type(plain["rounds"]) is int
    assert back.keys() == state.keys()
    for name, value in state.items():
        np.testing.assert_array_equal(back[name], value)
        if isinstance(value, np.ndarray):
            assert (back[name].dtype, back[name].shape) == (value.dtype, value.shape)


def test_only_the_same_fit_goes_on():
    settings = EngineSettings()
    before = snapshot.described(settings, "float32", {"cohort": "a", "sizes": (1, 2)})
    same = replace(settings, checkpoint_seconds=1.0, log_every=5, tensorboard=False, checkpoint_steps=3)
    snapshot.refuse_another(before, snapshot.described(same, "float32", {"cohort": "a", "sizes": [1, 2]}))
    for now, said in (
        (snapshot.described(replace(settings, steps=5), "float32", {}), "steps was 1000, not 5"),
        (snapshot.described(settings, "bf16", before["identity"]), "it counted in float32, not bf16"),
        (snapshot.described(settings, "float32", {"cohort": "b", "sizes": [1, 2]}), "its “cohort” was another"),
        (snapshot.described(settings, "float32", {"sizes": [1, 2]}), "its “cohort” was another"),
    ):
        with pytest.raises(UsageError, match=said):
            snapshot.refuse_another(before, now)
