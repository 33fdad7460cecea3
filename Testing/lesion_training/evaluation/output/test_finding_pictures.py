"""Of a case with several images the one that the detector saw is shown, and outlines of another grid become circles."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Geometry, Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.evaluation.matching.findings import Findings, ImageFindings
from LesionTrainingLib.evaluation.output.finding_pictures import finding_picture
from LesionTrainingLib.evaluation.picturing import TRUE, Wanted

CT_GRID = Geometry((40, 60, 60), np.diag([-1.0, -1.0, 1.0, 1.0]))
PET_GRID = Geometry((10, 15, 15), np.diag([-4.0, -4.0, 4.0, 1.0]))
IMAGES = {
    CT: Image(np.full(CT_GRID.shape_kji, 40, np.int16), CT_GRID.ijk_to_ras, CT, HU),
    PET: Image(np.full(PET_GRID.shape_kji, 0.3, np.float32), PET_GRID.ijk_to_ras, PET, SUV_BW),
}


def drawn(geometry, seen, mask_size=10, diameter=30.0):
    """The axial panel, marked, of a lesion with an outline on the CT."""
    mask = Mask(np.ones((mask_size,) * 3, bool), (25, 25, 15))
    lesion = Lesion(mask.centroid_ras_mm(CT_GRID), diameter, 1.0, mask=mask)
    findings = ImageFindings(
        "a", Findings.of_lesions([lesion]), Findings.of_points(np.zeros((0, 3))), geometry=geometry, seen_geometry=seen
    )
    data = finding_picture(IMAGES, Wanted(findings, True, 0, "M1", "missed", np.zeros(0, bool)))
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)[34:, 296:586, ::-1].astype(float)
    wide = np.ptp(np.argwhere(np.abs(picture - 255 * np.array(TRUE)).max(axis=2) < 70)[:, 1])
    return float(np.median(picture)), wide / 290 * max(50, 2.2 * diameter)


@pytest.mark.parametrize(
    ("geometry", "seen", "grey", "wide_mm"),
    [
        (CT_GRID, None, 127, 10),  # 40 HU is the middle of the window of soft tissue
        (CT_GRID, PET_GRID, 242, 30),  # SUV 0.3 of 6, dark where it is high; the outline is not of this grid
        (None, PET_GRID, 242, 30),
        (Geometry((1, 1, 1), np.eye(4)), None, 127, 10),
    ],
)
def test_which_image_is_shown(geometry, seen, grey, wide_mm):
    assert drawn(geometry, seen) == pytest.approx((grey, wide_mm), abs=2.5)
