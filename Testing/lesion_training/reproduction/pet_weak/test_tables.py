"""What is read of outlines and outcomes, and how tables, figures and words tell it."""

from __future__ import annotations

from dataclasses import replace
from math import isnan, nan
from types import SimpleNamespace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.evaluation.metrics.interval import Interval
from LesionTrainingLib.radiomics.calibration import calibrate
from LesionTrainingLib.radiomics.cross_validation import FoldResult
from LesionTrainingLib.radiomics.settings import RpetSettings, StudySettings
from LesionTrainingLib.radiomics.study import Permutations, Study
from LesionTrainingLib.radiomics.table import FeatureTable
from LesionTrainingLib.reproduction.pet_weak.data import Told
from LesionTrainingLib.reproduction.pet_weak.figures import roc_figure
from LesionTrainingLib.reproduction.pet_weak.found import Found, FoundStore, Overlap, overlap_of
from LesionTrainingLib.reproduction.pet_weak.kept_studies import keep_study, kept_study, study_key
from LesionTrainingLib.reproduction.pet_weak.maps_kept import SeenMap
from LesionTrainingLib.reproduction.pet_weak.measured import (
    Outlined,
    dice_compared,
    right_of,
    spread_over_folds,
    told_compared,
    typical,
)
from LesionTrainingLib.reproduction.pet_weak.outcomes_told import RowTold
from LesionTrainingLib.reproduction.pet_weak.paper import LABELS, P_VALUES, PRINTED
from LesionTrainingLib.reproduction.pet_weak.rows import (
    ALL_ROWS,
    ALONE_ROW,
    DRAWN_ROW,
    FCN_ROW,
    NETWORK_ROWS,
    OUR_ROW,
    RPET_ROW,
    UNET_ROW,
)
from LesionTrainingLib.reproduction.pet_weak.settings import preset_settings
from LesionTrainingLib.reproduction.pet_weak.tables import (
    found_table,
    paper_table,
    paper_table_values,
    studies_table,
    told_table,
)
from LesionTrainingLib.reproduction.pet_weak.telling import Results, TableResults, warnings_of

PATIENTS = tuple(f"p{n}" for n in range(8))
POSITIVE = np.array([True, False] * 4)


def found(n, dice, **changes):
    return replace(Found(PATIENTS[n], PATIENTS[n], "lung", dice, dice > 0.2, 1, "lung"), **changes)


def study(probabilities, **changes):
    """Two folds of four patients each; told from one half on."""
    told = np.array(probabilities, dtype=float)
    folds = tuple(
        FoldResult(0, n, PATIENTS[part], POSITIVE[part], told[part], 0.5, ("volume",), {"C": 1.0})
        for n, part in enumerate((slice(0, 4), slice(4, 8)))
    )
    pooled, calibration = Interval(0.75, 0.5, 0.9), calibrate(told, POSITIVE)
    return replace(Study(StudySettings(), folds, PATIENTS, POSITIVE, told, pooled, None, calibration), **changes)


RIGHT = study([0.9, 0.1, 0.8, 0.2, 0.9, 0.1, 0.8, 0.2])
HALF = study([0.9, 0.1, 0.2, 0.8, 0.9, 0.1, 0.2, 0.8])
OUTLINED = {
    row.name: Outlined(
        row,
        {
            0: tuple(found(n, one, said="" if row == UNET_ROW else "lung") for n, one in enumerate(dices[:4])),
            1: tuple(
                found(n + 4, one, said="" if row == UNET_ROW else "oesophagus") for n, one in enumerate(dices[4:])
            ),
        },
    )
    for row, dices in (
        (ALONE_ROW, [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7]),
        (FCN_ROW, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]),
        (OUR_ROW, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, nan]),
        (UNET_ROW, [0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0]),
    )
}
TOLD = {
    ALONE_ROW.name: RowTold(ALONE_ROW, HALF, left_out=(LeftOut("p9", "It has no lesion."),)),
    FCN_ROW.name: RowTold(FCN_ROW, None, "Too few patients."),
    RPET_ROW.name: RowTold(RPET_ROW, HALF),
    OUR_ROW.name: RowTold(OUR_ROW, RIGHT),
    DRAWN_ROW.name: RowTold(DRAWN_ROW, RIGHT),
}


def rows_of(table):
    return [dict(zip(table.columns, row, strict=True)) for row in table.rows]


def test_all_that_the_paper_printed_stands_below_ours():
    rows = rows_of(paper_table(2, OUTLINED, TOLD, "ours", "phantoms: 8 patients, lung", "survival"))
    theirs = {row["method"]: row for row in rows if row["whose"] == "Amyar et al."}
    assert list(theirs) == ["U-NET", "CAMs alone", "CAMs & FCNs", "3d-rpet-Net", "Our"]
    assert theirs["Our"]["Dice"] == "0.77 ± 0.07"
    assert theirs["Our"]["AUC"] == "0.59 ± 0.04"
    assert theirs["U-NET"]["AUC"] == theirs["3d-rpet-Net"]["Dice"] == "–"
    assert all("as published" in row["measured on"] for row in theirs.values())
    ours = {row["method"]: row for row in rows if row["whose"] == "ours"}
    assert list(ours) == [row.title for row in ALL_ROWS]
    assert ours["Our"]["Dice"] == "0.60 ± 0.22"
    assert ours["Our"]["AUC"] == "1.00 ± 0.00"
    assert ours["CAMs alone"]["outcomes told"] == "8 of 9"
    assert ours["CAMs alone"]["accuracy"] == "0.50 ± 0.00"
    assert ours["CAMs & FCNs"]["AUC"] == ours["U-NET"]["AUC"] == "–"
    values = rows_of(paper_table_values(OUTLINED, TOLD, "phantoms"))
    assert values[0]["dice_patients"] == 8
    assert isnan(values[-1]["dice_mean"])


def test_the_paper_s_table_has_a_figure_wherever_ours_can_have_one():
    for table in LABELS:
        assert set(PRINTED[table]) == {row.name for row in ALL_ROWS} - {DRAWN_ROW.name}
        for row in ALL_ROWS[:-1]:
            printed = PRINTED[table][row.name]
            assert (printed.dice is not None) == row.outlines
            assert (printed.auc is not None) == row.tells
    assert [row.name for row in NETWORK_ROWS].index(ALONE_ROW.name) < [row.name for row in NETWORK_ROWS].index(
        FCN_ROW.name
    )


def test_foci_and_labels_are_counted():
    rows = rows_of(found_table(list(OUTLINED.values()), "ours", "phantoms"))
    ours, supervised = rows[2], rows[3]
    assert ours["focus in the tumour"].startswith("7 of 8 (")
    assert ours["label right"].startswith("4 of 8 (")
    assert ours["Dice of each fold"] == "0.45; 0.80"
    assert supervised["label right"] == "–"


def test_dice_is_compared_patient_by_patient():
    compared = {one.second: one for one in dice_compared(OUTLINED)}
    assert compared["CAMs alone"].cases == 7  # of one patient our Dice is not defined
    assert compared["CAMs alone"].higher == 7
    assert compared["CAMs alone"].p_value == pytest.approx(2 / 2**7)
    assert compared["U-NET"].p_value == 1


def test_outcomes_are_compared_patient_by_patient():
    compared = {one.other.name: one for one in told_compared(TOLD, 200, 0)}
    assert set(compared) == {ALONE_ROW.name, RPET_ROW.name, DRAWN_ROW.name}
    rpet = compared[RPET_ROW.name]
    assert (rpet.right.higher, rpet.right.lower) == (4, 0)
    assert rpet.right.p_value == pytest.approx(2 / 2**4)
    assert rpet.auc.difference == pytest.approx(0.25)
    table = rows_of(told_table(1, tuple(compared.values()), "phantoms"))
    assert [row["the paper’s p"] for row in table] == [None, P_VALUES[1], None]
    assert told_compared({**TOLD, OUR_ROW.name: RowTold(OUR_ROW, None, "none")}, 200, 0) == ()


def test_a_threshold_is_that_of_the_patient_s_fold():
    one = replace(HALF.folds[1], threshold=0.15)
    assert sum(right_of(replace(HALF, folds=(HALF.folds[0], one))).values()) == 2 + 3
    assert spread_over_folds(HALF, "sensitivity").mean == 0.5


def test_why_nothing_is_told_stands_in_the_table():
    rows = rows_of(studies_table(TOLD, "ours", "phantoms"))
    assert rows[1]["features"] == "Too few patients."
    assert rows[3]["pooled AUC"] == "0.75 (0.50–0.90)"
    assert rows[3]["features"] == "volume (2)"


def test_the_roc_has_the_rows_that_tell_and_the_paper_s_rings():
    plot = roc_figure(2, TOLD, "Survival", "phantoms: 8 patients, lung")
    assert "Our, AUC 1.00" in plot.alternative
    assert "CAMs & FCNs" not in plot.alternative
    rings = [row for row in plot.data.rows if row[1] == "mark"]
    assert len(rings) == 3
    assert (rings[-1][2], rings[-1][3]) == (pytest.approx(1 - 0.58), 0.65)
    assert roc_figure(2, {FCN_ROW.name: TOLD[FCN_ROW.name]}, "", "") is None


def test_what_makes_the_figures_mean_less_is_said():
    drawn, bare = (
        Cohort("table:here", "scans of cases.csv", (SimpleNamespace(mask=mask),), on_phantoms=mask is not None)
        for mask in ("mask.nrrd", None)
    )
    job = SimpleNamespace(cohort=drawn, preset="small", settings=preset_settings("paper"))
    one = TableResults(2, Told("survival_3y", {"p0": True}), OUTLINED, TOLD, 8)
    fold = SimpleNamespace(rows={})
    told = " ".join(warnings_of(job, Results({0: fold}, 5, (one,))))
    for text in (
        "no patients",
        "Preset “small”",
        "not those of the preset",
        "1 fold of 5",
        "Only 8 patients with a tumour of the lung",
        "1 patient with a tumour of the lung has no Dice",
        "CAMs & FCNs, lung: Too few patients.",
        "CAMs alone, lung: of 1 patient there are no features",
    ):
        assert text in told
    job.cohort, job.preset = bare, "paper"
    told = " ".join(warnings_of(job, Results({0: fold}, 1, (one,))))
    assert "No tumour is drawn here" in told
    for text in ("no patients", "Preset", "not those of the preset", "fold of", "has no Dice"):
        assert text not in told


def test_shown_patients_go_from_the_lowest_dice_to_the_highest():
    some = OUTLINED[OUR_ROW.name].found
    assert [one.dice for one in typical(some, 3)] == [0.3, 0.6, 0.9]
    assert [one.dice for one in typical(some, 1)] == [0.3]
    assert len(typical(some, 50)) == 7
    assert typical(some, 0) == ()


@pytest.fixture
def pet():
    """A PET with a gradient: the last voxel is the hottest."""
    return Image(np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6), np.eye(4), name="pet")


def lesion(start_ijk, score=1.0, side=2):
    return Lesion((0.0, 0.0, 0.0), 2.0, score, mask=Mask(np.ones((side, side, side), bool), start_ijk))


def test_dice_is_of_all_marks_and_the_focus_of_the_first(pet):
    near, far = lesion((1, 1, 1)), lesion((4, 3, 2))
    drawn = [near.mask]
    assert overlap_of([near], drawn, pet) == Overlap(1.0, 1.0, True)
    assert overlap_of([near, far], drawn, pet) == Overlap(pytest.approx(2 / 3), 1.0, True)
    assert overlap_of([far, near], drawn, pet) == Overlap(pytest.approx(2 / 3), 0.0, False)
    shifted = lesion((0, 0, 0))  # its hottest corner is the drawn tumour's coolest
    assert overlap_of([shifted], drawn, pet) == Overlap(pytest.approx(1 / 8), pytest.approx(1 / 8), True)
    assert overlap_of([], drawn, pet) == Overlap(0.0, 0.0, False)
    unknown = overlap_of([near], [near.mask, None], pet)
    assert isnan(unknown.dice)
    assert unknown.hit is None
    with pytest.raises(InputError, match="not of one scan"):
        overlap_of([lesion((5, 4, 3))], drawn, pet)


def test_what_was_found_is_kept_for_the_network_that_found_it(pet, tmp_path):
    from LesionDetectionLib.core.detections import Detections

    store = FoundStore(tmp_path / "our", "key")
    one = found(0, nan, hit=None)
    store.put(one, Detections((lesion((1, 1, 1)),), pet.geometry, "pet-weak"))
    kept = store.get(PATIENTS[0])
    assert isnan(kept.dice)
    assert isnan(kept.first_dice)
    assert replace(kept, dice=0.0, first_dice=0.0) == replace(one, dice=0.0, first_dice=0.0)
    assert FoundStore(tmp_path / "our", "other").get(PATIENTS[0]) is None
    store.detections(PATIENTS[0]).unlink()
    assert store.get(PATIENTS[0]) is None


def test_a_map_is_kept_as_it_is_seen(tmp_path):
    values = np.zeros((3, 4, 5), np.float32)
    values[1, 2, 3] = 0.8
    flipped = Image(values, np.diag([1.0, -2.0, 3.0, 1.0]))  # j to posterior, i to the right
    seen = SeenMap.of(flipped)
    seen.save(tmp_path / "map.npz")
    kept = SeenMap.load(tmp_path / "map.npz")
    assert kept.coronal[1].tolist() == pytest.approx([0, 0.8, 0, 0, 0][: kept.coronal.shape[1]], abs=1 / 255)
    assert kept.sagittal.max() == pytest.approx(0.8, abs=1 / 255)
    (tmp_path / "map.npz").write_bytes(b"damaged")
    assert SeenMap.load(tmp_path / "map.npz") is None


def test_a_study_that_is_kept_is_the_same(tmp_path):
    path = tmp_path / "studies" / "one.json"
    chance = Permutations(0.7, np.array([0.4, 0.8]))
    keep_study(path, "key", replace(HALF, permutations=chance, pooled=Interval(0.5, nan, nan)))
    kept = kept_study(path, "key", StudySettings())
    assert kept.patients == HALF.patients
    assert np.array_equal(kept.probabilities, HALF.probabilities)
    assert [one.accuracy for one in kept.folds] == [one.accuracy for one in HALF.folds]
    assert kept.times_chosen == {"volume": 2}
    assert kept.permutations.p == chance.p
    assert isnan(kept.pooled.low)
    assert kept_study(path, "another", StudySettings()) is None
    path.write_text('{"key": "key", "folds": [{}]}')
    assert kept_study(path, "key", StudySettings()) is None


def test_a_study_is_another_one_where_anything_differs():
    table = FeatureTable(PATIENTS, ("a",), np.arange(8.0)[:, None])
    outcomes = dict(zip(PATIENTS, POSITIVE.tolist(), strict=True))
    plain = (table, outcomes, [PATIENTS[:4], PATIENTS[4:]], StudySettings())
    others = [
        (FeatureTable(PATIENTS, ("b",), table.values), *plain[1:]),
        (FeatureTable(PATIENTS, ("a",), table.values + 1), *plain[1:]),
        (table, {**outcomes, "p0": False}, *plain[2:]),
        (table, outcomes, [PATIENTS[:5], PATIENTS[5:]], plain[3]),
        (*plain[:3], StudySettings(seed=1)),
        (*plain, RpetSettings()),
    ]
    assert len({study_key(*one) for one in (plain, *others)}) == 1 + len(others)
    assert study_key(*plain) == study_key(*plain)
