"""Stands in for a method without a model: PET, and CT where it is there; every kind of choice; a score that is a value."""

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="stand-in-uptake",
    title="Uptake in PET (stand-in)",
    modalities=("PT", "CT"),
    optional=("CT",),
    needs_model=False,
    finds="Places of high uptake.",
    limits="Everything else.",
    reference="None.",
    settings="LesionDetectionLib.methods.stand_in_uptake.settings:settings_for",
    factory="LesionDetectionLib.methods.stand_in_uptake.settings:create",
    choices=(
        Choice("lungs_only", "Lungs only", "Look inside the lungs only; needs a CT."),
        Choice("least_suv", "Least SUV", "Seeds have at least this SUV.", range=(0.0, 20.0), unit="SUV", decimals=1),
        Choice("least_voxels", "Least size", "In voxels.", range=(1, 500)),
        Choice("rule", "Rule", "How far a seed grows.", options=(("share", "Share of <max>"), ("fixed", "Fixed SUV"))),
    ),
    review_settings={"everything": True},
    score=Score("SUVmax", "Highest SUV of the lesion", 1),
)
