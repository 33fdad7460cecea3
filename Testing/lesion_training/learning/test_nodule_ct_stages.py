"""The stages apart: variants of one run, and how candidates are counted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from cuda_double import gpu
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Geometry
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.nodule_ct.network import ReductionArchitecture, ScreeningArchitecture, ScreeningFCN
from LesionDetectionLib.methods.nodule_ct.reduction import Classified
from LesionDetectionLib.methods.nodule_ct.screening import Candidates
from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.learning.engine.distributed import Processes
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Peers, Share
from LesionTrainingLib.learning.nodule_ct import stages as stages_module
from LesionTrainingLib.learning.nodule_ct import validation, watching
from LesionTrainingLib.learning.nodule_ct.mining import Mined
from LesionTrainingLib.learning.nodule_ct.positions import Places
from LesionTrainingLib.learning.nodule_ct.reduction_stage import ReductionTask
from LesionTrainingLib.learning.nodule_ct.scans import TrainingScan
from LesionTrainingLib.learning.nodule_ct.screening_stage import ScreeningTask
from LesionTrainingLib.learning.nodule_ct.settings import RecipeSettings
from LesionTrainingLib.learning.nodule_ct.stages import Stages
from LesionTrainingLib.learning.nodule_ct.validation import match_candidates
from LesionTrainingLib.learning.recipe import Run
from LesionTrainingLib.learning.sampling.filtering import FilterSettings

CPU = torch.device("cpu")
SETTINGS = RecipeSettings(
    screening=ScreeningArchitecture(widths=(2, 2, 4, 4)),
    reduction=ReductionArchitecture(trunk_widths=(2, 2, 4), widths=(4, 4), hidden=4),
    screening_stage=EngineSettings(steps=2, batch=6, tensorboard=False),
    reduction_stage=EngineSettings(steps=2, batch=4, tensorboard=False),
    mining_rounds=1,
)


@pytest.fixture
def a_scan():
    """One nodule of 10 mm in noise, and one excluded finding."""
    noise = np.random.default_rng(0).normal(-850, 20, (30, 64, 64)).round().astype(np.int16)
    places = np.argwhere(noise > -2000)[::97].astype(np.int16)
    pools = dict.fromkeys(("lung", "vessel", "dense", "pleura"), places) | {"mimic": np.zeros((0, 3), np.int16)}
    geometry = Geometry(noise.shape, np.diag([-0.75, -0.75, 1.25, 1.0]))
    centers = np.array([[15.0, 20, 20]]), np.array([[15.0, 50, 50]])
    return TrainingScan("a scan", noise, geometry, centers[0], np.array([10.0]), centers[1], np.array([8.0]), pools)


@pytest.fixture
def stages(a_scan, tmp_path):
    run = Run(tmp_path, (), (), Cache(tmp_path / "cache"), torch.device("cpu"), Processes())
    return Stages(run, SETTINGS, [a_scan], [a_scan])


def same(first, other):
    return all(torch.equal(a, b) for a, b in zip(first.parameters(), other.parameters(), strict=True))


def test_variants_of_one_run_are_fitted_beside_each_other(stages, tmp_path):
    filtered = stages.screening(Progress()).network
    plain = stages.varied(filtering=FilterSettings(hard_share=1.0)).screening(Progress(), "plain").network
    assert not same(filtered, plain)
    assert {"screening", "plain"} <= {path.name for path in tmp_path.iterdir()}
    again = replace(stages, run=replace(stages.run, resume=True)).screening(Progress())
    assert same(filtered, again.network)


@pytest.mark.parametrize(
    ("changes", "localised"),
    [({}, True), ({"regression": False}, False), ({"regression": False, "skips": False}, False)],
    ids=["ResNet+HL", "ResNet", "DeepNet"],
)
def test_without_the_regression_branch_the_loss_has_no_such_term(stages, changes, localised):
    screening = stages.screening(Progress()).network
    varied = stages.varied(reduction=replace(SETTINGS.reduction, **changes))
    stage = varied.reduction(screening, Mined(Places.none(), Places.none()), Progress(), "variant")
    assert ("loss/localisation" in stage.fitted.history.records[0].values) == localised
    assert (stage.network.regress is not None) == localised


def test_all_candidates_are_counted(a_scan):
    """More than LUNA16's 100 marks a scan; the nodule's candidate may have the lowest score of all."""
    far = np.stack([np.full(250, 400.0), np.arange(250) * 10.0, np.zeros(250)], axis=1)
    ras_mm = np.concatenate([far, a_scan.nodules_ras_mm + 1.0])
    probability = np.linspace(0.99, 0.2, 251)
    outcome = match_candidates(a_scan, Candidates(np.zeros((251, 3)), ras_mm, probability))
    assert outcome.lesion_scores.tolist() == [pytest.approx(0.2)]
    assert len(outcome.false_positive_scores) == 250


def test_candidates_on_excluded_findings_count_for_nothing(a_scan):
    ras_mm = a_scan.geometry.ras_from_ijk(a_scan.excluded_zyx[:, ::-1])
    outcome = match_candidates(a_scan, Candidates(np.zeros((1, 3)), ras_mm, np.array([0.9])))
    assert len(outcome.false_positive_scores) == 0


class MarksAll:
    """A detector that marks the nodule, the excluded finding, and a place that is neither."""

    def __init__(self, scan):
        zyx = np.concatenate([scan.nodules_zyx, scan.excluded_zyx, [[5.0, 5, 55]]])
        self.found = Classified(np.array([0.7, 0.9, 0.4]), scan.geometry.ras_from_ijk(zyx[:, ::-1]), np.full(3, 8.0))

    def look_at(self, prepared, settings):
        return self.found


def test_marks_on_excluded_findings_set_no_operating_point(a_scan, monkeypatch):
    """They are neither right nor wrong, as in LUNA16's own scoring: no threshold is to keep them out."""
    monkeypatch.setattr(validation, "create", lambda bundle, device: MarksAll(a_scan))
    monkeypatch.setattr(validation, "settings_for", lambda bundle: NoduleSettings())
    matches = validation.detect_scans(None, [a_scan], "cpu", Progress())
    assert matches[0].lesion_scores.tolist() == [0.7]
    assert matches[0].false_positive_scores.tolist() == [0.4]
    assert validation.choose_operating_points(matches, SETTINGS)["specific"] == pytest.approx(0.55)


def test_without_nodules_to_validate_on_nothing_is_said_of_how_many_are_found(a_scan, monkeypatch):
    clear = replace(a_scan, nodules_zyx=np.zeros((0, 3)), diameters_mm=np.zeros(0))
    monkeypatch.setattr(validation, "create", lambda bundle, device: MarksAll(a_scan))
    monkeypatch.setattr(validation, "settings_for", lambda bundle: NoduleSettings())
    matches = validation.detect_scans(None, [clear], "cpu", Progress())
    assert validation.validation_cpm(matches) is None
    none = Candidates(np.zeros((0, 3)), np.zeros((0, 3)), np.zeros(0))
    monkeypatch.setattr(validation, "screen", lambda *_: none)
    chosen = validation.choose_candidate_threshold([clear], None, NoduleSettings(), SETTINGS, CPU, Progress())
    assert chosen == validation.CandidateThreshold(SETTINGS.least_candidate_threshold, None, 0.0)


def test_sizes_that_nobody_knows_are_not_to_be_learned(a_scan, stages, monkeypatch):
    """Said before anything is fitted."""
    points = replace(a_scan, diameters_mm=np.array([np.nan]))
    monkeypatch.setattr(stages_module, "prepared_scans", lambda *_: [points])
    with pytest.raises(InputError, match="sizes cannot be learned"):
        Stages.open(stages.run, SETTINGS, Progress())
    without = replace(SETTINGS, reduction=replace(SETTINGS.reduction, regression=False))
    assert Stages.open(stages.run, without, Progress()).training == [points]


@pytest.mark.parametrize("stage", ["screening", "reduction"])
def test_batches_and_losses_on_a_gpu_are_those_of_a_processor(a_scan, stage, monkeypatch):
    """On a double of a GPU, where nothing may be left on the processor: placed, varied, cut, scaled, judged and watched."""
    monkeypatch.setattr(watching, "PATCHES", 2)
    screening = ScreeningFCN(SETTINGS.screening)
    settings = replace(SETTINGS, clutter=replace(SETTINGS.clutter, share=1.0))

    def told(device):
        window, others = NoduleSettings().window_hu, [a_scan]
        if stage == "screening":
            task = ScreeningTask([a_scan], settings, window, 0, device, None, others)
        else:
            nothing = Mined(Places.none(), Places.none())
            task = ReductionTask([a_scan], screening, nothing, settings, window, 0, device, others)
        network = task.network.to(device).eval()
        batch = task.batch(0, 3, Share())
        assert {one.device.type for one in (batch.voxels, batch.labels, batch.targets)} == {device.type}
        with torch.no_grad():
            terms = task.loss(network, batch, Peers())
            watched = task.validate(network, Peers(), Progress())
        return [float(term.total) / float(term.count) for term in terms.values()] + list(watched.values())

    known = told(CPU)
    with gpu() as device:
        assert told(device) == pytest.approx(known, rel=1e-5)
