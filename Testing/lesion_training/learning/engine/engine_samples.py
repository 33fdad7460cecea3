"""A small network and what it is fitted on, with all that makes resuming hard: normalisation, dropout, mining, filters."""

from __future__ import annotations

import numpy as np
import torch
from LesionTrainingLib.learning.engine.randomness import stream, torch_stream
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.engine.task import Task, Term
from LesionTrainingLib.learning.sampling.filtering import FilterSettings, select_informative
from torch import nn
from torch.nn import functional

SIDE = 6


class SmallNetwork(nn.Module):
    """[n, 1, 6, 6, 6] -> two logits and one regressed value a sample.

    No bias before a normalisation: its gradient is rounding noise alone, which Adam makes large.
    """

    def __init__(self, dropout=0.0):
        super().__init__()
        first, second = nn.Conv3d(1, 4, 3, bias=False), nn.Conv3d(4, 8, 3, bias=False)
        self.features = nn.Sequential(first, nn.BatchNorm3d(4), nn.ReLU(), second, nn.BatchNorm3d(8), nn.ReLU())
        self.dropout = nn.Dropout(dropout)
        self.classify, self.regress = nn.Linear(8, 2), nn.Linear(8, 1)
        self.never_used = nn.Linear(2, 2)

    def forward(self, voxels):
        features = self.dropout(self.features(voxels).mean((2, 3, 4)))
        return self.classify(features), self.regress(features)[:, 0]


class SmallTask(Task):
    """Bright cubes are positive; a third of all samples. The state is a shift of the brightness that "mining" changes."""

    def __init__(self, dropout=0.0, seed=0, filtered=True):
        torch.manual_seed(seed)
        self.network = SmallNetwork(dropout)
        self.seed, self.filtered = seed, filtered
        self.mined, self.rounds = np.zeros(2), [0]
        self.validations = []

    def batch(self, step, size, share):
        random = stream(self.seed, "batch", step)
        labels = (random.random(size) < 1 / 3).astype(np.int64)
        voxels = random.normal(size=(size, 1, SIDE, SIDE, SIDE)).astype(np.float32)
        voxels += (labels * (1 + self.mined[0]))[:, None, None, None, None].astype(np.float32)
        return step, torch.from_numpy(share.of(voxels)), torch.from_numpy(share.of(labels))

    def loss(self, network, batch, peers):
        step, voxels, labels = batch
        logits, values = network(voxels)
        losses = functional.cross_entropy(logits, labels, reduction="none")
        kept = torch.ones(len(losses), dtype=torch.bool)
        if self.filtered:
            everyones = peers.gather(losses)
            chosen = select_informative(everyones, FilterSettings(), torch_stream(self.seed, "filter", step))
            of_all = torch.zeros(len(everyones), dtype=torch.bool)
            of_all[chosen] = True
            kept = peers.own(of_all)
        positive = labels == 1
        distance = functional.smooth_l1_loss(values[positive], torch.ones(int(positive.sum())), reduction="sum")
        return {
            "classification": Term(losses[kept].sum(), kept.sum()),
            "regression": Term(0.5 * distance, int(positive.sum())),
        }

    def before_step(self, step, network, peers, progress):
        if step and step % 4 == 0:
            network.eval()
            with torch.no_grad():
                logits, _ = network(torch.ones(1, 1, SIDE, SIDE, SIDE))
            self.mined = np.array([float(logits.sigmoid()[0, 1]), np.random.random()])  # noqa: NPY002
            self.rounds.append(step)

    def validate(self, network, peers, progress):
        assert not network.training
        _, voxels, labels = self.batch(10_000, 12, peers.share.__class__())
        accuracy = float((network(voxels)[0].argmax(1) == labels).float().mean())
        self.validations.append(accuracy)
        return {"accuracy": accuracy, "noise": float(torch.rand(()))}

    def state(self):
        return {"mined": self.mined, "rounds": self.rounds}

    def restore(self, state):
        self.mined, self.rounds = state["mined"], list(state["rounds"])

    def identity(self):
        return {"seed": self.seed}


def quick(**changes):
    """Settings of a fit of a moment."""
    values = {
        "steps": 12,
        "batch": 7,
        "learning_rate": 0.02,
        "tensorboard": False,
        "checkpoint_seconds": 0.0,
        **changes,
    }
    return EngineSettings(**values)


def losses_of(history):
    return history.curve("loss")[1]
