"""Which scans are used, what became of the patients, and folds with as much of everything."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, replace
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.methods.pet_weak.architecture import CAM, FCN, PetWeakArchitecture
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.cohorts.cohort import Cohort
from LesionTrainingLib.cohorts.table import TableCase
from LesionTrainingLib.reproduction.pet_weak.data import (
    choose_scans,
    dealt,
    folds_of,
    make_phantoms,
    measured_on,
    outcomes_of,
)
from LesionTrainingLib.reproduction.pet_weak.rows import ALONE_ROW, FCN_ROW, OUR_ROW
from LesionTrainingLib.reproduction.pet_weak.settings import ReproductionSettings, preset_settings

SMOKE = preset_settings("smoke")


def case(name, label, patient=""):
    files = Path("/nowhere"), None
    return TableCase(name, patient or name, "", ("PT",), True, False, label, (), "components", *files)


def cohort_in(folder, cases):
    return Cohort(f"table:{folder}", "scans of cases.csv", tuple(cases))


@pytest.fixture
def data(tmp_path):
    """Twelve patients a label, a third of them positive; the outcome of one of each is not known."""
    cases = [case(f"{label[0]}{n:02}", label) for n in range(12) for label in ("lung", "oesophagus")]
    known = {one.id: "1" if int(one.id[1:]) % 3 == 0 else "0" for one in cases if one.id[1:] != "11"}
    rows = [
        f"{name},{value if name[0] == 'o' else ''},{value if name[0] == 'l' else ''}" for name, value in known.items()
    ]
    (tmp_path / "outcomes.csv").write_text("\n".join(["patient,response,survival_3y", *rows]) + "\n")
    return cohort_in(tmp_path, cases)


def test_of_each_patient_the_first_scan_with_a_label_of_the_paper_is_used(tmp_path):
    cases = [case("a", "lung", "p"), case("b", "lung", "p"), case("c", "none"), case("d", ""), case("e", "oesophagus")]
    chosen = choose_scans(cohort_in(tmp_path, cases), SMOKE)
    assert [one.id for one in chosen.cases] == ["a", "e"]
    reasons = {left.case: left.reason for left in chosen.left_out}
    assert "scan a comes first" in reasons["b"]
    assert "“none”" in reasons["c"]
    assert "no label" in reasons["d"]
    with pytest.raises(InputError, match="has a label of the paper"):
        choose_scans(cohort_in(tmp_path, cases[2:4]), SMOKE)


def test_outcomes_are_of_the_table_s_own_patients(data):
    told = outcomes_of(data, SMOKE)
    assert set(told[1].values) == {f"o{n:02}" for n in range(11)}
    assert set(told[2].values) == {f"l{n:02}" for n in range(11)}
    assert sum(told[1].values.values()) == 4
    assert told[2].positive == "1"


def test_why_outcomes_are_not_known_is_said(data, tmp_path):
    without = outcomes_of(data, replace(SMOKE, outcomes="none.csv"))
    assert "no none.csv" in without[1].why_not
    (tmp_path / "alike.csv").write_text("patient,response,survival_3y\no00,1,\nl00,,1\nl01,,0\nx,0,\n")
    alike = outcomes_of(data, replace(SMOKE, outcomes="alike.csv"))
    assert "are alike" in alike[1].why_not
    assert not alike[2].why_not
    with pytest.raises(UsageError, match="no column “answer”"):
        outcomes_of(data, replace(SMOKE, response="answer"))


def test_each_fold_has_as_much_of_every_label_and_outcome(data):
    settings = replace(SMOKE, folds=4)
    told = outcomes_of(data, settings)
    plan = folds_of(data, told, settings, 3)
    assert sorted(one for fold in plan.values() for one in fold.test) == sorted(one.id for one in data.cases)
    for fold in plan.values():
        parts = [set(fold.training), set(fold.validation), set(fold.test)]
        assert set.union(*parts) == {one.id for one in data.cases}
        assert sum(map(len, parts)) == 24
        assert Counter(name[0] for name in fold.test) == {"l": 3, "o": 3}
        assert sum(told[1].values.get(name, False) for name in fold.test) == 1
        assert sum(told[2].values.get(name, False) for name in fold.test) == 1
        assert {name[0] for name in fold.validation} == {"l", "o"}
    assert folds_of(replace(data, cases=data.cases[::-1]), told, settings, 3) == plan
    assert folds_of(data, told, settings, 4) != plan


def test_too_few_patients_are_refused(data):
    few = replace(data, cases=data.cases[:5])
    with pytest.raises(InputError, match="2 patients labelled “oesophagus”"):
        folds_of(few, outcomes_of(data, SMOKE), SMOKE, 0)
    with pytest.raises(UsageError, match="at least 8"):
        make_phantoms(Path("/nowhere"), 7, "tiny", 0, Progress())


def test_patients_are_dealt_out_evenly():
    strata = {f"{label}{n}": (label, "") for label, count in (("a", 7), ("b", 6)) for n in range(count)}
    parts = dealt(strata, 3, 0)
    assert sorted(map(len, parts)) == [4, 4, 5]
    assert len(parts[0]) == 5
    for part in parts:
        assert {2, 3} >= set(Counter(name[0] for name in part).values())


def test_rows_say_what_they_were_measured_on(data):
    assert measured_on(data, 24, "lung") == "scans of cases.csv: 24 patients, lung"
    phantoms = replace(data, on_phantoms=True)
    assert measured_on(phantoms, 1, "lung", (0, 1)) == "phantoms, folds 0-1: 1 patient, lung"


@pytest.mark.parametrize("preset", ["paper", "small", "smoke"])
def test_a_preset_that_is_shown_can_be_given_back(preset):
    settings = preset_settings(preset)
    assert changed(settings, asdict(settings)) == settings


def test_rows_differ_in_what_they_learn_from_alone():
    for settings in (ReproductionSettings(), SMOKE):
        ours, alone, fcn = (settings.recipe_of(row) for row in (OUR_ROW, ALONE_ROW, FCN_ROW))
        assert replace(ours, distance_weight=0.0) == replace(alone, labelling=ours.labelling)
        assert fcn.labeller() == alone  # so that the maps of the one are the labels of the other
        assert ours.distance_weight > 0
        assert (ours.architecture.kind, fcn.architecture.kind) == (CAM, FCN)
        assert ours.architecture.classes == ("lung", "oesophagus")


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match=r"“fcn\.architecture\.kind” must be “fcn”, not “cam”"):
        replace(SMOKE, fcn=SMOKE.cam)
    for changes in ({"folds": 1}, {"validation_share": 1.0}, {"least_score": 2.0}, {"examples": -1}):
        with pytest.raises(UsageError, match=f"“{next(iter(changes))}”"):
            replace(SMOKE, **changes)
    assert PetWeakArchitecture().classes == SMOKE.cam.architecture.classes
