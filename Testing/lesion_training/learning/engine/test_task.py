"""Shares cut a batch without loss, whatever the number of processes and parts."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from LesionTrainingLib.learning.engine.task import Peers, Share


@given(size=st.integers(1, 40), world=st.integers(1, 5), parts=st.integers(1, 4))
def test_the_shares_of_all_processes_and_parts_are_the_batch(size, world, parts):
    shares = [Share(part + parts * rank, parts * world) for part in range(parts) for rank in range(world)]
    items = list(range(size))
    together = [item for share in shares for item in share.of(items)]
    assert sorted(together) == items
    assert [share.size(size) for share in shares] == [len(share.of(items)) for share in shares]
    for part in range(parts):  # a part holds the same samples whatever the number of processes
        of_part = sorted(item for rank in range(world) for item in Share(part + parts * rank, parts * world).of(items))
        assert of_part == items[part::parts]


def test_a_share_of_an_array_and_of_a_tensor():
    share = Share(1, 3)
    assert share.of(np.arange(8)).tolist() == [1, 4, 7]
    assert share.of(torch.arange(16).view(8, 2)).tolist() == [[2, 3], [8, 9], [14, 15]]


def test_one_process_is_its_own_peer():
    peers, values = Peers(), torch.arange(3.0, requires_grad=True)
    assert torch.equal(peers.own(peers.gather(values)), values)
    assert not peers.gather(values).requires_grad
    assert float(peers.sum(values)[2]) == 2.0
    assert (peers.any(True), peers.any(False)) == (True, False)
