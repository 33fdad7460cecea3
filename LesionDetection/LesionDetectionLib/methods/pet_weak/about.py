"""What a user should know of ``pet-weak``."""

from __future__ import annotations

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="pet-weak",
    title="Tumours in PET, from two projections",
    modalities=("PT",),
    needs_model=True,
    finds="The places in a whole-body PET that speak for a kind of tumour, seen from the front and from the side, and the uptake "
    "there: outlined, with SUVmax, SUVpeak, metabolic volume and total lesion glycolysis; and which kind of tumour the whole scan "
    "looks like. It learned from the kind of each patient's cancer and one point in the tumour, not from outlines.",
    limits="It knows the kinds of cancer that it learned and sees one of them in every scan, or none where it learned that too, "
    "which it cannot say reliably. It was made for one tumour a patient: of several it may show one. A tumour behind hotter organs, "
    "such as heart, kidneys, bladder or bowel, in both projections is hidden. Maps are coarse, 3 cm: where an organ takes up tracer "
    "beside a tumour it may be marked, too. Uptake is not cancer, and outlines at a share of SUVmax are no borders of tumours.",
    reference="Amyar A, Modzelewski R, Vera P, Morard V, Ruan S. Weakly Supervised PET Tumor Detection Using Class Response. "
    "arXiv:2003.08337, 2020.",
    settings="LesionDetectionLib.methods.pet_weak.settings:settings_for",
    factory="LesionDetectionLib.methods.pet_weak.detector:create",
    demonstration_model="pet-weak-phantom",
    choices=(
        Choice(
            "uptake_share",
            "Outline at",
            "A tumour reaches down to this share of its own SUVmax.",
            range=(0.2, 0.8),
            decimals=2,
        ),
        Choice(
            "least_suvmax",
            "Least SUVmax",
            "Uptake below this is no tumour's.",
            range=(0.5, 20.0),
            unit="SUV",
        ),
        Choice(
            "map_share",
            "Map counts from",
            "Places count where the maps of both projections are at least this high, from 0 to 1: lower finds more, and more that is "
            "none.",
            range=(0.1, 0.9),
            decimals=2,
        ),
        Choice(
            "reach_mm",
            "Reach",
            "A tumour may reach so far beyond the places that count, in either projection.",
            range=(0.0, 100.0),
            unit="mm",
            decimals=0,
        ),
    ),
    score=Score(
        "Agreement",
        "How well the two projections agree on the place, from 0 to 1: the lower of both maps at the hottest voxel, times their "
        "agreement in height, times the probability of a tumour in the scan; no probability of cancer",
    ),
)
