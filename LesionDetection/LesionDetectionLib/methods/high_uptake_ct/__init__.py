"""Active lung lesions from CT alone (Pawełczyk et al., ICIAP 2017)."""

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="high-uptake-ct",
    title="Active lung lesions from CT alone",
    modalities=("CT",),
    needs_model=True,
    finds="Lung lesions that look in a CT as lesions with high FDG uptake do: a network compares the surroundings of every "
    "pixel in the lungs' hull with those it learned from.",
    limits="A CT does not show uptake: what is marked is a guess from texture and shape, for research only, and no "
    "replacement for a PET. Small lesions are often missed; vessels, scars, atelectasis and mediastinum give false marks. "
    "Nothing outside the lungs' hull is looked at.",
    reference="Pawełczyk K, Kawulok M, Nalepa J, Hayball MP, McQuaid SJ, Prakash V, Ganeshan B. Towards Detecting High-Uptake "
    "Lesions from Lung CT Scans Using Deep Learning. ICIAP 2017.",
    settings="LesionDetectionLib.methods.high_uptake_ct.settings:settings_for",
    factory="LesionDetectionLib.methods.high_uptake_ct.detector:create",
    demonstration_model="high-uptake-ct-phantom",
    choices=(
        Choice("lungs_only", "Lungs only", "Look only in the convex hull of each lung, not in the whole scan."),
        Choice(
            "hull_margin_mm",
            "Margin around the lungs",
            "How far a lesion may reach out of the lungs' hull, into chest wall or mediastinum.",
            range=(0.0, 30.0),
            unit="mm",
        ),
        Choice(
            "least_area_px",
            "Least area",
            "A lesion is shown where its largest similarity lies above the least response and its area in a slice above this.",
            range=(0.0, 2000.0),
            unit="px",
            decimals=0,
        ),
    ),
    review_settings={"all_candidates": True},
    score=Score(
        "Similarity", "How much more it looks like an active lesion than like background; no probability, no uptake"
    ),
)
