"""Splits: patients stay together, the order of the cases does not matter, and what is written is what is read."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionTrainingLib.cohorts.case import TEST, TRAINING, VALIDATION
from LesionTrainingLib.cohorts.split import Split, k_folds, load_split, official_split, split_by_patient
from plain_cases import a_case, a_cohort

SHARES = {TRAINING: 0.7, VALIDATION: 0.15, TEST: 0.15}


def of_patients(*counts, unlabelled=0):
    """So many cases of each patient; the last ``unlabelled`` patients have no labels."""
    last = len(counts) - unlabelled
    return [a_case(f"p{p}-c{c}", f"p{p}", labelled=p < last) for p, count in enumerate(counts) for c in range(count)]


patients = st.lists(st.integers(1, 4), min_size=3, max_size=30)
shares = st.lists(st.integers(1, 10), min_size=1, max_size=3).map(
    lambda parts: {f"part{n}": part / sum(parts) for n, part in enumerate(parts)}
)


def owners(split, cohort):
    """Patient -> the parts that have a case of it."""
    part_of = {case_id: name for name, ids in split.parts.items() for case_id in ids}
    found: dict[str, set[str]] = {}
    for case in cohort.cases:
        found.setdefault(case.patient, set()).add(part_of[case.id])
    return found


@given(patients, shares, st.integers(0, 2**31))
def test_every_case_is_in_one_part_and_no_patient_in_two(counts, wanted, seed):
    cohort = a_cohort(*of_patients(*counts))
    split = split_by_patient(cohort, wanted, seed)
    assert sorted(case_id for ids in split.parts.values() for case_id in ids) == sorted(c.id for c in cohort.cases)
    found = owners(split, cohort)
    assert all(len(parts) == 1 for parts in found.values())
    for name, share in wanted.items():
        count = sum(parts == {name} for parts in found.values())
        assert count >= 1
        assert abs(count - share * len(counts)) <= len(wanted)


@given(patients, st.randoms(use_true_random=False), st.integers(0, 99))
def test_the_order_of_the_cases_does_not_matter(counts, random, seed):
    cases = of_patients(*counts, unlabelled=1)
    mixed = random.sample(cases, len(cases))
    assert split_by_patient(a_cohort(*cases), SHARES, seed) == split_by_patient(a_cohort(*mixed), SHARES, seed)
    assert k_folds(a_cohort(*cases), 3, seed) == k_folds(a_cohort(*mixed), 3, seed)


@given(patients, st.integers(2, 3), st.integers(0, 99), st.sampled_from([0.0, 0.3]))
def test_folds_test_each_case_once(counts, folds, seed, validation):
    cohort = a_cohort(*of_patients(*counts, *([1] * 3)))
    splits = k_folds(cohort, folds, seed, validation)
    assert sorted(case_id for split in splits for case_id in split.parts[TEST]) == sorted(c.id for c in cohort.cases)
    sizes = []
    for split in splits:
        found = owners(split, cohort)
        assert all(len(parts) == 1 for parts in found.values())
        assert (VALIDATION in split.parts) == bool(validation)
        assert not validation or split.parts[VALIDATION]
        sizes.append(sum(parts == {TEST} for parts in found.values()))
    assert max(sizes) - min(sizes) <= 1


def test_another_seed_draws_others_and_the_same_seed_the_same():
    cohort = a_cohort(*of_patients(*[1] * 40))
    assert split_by_patient(cohort, SHARES, 1) == split_by_patient(cohort, SHARES, 1)
    assert split_by_patient(cohort, SHARES, 1).parts != split_by_patient(cohort, SHARES, 2).parts


def test_a_draw_stays_what_it_was():
    """What is written in papers has to come out again with later versions."""
    cohort = a_cohort(*of_patients(*[1] * 10))
    assert split_by_patient(cohort, SHARES, 0).parts == {
        TRAINING: ("p0-c0", "p1-c0", "p3-c0", "p4-c0", "p7-c0", "p8-c0", "p9-c0"),
        VALIDATION: ("p5-c0", "p6-c0"),
        TEST: ("p2-c0",),
    }


def test_unlabelled_patients_are_dealt_out_like_labelled_ones():
    cohort = a_cohort(*of_patients(*[1] * 40, unlabelled=20))
    split = split_by_patient(cohort, {TRAINING: 0.5, TEST: 0.5}, 7)
    labelled = {case.id for case in cohort.cases if case.labelled}
    assert len(labelled & set(split.parts[TEST])) == 10


def test_a_part_without_a_share_is_there_and_empty():
    split = split_by_patient(a_cohort(*of_patients(1, 1)), {TRAINING: 1.0, TEST: 0.0}, 0)
    assert split.parts[TEST] == ()


@pytest.mark.parametrize("wrong", [{}, {TRAINING: 0.5}, {TRAINING: 1.5, TEST: -0.5}, {TRAINING: float("nan")}])
def test_shares_that_make_no_sense(wrong):
    with pytest.raises(UsageError, match="1 together"):
        split_by_patient(a_cohort(*of_patients(1, 1, 1)), wrong, 0)


def test_too_few_patients():
    with pytest.raises(InputError, match="2 patients, too few to divide into 3 parts"):
        split_by_patient(a_cohort(*of_patients(5, 5)), SHARES, 0)
    with pytest.raises(InputError, match="too few for 3 folds"):
        k_folds(a_cohort(*of_patients(5, 5)), 3, 0)
    with pytest.raises(UsageError, match="at least 2 folds"):
        k_folds(a_cohort(*of_patients(5, 5)), 1, 0)


def test_the_official_split_is_taken_as_it_is():
    cohort = a_cohort(
        a_case("b", split=TEST), a_case("c", split=TRAINING), a_case("a", split=TRAINING), a_case("d"), spec="x"
    )
    assert official_split(cohort) == Split("x", 0, {TRAINING: ("a", "c"), TEST: ("b",)})


def test_an_official_split_that_is_none():
    with pytest.raises(InputError, match="has no official split"):
        official_split(a_cohort(a_case("a")))
    with pytest.raises(InputError, match=r"patient of the case b in .*test.* and in .*training"):
        official_split(a_cohort(a_case("a", "p", TEST), a_case("b", "p", TRAINING)))


def test_what_is_written_is_read(tmp_path):
    split = Split("luna16:/data/ÄÖ?subset=0-8", 3, {TRAINING: ("a", "b"), TEST: ()})
    split.save(tmp_path / "new" / "split.json")
    assert load_split(tmp_path / "new" / "split.json") == split
    cohort = a_cohort(a_case("b"), a_case("c"), a_case("a"))
    assert [case.id for case in split.part(cohort, TRAINING).cases] == ["b", "a"]
    with pytest.raises(UsageError, match="has no part “validation”"):
        split.part(cohort, VALIDATION)


GOOD = {"schema": "lesion-split", "schema_version": 1, "spec": "s", "seed": 1, "parts": {"training": ["a"]}}


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"schema": "something"}, "is no split"),
        ({"schema_version": 2}, "has version 2"),
        ({"seed": True}, "“seed” cannot be True"),
        ({"seed": "1"}, "“seed” cannot be '1'"),
        ({"spec": None}, "“spec” cannot be None"),
        ({"parts": {}}, "“parts” is no table"),
        ({"parts": {"training": "ab"}}, "“parts” is no table"),
        ({"parts": {"training": [1]}}, "the part “training” is no list of case ids"),
        ({"parts": {"training": ["a"], "test": ["a"]}}, "the case a is in “training” and in “test”"),
        ({"parts": {"training": ["a", "a"]}}, "the case a is in"),
    ],
)
def test_a_file_that_is_wrong_says_in_what(tmp_path, change, sentence):
    path = tmp_path / "split.json"
    path.write_text(json.dumps({**GOOD, **change}), encoding="utf-8")
    with pytest.raises(InputError, match=sentence):
        load_split(path)


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"\xff\xfe\x00", b"[" * 100_000])
def test_a_file_that_is_no_split(tmp_path, content):
    path = tmp_path / "split.json"
    path.write_bytes(content)
    with pytest.raises(InputError):
        load_split(path)
    with pytest.raises(InputError, match="cannot be read"):
        load_split(tmp_path / "none.json")
