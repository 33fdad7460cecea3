"""LUNA16: phantoms in its layout are read back as they were made; the organisers' own lists are read whole."""

from __future__ import annotations

import csv
import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import CT, HU
from LesionDetectionLib.core.progress import Progress
from LesionTrainingLib.cohorts import luna16_lists as lists
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.phantoms.phantom import maker
from LesionTrainingLib.cohorts.phantoms.writing import series_uid, write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

pytestmark = pytest.mark.usefixtures("phantoms_kept")

UID = "1.3.6.1.4.1.14519.5.2.1.6279.6001.{}"
POSITION = "seriesuid,coordX,coordY,coordZ"


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """Two phantoms in the challenge's layout."""
    folder = tmp_path_factory.mktemp("luna16")
    write_phantoms("chest", 1, 2, "luna16", folder / "data", settings=TINY)
    return folder / "data"


@pytest.fixture(scope="module")
def made():
    """The same two phantoms by series UID."""
    make, _ = maker("chest")
    cases = [make(seed, TINY, Progress()) for seed in (1, 2)]
    return {series_uid(case): case for case in cases}


def a_folder(tmp_path, subsets=((0, ("a", "b")),), **tables):
    """Empty images ``a`` and ``b`` in subset0, and the given lists (rows without their heading)."""
    for number, names in subsets:
        folder = tmp_path / f"subset{number}"
        folder.mkdir(exist_ok=True)
        for name in names:
            (folder / f"{name}.mhd").write_text("")
            (folder / f"{name}.raw").write_text("")
    headings = {"candidates": f"{POSITION},class", "candidates_V2": f"{POSITION},class", "seriesuids": ""}
    for name, rows in tables.items():
        heading = headings.get(name, f"{POSITION},diameter_mm")
        (tmp_path / f"{name}.csv").write_text("\n".join([*([heading] if heading else []), *rows]) + "\n")
    return tmp_path


def opened(path, options=""):
    return open_cohort(f"luna16:{path}{options}")


def reasons(cohort):
    return {left.case: left.reason for left in cohort.left_out}


def test_phantoms_are_read_as_they_were_made(written, made):
    cohort = opened(written)
    assert {case.id for case in cohort.cases} == set(made)
    assert not cohort.left_out
    assert cohort.on_phantoms
    assert "phantoms" in cohort.title
    for case in cohort.cases:
        phantom, image, truth = made[case.id], case.images()[CT], case.truth()
        assert (image.modality, image.unit, image.name) == (CT, HU, case.id)
        np.testing.assert_array_equal(image.voxels, phantom.image.voxels)
        np.testing.assert_allclose(image.ijk_to_ras, phantom.image.ijk_to_ras, atol=1e-3)
        nodules = [lesion for lesion in phantom.lesions if lesion.diameter_mm >= 3]
        assert len(truth.lesions) == len(nodules) > 0
        for found, lesion in zip(truth.lesions, nodules, strict=True):
            np.testing.assert_allclose(found.center_ras_mm, lesion.center_ras_mm, atol=1e-5)
            assert found.diameter_mm == pytest.approx(lesion.diameter_mm, abs=1e-5)
        assert len(truth.excluded) == len(phantom.lesions) - len(nodules)
        mimics = [mimic.center_ras_mm for mimic in phantom.mimics]
        np.testing.assert_allclose(truth.negatives_ras_mm, mimics, atol=1e-5)


def test_listing_reads_no_voxels_and_cases_travel(written):
    cohort = opened(written)
    case = pickle.loads(pickle.dumps(cohort.cases[0]))
    assert case == cohort.cases[0]
    assert {path.name for path in case.sources()} == {f"{case.id}.mhd", f"{case.id}.raw", "candidates.csv"}
    assert all(path.is_file() for path in case.sources())
    assert "nodules" in case.values()


@pytest.mark.parametrize("inside", ["CSVFILES", "evaluationScript/annotations"])
def test_lists_in_the_folders_of_the_downloads(written, tmp_path, inside):
    shutil.copytree(written / "subset0", tmp_path / "subset0")
    (tmp_path / inside).mkdir(parents=True)
    for path in written.glob("*.csv"):
        shutil.copy(path, tmp_path / inside)
    first, second = opened(written).cases[0], opened(tmp_path).cases[0]
    assert (first.nodules, first.excluded) == (second.nodules, second.excluded)
    np.testing.assert_array_equal(first.truth().negatives_ras_mm, second.truth().negatives_ras_mm)


def test_positions_change_from_lps_to_ras(tmp_path):
    folder = a_folder(
        tmp_path,
        annotations=["a,10,-20,30,5.5"],
        annotations_excluded=["a,1,2,3,-1"],
        candidates=["a,7,8,9,0", "a,7,8,9,1"],
    )
    truth = opened(folder).cases[0].truth()
    assert truth.lesions[0].center_ras_mm == (-10, 20, 30)
    assert truth.lesions[0].diameter_mm == 5.5
    assert truth.lesions[0].note == ""
    (excluded,) = truth.excluded
    assert (excluded.center_ras_mm, excluded.diameter_mm) == ((-1, -2, 3), lists.UNKNOWN_DIAMETER_MM)
    assert "not known" in excluded.note
    assert truth.negatives_ras_mm.tolist() == [[-7, -8, 9]]
    assert opened(folder).cases[1].truth().lesions == ()


def test_subsets_are_chosen_and_missing_ones_told(tmp_path):
    folder = a_folder(tmp_path, ((0, "a"), (2, "b"), (9, "c")), annotations=[])
    assert [(case.id, case.subset) for case in opened(folder).cases] == [("a", 0), ("b", 2), ("c", 9)]
    assert opened(folder).left_out == ()
    assert any("subsets 1, 3, 4, 5, 6, 7, 8 are not there" in note for note in opened(folder).notes)
    some = opened(folder, "?subset=0-2")
    assert [case.id for case in some.cases] == ["a", "b"]
    assert list(reasons(some)) == ["subset1"]
    assert "Unpack it there" in reasons(some)["subset1"]
    with pytest.raises(UsageError, match="no subset 10"):
        opened(folder, "?subset=8-10")
    with pytest.raises(UsageError, match="names no subsets"):
        opened(folder, "?subset=all")


def test_what_is_wrong_is_told_and_the_others_go_on(tmp_path):
    everything = tuple((n, (f"s{n}",)) for n in range(10))
    folder = a_folder(
        tmp_path,
        (*everything, (0, ("s0", "stranger", "bad", "noraw")), (3, ("s0",))),
        annotations=["s1,1,2,3,4", "bad,1,2,x,4", "s2,1,2,3", "s3,1,2,nan,4", ",1,2,3,4", "s4,1,2,3,0"],
        annotations_excluded=["s5,1,2,,3"],
        candidates_V2=["s6,1,2,3,0"],
        seriesuids=["seriesuid", *(f"s{n}" for n in range(10)), "bad", "gone", "noraw"],
    )
    (folder / "subset0" / "noraw.raw").unlink()
    cohort = opened(folder)
    assert [case.id for case in cohort.cases] == ["s0", "s1", "s5", "s6", "s7", "s8", "s9"]
    told = reasons(cohort)
    assert "no subset has its image" in told["gone"]
    assert "not in seriesuids.csv" in told["stranger"]
    assert "“x” under coordZ is no number" in told["bad"]
    assert "line 3" in told["bad"]
    assert "Its scan is not used" in told["bad"]
    assert "4 cells under 5 columns" in told["s2"]
    assert "no finite number" in told["s3"]
    assert "a diameter of zero" in told["s4"]
    assert "coordZ is missing" in told["s5"]
    assert "the series is missing" in told["line 6"]
    assert ".raw" in told["noraw"]
    assert "again in subset3; the first is used" in told["s0"]
    assert len(cohort.cases[2].truth().lesions) == 0


def test_without_annotations_nothing_is_known(tmp_path):
    cohort = opened(a_folder(tmp_path))
    assert not any(case.labelled for case in cohort.cases)
    assert any("no annotations.csv" in note for note in cohort.notes)
    assert cohort.cases[0].truth().lesions == ()


def test_folders_and_lists_that_cannot_be_used(tmp_path):
    with pytest.raises(InputError, match="There is no folder"):
        opened(tmp_path / "none")
    with pytest.raises(InputError, match="none of the folders subset0"):
        opened(tmp_path)
    (tmp_path / "subset0").mkdir()
    with pytest.raises(InputError, match=r"holds no \.mhd images"):
        opened(tmp_path)
    a_folder(tmp_path)
    (tmp_path / "annotations.csv").write_text("seriesuid,coordX\n")
    with pytest.raises(InputError, match="no column coordY and coordZ and diameter_mm"):
        opened(tmp_path)
    (tmp_path / "annotations.csv").write_bytes(b"\x89PNG\0\xff")
    with pytest.raises(InputError, match="UTF-8"):
        opened(tmp_path)


def test_a_damaged_image_is_told_when_it_is_read(tmp_path):
    (case, _) = opened(a_folder(tmp_path, annotations=[])).cases
    with pytest.raises(InputError, match=r"a\.mhd is empty"):
        case.images()


def test_candidates_of_either_name_and_bad_rows_among_them(tmp_path):
    rows = ["a,1,2,3,0", "a,x,2,3,0", "b,4,5,6,0", "a,7,8,9,0", "a,1,2,3,2", "a,1,2", "a,inf,2,3,0"]
    cohort = opened(a_folder(tmp_path, annotations=[], candidates_V2=rows, candidates=["a,0,0,0,0"]))
    truth = cohort.cases[0].truth()
    assert truth.negatives_ras_mm.tolist() == [[-1, -2, 3], [-7, -8, 9]]
    assert truth.notes == ("4 rows of candidates_V2.csv make no sense and were skipped.",)
    assert cohort.cases[1].truth().negatives_ras_mm.tolist() == [[-4, -5, 6]]


def test_candidates_that_are_no_list_are_left_out(tmp_path):
    folder = a_folder(tmp_path, annotations=[])
    (folder / "candidates.csv").write_text("seriesuid,x,y,z\n")
    cohort = opened(folder)
    assert "no column coordX" in reasons(cohort)["candidates.csv"]
    assert cohort.cases[0].truth().negatives_ras_mm.shape == (0, 3)


def test_a_changed_list_of_candidates_is_read_again(tmp_path):
    case = opened(a_folder(tmp_path, annotations=[], candidates=["a,1,2,3,0"])).cases[0]
    assert len(case.truth().negatives_ras_mm) == 1
    a_folder(tmp_path, annotations=[], candidates=["a,1,2,3,0", "a,4,5,6,0"])
    assert len(case.truth().negatives_ras_mm) == 2


def test_it_can_be_cancelled(written):
    progress = Progress()
    progress.cancel()
    with pytest.raises(Cancelled):
        open_cohort(f"luna16:{written}", progress)


def test_many_candidates_are_read_once_in_blocks_when_the_first_truth_is_asked_for(tmp_path, monkeypatch):
    """The challenge has 754,975 of them."""
    monkeypatch.setattr(lists, "_BLOCK", 1000)
    lists._negatives.cache_clear()
    uids = [UID.format(100000000000000000000000000000 + n) for n in range(90)]
    a_folder(tmp_path, tuple((n, uids[n::10]) for n in range(10)), annotations=[])
    numbers = np.random.default_rng(0).integers(0, 90, 15_500).tolist()
    rows = [f"{uids[n]},-12.5,13.25,{i},{int(i % 500 == 0)}" for i, n in enumerate(numbers)]
    (tmp_path / "candidates_V2.csv").write_text("\n".join([f"{POSITION},class", *rows]))
    cases = opened(tmp_path).cases
    assert lists._negatives.cache_info().misses == 0
    found = {case.id: case.truth().negatives_ras_mm for case in cases}
    assert lists._negatives.cache_info().misses == 1
    for n in (0, 89):
        expected = [(12.5, -13.25, i) for i, owner in enumerate(numbers) if owner == n and i % 500]
        assert sorted(map(tuple, found[uids[n]])) == expected
    assert sum(map(len, found.values())) == 15_500 - 31


def test_the_organisers_lists(real_data, tmp_path):
    for name in ("annotations.csv", "annotations_excluded.csv", "seriesuids.csv"):
        shutil.copy(real_data(f"luna16/{name}"), tmp_path)
    series = lists.read_series(tmp_path / "seriesuids.csv")
    nodules, bad = lists.read_findings(tmp_path / "annotations.csv")
    excluded, also_bad = lists.read_findings(tmp_path / "annotations_excluded.csv")
    assert len(series) == 888
    assert sum(map(len, nodules.values())) == 1186
    assert sum(map(len, excluded.values())) == 35192
    assert not bad
    assert not also_bad
    assert set(nodules) <= set(series)
    with (tmp_path / "annotations_excluded.csv").open() as file:
        unknown = sum(float(row["diameter_mm"]) < 0 for row in csv.DictReader(file))
    assert sum(not finding.known for found in excluded.values() for finding in found) == unknown > 0
    uid = UID.format("154677396354641150280013275227")
    cohort = opened(a_folder(tmp_path, ((7, (uid,)),)))
    (case,) = cohort.cases
    assert not cohort.on_phantoms
    (nodule,) = case.truth().lesions
    np.testing.assert_allclose(nodule.center_ras_mm, (57.43923954, -131.2325201, -520.3592267))
    assert nodule.diameter_mm == pytest.approx(15.48525426)
    assert len(case.truth().excluded) == 42
    assert Path(case.image).parent.name == "subset7"
