"""Who is learned from, who sets thresholds, who is measured on: never one patient twice."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.case import Case, Truth
from LesionTrainingLib.cohorts.cohort import Cohort, LeftOut
from LesionTrainingLib.learning import parts as module
from LesionTrainingLib.learning.parts import PartsRequest, open_parts


@dataclass(frozen=True)
class PlainCase(Case):
    def images(self, progress=None):
        raise AssertionError("parts are chosen without reading voxels")

    def truth(self):
        return Truth()

    def sources(self) -> tuple[Path, ...]:
        return ()


def case(name, patient="", split="", labelled=True):
    return PlainCase(name, patient or f"patient of {name}", split, ("CT",), labelled)


@pytest.fixture
def cohorts(monkeypatch):
    """Cohorts by specification; ``plain`` has two cases of each of ten patients, ``official`` a split of its makers."""
    known = {
        "plain": Cohort("plain", "", tuple(case(f"c{n}", f"p{n // 2}") for n in range(20))),
        "other": Cohort("other", "", (case("o1"), case("o2", labelled=False)), (LeftOut("o3", "It is damaged."),)),
        "official": Cohort(
            "official", "", (case("a", split="training"), case("b", split="validation"), case("c", split="test"))
        ),
        "tiny": Cohort("tiny", "", (case("x", labelled=False),)),
        "overlap": Cohort("overlap", "", (case("again", "p3"),)),
        "phantoms": Cohort("phantoms", "", tuple(case(f"ph{n}") for n in range(10)), on_phantoms=True),
    }
    monkeypatch.setattr(module, "open_cohort", lambda spec, _progress: known[spec])
    return known


def ids(cases):
    return [entry.id for entry in cases]


def opened(*arguments, **options):
    return open_parts(PartsRequest(*arguments, **options), Progress())


def test_a_cohort_is_divided_by_patient_and_alike_each_time(cohorts):
    parts = opened("plain", seed=3)
    owners = [{entry.patient for entry in part} for part in (parts.training, parts.validation, parts.test)]
    assert all(owners)
    assert sum(map(len, owners)) == 10
    assert ids(parts.training) == ids(opened("plain", seed=3).training)
    assert ids(parts.training) != ids(opened("plain", seed=4).training)


def test_the_split_of_the_makers_is_kept(cohorts):
    parts = opened("official")
    assert (ids(parts.training), ids(parts.validation), ids(parts.test)) == (["a"], ["b"], ["c"])


def test_cohorts_of_their_own_leave_the_main_one_for_training(cohorts):
    parts = opened("plain", validation="other", test="phantoms")
    assert len(parts.training) == 20
    assert ids(parts.validation) == ["o1"]
    assert len(parts.test) == 10
    assert [left.case for left in parts.left_out] == ["o3", "o2"]
    assert not parts.on_phantoms


def test_only_a_test_cohort_of_its_own_leaves_two_parts(cohorts):
    parts = opened("phantoms", test="other")
    assert len(parts.training) + len(parts.validation) == 10
    assert ids(parts.test) == ["o1"]


def test_all_of_phantoms_is_said_so(cohorts):
    assert opened("phantoms").on_phantoms


def test_a_split_file_is_followed(cohorts, tmp_path):
    made = opened("plain", seed=1)
    made.split.save(tmp_path / "split.json")
    again = opened("plain", split=tmp_path / "split.json", seed=99)
    assert ids(again.training) == ids(made.training)
    assert ids(again.test) == ids(made.test)


def test_a_split_of_another_cohort_is_refused(cohorts, tmp_path):
    opened("plain").split.save(tmp_path / "split.json")
    cohorts["plain"] = replace(cohorts["plain"], cases=cohorts["plain"].cases[:4])
    with pytest.raises(InputError, match="has no case"):
        opened("plain", split=tmp_path / "split.json")


def test_one_patient_in_two_parts_is_refused(cohorts):
    with pytest.raises(UsageError, match="Divide by patient"):
        opened("plain", validation="overlap")


def test_nothing_to_learn_from_is_told(cohorts):
    with pytest.raises(InputError, match="nothing to learn from"):
        opened("tiny", validation="other")


def test_a_split_file_and_a_cohort_of_its_own_contradict(cohorts, tmp_path):
    with pytest.raises(UsageError, match="leave --validation and --test out"):
        opened("plain", validation="other", split=tmp_path / "split.json")
