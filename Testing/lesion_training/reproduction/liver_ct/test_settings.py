"""Rows, presets, and which images are of the liver."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import pytest
from LesionDetectionLib.core.errors import InputError, UsageError
from LesionDetectionLib.methods.liver_ct.architecture import VGG, VGG_FRONT
from LesionDetectionLib.methods.plain_values import changed
from LesionTrainingLib.cohorts.spec import open_cohort
from LesionTrainingLib.reproduction.liver_ct.choosing import choose_livers
from LesionTrainingLib.reproduction.liver_ct.rows import ALL_ROWS, BASELINE_ROW, FRONT_ROWS, REGION_ROW, chosen_rows
from LesionTrainingLib.reproduction.liver_ct.settings import preset_settings

SMOKE = preset_settings("smoke")


@pytest.mark.parametrize(
    ("wanted", "front_ends", "numbers"),
    [((), False, [0, 1, 2]), ((), True, [0, 1, 2, 3, 4, 5]), ((2, 0, 2), False, [0, 2]), ((5,), True, [5])],
)
def test_rows_are_those_asked_for(wanted, front_ends, numbers):
    assert [row.number for row in chosen_rows(wanted, front_ends=front_ends)] == numbers


def test_rows_of_a_setting_are_told():
    with pytest.raises(UsageError, match=r"no row 3 here.*“front_ends: true” adds rows 3 to 5"):
        chosen_rows((3,), front_ends=False)


def test_the_paper_s_preset_is_the_paper_s():
    settings = preset_settings("paper")
    told = {row.name: settings.recipe_of(row) for row in ALL_ROWS}
    assert {
        name: (one.epochs, one.fit.batch, one.fit.learning_rate) for name, one in told.items() if "-" not in name
    } == {
        "baseline": (150, 8, 0.003),
        "vgg": (70, 1, 1e-4),
    }
    assert told["faster-rcnn"].epochs == 150
    assert told["faster-rcnn"].architecture.sizes == (16, 24, 32, 48, 96)
    assert told["vgg"].architecture.dropout == 0.05
    for row in FRONT_ROWS:
        network = told[row.name].architecture
        assert (network.detector, network.front_block) == (VGG_FRONT, row.front_block)
        assert replace(told[row.name], architecture=settings.vgg.architecture) == settings.vgg


def test_weights_to_begin_with_are_asked_for():
    settings = preset_settings("paper")
    with pytest.raises(UsageError, match="“initial_weights” under “vgg” and “initial_weights” under “faster_rcnn”"):
        settings.refuse_unfit()
    named = replace(settings, vgg=replace(settings.vgg, initial_weights="vgg.safetensors"))
    with pytest.raises(UsageError, match="as “initial_weights” under “faster_rcnn” in"):
        named.refuse_unfit()
    replace(settings, imagenet=False).refuse_unfit()
    SMOKE.refuse_unfit()


@pytest.mark.parametrize("preset", ["paper", "small", "smoke"])
def test_a_preset_that_is_shown_can_be_given_back(preset):
    settings = preset_settings(preset)
    assert changed(settings, json.loads(json.dumps(asdict(settings)))) == settings


def test_settings_that_make_no_sense_are_refused():
    with pytest.raises(UsageError, match=r"“baseline\.architecture\.detector” must be “baseline”, not “vgg”"):
        replace(SMOKE, baseline=SMOKE.vgg)
    with pytest.raises(UsageError, match="“threshold” must be from 0 to 1"):
        replace(SMOKE, threshold=1.5)
    with pytest.raises(UsageError, match="“training_images” must be 0 or more"):
        replace(SMOKE, training_images=-1)
    assert SMOKE.recipe_of(BASELINE_ROW).architecture.single_box
    assert not SMOKE.recipe_of(REGION_ROW).architecture.single_box
    assert SMOKE.recipe_of(ALL_ROWS[1]).architecture.detector == VGG


def test_all_images_are_used_where_all_are_of_the_liver(tiny_livers):
    cohort = open_cohort(f"deeplesion:{tiny_livers}")
    assert choose_livers(cohort, SMOKE) is cohort


def test_without_a_list_other_lesions_are_refused(tiny_deeplesion):
    with pytest.raises(UsageError, match="name a list of the training images"):
        choose_livers(open_cohort(f"deeplesion:{tiny_deeplesion}"), SMOKE)


def test_a_list_tells_which_images_to_learn_from(tiny_livers, tmp_path):
    cohort, names = open_cohort(f"deeplesion:{tiny_livers}"), tmp_path / "livers.txt"
    learned = {case.id for case in cohort.cases[1:3]}
    names.write_text("".join(f"{one}.png\n" for one in learned))
    found = choose_livers(cohort, replace(SMOKE, images_list=str(names)))
    assert {case.id for case in found.cases if case.split == "training"} == learned
    assert {case.id for case in found.cases} - learned == {case.id for case in cohort.cases if case.split != "training"}


def test_of_images_that_are_not_listed_liver_lesions_alone_count(tiny_deeplesion, tmp_path):
    cohort, names = open_cohort(f"deeplesion:{tiny_deeplesion}"), tmp_path / "livers.txt"
    names.write_text(f"{cohort.cases[0].id}\n")
    found = choose_livers(cohort, replace(SMOKE, images_list=str(names)))
    assert {case.split for case in found.cases} == {"training", "validation", "test"}
    for case in found.cases:
        assert [one.measurements["coarse_lesion_type"] for one in case.truth().lesions] == [4]
        assert [one.measurements["coarse_lesion_type"] for one in case.truth().excluded] == [5]


def test_a_list_that_is_not_there_is_told(tiny_livers, tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        choose_livers(open_cohort(f"deeplesion:{tiny_livers}"), replace(SMOKE, images_list=str(tmp_path / "none.txt")))
