"""Lung nodules in CT in two 3D stages (Dou et al., MICCAI 2017)."""

from LesionDetectionLib.core.detector import MethodInfo

METHOD = MethodInfo(
    id="nodule-ct",
    title="Lung nodules in CT, two 3D stages",
    modalities=("CT",),
    needs_model=True,
    finds="Lung nodules of 3 to 30 mm in a chest CT: a screening network proposes candidates in the whole lungs, a second "
    "network rejects mimics and gives position and diameter.",
    limits="Made for nodules: not for consolidations, masses above 40 mm, or mediastinal and hilar lymph nodes. Slices thicker "
    "than 3 mm hide small nodules. A score is the model's opinion, no probability of cancer.",
    reference="Dou Q, Chen H, Jin Y, Lin H, Qin J, Heng PA. Automated Pulmonary Nodule Detection via 3D ConvNets with Online "
    "Sample Filtering and Hybrid-Loss Residual Learning. MICCAI 2017.",
    settings="LesionDetectionLib.methods.nodule_ct.settings:settings_for",
    factory="LesionDetectionLib.methods.nodule_ct.detector:create",
    demonstration_model="nodule-ct-phantom",
)
