"""Body phantoms in the layout of DeepLesion: what is read back is what was painted."""

from __future__ import annotations

import csv

import numpy as np
import pytest
from LesionDetectionLib.core.errors import Cancelled, OutputError, UsageError
from LesionDetectionLib.core.image import PHANTOM
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.recist import recist_of_mask
from LesionTrainingLib.cohorts.deeplesion_rows import read_key_slices
from LesionTrainingLib.cohorts.phantoms import body, body_deeplesion
from LesionTrainingLib.cohorts.phantoms.body_deeplesion import write_deeplesion
from LesionTrainingLib.cohorts.phantoms.body_settings import REGIONS
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

PATIENTS, SEED = 4, 3


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder, and its phantoms by the name of their series."""
    folder, phantoms = tmp_path_factory.mktemp("deeplesion") / "set", {}

    def kept(seed, settings):
        phantoms[seed] = body.make_body(seed, settings)
        return phantoms[seed]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(body_deeplesion, "make_body", kept)
        write_deeplesion(folder, PATIENTS, "tiny", SEED)
    return folder, {one.name: phantoms[one.seed] for one in body_deeplesion.planned(PATIENTS, SEED)}


@pytest.fixture(scope="module")
def a_set(made):
    return made[0]


@pytest.fixture(scope="module")
def painted(made):
    return made[1]


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _slice(phantom, key, first):
    """The slice of the phantom that is a key slice of the list."""
    return phantom.image.shape_kji[0] - 1 - (key.index - first)


def test_it_opens_as_deeplesion_and_says_that_it_is_computer_made(a_set):
    complete = open_cohort(f"deeplesion:{a_set}?info=DL_info_complete.csv")
    assert complete.on_phantoms
    assert not complete.left_out
    listed = open_cohort(f"deeplesion:{a_set}")
    assert listed.on_phantoms
    assert len(listed.cases) == len(complete.cases)
    tested = open_cohort(f"deeplesion:{a_set}?split=test")
    assert tested.cases
    assert {case.split for case in tested.cases} == {"test"}
    assert tested.cases[0].images()["CT"].identifiers[PHANTOM] == "body"
    assert "Computer-made" in (a_set / "README.txt").read_text(encoding="utf-8")


def test_the_slices_are_the_phantoms_from_the_head_downwards(a_set, painted):
    for case in open_cohort(f"deeplesion:{a_set}?spacing=5").cases:
        phantom = painted[case.key.series]
        files = sorted((a_set / "Images_png" / case.key.series).iterdir())
        k = _slice(phantom, case.key, int(files[0].stem))
        image = case.images()["CT"]
        np.testing.assert_allclose(image.spacing_mm, phantom.image.spacing_mm, rtol=1e-5)
        assert np.array_equal(image.voxels[1], phantom.image.voxels[k])
        if 0 < k < phantom.image.shape_kji[0] - 1:
            above = image.voxels[np.argmax([image.geometry.ras_from_ijk((0, 0, n))[2] for n in range(3)])]
            assert np.array_equal(above, phantom.image.voxels[k + 1])


def test_the_complete_list_has_every_section_as_it_was_painted(a_set, painted):
    keys, left_out = read_key_slices(a_set / "DL_info_complete.csv")
    assert keys
    assert not left_out
    for key in keys:
        phantom = painted[key.series]
        first = min(int(file.stem) for file in (a_set / "Images_png" / key.series).iterdir())
        k = _slice(phantom, key, first)
        sections = []
        for lesion, region in zip(phantom.lesions, phantom.kinds, strict=True):
            plane = lesion.mask.full(phantom.image.shape_kji)[k]
            if plane.sum() >= 2:
                sections.append((plane, region))
        assert len(sections) == len(key.lesions)
        for (plane, region), marked in zip(sections, key.lesions, strict=True):
            full = np.zeros(phantom.image.shape_kji, dtype=bool)
            full[k] = plane
            recist = recist_of_mask(Mask.from_full(full), phantom.image.geometry)
            ends = phantom.image.geometry.ijk_from_ras([*recist.long_axis_ras_mm, *recist.short_axis_ras_mm])[:, :2]
            read = np.array([*marked.long_axis, *marked.short_axis])
            np.testing.assert_allclose(np.sort(read, axis=0), np.sort(ends, axis=0), atol=2e-3)
            assert marked.long_px * phantom.image.spacing_mm[0] == pytest.approx(recist.long_mm, rel=1e-4)
            limits = (0, 0), (phantom.image.shape_kji[2] - 1, phantom.image.shape_kji[1] - 1)
            low, high = np.maximum(ends.min(axis=0) - 5, limits[0]), np.minimum(ends.max(axis=0) + 5, limits[1])
            np.testing.assert_allclose(marked.box, [*low, *high], atol=2e-3)
            assert marked.kind == (-1 if key.split == "training" else REGIONS.index(region) + 1)


def test_the_list_marks_lesions_in_the_slice_of_their_largest_section(a_set, painted):
    keys, _ = read_key_slices(a_set / "DL_info.csv")
    complete = {key.id: key for key in read_key_slices(a_set / "DL_info_complete.csv")[0]}
    assert {key.id for key in keys} == set(complete), "each image keeps a lesion"
    for key in keys:
        known = {lesion.box for lesion in complete[key.id].lesions}
        assert {lesion.box for lesion in key.lesions} <= known
        phantom = painted[key.series]
        first = min(int(file.stem) for file in (a_set / "Images_png" / key.series).iterdir())
        k = _slice(phantom, key, first)
        largest = [body_deeplesion._key(lesion) for lesion in phantom.lesions]
        assert len(key.lesions) <= largest.count(k)


def test_the_columns_are_the_genuine_ones(a_set, real_data):
    with real_data("deeplesion/DL_info_subset.csv").open(encoding="utf-8", newline="") as file:
        genuine = next(csv.reader(file))
    for name in ("DL_info.csv", "DL_info_complete.csv"):
        found = rows(a_set / name)
        assert list(found[0]) == genuine
        assert all(value for row in found for value in row.values())


def test_the_share_that_is_missing():
    case = body.make_body(3, body.TINY)
    within = [0 < body_deeplesion._key(lesion) < case.image.shape_kji[0] - 1 for lesion in case.lesions]
    assert body_deeplesion._listed(case, 0.0) == within
    assert sum(body_deeplesion._listed(case, 0.9999999)) == 1


def test_splits_are_by_patient_in_their_shares():
    series = body_deeplesion.planned(200, 1)
    splits = {one.patient: one.split for one in series}
    assert all(splits[one.patient] == one.split for one in series)
    assert [list(splits.values()).count(n) for n in (1, 2, 3)] == [140, 30, 30]
    assert len({one.seed for one in series}) == len({one.name for one in series}) == len(series)


def test_several_processes_write_the_same(a_set, tmp_path):
    write_phantoms("body", SEED, PATIENTS, "deeplesion", tmp_path / "again", protocol_name="tiny", workers=2)
    files = sorted(path.relative_to(a_set) for path in a_set.rglob("*") if path.is_file())
    assert files == sorted(p.relative_to(tmp_path / "again") for p in (tmp_path / "again").rglob("*") if p.is_file())
    assert all((a_set / name).read_bytes() == (tmp_path / "again" / name).read_bytes() for name in files)


def test_nothing_is_left_when_it_is_cancelled(tmp_path):
    def stop(share, text):
        if share > 0:
            raise Cancelled("stopped")

    with pytest.raises(Cancelled):
        write_deeplesion(tmp_path / "set", 3, "tiny", progress=Progress(stop))
    assert not list(tmp_path.iterdir())


def test_what_is_refused(a_set, tmp_path):
    with pytest.raises(OutputError, match="already holds"):
        write_deeplesion(a_set, 1, "tiny")
    for words, arguments in (
        ("patient", {"count": 0}),
        ("below 1", {"missing_share": 1.0}),
        ("worker", {"workers": 0}),
    ):
        with pytest.raises(UsageError, match=words):
            write_deeplesion(tmp_path / "no", **{"count": 1, "protocol_name": "tiny", **arguments})
    with pytest.raises(UsageError, match="slab"):
        write_deeplesion(tmp_path / "no", 1, "wide")
    with pytest.raises(UsageError, match="body"):
        write_phantoms("chest", 0, 1, "deeplesion", tmp_path / "no")
    assert not (tmp_path / "no").exists()
