"""Phantoms for studies of the liver: what is in view, haematomas, what looks like a lesion."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from LesionDetectionLib.core.errors import UsageError
from LesionTrainingLib.cohorts.phantoms import body, body_protocols
from LesionTrainingLib.cohorts.phantoms.body_anatomy import build_anatomy, draw_body_patient, enhanced
from LesionTrainingLib.cohorts.phantoms.body_kinds import HAEMATOMAS, KINDS, draw_look, kinds_of
from LesionTrainingLib.cohorts.phantoms.body_liver_mimics import soft_patch
from LesionTrainingLib.cohorts.phantoms.body_settings import ABDOMEN_TINY, LIVER, LIVER_TINY, BodySettings
from LesionTrainingLib.cohorts.phantoms.body_shapes import draw_lens
from LesionTrainingLib.cohorts.phantoms.fields import Grid, centred

HEALTHY_SEED = 24
"""Of a patient that the protocol ``abdomen`` gives no lesion."""
SUBCAPSULAR = HAEMATOMAS[1]


@pytest.fixture(scope="module")
def a_healthy_abdomen():
    return body.make_body(HEALTHY_SEED, ABDOMEN_TINY)


def test_a_slab_has_liver_lesions_only_and_things_that_look_like_them():
    case = body.make_body(3, LIVER_TINY)
    assert set(case.kinds) == {"liver"}
    mask = case.lesions[0].mask
    assert 0 < mask.start_ijk[2] + int(mask.voxels.sum(axis=(1, 2)).argmax()) < case.image.shape_kji[0] - 1
    assert {"focal-fat", "kidney-cyst"} <= {mimic.kind for mimic in case.mimics}
    assert "subcapsular liver haematoma" in " ".join(lesion.note for lesion in case.lesions)


def test_an_abdomen_reaches_from_above_the_dome_to_below_the_kidneys(a_healthy_abdomen):
    image = a_healthy_abdomen.image
    patient = draw_body_patient(HEALTHY_SEED, ABDOMEN_TINY)
    low, high = (float(image.geometry.ras_from_ijk((0, 0, k))[2]) for k in (0, image.shape_kji[0] - 1))
    assert max(patient.dome_mm) < high < max(patient.dome_mm) + 25
    kidneys = [a_healthy_abdomen.landmarks[f"{side} kidney"][2] for side in ("left", "right")]
    assert low < min(kidneys) - 50
    assert np.diff(kidneys) != 0
    assert {"liver", "spleen"} <= set(a_healthy_abdomen.landmarks)
    assert "bladder" not in a_healthy_abdomen.landmarks


def test_some_patients_have_no_lesion(a_healthy_abdomen):
    assert (a_healthy_abdomen.lesions, a_healthy_abdomen.kinds) == ((), ())


def test_abdomens_differ_in_spacing():
    drawn = [body_protocols.protocol("abdomen", seed) for seed in range(100)]
    assert {one.spacing_mm for one in drawn} == {2.5, 3.0, 5.0}
    assert all(one.slices == 0 and one.columns == 512 for one in drawn)
    slabs = [body_protocols.protocol("liver", seed) for seed in range(100)]
    assert {one.spacing_mm for one in slabs} == {1.0, 2.0, 2.5, 5.0}


def test_haematomas_are_drawn_for_studies_of_the_liver_only():
    patient = draw_body_patient(0, LIVER)
    assert not set(HAEMATOMAS) & set(kinds_of("liver", patient))
    assert set(HAEMATOMAS) <= set(kinds_of("liver", patient, liver_study=True))
    assert not set(HAEMATOMAS) & set(KINDS)
    assert not set(HAEMATOMAS) & set(kinds_of("lung", patient, liver_study=True))


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from(HAEMATOMAS), st.floats(10, 90))
def test_blood_takes_up_no_contrast_medium(seed, kind, diameter):
    """It is darker than every liver that does, and blood where there is none."""
    patient = draw_body_patient(seed, LIVER)
    look = draw_look(kind, patient, diameter, np.random.default_rng(seed))
    assert 28 <= look.hu <= 80
    if enhanced(patient):
        assert look.hu < patient.liver_hu
        assert patient.blood_hu > patient.liver_hu + 15
    else:
        assert look.hu > patient.blood_hu


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**31), st.tuples(*[st.floats(-1, 1)] * 3).filter(lambda n: np.linalg.norm(n) > 0.1))
def test_a_lens_is_flat_across_its_normal(seed, direction):
    normal = np.array(direction) / np.linalg.norm(direction)
    lens = draw_lens(SUBCAPSULAR, normal, np.random.default_rng(seed))
    np.testing.assert_allclose(lens.axes @ lens.axes.T, np.diag(np.diag(lens.axes @ lens.axes.T)), atol=1e-9)
    halves = 1 / np.linalg.norm(lens.axes, axis=1)
    assert np.abs(lens.axes[2] @ normal) * halves[2] == pytest.approx(1)
    low, high = SUBCAPSULAR.flat
    assert low - 1e-9 <= halves[0] / halves[2] <= high + 1e-9
    assert halves[1] > 1.5 * halves[2]


@pytest.fixture(scope="module")
def a_block():
    """A scene that is liver right of the middle, and one slice of it vessel."""
    grid = Grid(centred((40, 40, 10), np.array((2.0, 2.0, 4.0)), np.zeros(3)), 4.0)
    liver = np.broadcast_to(-grid.coarse[0], grid.coarse_shape).astype(np.float32)
    vessels = np.zeros((10, 40, 40), np.uint8)
    vessels[3] = 255
    return lambda: SimpleNamespace(
        grid=grid,
        volume=np.full((10, 40, 40), 100, np.float32),
        vessels=vessels,
        fields=SimpleNamespace(body=SimpleNamespace(liver=liver)),
    )


def test_a_patch_lies_in_the_liver_between_its_vessels(a_block):
    scene = a_block()
    assert soft_patch(scene, np.array((12.0, 0, 2)), np.array((10.0, 12, 14)), np.eye(3), -20.0)
    changed = scene.volume != 100
    r = np.broadcast_to(scene.grid.axes[0], scene.volume.shape)
    assert changed[r > 0].any()
    assert not changed[r < -2].any()
    assert not changed[3].any()
    i, j, k = np.rint(scene.grid.geometry.ijk_from_ras((12.0, 0, 2))).astype(int)
    assert scene.volume[k, j, i] == pytest.approx(80, abs=0.5)
    assert scene.volume.min() >= 80 - 1e-3
    assert np.abs(np.diff(scene.volume[k, j])).max() < 15, "a patch has no edge"


def test_a_patch_out_of_view_is_none(a_block):
    scene = a_block()
    for center in ((12.0, 0, 200), (-30.0, 0, 0)):
        assert not soft_patch(scene, np.array(center), np.full(3, 8.0), np.eye(3), -20.0)
    assert np.all(scene.volume == 100)


def test_the_gall_bladder_lies_at_the_livers_face():
    """Neither apart from the liver nor within it, where it would be taken for a cyst."""
    patient = draw_body_patient(0, ABDOMEN_TINY)
    middle = patient.dome_mm[0] - 110 * patient.size
    grid = Grid(centred((60, 60, 16), np.array((6.0, 6.0, 6.0)), np.array((0, 0, middle))), 6.0)
    shapes = build_anatomy(grid, 0, patient, ABDOMEN_TINY).whole.body
    (bag,) = (organ.field for organ in shapes.organs if organ.name == "gall bladder")
    beside = (bag > 1) & (bag < 6)
    assert 0.15 < float((shapes.liver[beside] < 0).mean()) < 0.8


@pytest.mark.parametrize(("changes", "words"), [({"view": "head"}, "abdomen"), ({"without": 1.5}, "0 to 1")])
def test_settings_that_make_no_sense_are_refused(changes, words):
    with pytest.raises(UsageError, match=words):
        BodySettings(**changes)
