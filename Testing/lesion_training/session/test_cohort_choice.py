"""Every kind of cohort as something to choose; what a chosen one holds."""

from __future__ import annotations

import json

import pytest
from LesionDetectionLib.core.errors import UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.cohorts.spec import kinds, open_cohort
from LesionTrainingLib.cohorts.statistics import describe
from LesionTrainingLib.session.cohort_choice import FILE, FOLDER, NAME, CohortChoice, CohortSummary, sources

pytestmark = pytest.mark.usefixtures("phantoms_kept")


def test_every_kind_can_be_chosen_and_says_what_its_path_is():
    found = {source.kind: source for source in sources()}
    assert list(found) == list(kinds())
    assert all(source.title and source.path_is for source in found.values())
    assert (found["luna16"].path_form, found["table"].path_form, found["phantoms"].path_form) == (FOLDER, FILE, NAME)
    names = [option.name for option in found["luna16"].options]
    assert "subset" in names
    assert "limit" in names


def test_a_choice_becomes_a_specification_without_what_is_left_empty():
    choice = CohortChoice("phantoms", " chest ", {"seeds": " 0-3 ", "protocol": "tiny", "limit": " "})
    assert str(choice.spec()) == "phantoms:chest?seeds=0-3&protocol=tiny"
    assert len(open_cohort(str(choice.spec())).cases) == 4


@pytest.mark.parametrize(
    ("choice", "told"),
    [
        (CohortChoice("luna16", "  "), "Say where the data is: the folder with subset0"),
        (CohortChoice("magic", "/x"), "no kind of cohort “magic”"),
        (CohortChoice("phantoms", "chest", {"colour": "red"}), "no option “colour”. It has: seeds"),
    ],
)
def test_a_choice_that_makes_no_sense_is_told(choice, told):
    with pytest.raises(UsageError, match=told):
        choice.spec()


def test_a_summary_has_counts_sizes_and_problems_and_crosses_to_another_process():
    cohort = open_cohort("phantoms:chest?seeds=0-1&protocol=tiny")
    cohort = Cohort(cohort.spec, cohort.title, cohort.cases, (LeftOut("x", "It is gone."),), ("A note.",), True)
    found = CohortSummary.of(describe(cohort, Progress()))
    lesions = sum(len(case.truth().lesions) for case in cohort.cases)
    assert (found.cases, found.patients, found.labelled, found.lesions) == (2, 2, 2, lesions)
    assert sum(found.sizes.values()) == lesions > 0
    assert found.problems == (LeftOut("x", "It is gone."),)
    assert found.on_phantoms
    assert CohortSummary.from_json(json.loads(json.dumps(found.to_json()))) == found
    assert CohortSummary.of(describe(cohort, Progress(), truth=False)).lesions == -1
