"""Table 1 and Figures 2 to 4 of Zlocha et al. (MICCAI 2019) on DeepLesion, or on phantoms in its layout."""

from ..contract import Reproduction

REPRODUCTION = Reproduction(
    method="universal-ct",
    paper="Zlocha, Dou, Glocker, “Improving RetinaNet for CT Lesion Detection with Dense Masks from Weak RECIST Labels”, "
    "MICCAI 2019",
    kind="deeplesion",
    tables={
        1: "sensitivity at 0.5 to 16 false positives per image and time, in the four rows of the ablation; and Figs. 2 to 4",
        2: "missing labels: the same marks scored with the list and with a complete one, where there is one (phantoms)",
    },
    presets={"paper": "slab", "small": "slab", "smoke": "tiny"},
    settings="LesionTrainingLib.reproduction.universal_ct.settings:preset_settings",
    phantoms="LesionTrainingLib.reproduction.key_slices.data:make_phantoms",
    function="LesionTrainingLib.reproduction.universal_ct.reproduce:reproduce",
)
