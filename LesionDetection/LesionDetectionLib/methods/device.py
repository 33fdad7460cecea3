"""Where a network runs: choosing the device, its number format, and what to do when its memory is full."""

from __future__ import annotations

import contextlib
import platform

import torch

from LesionDetectionLib.core.errors import DeviceError


def choose_device(name: str = "auto") -> torch.device:
    """The device of this name: ``auto`` (a GPU where there is one), ``cpu``, ``cuda`` or ``cuda:1``.

    Raises:
        DeviceError: there is no such device.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
    except RuntimeError:
        device = torch.device("meta")
    if device.type not in ("cpu", "cuda"):
        raise DeviceError(f"There is no device “{name}”. Choose auto, cpu, cuda or, of several GPUs, cuda:1.")
    if device.type == "cuda" and not torch.cuda.is_available():
        raise DeviceError(
            f"The device “{name}” was asked for, but PyTorch finds no NVIDIA GPU here. "
            "Choose cpu, or install a PyTorch with CUDA and the GPU's driver."
        )
    if device.type == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise DeviceError(
            f"The device “{name}” was asked for, but there are only {torch.cuda.device_count()} GPU(s), counted from 0."
        )
    return device


def describe_device(device: torch.device) -> str:
    """The device in words, for the record: ``cpu (x86_64, 2 threads)``, ``cuda:0 (NVIDIA ...)``."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return f"{device} ({platform.machine()}, {torch.get_num_threads()} threads)"


def slices_at_once(device: torch.device, most: int = 8) -> int:
    """So many slices go to a network together; between such batches a run can be stopped. On a CPU one a thread."""
    return most if device.type == "cuda" else min(most, torch.get_num_threads())


def number_format(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """float32 on a CPU; on a GPU convolutions run in float16 on its matrix units, several times faster."""
    if device.type == "cuda":
        return torch.autocast("cuda", dtype=torch.float16)
    return contextlib.nullcontext()


def full_precision(device: torch.device) -> contextlib.AbstractContextManager[object]:
    """float32 is float32: unasked, PyTorch lets GPUs round what goes into a convolution to TF32, with 10 bits behind the point."""
    if device.type == "cuda":
        return torch.backends.cudnn.flags(enabled=True, allow_tf32=False)
    return contextlib.nullcontext()


def narrow_format(device: torch.device) -> torch.dtype | None:
    """The 16-bit format in which a first look at a whole scan is worth its while; None where float32 alone is as fast.

    On CPUs bfloat16, where these have AMX; AVX-512 alone gains little, and without it PyTorch computes bfloat16 more slowly
    than float32. On GPUs none: an H100 took 0.43 s for a scan's float32 scores at the paper's widths, and 0.91 s for those in
    float16 with 0.7 s more to confirm them.
    """
    if device.type == "cuda":
        return None
    has_amx = getattr(torch.cpu, "_is_amx_tile_supported", None)
    if has_amx is None or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    return torch.bfloat16 if has_amx() else None


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device's or the computer's memory was too small; PyTorch tells it in three ways."""
    if isinstance(error, (MemoryError, torch.cuda.OutOfMemoryError)):
        return True
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def out_of_memory(device: torch.device) -> DeviceError:
    """The error for the user when even the smallest piece of work does not fit."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
        return DeviceError(
            f"The memory of {describe_device(device)} is full. Close other programs that use it, or choose the device cpu."
        )
    return DeviceError("The computer's memory is full. Close other programs, or crop the scan to the part of interest.")
