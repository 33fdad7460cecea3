"""Specifications of cohorts: short, printable, checked; and the same as YAML."""

from __future__ import annotations

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts.phantoms.cohort import KIND as PHANTOMS
from LesionTrainingLib.cohorts.spec import CohortSpec, is_spec, kinds, numbers, open_cohort

names = st.from_regex(r"[a-z][a-z0-9_]{0,8}", fullmatch=True)
text = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), max_size=20)


@given(st.sampled_from(["luna16", "folder", "dicomdb"]), text, st.dictionaries(names, text, max_size=4))
def test_what_is_printed_is_read(kind, path, options):
    spec = CohortSpec(kind, path, options)
    assert CohortSpec.parse(str(spec)) == spec


def test_short_ones_stay_short():
    assert str(CohortSpec("luna16", "/data/LUNA 16", {"subset": "0-8"})) == "luna16:/data/LUNA 16?subset=0-8"
    assert str(CohortSpec("luna16", r"C:\LUNA16")) == r"luna16:C:\LUNA16"
    assert str(CohortSpec("folder", "/a?b=c&d%e")) == "folder:/a%3Fb%3Dc%26d%25e"
    assert str(CohortSpec("folder", "", {"unlabelled": True, "n": 3, "x": False})) == "folder:?unlabelled=yes&n=3&x=no"


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ("", "is no cohort"),
        ("/data/scan.nrrd", "is no cohort"),
        ("LUNA16:/data", "is no cohort"),
        ("nothing:/data", "no kind of cohort “nothing”"),
        ("phantoms:chest?seeds", "“seeds” in .* is no option"),
        ("phantoms:chest?=1", "is no option"),
        ("phantoms:chest?seeds=1&seeds=2", "is no option"),
        ("phantoms:chest?seed=1", "“seed” is not known.* Options of phantoms: seeds, protocol, active, split, limit"),
        ("phantoms:chest?seeds=x", "names no seeds"),
        ("phantoms:chest?seeds=0-99999999999999999999999", "names too many seeds"),
        ("folder:", "has no path: write folder:PATH"),
        ("dicom:?modality=PT", "has no path: write dicom:PATH"),
        ("phantoms:chest?split=all", "no split “all”"),
        ("phantoms:chest?limit=x", "“x” is no number of cases"),
        ("phantoms:chest?limit=3,5", "“3,5” is no number of cases"),
        ("phantoms:leg", "leg"),
        ("phantoms:chest?protocol=huge", "no phantom protocol “huge”"),
        ("lidc:/data?readers=two", "“readers” cannot be “two”"),
        ("folder:/data?unlabelled=perhaps", "“unlabelled” cannot be “perhaps”"),
    ],
)
def test_what_is_wrong_is_said(wrong, sentence):
    with pytest.raises(UsageError, match=sentence):
        open_cohort(wrong)


def test_options_of_all_kinds():
    cohort = open_cohort("phantoms:chest?seeds=3-9&limit=2")
    assert [case.id for case in cohort.cases] == ["chest-phantom-0003", "chest-phantom-0004"]
    assert cohort.spec == "phantoms:chest?seeds=3-9&limit=2"
    with pytest.raises(InputError, match=r"No case of phantoms:chest\?split=test can be used. It has none"):
        open_cohort("phantoms:chest?split=test")
    with pytest.raises(InputError, match="No case"):
        open_cohort("phantoms:chest?limit=0")


def test_reasons_are_given_where_nothing_can_be_used(tmp_path):
    (tmp_path / "cases.csv").write_text("image\nnone.nrrd\n")
    with pytest.raises(InputError, match=r"1 were left out, among them none: .*there is no image"):
        open_cohort(f"table:{tmp_path / 'cases.csv'}")


@pytest.mark.parametrize(
    ("given", "expected"), [("0-2", (0, 1, 2)), ("3, 5,8", (3, 5, 8)), ("7", (7,)), ("1-1,0", (1, 0))]
)
def test_numbers(given, expected):
    assert numbers(given) == expected


@pytest.mark.parametrize("wrong", ["", "-1", "3-1", "1,,2", "a", "1.5", "1-2-3"])
def test_numbers_that_are_none(wrong):
    with pytest.raises(UsageError, match="names no folds"):
        numbers(wrong, "folds")


def test_what_means_a_cohort():
    assert is_spec("luna16:/data")
    assert is_spec("mine.YAML")
    assert not is_spec("C:/data/scan.nrrd")
    assert not is_spec("luna16")
    assert not is_spec("scan.nii.gz")


def test_every_kind_describes_itself():
    known = kinds()
    assert known["phantoms"] is PHANTOMS
    assert set(known) == {
        *("luna16", "lidc", "deeplesion", "folder", "reviewed", "table", "dicom", "dicomdb", "phantoms"),
    }
    for name, kind in known.items():
        assert kind.name == name
        assert kind.title
        assert kind.path_is
        assert "Attributes:" in (kind.options.__doc__ or "")
        assert pickle.loads(pickle.dumps(kind.options())) == kind.options()


def written(path, content):
    path.write_text(content, encoding="utf-8")
    return str(path)


def test_one_cohort_as_yaml(tmp_path):
    path = written(tmp_path / "mine.yaml", "kind: phantoms\npath: chest\nseeds: 0-1\nlimit: 1\n")
    cohort = open_cohort(path)
    assert [case.id for case in cohort.cases] == ["chest-phantom-0000"]
    assert cohort.spec == path
    assert len(open_cohort(written(tmp_path / "n.yml", "kind: phantoms\npath: chest\nseeds: 7\n")).cases) == 1


def test_paths_are_relative_to_the_file(tmp_path, monkeypatch):
    folder = tmp_path / "data" / "set" / "subset0"
    folder.mkdir(parents=True)
    for name in ("a.mhd", "a.raw"):
        (folder / name).write_text("")
    monkeypatch.chdir(tmp_path)
    path = written(tmp_path / "data" / "mine.yaml", "kind: luna16\npath: set\nsubset: 0\n")
    (case,) = open_cohort(path).cases
    assert case.image == folder / "a.mhd"
    listed = written(tmp_path / "data" / "list.yaml", "cohorts:\n- luna16:set?subset=0\n")
    assert open_cohort(listed).cases == open_cohort(path).cases


def test_several_cohorts_are_joined(tmp_path):
    path = written(
        tmp_path / "mine.yaml",
        "cohorts:\n- phantoms:chest?seeds=0-1\n- kind: phantoms\n  path: chest\n  seeds: 1-2\n",
    )
    cohort = open_cohort(path)
    assert [case.id[-1] for case in cohort.cases] == ["0", "1", "2"]
    assert [left.case for left in cohort.left_out] == ["chest-phantom-0001"]
    assert "phantoms:chest?seeds=0-1 has too" in cohort.left_out[0].reason
    assert cohort.on_phantoms
    assert cohort.title == "computer-made chest phantoms"


@pytest.mark.parametrize(
    ("content", "error", "sentence"),
    [
        ("- a\n", UsageError, "needs names with values"),
        ("a: [", InputError, "is no YAML file"),
        ("path: chest\n", UsageError, "has no “kind”"),
        ("kind: nothing\n", UsageError, "no kind of cohort “nothing”"),
        ("kind: [phantoms]\n", UsageError, "no kind of cohort"),
        ("kind: folder\n", UsageError, "has no “path”"),
        ("kind: folder\npath: ~\n", UsageError, "has no “path”"),
        ("cohorts: []\n", UsageError, "a list “cohorts” and nothing else"),
        ("cohorts: [phantoms:chest]\nlimit: 2\n", UsageError, "and nothing else"),
        ("cohorts: [3]\n", UsageError, "has no “kind”"),
        ("kind: phantoms\npath: chest\nseeds: [1]\n", UsageError, r"“seeds” cannot be \[1\]"),
        ("kind: lidc\npath: x\nreaders: 2.5\n", UsageError, "“readers” cannot be 2.5"),
        ("kind: !!python/object/apply:os.getcwd []\n", InputError, "is no YAML file"),
    ],
)
def test_a_yaml_that_is_wrong(tmp_path, content, error, sentence):
    with pytest.raises(error, match=sentence):
        open_cohort(written(tmp_path / "mine.yaml", content))


def test_a_yaml_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        open_cohort(str(tmp_path / "none.yaml"))


def test_opening_can_be_cancelled(tmp_path):
    (tmp_path / "cases.csv").write_text("image\n")
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        open_cohort(f"table:{tmp_path / 'cases.csv'}", progress)
