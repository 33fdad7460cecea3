"""Tables 1 and 2 of Amyar et al. on PET with image-level labels, points and drawn tumours, or on phantoms."""

from ..contract import Reproduction

REPRODUCTION = Reproduction(
    method="pet-weak",
    paper="Amyar, Modzelewski, Vera, Morard & Ruan, “Weakly Supervised PET Tumor Detection Using Class Response”",
    kind="table",
    tables={
        1: "oesophagus: Dice, and radiomics of the response to treatment; ROC, and pictures",
        2: "lung: Dice, and radiomics of the survival of three years; ROC, and pictures",
    },
    presets={"paper": "default", "small": "default", "smoke": "tiny"},
    settings="LesionTrainingLib.reproduction.pet_weak.settings:preset_settings",
    phantoms="LesionTrainingLib.reproduction.pet_weak.data:make_phantoms",
    function="LesionTrainingLib.reproduction.pet_weak.reproduce:reproduce",
    choose="LesionTrainingLib.reproduction.pet_weak.data:choose_scans",
)
