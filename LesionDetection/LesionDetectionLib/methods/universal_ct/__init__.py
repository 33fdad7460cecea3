"""Lesions anywhere in the body in CT (Zlocha et al., MICCAI 2019)."""

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="universal-ct",
    title="Lesions anywhere in the body in CT",
    modalities=("CT",),
    needs_model=True,
    finds="What radiologists measure as a lesion in a CT of any part of the body: nodules, lymph nodes, masses, metastases. Each "
    "slice is searched with its neighbours 2 mm away; boxes are linked over slices into lesions with mask, diameters and volume.",
    limits="It marks what looks like the lesions that were measured in its training images, where many others were not marked; "
    "it does not say what a lesion is, nor that an organ is free of them. Bowel, vessels, scars and normal lymph nodes give false "
    "marks; what spreads without a border, and parts of the body that the training images did not show, are missed. Masks were "
    "learned from two diameters a lesion, and are rough.",
    reference="Zlocha M, Dou Q, Glocker B. Improving RetinaNet for CT Lesion Detection with Dense Masks from Weak RECIST "
    "Labels. MICCAI 2019.",
    settings="LesionDetectionLib.methods.universal_ct.settings:settings_for",
    factory="LesionDetectionLib.methods.universal_ct.detector:create",
    demonstration_model="universal-ct-phantom",
    choices=(
        Choice(
            "slices",
            "Slices",
            "Look at all slices and link their boxes, or only at the middle one; automatic is the middle one for images of one "
            "or three slices, such as those of DeepLesion.",
            options=(("auto", "Automatic"), ("all", "All"), ("middle", "Middle one only")),
        ),
        Choice(
            "mask_threshold",
            "Mask from",
            "Pixels of this probability and more belong to a lesion's mask: lower for larger masks.",
            range=(0.05, 0.95),
            decimals=2,
        ),
    ),
    score=Score(
        "Score", "Probability times (1 + agreement of box and mask), from 0 to 2: it ranks, and is no probability"
    ),
    packages=("torchvision",),
)
