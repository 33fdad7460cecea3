"""Lesions of the liver in CT, by three detectors (Aluko, Hari & Yakubenko, Stanford 2018)."""

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="liver-ct",
    title="Liver lesions in CT",
    modalities=("CT",),
    needs_model=True,
    finds="Lesions of the liver, of any kind: cysts, metastases, tumours, haematomas. The liver is found first, and its slices are "
    "searched with their neighbours by Faster R-CNN; boxes are linked over slices into lesions, and these outlined. Two simple "
    "networks of the same paper, which give one box for one slice, show what such a detector adds.",
    limits="It does not say what a lesion is, nor that a liver is free of them. It learns from images in which many lesions are "
    "not marked, and takes vessels, the gallbladder, focal fat and the edges of the liver for lesions. Where the liver is full of "
    "lesions, very fatty or beside what looks the same, parts of it may not be found, and nothing is marked there. Outlines come "
    "from grey values alone. The simple networks find next to nothing in images that they did not learn.",
    reference="Aluko S, Hari SN, Yakubenko VP. Liver Lesion Localization using Deep Convolutional Neural Networks. Stanford "
    "University.",
    settings="LesionDetectionLib.methods.liver_ct.settings:settings_for",
    factory="LesionDetectionLib.methods.liver_ct.detector:create",
    demonstration_model="liver-ct-phantom",
    choices=(
        Choice(
            "where",
            "Where",
            "Look in the liver, which is found first, or everywhere in all slices; other organs are then marked, too.",
            options=(("liver", "Liver"), ("everywhere", "Everywhere")),
        ),
        Choice(
            "slices",
            "Slices",
            "Look at all slices and link their boxes, or only at the middle one; automatic is the middle one for images of one "
            "or three slices, such as those of DeepLesion.",
            options=(("auto", "Automatic"), ("all", "All"), ("middle", "Middle one only")),
        ),
    ),
    score=Score(
        "Probability",
        "The network's own probability of a lesion, from 0 to 1; it ranks, and says nothing of how often it is right. Always 1 "
        "for the simple networks, which give no score",
    ),
    packages=("torchvision",),
)
