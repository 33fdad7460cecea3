"""Patches are taken where they claim: lesion pixels, and kinds of background, each as likely as it should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from high_uptake_samples import SPACING_KJI, made_slices
from LesionDetectionLib.core.errors import InputError
from LesionTrainingLib.learning.engine.randomness import stream
from LesionTrainingLib.learning.high_uptake_ct.places import LESION, PlaceSampler
from LesionTrainingLib.learning.high_uptake_ct.settings import BACKGROUND, SamplingSettings
from LesionTrainingLib.learning.high_uptake_ct.slices import UNKNOWN


@pytest.fixture(scope="module")
def cases():
    odd = made_slices(2, shape=(48, 70))  # another shape: places must not be mixed up
    odd.labels[0, :3] = UNKNOWN
    return [made_slices(1), odd, made_slices(3, active=0)]


def labels_at(cases, places):
    each = zip(places.cases, places.slices, places.rows, places.columns, strict=True)
    return np.array([cases[case].labels[n, row, column] for case, n, row, column in each])


def only(kind, **more):
    return SamplingSettings(background={kind: 1.0}, **more)


def test_each_class_is_drawn_where_it_is(cases):
    sampler = PlaceSampler(cases, SamplingSettings())
    classes = stream(1).integers(2, size=4000)
    places = sampler.draw(classes, stream(2))
    assert np.array_equal(places.labels, classes)
    found = labels_at(cases, places)
    assert (found[classes == LESION] > 0).all()
    assert (found[classes != LESION] == 0).all()
    assert set(places.cases[classes == LESION]) == {0, 1}
    assert set(places.cases[classes != LESION]) == {0, 1, 2}


def test_anywhere_is_every_pixel_that_is_background_as_likely(cases):
    sampler = PlaceSampler(cases, SamplingSettings())
    everywhere = sampler._at(sampler._not_blocked(np.arange(sampler.background_count)), np.zeros(1))
    table = [everywhere.cases, everywhere.slices, everywhere.rows, everywhere.columns]
    assert len(np.unique(np.stack(table), axis=1).T) == sampler.background_count
    assert (labels_at(cases, everywhere) == 0).all()
    assert sampler.background_count == sum(int((one.labels == 0).sum()) for one in cases)
    assert sampler.lesion_count == sum(int((one.labels > 0).sum()) for one in cases)


def test_the_kinds_of_background_are_what_they_are_called(cases):
    sampling = SamplingSettings(background=dict.fromkeys(BACKGROUND, 1.0), clear_mm=2.0, rim_mm=5.0, inactive_mm=8.0)
    sampler = PlaceSampler(cases, sampling)
    for kind in BACKGROUND:
        places = sampler.background(400, stream(5, kind), kind)
        assert not places.labels.any()
        for case, n, row, column in zip(places.cases, places.slices, places.rows, places.columns, strict=True):
            one = cases[case]
            assert one.labels[n, row, column] == 0
            lesion = np.argwhere(one.labels[n] > 0)
            away = np.hypot(*(lesion - (row, column)).T).min() if len(lesion) else np.inf
            assert away > sampling.clear_mm
            if kind in ("hull", "dense", "vessel"):
                assert one.search(n)[row, column]
            if kind in ("dense", "inactive"):
                assert one.stack(n)[2, row, column] > sampling.dense_hu
            if kind == "rim":
                assert away <= sampling.rim_mm
            if kind == "inactive":
                at = np.array([one.slices[n], row, column])
                assert np.linalg.norm((one.inactive_kji - at) * SPACING_KJI, axis=1).min() <= sampling.inactive_mm


def test_a_vessel_is_what_a_square_does_not_fit_into():
    one = made_slices(5, active=1, inactive=0)
    one.hu[:] = -850
    one.labels[:] = 0
    one.labels[:, 50:54, 50:54] = 1
    one.hu[:, 20:35, 10:25] = 40  # a body
    one.hu[:, 20:23, 40:60] = 40  # a vessel
    sampler = PlaceSampler([one], only("vessel", body_mm=9.0, around_mm=2.0))
    places = sampler.background(3000, stream(0))
    found = np.zeros(one.shape_ji, dtype=bool)
    found[places.rows, places.columns] = True
    assert found[20:23, 40:60].all()
    assert found.sum() < 1.1 * (7 * 24)
    assert (np.argwhere(found) >= (18, 38)).all()
    assert (np.argwhere(found) <= (24, 61)).all()


def test_weights_decide_how_often_a_kind_comes(cases):
    sampler = PlaceSampler(cases, SamplingSettings(background={"inactive": 3.0, "anywhere": 1.0}, inactive_mm=5.0))
    places = sampler.background(2000, stream(0))
    near = 0
    for case, n, row, column in zip(places.cases, places.slices, places.rows, places.columns, strict=True):
        at = np.array([cases[case].slices[n], row, column])
        near += np.linalg.norm((cases[case].inactive_kji - at) * SPACING_KJI, axis=1).min() <= 5
    # 3/4, and of anywhere the share that a disc of 5 mm has of a slice, or less.
    assert near / 2000 == pytest.approx(0.75 + 0.25 * np.pi * 25 / (64 * 80), abs=0.04)


def test_by_lesion_each_lesion_is_as_likely_whatever_its_size(cases):
    small = made_slices(7, active=2)
    small.labels[:] = 0
    small.labels[:, 10:12, 10:12] = 1
    small.labels[:, 30:60, 30:60] = 2
    for share, expected in ((1.0, 0.5), (0.0, 4 / 904)):
        sampler = PlaceSampler([small], replace(SamplingSettings(), by_lesion=share))
        places = sampler.draw(np.ones(4000, dtype=int), stream(4))
        assert np.mean(labels_at([small], places) == 1) == pytest.approx(expected, abs=0.03)


def test_all_lesions_are_all_or_a_part(cases):
    sampler = PlaceSampler(cases, SamplingSettings())
    every = sampler.all_lesions(0, stream(0))
    assert len(every) == sampler.lesion_count
    assert (labels_at(cases, every) > 0).all()
    some = sampler.all_lesions(50, stream(0))
    assert len(some) == 50
    assert len({*zip(some.cases, some.slices, some.rows, some.columns, strict=True)}) == 50


def test_a_kind_without_places_leaves_its_weight_to_the_others(cases):
    none = [made_slices(1, inactive=0)]
    sampler = PlaceSampler(none, SamplingSettings(background={"inactive": 5.0, "hull": 1.0}))
    places = sampler.background(20, stream(0))
    assert all(none[0].search(n)[y, x] for n, y, x in zip(places.slices, places.rows, places.columns, strict=True))
    with pytest.raises(InputError, match="inactive"):
        PlaceSampler(none, only("inactive")).background(1, stream(0))


def test_without_active_lesions_there_is_nothing_to_learn():
    with pytest.raises(InputError, match="nothing to learn"):
        PlaceSampler([made_slices(1, active=0)], SamplingSettings())
    with pytest.raises(InputError, match="nothing to learn"):
        PlaceSampler([], SamplingSettings())
