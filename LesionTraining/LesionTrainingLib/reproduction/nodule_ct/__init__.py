"""Tables 1 and 2 and Figure 2 of Dou et al. (MICCAI 2017) on LUNA16, or on phantoms in its layout."""

from ..contract import Reproduction

REPRODUCTION = Reproduction(
    method="nodule-ct",
    paper="Dou et al., “Automated Pulmonary Nodule Detection via 3D ConvNets with Online Sample Filtering and Hybrid-Loss "
    "Residual Learning”, MICCAI 2017",
    kind="luna16",
    tables={
        1: "ten-fold cross-validation: sensitivity at 1/8 to 8 false positives per scan, and CPM",
        2: "one fold: FCN with and without online sample filtering; DeepNet, ResNet, ResNet+HL; and the curves of Fig. 2",
    },
    presets={"paper": "default", "small": "fast", "smoke": "tiny"},
    settings="LesionTrainingLib.reproduction.nodule_ct.settings:preset_settings",
    phantoms="LesionTrainingLib.reproduction.nodule_ct.data:make_phantoms",
    function="LesionTrainingLib.reproduction.nodule_ct.reproduce:reproduce",
)
