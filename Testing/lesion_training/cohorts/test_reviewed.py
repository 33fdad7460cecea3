"""Reviewed scans as cases: what was decided comes back as it was, and nothing else does."""

from __future__ import annotations

import errno
import json
import os
from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.app.command_line import main
from LesionDetectionLib.core.detections import Detections, OperatingPoint
from LesionDetectionLib.core.errors import InputError, ModalityError, OutputError, UsageError
from LesionDetectionLib.core.finding import CLICKED, Finding, Findings, Status
from LesionDetectionLib.core.image import CT, HU, PET, SUV_BW, Image
from LesionDetectionLib.core.lesion import LESION, MASS, NODULE, Lesion, Mask
from LesionTrainingLib.cohorts.case import Truth
from LesionTrainingLib.cohorts.checking import check_case
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from LesionTrainingLib.cohorts.reviewed import write_reviewed_case
from LesionTrainingLib.cohorts.spec import open_cohort
from scipy.spatial.transform import Rotation

pytestmark = pytest.mark.usefixtures("phantoms_kept")

SHAPE = (10, 24, 20)
ACCEPTED, REJECTED = Status.ACCEPTED, Status.REJECTED
SERIES = {"SeriesInstanceUID": "1.2.3.4", "StudyInstanceUID": "1.2.3"}


def a_scan(modality=CT, unit=HU, name="Doe Jane", identifiers=None):
    """Oblique, so that nothing comes back right by luck."""
    matrix = np.eye(4)
    turn = Rotation.from_euler("xyz", (10, -20, 30), degrees=True).as_matrix()
    matrix[:3, :3] = turn @ np.diag([-1.0, -1.0, 1.0]) * (0.7, 0.8, 2.0)
    matrix[:3, 3] = 40.0, -30.0, -500.0
    voxels = np.random.default_rng(0).normal(-300, 400, SHAPE).astype(np.float32)
    return Image(voxels, matrix, modality, unit, name=name, identifiers=identifiers or {})


def a_finding(image, number, start, size, status, **facts):
    lesion_facts = {"score": 0.9 - number / 100, "meaning": NODULE, **facts.pop("lesion", {})}
    mask = Mask(np.random.default_rng(number).random(size[::-1]) < 0.8, start)
    lesion = Lesion(mask.centroid_ras_mm(image.geometry), 3.0 + number, mask=mask, **lesion_facts)
    return Finding(f"L{number}", lesion, status=status, **facts)


def reviewed(image, *items, threshold=0.0):
    point = OperatingPoint("balanced", threshold)
    run = Detections((), image.geometry, "m", "Doe Jane", image.modality, image.unit, operating_point=point)
    return Findings(run, items, threshold, len(items) + 1)


def five(image):
    """Two accepted that share voxels, one rejected, one undecided, and one below the threshold."""
    return reviewed(
        image,
        a_finding(image, 1, (2, 3, 1), (6, 5, 4), ACCEPTED, corrected=True, lesion={"meaning": MASS}),
        a_finding(image, 2, (5, 5, 2), (6, 5, 4), ACCEPTED, origin=CLICKED),
        a_finding(image, 3, (14, 16, 6), (3, 3, 2), REJECTED),
        a_finding(image, 4, (2, 18, 5), (3, 3, 2), Status.NEW),
        a_finding(image, 5, (10, 1, 7), (3, 3, 2), Status.NEW, lesion={"score": 0.1}),
        threshold=0.5,
    )


def only_case(folder, options=""):
    (case,) = open_cohort(f"reviewed:{folder}{options}").cases
    return case


def test_what_was_decided_comes_back(tmp_path):
    image = a_scan(identifiers=SERIES)
    findings = five(image)
    path = write_reviewed_case(tmp_path, image, findings, "0017")
    assert path == tmp_path / "0017"
    assert sorted(entry.name for entry in path.iterdir()) == [
        *("case.json", "image.nrrd", "labels-2.nrrd", "labels.nrrd"),
    ]
    case = only_case(tmp_path)
    assert (case.id, case.modalities, case.labelled, case.split) == ("0017", (CT,), True, "")
    (back,) = case.images().values()
    assert (back.modality, back.unit, back.name) == (CT, HU, "0017")
    assert np.array_equal(back.voxels, image.voxels)
    assert back.geometry.same_grid(image.geometry)
    truth = case.truth()
    assert [lesion.meaning for lesion in truth.lesions] == [MASS, NODULE]
    for lesion, item in zip(truth.lesions, findings.items, strict=False):
        assert lesion.score == 1.0
        assert lesion.diameter_mm == item.lesion.diameter_mm
        assert lesion.center_ras_mm == item.lesion.center_ras_mm
        assert np.array_equal(lesion.mask.full(SHAPE), item.lesion.mask.full(SHAPE))
    assert np.array_equal(truth.negatives_ras_mm, [findings.get("L3").lesion.center_ras_mm])
    assert [lesion.center_ras_mm for lesion in truth.excluded] == [findings.get("L4").lesion.center_ras_mm]
    assert check_case(case) == ("Findings that nobody decided on: 1.",)
    assert not only_case(tmp_path, "?undecided=ignored").truth().excluded
    assert set(case.sources()) == set(path.iterdir())


def test_no_name_and_no_uid_of_the_scan_is_written(tmp_path):
    image = a_scan(identifiers=SERIES)
    path = write_reviewed_case(tmp_path, image, five(image))
    for file in path.iterdir():
        content = file.read_bytes()
        assert b"Doe" not in content
        assert b"1.2.3" not in content
        assert b"Doe" not in file.name.encode()


def test_without_an_id_the_series_gives_one(tmp_path):
    thin, thick = (a_scan(identifiers={**SERIES, "SeriesInstanceUID": uid}) for uid in ("1.2.3.4", "1.2.3.5"))
    paths = [write_reviewed_case(tmp_path, image, five(image)) for image in (thin, thick)]
    cases = open_cohort(f"reviewed:{tmp_path}").cases
    assert len({case.id for case in cases}) == 2
    assert len({case.patient for case in cases}) == 1  # two series of one study stay together in a split
    assert all(case.id.isalnum() and len(case.id) == 12 for case in cases)
    with pytest.raises(OutputError, match="already holds"):
        write_reviewed_case(tmp_path, thin, five(thin))
    assert write_reviewed_case(tmp_path, thin, five(thin), overwrite=True) == paths[0]
    plain = a_scan()
    first = write_reviewed_case(tmp_path / "plain", plain, five(plain))
    other = plain.with_voxels(plain.voxels + 1)
    assert write_reviewed_case(tmp_path / "plain", other, five(other)) != first


def test_a_later_review_replaces_all_of_an_earlier_one(tmp_path):
    image = a_scan()
    write_reviewed_case(tmp_path, image, five(image), "a")
    alone = reviewed(image, five(image).items[0])
    path = write_reviewed_case(tmp_path, image, alone, "a", overwrite=True)
    assert not (path / "labels-2.nrrd").exists()
    assert len(only_case(tmp_path).truth().lesions) == 1
    nothing = reviewed(image, replace(five(image).items[0], status=REJECTED))
    path = write_reviewed_case(tmp_path, image, nothing, "a", overwrite=True)
    assert sorted(entry.name for entry in path.iterdir()) == ["case.json", "image.nrrd"]
    truth = only_case(tmp_path).truth()
    assert not truth.lesions
    assert len(truth.negatives_ras_mm) == 1


def test_pet_keeps_its_unit(tmp_path):
    image = a_scan(PET, SUV_BW)
    write_reviewed_case(tmp_path, image, five(image), "p")
    (back,) = only_case(tmp_path).images().values()
    assert (back.modality, back.unit) == (PET, SUV_BW)


def test_points_without_outlines_are_lesions_too(tmp_path):
    image = a_scan()
    center = tuple(map(float, image.geometry.ras_from_ijk((8, 9, 4))))
    point = Finding("L1", Lesion(center, 4.5, 0.7, meaning=LESION), status=ACCEPTED)
    write_reviewed_case(tmp_path, image, reviewed(image, point), "p")
    (lesion,) = only_case(tmp_path).truth().lesions
    assert (lesion.center_ras_mm, lesion.diameter_mm, lesion.mask) == (center, 4.5, None)


def test_a_rejected_second_mark_on_a_lesion_is_no_place_without_one(tmp_path):
    image = a_scan()
    lesion, other = five(image).items[0], five(image).items[2]
    twin = Finding("L8", replace(lesion.lesion, mask=None, score=0.3), status=REJECTED)
    write_reviewed_case(tmp_path, image, reviewed(image, lesion, twin, other), "p")
    truth = only_case(tmp_path).truth()
    assert np.array_equal(truth.negatives_ras_mm, [other.lesion.center_ras_mm])


def test_hundreds_of_lesions(tmp_path):
    image = a_scan()
    items = [a_finding(image, n, (n % 16, n % 20, n % 8), (3, 3, 2), ACCEPTED) for n in range(1, 301)]
    write_reviewed_case(tmp_path, image, reviewed(image, *items), "many")
    truth = only_case(tmp_path).truth()
    assert len(truth.lesions) == 300
    by_score = sorted(items, key=lambda item: -item.lesion.score)
    for lesion, item in zip(truth.lesions, by_score, strict=True):
        assert np.array_equal(lesion.mask.full(SHAPE), item.lesion.mask.full(SHAPE))


def test_what_makes_no_case_is_refused(tmp_path):
    image = a_scan()
    findings = five(image)
    for name in ("Doe Jane", "a/b", "..", ".hidden"):
        with pytest.raises(UsageError, match="cannot name a case"):
            write_reviewed_case(tmp_path, image, findings, name)
    untouched = reviewed(image, *(replace(item, status=Status.NEW) for item in findings.items))
    with pytest.raises(UsageError, match="Nothing was decided yet"):
        write_reviewed_case(tmp_path, image, untouched, "a")
    moved = np.array(image.ijk_to_ras)
    moved[0, 3] += 1
    with pytest.raises(UsageError, match="not of “Doe Jane”"):
        write_reviewed_case(tmp_path, Image(image.voxels, moved, CT, HU, name="Doe Jane"), findings, "a")
    unknown = Image(np.abs(image.voxels), image.ijk_to_ras)
    with pytest.raises(ModalityError, match="CT or PET"):
        write_reviewed_case(tmp_path, unknown, five(unknown), "a")
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_no_half_case(tmp_path, monkeypatch):
    image = a_scan()

    def full(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(json, "dumps", full)
    with pytest.raises(OutputError, match="disk is full"):
        write_reviewed_case(tmp_path, image, five(image), "a")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (lambda path: (path / "case.json").write_text("{"), "cannot be read"),
        (lambda path: (path / "case.json").write_text("{}"), "does not describe a reviewed case"),
        (lambda path: change(path, schema_version=2), "Update the program"),
        (lambda path: change(path, lesions=None), "lacks a part"),
        (lambda path: change(path, id="b"), "Was the folder renamed"),
        (lambda path: (path / "labels.nrrd").unlink(), "lacks labels.nrrd"),
        (lambda path: (path / "image.nrrd").unlink(), "lacks image.nrrd"),
    ],
)
def test_a_damaged_case_is_left_out_with_its_reason(tmp_path, damage, reason):
    image = a_scan()
    write_reviewed_case(tmp_path, image, five(image), "good")
    damage(write_reviewed_case(tmp_path, image, five(image), "bad"))
    cohort = open_cohort(f"reviewed:{tmp_path}")
    assert [case.id for case in cohort.cases] == ["good"]
    assert [left.case for left in cohort.left_out] == ["bad"]
    assert reason in cohort.left_out[0].reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lesions": [{"label": 1}]}, "is damaged"),
        ({"lesions": [{"label": 9, "labels": "labels.nrrd", "lesion": Lesion((0, 0, 0), 1, 1).to_json()}]}, "label 9"),
        ({"negatives": [{"lesion": {"center_ras_mm": "here"}}]}, "not as the schema says"),
    ],
)
def test_damaged_labels_are_told_when_they_are_read(tmp_path, changes, reason):
    image = a_scan()
    change(write_reviewed_case(tmp_path, image, five(image), "a"), **changes)
    with pytest.raises(InputError, match=reason):
        only_case(tmp_path).truth()


def change(path, **changes):
    content = json.loads((path / "case.json").read_text())
    (path / "case.json").write_text(json.dumps({**content, **changes}))


def test_what_is_no_folder_of_cases(tmp_path):
    with pytest.raises(InputError, match="no reviewed cases"):
        open_cohort(f"reviewed:{tmp_path}")
    with pytest.raises(InputError, match="There is no folder"):
        open_cohort(f"reviewed:{tmp_path / 'none'}")
    with pytest.raises(UsageError, match="undecided is excluded or ignored"):
        open_cohort(f"reviewed:{tmp_path}?undecided=maybe")


@pytest.fixture(scope="module")
def phantom_cases(kept_phantoms, tmp_path_factory):
    """Two phantoms, their nodules accepted and their mimics rejected."""
    folder, made = tmp_path_factory.mktemp("reviewed"), {}
    for seed in (1, 2):
        phantom = kept_phantoms.chest(seed, TINY)
        items = [Finding(f"L{n}", lesion, status=ACCEPTED) for n, lesion in enumerate(phantom.lesions, 1)]
        marks = [Lesion(mimic.center_ras_mm, mimic.diameter_mm, 0.5) for mimic in phantom.mimics]
        items += [Finding(f"L{n}", mark, status=REJECTED) for n, mark in enumerate(marks, len(items) + 1)]
        write_reviewed_case(folder, phantom.image, reviewed(phantom.image, *items), f"{seed:03d}")
        made[f"{seed:03d}"] = phantom
    return folder, made


def test_listing_and_checking_them(phantom_cases, capsys):
    folder, _ = phantom_cases
    assert main(["cohort", f"reviewed:{folder}", "--list", "--check", "-q"]) == 0
    told = capsys.readouterr().out
    assert "001" in told
    assert "002" in told
    assert (
        main(["cohort", f"reviewed:{folder}", "--split", "0.5,0.5,0", "--output", str(folder / "split.json"), "-q"])
        == 0
    )
    assert main(["cohort", "--kinds"]) == 0
    assert "reviewed" in capsys.readouterr().out


def test_reviewed_phantoms_are_phantoms(phantom_cases, tmp_path):
    folder, made = phantom_cases
    assert open_cohort(f"reviewed:{folder}").on_phantoms
    phantom = made["001"]
    patient = replace(phantom.image, identifiers={})
    item = Finding("L1", phantom.lesions[0], status=ACCEPTED)
    for image, name in ((phantom.image, "001"), (patient, "002")):
        write_reviewed_case(tmp_path, image, reviewed(image, item), name)
    assert not open_cohort(f"reviewed:{tmp_path}").on_phantoms, "one patient among them"


def test_training_makes_of_them_what_it_makes_of_the_phantoms_themselves(phantom_cases):
    from LesionDetectionLib.methods.nodule_ct.settings import NoduleSettings
    from LesionTrainingLib.learning.nodule_ct.scans import prepare_scan

    folder, made = phantom_cases
    for case in open_cohort(f"reviewed:{folder}").cases:
        phantom = made[case.id]
        (image,) = case.images().values()
        truth = case.truth()
        mimics = np.array([mimic.center_ras_mm for mimic in phantom.mimics]).reshape(-1, 3)
        settings = NoduleSettings(spacing_mm=(2.0, 2.0, 2.5))
        own = prepare_scan(phantom.image, Truth(phantom.lesions, negatives_ras_mm=mimics), settings, 0)
        back = prepare_scan(image, truth, settings, 0)
        assert np.array_equal(own.hu, back.hu)
        assert np.allclose(own.nodules_zyx, back.nodules_zyx, atol=1e-6)
        assert np.array_equal(own.diameters_mm, back.diameters_mm)
        assert {tuple(place) for place in back.pools["mimic"]} <= {tuple(place) for place in own.pools["mimic"]}
        assert len(back.pools["mimic"]) > 0


def test_they_are_a_plain_folder_of_scans_and_labels_too(phantom_cases):
    folder, made = phantom_cases
    cases = open_cohort(f"folder:{folder}?lesions=labels").cases
    assert [len(case.truth().lesions) for case in cases] == [len(phantom.lesions) for phantom in made.values()]
