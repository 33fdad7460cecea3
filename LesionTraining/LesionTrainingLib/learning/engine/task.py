"""What a recipe gives to the engine: a network, the samples of a step, a loss, and what is done between steps."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
import numpy.typing as npt
from LesionDetectionLib.core.progress import Progress
from torch import Tensor, nn

Items = TypeVar("Items", bound=Any)
Batch = TypeVar("Batch")

State = dict[str, Any]
"""Name -> numpy array, or plain JSON (numbers, texts, None, lists and objects with text keys of these)."""


@dataclass(frozen=True)
class Share:
    """One of ``parts`` equal parts of the samples of a batch: every ``parts``-th, from ``index`` on.

    Several processes, and several passes where a batch is too large for the memory, each take one. A recipe draws the
    whole global batch (places, augmentation) as if it were alone, and does the costly part for its own samples:

        positions = self.draw(step, size)                     # of all samples, the same in every process
        return self.cut(share.of(positions))                  # voxels of the own ones
    """

    index: int = 0
    parts: int = 1

    def of(self, items: Items) -> Items:
        """The own part of a sequence, array or tensor whose first axis is the samples of the global batch."""
        return items[self.index :: self.parts]  # type: ignore[no-any-return]

    def size(self, count: int) -> int:
        """How many of ``count`` samples are in this part."""
        return len(range(self.index, count, self.parts))


@dataclass(frozen=True)
class Term:
    """One part of a loss, as a sum over samples: the engine divides the sums of all processes by their counts.

    Loss = sum over terms of total / count, so that several processes give what one gives, even where each holds another
    number of the samples that count (positives, kept samples). A term without any such sample is 0. A weight of the
    term goes into ``total``.

    Attributes:
        total: scalar tensor with a gradient, sum over the own samples.
        count: how many samples (or how much weight) this is a sum of.
    """

    total: Tensor
    count: float | Tensor


class Peers:
    """The processes that fit one network together; this class itself is one process alone.

    Attributes:
        rank: number of this process, from 0.
        world: how many there are.
    """

    rank: int = 0
    world: int = 1

    @property
    def share(self) -> Share:
        """The own part of a list that is worked on together (cases to mine or validate)."""
        return Share(self.rank, self.world)

    def gather(self, values: Tensor) -> Tensor:
        """The values of all processes, without gradient.

        Args:
            values: [n, ...], one row a sample of the own share; n may differ between processes by one.

        Returns:
            [sum of n, ...] in the order of the global batch, whatever the number of processes.
        """
        return values.detach()

    def own(self, values: Tensor) -> Tensor:
        """The rows of this process of what :meth:`gather` gave, or of what has its order."""
        return self.share.of(values)

    def sum(self, values: Tensor) -> Tensor:
        """The sum over all processes of a tensor of one shape, without gradient."""
        return values.detach()

    def any(self, flag: bool) -> bool:
        """Whether the flag is set in any process."""
        return flag


class Task(ABC, Generic[Batch]):
    """One network being fitted. Several processes each hold one, made alike.

    All hooks are called in every process. The network, and what :meth:`state` gives, must be the same in all of them.

    Attributes:
        network: is fitted in place; the engine moves it to the device.
    """

    network: nn.Module

    @abstractmethod
    def batch(self, step: int, size: int, share: Share) -> Batch:
        """The samples of ``share`` of the global batch of ``size`` samples of ``step``.

        A function of seed, step and state only: the global batch is the same whatever the share, so that a resumed run
        and a run on several processes see the same samples. :func:`.randomness.stream` gives the random numbers for
        that. May be called twice for one step (when the memory was full). Puts tensors where the network is.
        """

    @abstractmethod
    def loss(self, network: nn.Module, batch: Batch, peers: Peers) -> Mapping[str, Term]:
        """The terms of the loss of the own samples; the same names in every process and at every step.

        Runs in the chosen number format, the network in training mode. Must not change the state. What is decided over
        the whole batch (online sample filtering) is decided on ``peers.gather(losses)``, then ``peers.own(kept)``.
        """

    def ready_ahead(self, step: int) -> bool:
        """Whether :meth:`batch` of ``step`` may be called, in another thread, while the step before is under way: it gives
        the same then as later, as :meth:`before_step` will not change what it depends on."""
        return False

    def before_step(self, step: int, network: nn.Module, peers: Peers, progress: Progress) -> None:
        """What is done between steps: a round of mining, new class probabilities. The network's mode may be changed.

        Changes the state at its end or not at all: when it raises :class:`Cancelled`, a checkpoint is written.
        """

    def validate(self, network: nn.Module, peers: Peers, progress: Progress) -> dict[str, float]:
        """Metrics by name. The network is in evaluation mode, gradients are off. Those of rank 0 decide."""
        return {}

    def state(self) -> State:
        """All that changes between steps but the network: mined places, class probabilities."""
        return {}

    def restore(self, state: State) -> None:
        """Take up what :meth:`state` gave. Arrays are arrays again; tuples have become lists."""

    def identity(self) -> dict[str, Any]:
        """Plain JSON of what else the fit depends on (recipe settings, cohort): a resume with another is refused."""
        return {}


Array = npt.NDArray[np.generic]
