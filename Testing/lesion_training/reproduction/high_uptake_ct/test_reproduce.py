"""Table and figures of high-uptake-ct from scans made by hand: made whole, stopped and resumed, refused."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from LesionDetectionLib.core.detections import Detections
from LesionDetectionLib.core.errors import Cancelled, InputError, UsageError
from LesionDetectionLib.core.image import Image
from LesionDetectionLib.core.lesion import Lesion, Mask
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.blobs import SliceBlobs
from LesionDetectionLib.io.files import write_image
from LesionDetectionLib.methods.high_uptake_ct.network import PatchArchitecture, PatchNetwork
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.evaluation.blob_detection import ScoredSlice
from LesionTrainingLib.learning.engine.settings import EngineSettings
from LesionTrainingLib.learning.high_uptake_ct.settings import RecipeSettings
from LesionTrainingLib.reproduction.folds import Fold, held_fold
from LesionTrainingLib.reproduction.high_uptake_ct import fold_work, pet_ct
from LesionTrainingLib.reproduction.high_uptake_ct.data import Roles, folds_of, looked_at, make_phantoms, read_subset
from LesionTrainingLib.reproduction.high_uptake_ct.filters import LayerState, layer_states
from LesionTrainingLib.reproduction.high_uptake_ct.kept_slices import Picture, SliceStore
from LesionTrainingLib.reproduction.high_uptake_ct.settings import ReproductionSettings, preset_settings
from LesionTrainingLib.reproduction.running import ReproductionRequest, run_reproduction

from ..killing import Killed

pytestmark = pytest.mark.usefixtures("one_thread")

RECIPE = RecipeSettings(
    lungs_only=False,
    architecture=PatchArchitecture((2, 3), (4, 4)),
    fit=EngineSettings(steps=3, batch=8, learning_rate=1e-3, tensorboard=False),
    balance_most=8,
)
SETTINGS = ReproductionSettings(RECIPE, folds=2, validation_share=0.3, slices_without=2, examples=2)
ACTIVE, WITHOUT = ("a0", "a1", "a2", "a3"), ("n0", "n1")
GRID = np.diag([2.0, 2.0, 4.0, 1.0])
SIDE = 30


def write_case(folder, name, seed, *, active, pet=False):
    """Six noisy slices; a bright square in slices 2 and 3, larger in slice 3, that is labelled where it is active."""
    voxels = np.random.default_rng(seed).normal(-800, 60, (6, SIDE, SIDE)).astype(np.int16)
    mask = np.zeros(voxels.shape, np.uint8)
    mask[2, 8:12, 8:12] = 1
    mask[3, 8:15, 8:15] = 1
    voxels[mask > 0] += 850
    (folder / name).mkdir(parents=True)
    write_image(Image(voxels, GRID, name=name), folder / name / "CT_image.nrrd")
    write_image(Image(mask if active else 0 * mask, GRID, name=name), folder / name / "CT_mask.nrrd")
    if pet:
        write_image(Image(mask.astype(np.float32), GRID, name=name), folder / name / "PET_image.nrrd")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Four scans with active lesions, one of them with a PET image, two without; a subset of two."""
    folder = tmp_path_factory.mktemp("scans") / "data"
    for seed, name in enumerate(ACTIVE):
        write_case(folder, name, seed, active=True, pet=name == "a0")
    for seed, name in enumerate(WITHOUT):
        write_case(folder, name, 10 + seed, active=False)
    (folder / "lungcx.txt").write_text("# as in the paper\na0\n\na2\n")
    return folder


class FoundInPet:
    """Finds what the PET image shows."""

    def detect(self, images, _settings, _progress):
        mask = Mask.from_full(images["PT"].voxels > 0)
        lesion = Lesion((0.0, 0.0, 0.0), 10.0, 7.0, mask=mask)
        return Detections((lesion,), images["CT"].geometry, "active-pet-ct")


@pytest.fixture(scope="module", autouse=True)
def in_pet():
    """The method that sees PET is tested elsewhere."""
    info = SimpleNamespace(create=lambda *_: FoundInPet(), default_settings=lambda _: None)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(pet_ct, "method", lambda _: info)
        yield


@pytest.fixture(scope="module")
def asked_for(data, tmp_path_factory):
    """The request for an output folder; prepared cases are shared."""
    cache = tmp_path_factory.mktemp("cache")

    def request(output, **changes):
        plain = ReproductionRequest(
            "high-uptake-ct", output, data, preset="smoke", settings=SETTINGS, device="cpu", cache_folder=cache
        )
        return replace(plain, **changes)

    return request


@pytest.fixture(scope="module")
def whole(asked_for, tmp_path_factory):
    """Both folds and the comparison in one go; gives the folder, the lines that were told, and tables.json."""
    output, lines = tmp_path_factory.mktemp("whole") / "out", []
    run_reproduction(asked_for(output, tell=lines.append), Progress())
    return SimpleNamespace(output=output, lines=lines, tables=json.loads((output / "tables.json").read_text()))


def kept_in(output, fold):
    folder = output / "folds" / fold
    paths = (path.relative_to(folder) for path in folder.rglob("*.json"))
    return {path: (folder / path).read_text() for path in paths if "checkpoints" not in path.parts}


def test_tables_figures_and_page_are_there_and_say_what_they_are(whole):
    stems = {"table1", "table1_values", "wilcoxon", "folds", "filters", "pet_ct"}
    plots = {
        "fig4_first",
        "fig4_second",
        "fig4_slice",
        "fig5_training",
        "fig5_test",
        "fig6_training",
        "fig6_test",
        "fig7",
    }
    names = {path.name for path in whole.output.iterdir()}
    assert names >= {f"{stem}.csv" for stem in stems | plots} | {f"{stem}.png" for stem in plots} | {"index.html"}
    assert set(whole.tables["tables"]) == stems
    row = next(one for one in whole.tables["tables"]["table1"]["rows"] if one[:2] == ["test (full)", "Full"])
    assert row[2:4] == ["this program (smoke, changed)", "images in data: 4 scans, 4 lesions"]
    subset = next(one for one in whole.tables["tables"]["table1"]["rows"] if one[0].startswith("test (LUNGCX"))
    assert subset[3] == "images in data: 2 scans, 2 lesions"
    assert [line.partition(":")[0] for line in whole.lines] == ["Fold 0 (1 of 2)", "Fold 1 (2 of 2)"]
    page = (whole.output / "index.html").read_text()
    assert page.count("<img ") == len(plots)
    assert "Some settings are not those of the preset" in page


def test_who_has_no_active_lesions_is_never_learned_from(whole):
    values = whole.tables["values"]
    assert values["roles"] == {"active": list(ACTIVE), "without": list(WITHOUT), "subset": ["a0", "a2"]}
    folds = values["folds"].values()
    assert sorted(case for fold in folds for case in fold["test"]) == list(ACTIVE)
    for fold in folds:
        parts = [set(fold[name]) for name in ("training", "validation", "test")]
        assert set.union(*parts) == set(ACTIVE)
        assert sum(map(len, parts)) == len(ACTIVE)
        assert all(parts)
    assert all(len(row["images"]) == 2 for row in values["table1"] if row["data"] != "training")
    assert [row[5] for row in whole.tables["tables"]["folds"]["rows"]] == [4, 4]  # two slices of each


def test_the_slice_with_the_largest_section_is_measured_on(whole):
    folder = whole.output / "folds" / "fold-0"
    kept = json.loads(next((folder / "test").glob("*.json")).read_text())
    assert len(kept["slices"]) == 1
    assert 14 < kept["slices"][0]["lesion_mm"][0] < 14 * 2**0.5  # 7 x 7 pixels of 2 mm, corners rounded off
    store = SliceStore(folder / "test", kept["key"])
    picture = store.get_picture(whole.tables["values"]["folds"]["0"]["test"][0])
    assert (picture.scored.lesions > 0).sum() == 49
    assert picture.hu.shape == (5, SIDE, SIDE)
    assert picture.pixel_mm == (2.0, 2.0)


def test_what_the_pet_shows_is_found_and_beside_the_paper(whole):
    rows = {row[0]: row for row in whole.tables["tables"]["pet_ct"]["rows"]}
    assert rows["active-pet-ct, any finding"][3:6] == [1, 1, 1.0]
    assert rows["active-pet-ct, any finding"][1] == "images in data, the subset: 1 scan, 1 lesion"
    assert rows["LUNGCX, Pawełczyk et al."][3:5] == [44, 41]
    assert "active-pet-ct finds an active lesion in 1 of 1 patient" in (whole.output / "index.html").read_text()


def test_what_is_done_is_not_done_again(whole, asked_for, monkeypatch):
    before = (whole.output / "tables.json").read_text()
    for name in ("fit_network", "score_slice", "layer_states", "prepared_slices"):
        monkeypatch.setattr(fold_work, name, lambda *_: pytest.fail("it did it again"))
    monkeypatch.setattr(pet_ct, "_look", lambda *_: pytest.fail("it looked again"))
    run_reproduction(asked_for(whole.output, resume=True), Progress())
    assert (whole.output / "tables.json").read_text() == before


def test_killed_between_steps_it_ends_in_the_same(whole, asked_for, tmp_path, monkeypatch):
    output, killed = tmp_path / "out", []

    def kill_at(name, times):
        plain, calls = getattr(fold_work, name), []

        def step(*arguments, **options):
            calls.append(name)
            if len(calls) == times:
                killed.append(name)
                raise Killed
            return plain(*arguments, **options)

        monkeypatch.setattr(fold_work, name, step)

    # One training slice, two test slices, two slices of each of two scans without active lesions.
    steps = [("fit_network", 1), ("score_slice", 1), ("score_slice", 4), ("score_slice", 6), ("layer_states", 1)]
    for name, times in steps:
        kill_at(name, times)
    request = asked_for(output, folds=(0,), tables=(1,), resume=True)
    for _ in range(20):
        try:
            run_reproduction(request, Progress())
            break
        except Killed:
            assert not (output / "tables.json").exists()
    assert sorted(killed) == sorted(name for name, _ in steps)
    assert kept_in(output, "fold-0") == kept_in(whole.output, "fold-0")


def test_other_settings_data_or_subset_in_the_same_folder_are_refused(whole, asked_for, data, monkeypatch):
    other = replace(SETTINGS, recipe=replace(RECIPE, balance_most=9))
    with pytest.raises(UsageError, match=r"settings.recipe.balance_most was 8, not 9"):
        run_reproduction(asked_for(whole.output, settings=other, resume=True), Progress())
    with held_fold(whole.output, 0), pytest.raises(UsageError, match="Another process works on fold 0"):
        run_reproduction(asked_for(whole.output, folds=(0,), resume=True), Progress())
    plain = (data / "lungcx.txt").read_text()
    (data / "lungcx.txt").write_text("a1\n")
    try:
        with pytest.raises(UsageError, match="subset was"):
            run_reproduction(asked_for(whole.output, resume=True), Progress())
        (data / "lungcx.txt").write_text("a9\n")
        with pytest.raises(InputError, match="no case and no patient"):
            read_subset(open_cohort(f"folder:{data}"), "lungcx.txt")
    finally:
        (data / "lungcx.txt").write_text(plain)
    assert read_subset(open_cohort(f"folder:{data}"), "other.txt") == ()


def test_stopping_says_how_to_go_on(asked_for, tmp_path):
    progress = Progress(lambda _, text: progress.cancel() if "Step 1 of" in text else None)
    with pytest.raises(Cancelled, match="--resume goes on"):
        run_reproduction(asked_for(tmp_path / "out", folds=(0,), tables=(1,)), progress)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"tables": (3,)}, "no table 3"),
        ({"folds": (5,)}, "Fold 5 has no labelled scans"),
        ({"folds": (0,), "fold": 1}, "Fold 1 is not among"),
    ],
)
def test_what_cannot_work_is_told(asked_for, tmp_path, changes, told):
    with pytest.raises(UsageError, match=told):
        run_reproduction(asked_for(tmp_path / "out", **changes), Progress())


def test_folds_are_drawn_by_patient_and_seed():
    cases = tuple(SimpleNamespace(id=f"{p}{n}", patient=p, labelled=True) for p in "abcdef" for n in range(2))
    cohort = replace(open_cohort("phantoms:chest?seeds=0"), cases=cases)
    roles = Roles(tuple(case.id for case in cases if case.patient != "f"), ("f0", "f1"), ())
    plan = folds_of(cohort, roles, replace(SETTINGS, folds=10, validation_share=0.0), 0)
    assert len(plan) == 5  # no more patients
    assert {fold.test for fold in plan.values()} == {(f"{p}0", f"{p}1") for p in "abcde"}
    assert plan == folds_of(cohort, roles, replace(SETTINGS, folds=10, validation_share=0.0), 0)
    assert plan != folds_of(cohort, roles, replace(SETTINGS, folds=10, validation_share=0.0), 1)
    with pytest.raises(InputError, match="two patients"):
        folds_of(cohort, Roles(("a0", "a1"), (), ()), SETTINGS, 0)


def test_no_network_looks_at_a_patient_it_learned_from():
    cases = [SimpleNamespace(id=name, patient=name[0]) for name in ("a0", "a1", "b0", "c1")]
    roles = Roles(("a0", "b0"), ("a1", "c1"), ())
    assert looked_at(cases, roles, Fold(0, ("a0",), (), ("b0",))) == ("c1",)
    assert looked_at(cases, roles, Fold(1, ("b0",), (), ("a0",))) == ("a1", "c1")


def test_what_another_network_found_or_is_damaged_is_not_taken(tmp_path):
    lesions = np.zeros((4, 4), np.int32)
    lesions[1, 1] = 1
    labels = np.array(lesions)
    labels[3, 3] = 2
    scored = ScoredSlice("a", SliceBlobs(labels, np.array([0.5, 0.25]), np.array([1, 1])), lesions, np.array([2.0]))
    store = SliceStore(tmp_path, "key")
    store.put("a", [scored.judged()])
    store.put_picture(Picture(scored, np.arange(80, dtype=np.int16).reshape(5, 4, 4), (1.0, 0.5)))
    (again,) = store.get("a")
    assert again.touches.tolist() == [[True], [False]]
    assert again.maxima.tolist() == [0.5, 0.25]
    picture = store.get_picture("a")
    assert np.array_equal(picture.scored.blobs.labels, labels)
    assert picture.pixel_mm == (1.0, 0.5)
    assert SliceStore(tmp_path, "other").get("a") is None
    assert SliceStore(tmp_path, "other").get_picture("a") is None
    (tmp_path / "a.npz").write_bytes((tmp_path / "a.npz").read_bytes()[:200])
    assert store.get_picture("a") is None
    (tmp_path / "a.json").write_text('{"key": "key", "slices": [{"maxima": [1.0], "areas": [], "touches": []}]}')
    assert store.get("a") is None
    assert store.get("b") is store.get_picture("b") is None


def test_dead_filters_are_grey_or_silent():
    network = PatchNetwork(PatchArchitecture((3, 2), (2, 2))).eval()
    with torch.no_grad():
        network.conv1.weight[1] *= 0.01  # grey
        network.conv1.weight[2] = -1.0  # grey, and silent: the sum of what it sees is not negative
        network.conv1.bias[:] = torch.tensor([0.0, 0.1, 0.0])
        network.conv2.weight[0] = 0.0  # silent
    stack = np.random.default_rng(0).random((5, 80, 90), dtype=np.float32)
    states = layer_states(network, [stack * 0.1, stack], torch.device("cpu"))
    assert states["first"].grey(0.25) == (False, True, True)
    assert states["first"].silent() == (False, False, True)
    assert states["second"].silent()[0]
    alone = layer_states(network, [stack], torch.device("cpu"))
    assert all(both >= one for both, one in zip(states["first"].greatest, alone["first"].greatest, strict=True))
    assert LayerState((0.0, 0.0), (1.0, 1.0)).grey(0.25) == (False, False)  # all alike


def test_the_paper_s_preset_is_the_paper_s():
    settings = preset_settings("paper")
    recipe = settings.recipe
    assert (settings.folds, settings.slices_without) == (10, 0)
    assert recipe.architecture == PatchArchitecture((16, 48), (512, 512), 0.5)
    assert (recipe.fit.optimizer, recipe.fit.batch, recipe.balance.every) == ("adam", 256, 500)
    assert recipe.selection.slices == "largest"
    assert recipe.sampling.background == {"anywhere": 1.0}
    assert not recipe.lungs_only
    assert recipe.variation.flip == 0.0
    assert settings.measured_slices.slices_without > 10_000


@pytest.mark.parametrize("preset", ["paper", "small", "smoke"])
def test_a_preset_that_is_shown_can_be_given_back(preset):
    settings = preset_settings(preset)
    assert changed(settings, json.loads(json.dumps(asdict(settings)))) == settings


@pytest.mark.parametrize(
    "wrong", [{"folds": 1}, {"validation_share": 1.0}, {"slices_without": -1}, {"grey_share": 0.0}]
)
def test_settings_that_make_no_sense_are_refused(wrong):
    with pytest.raises(UsageError, match=next(iter(wrong))):
        replace(SETTINGS, **wrong)


def test_too_few_phantoms_are_refused(tmp_path):
    with pytest.raises(UsageError, match="at least 4"):
        make_phantoms(tmp_path / "data", 3, "tiny", 0, Progress())
    with pytest.raises(UsageError, match="no protocol"):
        make_phantoms(tmp_path / "data", 4, "huge", 0, Progress())
    assert not (tmp_path / "data").exists()


def test_a_third_of_the_phantoms_has_no_active_lesion_and_half_of_the_others_are_the_subset(tmp_path, monkeypatch):
    """How phantoms are made and written is tested elsewhere; a real one takes a second."""
    made = []

    def write(anatomy, seed, count, form, output, _progress, overwrite, settings):
        assert (anatomy, form, overwrite) == ("pet-ct", "nrrd", True)
        made.extend((number, settings.lesions.active) for number in range(seed, seed + count))
        for number in range(seed, seed + count):
            write_case(output, f"p{number}", number, active=settings.lesions.active == "yes")
        return [output / f"p{number}" / "CT_image.nrrd" for number in range(seed, seed + count)]

    monkeypatch.setattr("LesionTrainingLib.cohorts.phantoms.writing.write_phantoms", write)
    folder = tmp_path / "data"
    make_phantoms(folder, 6, "tiny", 2, Progress())
    assert made == [(20_000 + n, "yes" if n < 4 else "no") for n in range(6)]
    cohort = open_cohort(f"folder:{folder}")
    assert len(cohort.cases) == 6
    assert all(case.labelled for case in cohort.cases)
    assert read_subset(cohort, "lungcx.txt") == ("p20000", "p20001")
    monkeypatch.setattr("LesionTrainingLib.cohorts.phantoms.writing.write_phantoms", lambda *_, **__: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        make_phantoms(tmp_path / "other", 6, "tiny", 2, Progress())
    assert not (tmp_path / "other").exists()
