"""Stands in for a method whose models bring settings of their own."""

from LesionDetectionLib.core.detector import Choice, MethodInfo

METHOD = MethodInfo(
    id="stand-in-learned",
    title="Learned (stand-in)",
    modalities=("CT",),
    needs_model=True,
    finds="What it learned.",
    limits="Everything else.",
    reference="None.",
    settings="LesionDetectionLib.methods.stand_in_learned.settings:settings_for",
    factory="LesionDetectionLib.methods.stand_in_learned.settings:create",
    choices=(Choice("least", "Least response", "From which response on.", decimals=2),),
)
