"""The outlines of a result as one file."""

from __future__ import annotations

from dataclasses import replace

import pytest
import SimpleITK as sitk
from LesionDetectionLib.app.segmentation_request import SegmentationRequest, write_segmentation
from LesionDetectionLib.app.worker.in_process import InProcess
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress


def test_the_file_has_each_outline_on_the_images_grid(make_run, tmp_path):
    image, detections = make_run(2)
    path = tmp_path / "lesions.seg.nrrd"
    request = SegmentationRequest(str(path), detections.to_json())
    job = InProcess().submit(request, {"image": image})
    assert (job.state, job.result) == ("done", str(path))
    read = sitk.ReadImage(str(path))
    assert read.GetSize() == image.shape_kji[::-1]
    voxels = sitk.GetArrayFromImage(read)
    assert {n for n in set(voxels.ravel().tolist()) if n} == {1, 2}
    assert (voxels > 0).sum() == sum(lesion.mask.voxels.sum() for lesion in detections.lesions)
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


def test_without_an_outline_or_an_image_it_says_so(make_run, tmp_path):
    image, detections = make_run(1)
    bare = replace(detections, lesions=tuple(replace(lesion, mask=None) for lesion in detections.lesions))
    request = SegmentationRequest(str(tmp_path / "x.seg.nrrd"), bare.to_json())
    with pytest.raises(UsageError, match="has an outline"):
        write_segmentation(request, {"image": image}, None, Progress())
    with pytest.raises(InputError, match="no image"):
        write_segmentation(request, {}, None, Progress())
    assert not list(tmp_path.iterdir())
