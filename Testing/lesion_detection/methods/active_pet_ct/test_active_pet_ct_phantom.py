"""On a computer-made patient whose organs have their places: no uptake of heart, kidneys, liver or bladder is reported."""

from __future__ import annotations

import numpy as np
from LesionDetectionLib.core.detector import method
from LesionDetectionLib.methods.active_pet_ct.settings import ActivePetCtSettings
from LesionTrainingLib.cohorts.phantoms.petct import TINY

HULL_ALONE = {"organs_thicker_mm": 0.0, "least_share_inside": 0.0, "least_lung_share": 0.0}


def test_the_active_lesion_and_no_organ(kept_phantoms):
    case = kept_phantoms.petct(3, TINY)
    images = {"CT": case.image, **case.others}
    detector = method("active-pet-ct").create(None)

    def near(lesion, place, within_mm):
        return bool(np.linalg.norm(np.subtract(lesion.center_ras_mm, place)) < within_mm)

    result = detector.detect(images, ActivePetCtSettings())
    shown = [lesion for lesion in result.lesions if result.passing(lesion)]
    assert len(shown) == len(case.lesions) == 1
    for lesion in shown:
        assert any(near(lesion, one.center_ras_mm, one.diameter_mm / 2) for one in case.lesions)
    # The hull alone has the heart in it, more avid than a lesion or less.
    everything = detector.detect(images, ActivePetCtSettings(**HULL_ALONE)).lesions
    assert any(near(lesion, case.landmarks["heart"], 25) for lesion in everything)
    # In the whole PET, kidneys and bladder are more avid than any lesion.
    first = detector.detect({"PT": images["PT"]}, ActivePetCtSettings(lungs_only=False)).lesions[0]
    assert any(near(first, case.landmarks[name], 30) for name in ("bladder", "left kidney", "right kidney"))
    assert first.score > shown[0].score
