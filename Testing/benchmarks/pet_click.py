"""How long a click on uptake takes: ``python Testing/benchmarks/pet_click.py [--repeat N]``.

Prints, for a computer-made PET of 400 x 400 x 650 voxels (float32, 416 MB) in a real MRML scene: the time from a click in the
session to the finding that has moved there with its nodes, by a warm worker process, for points in space and on projections;
what of it is the work itself; and what the projection costs in a slice view of Slicer's own logic. Medians.
"""

from __future__ import annotations

import argparse

import numpy as np
import slicer
import vtk
from LesionDetectionLib.app.focus_request import CORONAL, EITHER, SAGITTAL, FocusRequest, lesion_at_focus
from LesionDetectionLib.app.session.session import Session
from LesionDetectionLib.app.worker.pipes import PipedWorker
from LesionDetectionLib.core.image import PET, SUV_BW, Image
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io.mrml import volume_node
from LesionDetectionLib.io.mrml_scene import temporary_scene
from worker_latency import Clock

SHAPE, SPACING_MM = (650, 400, 400), 1.65
FOCI_IJK = {(120, 150, 500): (9.0, 15.0), (250, 210, 470): (14.0, 9.0), (200, 230, 180): (7.0, 6.0)}
"""Their peaks (SUV) and widths (mm)."""
VIEW = (500, 800)
"""Pixels of the slice view."""


def a_pet() -> Image:
    """Noise of a body around 0.8 SUV with three foci."""
    random = np.random.default_rng(0)
    plane = random.gamma(4.0, 0.2, SHAPE[1:]).astype(np.float32)
    voxels = np.stack([np.roll(plane, (k * 37, k * 91), (0, 1)) for k in range(SHAPE[0])])
    for (i, j, k), (peak, width_mm) in FOCI_IJK.items():
        reach = int(3 * width_mm / SPACING_MM)
        z, y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1, -reach : reach + 1] * SPACING_MM
        box = tuple(slice(n - reach, n + reach + 1) for n in (k, j, i))
        voxels[box] += peak * np.exp(-(x**2 + y**2 + z**2) / (2 * width_mm**2)).astype(np.float32)
    return Image(voxels, np.diag([-SPACING_MM, -SPACING_MM, SPACING_MM, 1.0]), PET, SUV_BW, "pet")


def time_a_view(clock, image):
    """A coronal slice view on the image, in a scene of its own: its picture made anew, as a slice and as a projection."""
    scene = slicer.vtkMRMLScene()
    app = slicer.vtkSlicerApplicationLogic()
    app.SetMRMLScene(scene)
    slicer.vtkMRMLSliceNode.AddDefaultSliceOrientationPresets(scene)
    node = volume_node(scene, image)
    view = scene.CreateNodeByClass("vtkMRMLSliceNode")
    view.UnRegister(None)
    view.SetName("Green")
    view.SetLayoutName("Green")
    view = scene.AddNode(view)
    view.SetOrientation("Coronal")
    view.SetDimensions(*VIEW, 1)
    layers = scene.AddNewNodeByClass("vtkMRMLSliceCompositeNode")
    layers.SetLayoutName("Green")
    logic = slicer.vtkMRMLSliceLogic()
    logic.SetMRMLApplicationLogic(app)
    logic.SetMRMLScene(scene)
    logic.SetSliceNode(view)
    logic.SetSliceCompositeNode(layers)
    layers.SetBackgroundVolumeID(node.GetID())
    logic.FitSliceToAll()

    def draw():
        view.SetSliceOffset(view.GetSliceOffset() + 0.1)
        logic.UpdatePipeline()
        logic.GetBackgroundLayer().GetReslice().Update()

    threads = vtk.vtkMultiThreader.GetGlobalDefaultNumberOfThreads()
    print(f"A slice view of {VIEW[0]} x {VIEW[1]} pixels, {threads} threads")
    clock("a slice", draw)
    view.SetSlabReconstructionThickness(2 * SHAPE[1] * SPACING_MM)
    view.SetSlabReconstructionOversamplingFactor(SPACING_MM)
    view.SetSlabReconstructionEnabled(True)
    clock("its projection, twice as thick as the body", draw)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeat", type=int, default=9)
    options = parser.parse_args()
    clock, image = Clock(options.repeat), a_pet()
    foci = [tuple(float(n) for n in image.geometry.ras_from_ijk(ijk)) for ijk in FOCI_IJK]
    turns = iter(range(10**6))
    with temporary_scene() as scene, PipedWorker() as worker:
        node, session = volume_node(scene, image), Session(scene, worker)

        def click(through=""):
            r, a, s = foci[next(turns) % len(foci)]
            point = {"": (r, a, s), CORONAL: (r, -300.0, s), SAGITTAL: (-300.0, a, s), EITHER: (r, a, s)}[through]
            job = session.focus(node, point, through)
            if job is not None:
                worker.wait(job)
                assert job.error is None, job.error

        print(f"PET of {image.voxels.nbytes / 1e6:.0f} MB: from click to finding and nodes")
        clock("first click: process, libraries, writing the image", click, 1)
        clock("every further click, in space", click)
        for through in (CORONAL, SAGITTAL, EITHER):
            clock(f"  on the projection: {through}", lambda through=through: click(through))
        request = FocusRequest(PET, foci[0], CORONAL)
        clock("  of this: the work itself, here", lambda: lesion_at_focus(request, {PET: image}, None, Progress()))
        clock("undo", session.undo)
    time_a_view(clock, image)


if __name__ == "__main__":
    main()
