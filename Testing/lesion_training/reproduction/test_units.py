"""What folds and rows share: one process at a time, and a network that is fitted once."""

from __future__ import annotations

import pytest
import torch
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.reproduction.units import LOCK, fitted_once, held
from torch import nn


def test_a_unit_is_held_by_one_and_free_afterwards(tmp_path):
    own = tmp_path / "rows" / "row-2"
    with (
        held(own, tmp_path, "row 2"),
        pytest.raises(UsageError, match=r"works on row 2 in .* other rows with --folds"),
        held(own, tmp_path, "row 2"),
    ):
        pass
    assert not (own / LOCK).exists()
    with held(own, tmp_path, "row 2") as folder:
        assert folder == own


def test_a_network_is_fitted_once(tmp_path):
    fitted, path = nn.Linear(2, 1), tmp_path / "network.safetensors"
    first, second = nn.Linear(2, 1), nn.Linear(2, 1)
    assert fitted_once(path, first, lambda: (fitted, {"steps": 3})) == {"steps": 3}
    assert fitted_once(path, second, lambda: pytest.fail("it was fitted again")) == {"steps": 3}
    for one in (first, second):
        assert torch.equal(one.weight, fitted.weight)
        assert not one.weight.requires_grad
