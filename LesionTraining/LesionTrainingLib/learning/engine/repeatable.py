"""Only algorithms that give the same bits each time, for as long as a fit takes."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator

import torch
from LesionDetectionLib.core.errors import UsageError

CUBLAS = "CUBLAS_WORKSPACE_CONFIG"


@contextlib.contextmanager
def repeatable(wanted: bool) -> Iterator[None]:
    """Within the block torch refuses algorithms whose results vary; afterwards all is as it was.

    Raises:
        UsageError: the network needs such an algorithm.
    """
    if not wanted:
        yield
        return
    before = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    cudnn = torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark
    workspace = os.environ.get(CUBLAS)
    # cuBLAS reads it when it is first used: set here it helps only where nothing ran on the GPU before.
    os.environ.setdefault(CUBLAS, ":4096:8")
    torch.use_deterministic_algorithms(True)
    torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = True, False
    try:
        yield
    except RuntimeError as error:
        if "deterministic" not in str(error):
            raise
        raise UsageError(f"The network cannot be fitted with “deterministic”: {error}") from error
    finally:
        torch.use_deterministic_algorithms(before[0], warn_only=before[1])
        torch.backends.cudnn.deterministic, torch.backends.cudnn.benchmark = cudnn
        if workspace is None:
            os.environ.pop(CUBLAS, None)
