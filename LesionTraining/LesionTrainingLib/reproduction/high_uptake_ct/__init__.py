"""Table 1 and Figures 4 to 7 of Pawełczyk et al. (ICIAP 2017) on CT with label maps of active lesions, or on phantoms."""

from ..contract import Reproduction

REPRODUCTION = Reproduction(
    method="high-uptake-ct",
    paper="Pawełczyk et al., “Towards Detecting High-Uptake Lesions from Lung CT Scans Using Deep Learning”, ICIAP 2017",
    kind="folder",
    tables={
        1: "ten-fold cross-validation: precision, recall by size, false positives; and Figs. 4 to 7",
        2: "section 4.2: patients in whom active-pet-ct (the paper’s LUNGCX) finds the lesion, where there are PET images",
    },
    presets={"paper": "chest", "small": "chest", "smoke": "tiny"},
    settings="LesionTrainingLib.reproduction.high_uptake_ct.settings:preset_settings",
    phantoms="LesionTrainingLib.reproduction.high_uptake_ct.data:make_phantoms",
    function="LesionTrainingLib.reproduction.high_uptake_ct.reproduce:reproduce",
)
