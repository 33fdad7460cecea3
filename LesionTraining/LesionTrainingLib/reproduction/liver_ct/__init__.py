"""Figure 3, the figures of Faster R-CNN, and Figures 4, 6 and 7 of Aluko, Hari & Yakubenko (Stanford 2018) on DeepLesion, or on
phantoms in its layout."""

from ..contract import Reproduction

REPRODUCTION = Reproduction(
    method="liver-ct",
    paper="Aluko, Hari, Yakubenko, “Liver Lesion Localization using Deep Convolutional Neural Networks”, Stanford University, 2018",
    kind="deeplesion",
    tables={
        1: "Fig. 3 (error and sensitivity of the detectors with one box), Faster R-CNN, the FROC curve; and Figs. 4, 6 and 7",
        2: "missing labels: the same marks scored with the list and with a complete one, where there is one (phantoms)",
    },
    presets={"paper": "liver", "small": "liver", "smoke": "liver-tiny"},
    settings="LesionTrainingLib.reproduction.liver_ct.settings:preset_settings",
    phantoms="LesionTrainingLib.reproduction.key_slices.data:make_phantoms",
    function="LesionTrainingLib.reproduction.liver_ct.reproduce:reproduce",
    choose="LesionTrainingLib.reproduction.liver_ct.choosing:choose_livers",
)
