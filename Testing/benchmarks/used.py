"""Time and memory that a piece of work takes, on a GPU or of this process's processors."""

from __future__ import annotations

import gc
import time
from pathlib import Path

import torch

GIB = 2**30
_STATUS = Path("/proc/self/status")


def now(device: torch.device) -> float:
    """Seconds: the clock's on a GPU, which has nothing else to do; on a CPU those of this process, all threads together,
    which do not hang on what else the machine does."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)
        return time.perf_counter()
    return time.process_time()


def reset_peak(device: torch.device) -> None:
    """Let go of what is no longer used, and forget the peak."""
    gc.collect()
    if device.type == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats(device)
    elif _STATUS.exists():
        Path("/proc/self/clear_refs").write_text("5")


def peak_gib(device: torch.device) -> float | None:
    """The most memory held since :func:`reset_peak`: what PyTorch held on a GPU; else what this process held, images and
    libraries included; None where the system does not tell."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / GIB
    if not _STATUS.exists():
        return None
    line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM"))
    return float(line.split()[1]) * 1024 / GIB
