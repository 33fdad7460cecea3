"""PET phantoms as a cohort of pet-weak: what is read back is what was painted, and outcomes follow from the tumours."""

from __future__ import annotations

import csv
import errno
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import Cancelled, OutputError, UsageError
from LesionDetectionLib.core.image import PHANTOM, Geometry
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.io import files
from LesionTrainingLib.cohorts.caching.workers import Died
from LesionTrainingLib.cohorts.phantom_files import phantom_of
from LesionTrainingLib.cohorts.phantoms import pet, pet_weak_writing
from LesionTrainingLib.cohorts.phantoms.pet_outcomes import MODELS, covariates_of, outcomes_of
from LesionTrainingLib.cohorts.phantoms.pet_weak_writing import phantom_seed, pointed_at, write_pet_weak
from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms
from LesionTrainingLib.cohorts.spec import open_cohort

COUNT, SEED = 3, 0


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder, and its phantoms in their order."""
    folder, phantoms = tmp_path_factory.mktemp("weak") / "set", []

    def kept(seed, settings):
        phantoms.append(pet.make_pet(seed, settings))
        return phantoms[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pet_weak_writing, "make_pet", kept)
        write_pet_weak(folder, COUNT, "tiny-mixed", SEED)
    return folder, phantoms


def rows(path):
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_it_opens_as_a_table_of_phantoms(made):
    folder, phantoms = made
    cohort = open_cohort(f"table:{folder}")
    assert cohort.on_phantoms
    assert not cohort.left_out
    assert "phantoms" in cohort.title
    for case, phantom in zip(cohort.cases, phantoms, strict=True):
        image, truth = case.images()["PT"], case.truth()
        assert np.array_equal(image.voxels, phantom.image.voxels)
        np.testing.assert_allclose(image.ijk_to_ras, phantom.image.ijk_to_ras, atol=1e-3)
        assert (image.modality, image.unit, image.identifiers[PHANTOM]) == ("PT", "SUVbw", "pet")
        assert truth.label == phantom.label
        assert len(truth.lesions) == len(phantom.lesions)


def test_the_point_lies_in_the_primary_near_its_centre(made):
    folder, phantoms = made
    for row, phantom in zip(rows(folder / "cases.csv"), phantoms, strict=True):
        assert list(row) == ["id", "patient", "image", "modality", "mask", "label", "x", "y", "z"]
        if phantom.label == "none":
            assert row["x"] == row["y"] == row["z"] == ""
            continue
        point = [float(row[axis]) for axis in "xyz"]
        primary = phantom.lesions[0]
        assert primary.mask.holds(phantom.image.geometry.ijk_from_ras(point))
        assert 0 < np.linalg.norm(np.array(point) - primary.center_ras_mm) < 15


def test_masks_number_the_tumours_and_the_truth_lies_beside_them(made):
    folder, phantoms = made
    for n, phantom in enumerate(phantoms):
        path = folder / "masks" / f"{pet_weak_writing.case_name(n)}.nii.gz"
        labels = files.read_image(path).voxels
        assert set(np.unique(labels)) == set(range(len(phantom.lesions) + 1))
        for number, lesion in enumerate(phantom.lesions, 1):
            assert np.array_equal(labels == number, lesion.mask.full(phantom.image.shape_kji))
        assert phantom_of(path) == "pet"
    assert {"none"} < {phantom.label for phantom in phantoms}, "one without a tumour is among them"


def test_outcomes_are_those_of_the_phantoms(made):
    folder, phantoms = made
    for row, phantom in zip(rows(folder / "outcomes.csv"), phantoms, strict=True):
        told = {key: bool(int(row[key])) for key in ("response", "survival_3y") if row[key]}
        assert told == outcomes_of(phantom)
        wanted = {"lung": ["survival_3y"], "oesophagus": ["response"], "none": []}[phantom.label]
        assert list(told) == wanted
    assert "no clinical meaning" in (folder / "README.txt").read_text(encoding="utf-8")


@pytest.mark.parametrize(("label", "area", "together"), [("oesophagus", 0.80, 0.09), ("lung", 0.72, 0.42)])
def test_who_knows_the_tumour_exactly_foretells_the_outcome_so_well(label, area, together):
    """Over tumours that vary as the phantoms' do: larger ones of the lung are more often necrotic, and so more uneven (the
    correlation is that of 150 phantoms). The area under the ROC curve is by ranks."""
    model, rng = MODELS[label], np.random.default_rng(7)
    chance = rng.standard_normal((4000, 3))
    chance[:, 1] = together * chance[:, 0] + np.sqrt(1 - together**2) * chance[:, 1]
    drawn = np.array(model.means) + np.array(model.spreads) * chance
    odds = np.array([model.log_odds(tumour(*row)) for row in drawn])
    happened = rng.random(len(odds)) < 1 / (1 + np.exp(-odds))
    ranks = odds.argsort().argsort() + 1
    with_it = happened.sum()
    found = (ranks[happened].sum() - with_it * (with_it + 1) / 2) / (with_it * (len(odds) - with_it))
    assert found == pytest.approx(area, abs=0.03)
    assert 0.4 < happened.mean() < 0.6


def tumour(log_volume, heterogeneity, suv):
    told = {"volume_mm3": float(np.exp(log_volume)), "heterogeneity": heterogeneity, "painted_suvbw": suv}
    return Lesion((0.0, 0.0, 0.0), 20.0, 1.0, measurements=told)


def test_a_larger_more_uneven_more_active_tumour_bodes_worse():
    usual = MODELS["lung"].log_odds(tumour(10, 0.3, 10))
    for worse in (tumour(11, 0.3, 10), tumour(10, 0.4, 10), tumour(10, 0.3, 12)):
        assert MODELS["lung"].log_odds(worse) < usual
    assert covariates_of(tumour(10, 0.3, 10)) == pytest.approx((10, 0.3, 10))


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 10_000), radius=st.floats(1.0, 9.0), ring=st.booleans())
def test_a_person_points_into_the_tumour_whatever_its_shape(seed, radius, ring):
    geometry = Geometry((30, 30, 30), np.diag([-2.0, -2.0, 2.0, 1.0]))
    away = np.linalg.norm(np.indices((30, 30, 30)) - 15.0, axis=0) * 2
    inside = (away < radius + 6) & (away > radius) if ring else away < radius
    mask = Mask.from_full(inside)
    lesion = Lesion(mask.centroid_ras_mm(geometry), 2 * radius, 1.0, mask=mask)
    assert mask.holds(geometry.ijk_from_ras(pointed_at(lesion, geometry, seed)))


def test_a_folder_of_another_seed_has_other_patients():
    seeds = {phantom_seed(seed, number) for seed in (0, 1, 2) for number in range(200)}
    assert len(seeds) == 600
    assert min(seeds) >= 1_000_000


def test_what_is_taken_is_refused(made):
    folder, _ = made
    before = (folder / "cases.csv").read_bytes()
    with pytest.raises(OutputError):
        write_phantoms("pet", SEED, 1, "pet-weak", folder, protocol_name="tiny")
    assert (folder / "cases.csv").read_bytes() == before


def test_a_full_disk_leaves_nothing(tmp_path, monkeypatch, made):
    monkeypatch.setattr(pet_weak_writing, "make_pet", lambda seed, settings: made[1][0])

    def full(image, path):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(files, "write_image", full)
    with pytest.raises(OutputError):
        write_pet_weak(tmp_path / "out", 1, "tiny")
    assert list(tmp_path.iterdir()) == []


def test_calling_it_off_leaves_nothing(tmp_path, monkeypatch, made):
    monkeypatch.setattr(pet_weak_writing, "make_pet", lambda seed, settings: made[1][0])
    progress = Progress(lambda fraction, _: fraction > 0.4 and progress.cancel())
    with pytest.raises(Cancelled):
        write_pet_weak(tmp_path / "out", 3, "tiny", progress=progress)
    assert list(tmp_path.iterdir()) == []


def test_processes_give_the_rows_in_order_and_their_death_is_told(tmp_path, monkeypatch, made):
    monkeypatch.setattr(pet_weak_writing, "make_pet", lambda seed, settings: made[1][seed % COUNT - 1])

    def backwards(work, items, processes, check):
        check()
        yield from [(n, work(items[n])) for n in reversed(range(len(items)))]

    monkeypatch.setattr(pet_weak_writing, "work_in_processes", backwards)
    write_pet_weak(tmp_path / "out", 2, "tiny", workers=2)
    assert [row["id"] for row in rows(tmp_path / "out" / "cases.csv")] == ["pet-weak-0001", "pet-weak-0002"]
    monkeypatch.setattr(pet_weak_writing, "work_in_processes", lambda *_: iter_of([(0, Died())]))
    with pytest.raises(OutputError, match="workers"):
        write_pet_weak(tmp_path / "dead", 1, "tiny", workers=2)


def iter_of(items):
    """A generator, which can be closed."""
    yield from items


@pytest.mark.parametrize(
    "change",
    [
        {"count": 0},
        {"count": 1, "seed": -1},
        {"count": 1, "workers": 0},
        {"count": 1, "protocol_name": "fast"},
    ],
)
def test_what_makes_no_sense_is_refused(tmp_path, change):
    with pytest.raises(UsageError):
        write_pet_weak(tmp_path / "out", **change)
    with pytest.raises(UsageError, match="PET"):
        write_phantoms("chest", 0, 1, "pet-weak", tmp_path / "out")


@pytest.mark.parametrize("text", ["", "[]", "{", '{"method": "universal-ct"}', '{"provenance": {"phantom": "pet"}}'])
def test_only_what_the_program_wrote_is_a_phantom(tmp_path, text):
    (tmp_path / "a.json").write_text(text, encoding="utf-8")
    assert phantom_of(tmp_path / "a.nii.gz") == ""
    assert phantom_of(tmp_path / "b.nii.gz") == ""
    (tmp_path / "a.json").write_text('{"method": "phantom"}', encoding="utf-8")
    assert phantom_of(tmp_path / "a.nii.gz") == "phantom"


def test_a_pet_goes_through_dicom(tmp_path, made):
    """A main image that is a PET, as activity with what SUV follows from."""
    phantom = made[1][0]
    from LesionTrainingLib.cohorts.phantoms.dicom_writing import write_series

    few = SimpleNamespace(image=phantom.image)
    write_series(_cropped(phantom), "PT", tmp_path / "series")
    image = files.read_image(tmp_path / "series")
    assert (image.modality, image.unit) == ("PT", "SUVbw")
    cropped = few.image.voxels[80:84]
    np.testing.assert_allclose(image.voxels, cropped, atol=float(cropped.max()) / 3e4 + 1e-4)


def _cropped(phantom):
    """Four slices of it."""
    from dataclasses import replace

    matrix = np.array(phantom.image.ijk_to_ras)
    matrix[:3, 3] = phantom.image.geometry.ras_from_ijk((0, 0, 80))
    return replace(phantom, image=replace(phantom.image, voxels=phantom.image.voxels[80:84], ijk_to_ras=matrix))
