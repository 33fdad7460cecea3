"""A method and a case that misbehave on request. Not a test: worker processes import it by name."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from LesionDetectionLib import __version__
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.detector import MethodInfo
from LesionDetectionLib.core.errors import DeviceError
from LesionDetectionLib.core.image import CT, HU, Image
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.io.files import read_image
from LesionTrainingLib.cohorts.case import Case, Truth


@dataclass(frozen=True)
class Settings:
    """Attributes:
    operating_point: as every method has it.
    notes: folder to which the detector writes a line for each scan it looks at.
    """

    operating_point: str = ""
    notes: str = ""


@dataclass(frozen=True)
class FileCase(Case):
    """A scan file without labels."""

    path: Path

    def images(self, progress=None):
        return {name: read_image(self.path) for name in self.modalities}

    def truth(self):
        return Truth()

    def sources(self):
        return (self.path,)


class StandIn:
    """Marks the brightest voxel; what a scan's name begins with says what else happens."""

    def detect(self, images, settings, progress):
        image = images[CT]
        if settings.notes:
            with (Path(settings.notes) / image.name).open("a") as file:
                file.write(f"{os.getpid()}\n")
        self._misbehave(image.name, settings, progress)
        k, j, i = np.unravel_index(image.voxels.argmax(), image.shape_kji)
        center = tuple(float(n) for n in image.geometry.ras_from_ijk((i, j, k)))
        return Detections(
            (Lesion(center, 4.0, 0.9),), image.geometry, "stand-in", image.name, CT, HU, OperatingPoint("all", 0)
        )

    def _misbehave(self, name, settings, progress):
        if name.startswith("dies-once") and len((Path(settings.notes) / name).read_text().splitlines()) > 1:
            return
        if name.startswith("dies"):
            os._exit(1)
        if name.startswith("raises"):
            raise ZeroDivisionError("by zero")
        if name.startswith("hangs"):
            time.sleep(120)
        if name.startswith("slow"):
            for _ in range(400):
                progress(0.5, "Looking")
                time.sleep(0.05)
        if name.startswith("greedy"):
            self.taken = np.ones(2**30, np.uint8)
            time.sleep(20)


def create(bundle, device):
    if device == "cuda:7":
        raise DeviceError("There is no device cuda:7.")
    return StandIn()


def create_on_7(bundle, device):
    return create(bundle, "cuda:7")


def settings_for(bundle):
    return Settings()


METHOD = MethodInfo(
    "stand-in",
    "Stand-in",
    (CT,),
    False,
    "the brightest voxel",
    "all",
    "none",
    "stand_ins:settings_for",
    "stand_ins:create",
)


def threads():
    """How many the libraries use in this process."""
    import cv2
    import SimpleITK
    import torch

    itk = SimpleITK.ProcessObject.GetGlobalDefaultNumberOfThreads()
    return {"OpenCV": cv2.getNumThreads(), "ITK": itk, "torch": torch.get_num_threads()}


def sees_nothing(_path):
    """As a worker on a machine without the shared disk."""
    return "a-host", __version__, False


def not_installed(_path):
    """As a worker on a machine without this program."""
    raise ModuleNotFoundError("LesionTrainingLib")


def write_scan(path: Path) -> Path:
    """A small CT with one bright voxel at R -30, A -20, S 10."""
    from LesionDetectionLib.io.files import write_image

    voxels = np.random.default_rng(0).normal(-850, 20, (12, 40, 40)).astype(np.int16)
    voxels[5, 20, 30] = 300
    write_image(Image(voxels, np.diag([-1.0, -1.0, 2.0, 1.0]), CT, HU), path)
    return path
