"""The outlines of a result as one file."""

from __future__ import annotations

from dataclasses import replace

import pytest
import SimpleITK as sitk
from LesionDetectionLib.app.segmentation_request import SegmentationRequest, write_segmentation
from LesionDetectionLib.app.session import editing
from LesionDetectionLib.app.worker.in_process import InProcess
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.finding import Findings, Status
from LesionDetectionLib.core.progress import Progress


def written(path, findings, image):
    """Segments by their value, and how many voxels each has."""
    job = InProcess().submit(SegmentationRequest(str(path), findings.to_json()), {"image": image})
    assert (job.state, job.result) == ("done", str(path))
    read = sitk.ReadImage(str(path))
    assert read.GetSize() == image.shape_kji[::-1]
    voxels = sitk.GetArrayFromImage(read)
    facts = {key: read.GetMetaData(key) for key in read.GetMetaDataKeys()}
    count = sum(key.endswith("_ID") for key in facts)
    return {facts[f"Segment{n}_ID"]: int((voxels == int(facts[f"Segment{n}_LabelValue"])).sum()) for n in range(count)}


def test_the_file_has_each_outline_on_the_images_grid(make_run, tmp_path):
    image, detections = make_run(2)
    expected = {f"L{n}": int(one.mask.voxels.sum()) for n, one in enumerate(detections.lesions, 1)}
    assert written(tmp_path / "lesions.seg.nrrd", Findings.of(detections), image) == expected
    assert [one.name for one in tmp_path.iterdir()] == ["lesions.seg.nrrd"]


def test_what_was_accepted_keeps_its_number(make_run, tmp_path):
    image, detections = make_run(3)
    findings = editing.with_status(Findings.of(detections), ["L2"], Status.ACCEPTED)
    assert list(written(tmp_path / "lesions.seg.nrrd", findings, image)) == ["L2"]


def test_without_an_outline_or_an_image_it_says_so(make_run, tmp_path):
    image, detections = make_run(1)
    bare = replace(detections, lesions=tuple(replace(lesion, mask=None) for lesion in detections.lesions))
    request = SegmentationRequest(str(tmp_path / "x.seg.nrrd"), Findings.of(bare).to_json())
    with pytest.raises(UsageError, match="has an outline"):
        write_segmentation(request, {"image": image}, None, Progress())
    with pytest.raises(InputError, match="no image"):
        write_segmentation(request, {}, None, Progress())
    assert not list(tmp_path.iterdir())
