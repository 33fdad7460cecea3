"""How good a model is, read from its bundle; and the bundle as one file to pass on."""

from __future__ import annotations

import numpy as np
import pytest
from LesionDetectionLib.core.bundle import Bundle, Manifest, write_bundle
from LesionDetectionLib.core.errors import BundleError, UsageError
from LesionTrainingLib.session.result_texts import measured_text
from LesionTrainingLib.session.results import TrainingResult, export_zip, together


@pytest.fixture
def bundle(tmp_path):
    """``bundle(metrics)`` -> its path."""

    def make(metrics):
        manifest = Manifest("nodule-ct", "mine", "1", {}, {}, {}, True, metrics)
        write_bundle(tmp_path / "model", manifest, {"w": np.zeros(2, np.float32)}, "# A card")
        return tmp_path / "model"

    return make


def test_a_result_has_figures_and_card(bundle, figures):
    result = TrainingResult.of(bundle({"test": figures}))
    assert (result.cpm, result.cpm_bounds, result.card, result.on_phantoms) == (0.5, (0.4, 0.6), "# A card", True)


@pytest.mark.parametrize(("drawn", "words"), [({}, "the scans anew"), ({"patients": 7}, "the 7 patients anew")])
def test_bounds_say_what_was_drawn(bundle, figures, drawn, words):
    figures = {**figures, "confidence": {**figures["confidence"], **drawn}}
    assert f"drawing {words}" in measured_text(TrainingResult.of(bundle({"test": figures})))


@pytest.mark.parametrize("metrics", [{}, {"test": None}, {"test": {"scans": 1, "cpm": None, "froc": []}}])
def test_what_was_not_measured_is_not_there(bundle, metrics):
    result = TrainingResult.of(bundle(metrics))
    assert (result.cpm, result.cpm_bounds, result.froc, result.band) == (None, None, (), ())


def test_a_zip_is_the_same_model(bundle, figures, tmp_path):
    source = bundle({"test": figures})
    export_zip(source, tmp_path / "out" / "mine.zip")
    assert Bundle.open(tmp_path / "out" / "mine.zip").digest == Bundle.open(source).digest
    (source / "weights.safetensors").write_bytes(b"damaged")
    with pytest.raises(BundleError):
        export_zip(source, tmp_path / "other.zip")
    assert not (tmp_path / "other.zip").exists()


def test_nothing_cannot_be_put_together(figures):
    with pytest.raises(UsageError, match="no models"):
        together("x", [], figures)
