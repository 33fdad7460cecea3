"""Active lung lesions in a PET and its CT, without training (after LUNGCX, to which Pawełczyk et al., ICIAP 2017, compare)."""

from LesionDetectionLib.core.detector import Choice, MethodInfo, Score

METHOD = MethodInfo(
    id="active-pet-ct",
    title="Active lesions in PET/CT, by SUV",
    modalities=("PT", "CT"),
    needs_model=False,
    finds="Regions of high tracer uptake in a PET in SUV, in and beside the lungs that the CT of the same examination shows, or "
    "in the whole PET; with SUVmax, SUVpeak, metabolic volume and total lesion glycolysis, the most avid first.",
    limits="Uptake is not cancer: inflammation, granulomas, vessels, gullet, heart and marrow take up tracer too, and in the "
    "whole PET brain, kidneys, bladder and bowel do. Lesions below about 8 mm, and those blurred by breathing, fall below "
    "the threshold. What grows into heart, liver or diaphragm over 6 cm is left out with them.",
    reference="Pawełczyk K, Kawulok M, Nalepa J, Hayball MP, McQuaid SJ, Prakash V, Ganeshan B. Towards Detecting High-Uptake "
    "Lesions from Lung CT Scans Using Deep Learning. ICIAP 2017 (section 4.2, LUNGCX).",
    settings="LesionDetectionLib.methods.active_pet_ct.settings:settings_for",
    factory="LesionDetectionLib.methods.active_pet_ct.detector:create",
    optional=("CT",),
    choices=(
        Choice(
            "lungs_only",
            "Lungs only",
            "Look only in the convex hull of the lungs, which the CT shows; else in the whole PET, without a CT.",
        ),
        Choice(
            "rule",
            "Active is",
            "From which SUVmax on uptake counts as active.",
            options=(
                ("fixed", "SUVmax from a fixed value on"),
                ("share", "whatever stands out, by its own maximum"),
                ("percist", "above the liver (PERCIST)"),
            ),
        ),
        Choice(
            "seed_suv",
            "Least SUVmax, fixed",
            "Of the rule with a fixed value.",
            range=(0.5, 20.0),
            unit="SUV",
            decimals=1,
        ),
        Choice(
            "outline",
            "Outline at",
            "Where a lesion ends.",
            options=(("share", "a share of its own SUVmax"), ("threshold", "the least SUVmax of the rule")),
        ),
        Choice("grow_share", "Share of SUVmax", "Of outlines at a share.", range=(0.2, 0.8), decimals=2),
        Choice(
            "hull",
            "Hull of",
            "Of each lung; or of both together, with the whole mediastinum.",
            options=(("each", "each lung"), ("both", "both lungs and the mediastinum")),
        ),
        Choice(
            "organs_thicker_mm",
            "Leave out organs from",
            "Thickness from which tissue in the hull counts as heart, liver, spleen or stomach; 0 leaves nothing out.",
            range=(0.0, 150.0),
            unit="mm",
            decimals=0,
        ),
        Choice(
            "trust_positions",
            "Trust positions",
            "Take CT and PET for aligned though their frames of reference differ, because you have aligned them.",
        ),
    ),
    review_settings={"all_candidates": True},
    score=Score("SUVmax", "Highest SUV by body weight in the lesion; no probability of cancer", decimals=1),
)
