"""Lesions that have a box only are outlined by click to measure, and outlines that do not fill their box are told from others."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.lesion import Mask
from LesionDetectionLib.imaging.click import GUESSED
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices import outlining
from LesionDetectionLib.methods.slices.lesions import Found, lesion_of
from LesionDetectionLib.methods.slices.outlining import BY_SIDES, NOT_OUTLINED, clicked

MARGIN = 5.0


@pytest.fixture(scope="module")
def scan(make_body):
    return make_body()


def around(scan, center_ras, diameter_mm, grid=None):
    """A ball's box as a network gives it."""
    grid = grid or scan.geometry
    center = grid.ijk_from_ras(center_ras)
    half, k = diameter_mm / 2 / 1.5 + MARGIN, round(float(center[2]))
    box = np.array([*(center[:2] + 0.5 - half), *(center[:2] + 0.5 + half)])
    return Found(0.7, 0.7, box, k - 4, k + 4, 0, ())


def outlined(scan, found):
    grid = to_axial(scan).geometry
    plain = lesion_of(scan, grid, found, None, MARGIN)
    return plain, clicked(scan, grid, found, plain, MARGIN, "By click.")


def test_without_an_outline_a_lesion_is_that_of_a_click(scan):
    plain, lesion = outlined(scan, around(scan, (20.0, 8.0, 10.0), 16.0))
    assert (plain.mask, plain.recist, plain.note) == (None, None, "")
    assert plain.diameter_mm == pytest.approx(16.0)
    assert lesion.note.startswith("By click.")
    assert BY_SIDES not in lesion.note
    assert lesion.diameter_mm == lesion.recist.long_mm == pytest.approx(16.0, abs=2.0)
    assert lesion.measurements["equivalent_diameter_mm"] == pytest.approx(16.0, abs=2.0)
    assert (lesion.score, lesion.box_ras_mm, lesion.center_ras_mm) == (0.7, plain.box_ras_mm, plain.center_ras_mm)


def test_where_nothing_stands_out_a_lesion_is_its_box(scan):
    plain, alone = outlined(scan, Found(0.7, 0.7, np.array([2.0, 2, 14, 14]), 3, 5, 0, ()))
    assert (alone.mask, alone.note) == (None, NOT_OUTLINED)
    assert (alone.diameter_mm, alone.box_ras_mm) == (plain.diameter_mm, plain.box_ras_mm)


@pytest.mark.parametrize("turned", [False, True])
def test_an_outline_that_leaves_its_box_is_bound_to_the_box_s_sides(make_body, turned):
    """A ball in a bar of nearly its value, which runs on in both directions: alone the outline follows the bar."""
    body = make_body([(0.0, 0.0, 0.0, 16.0, 60.0)], shape=(16, 60, 60), spacing=(1.5, 1.5, 2.0), fat=110.0)
    voxels = np.array(body.voxels)
    voxels[4:12, 27:33] = np.minimum(voxels[4:12, 27:33], 70)
    scan = body.with_voxels(voxels)
    if turned:
        matrix = scan.ijk_to_ras[:, [0, 2, 1, 3]]
        scan = dataclasses.replace(scan, voxels=np.ascontiguousarray(voxels.transpose(1, 0, 2)), ijk_to_ras=matrix)
    plain, lesion = outlined(scan, around(scan, (0.0, 0.0, 0.0), 16.0, to_axial(scan).geometry))
    assert lesion.mask is not None
    assert lesion.diameter_mm < 1.6 * plain.diameter_mm


def an_outline(lesion, scan, start, size):
    return dataclasses.replace(lesion, mask=Mask(np.ones(size[::-1], dtype=bool), start), note="")


@pytest.mark.parametrize(
    ("first", "second", "told"),
    [
        ("fits", None, "By click."),
        ("leaks", "fits", f"By click. {BY_SIDES}"),
        ("core", "fits", f"By click. {BY_SIDES}"),
        (None, "fits", f"By click. {BY_SIDES}"),
        ("leaks", "leaks", NOT_OUTLINED),
        ("leaks", None, NOT_OUTLINED),
        (None, "guess", NOT_OUTLINED),
    ],
)
def test_of_two_outlines_the_first_that_fills_the_box(scan, monkeypatch, first, second, told):
    found = Found(0.7, 0.7, np.array([15.0, 15, 35, 35]), 8, 10, 0, ())  # 10 pixels without its margin
    plain = lesion_of(scan, scan.geometry, found, None, MARGIN)
    some = {
        "fits": an_outline(plain, scan, (21, 20, 8), (9, 10, 3)),
        "leaks": an_outline(plain, scan, (10, 10, 8), (30, 28, 3)),
        "core": an_outline(plain, scan, (23, 23, 8), (4, 5, 3)),
        "guess": dataclasses.replace(an_outline(plain, scan, (20, 20, 8), (10, 10, 3)), note=f"So. {GUESSED}"),
        None: None,
    }

    def with_sides(image, seed, settings, progress, border_ras_mm):
        sides = scan.geometry.ijk_from_ras(border_ras_mm)
        expected = [
            (19.5, 24.5, 9),
            (29.5, 24.5, 9),
            (24.5, 19.5, 9),
            (24.5, 29.5, 9),
            (24.5, 24.5, 7.5),
            (24.5, 24.5, 10.5),
        ]
        np.testing.assert_allclose(sides, expected, atol=1e-9)
        if some[second] is None:
            raise InputError("Nothing stands out.")
        return some[second]

    monkeypatch.setattr(outlining, "measure_candidate", lambda *_: some[first])
    monkeypatch.setattr(outlining, "measure_at", with_sides)
    lesion = clicked(scan, scan.geometry, found, plain, MARGIN, "By click.")
    assert lesion.note == told
    assert (lesion.mask is None) == (told == NOT_OUTLINED)
    assert (lesion.score, lesion.box_ras_mm, lesion.method) == (0.7, plain.box_ras_mm, plain.method)


def test_a_box_smaller_than_its_margin_has_a_middle():
    tiny = Found(1, 1, np.array([10.0, 10, 14, 30]), 3, 3, 0, ())
    np.testing.assert_array_equal(tiny.inner_box(5.0), (11.5, 15, 12.5, 25))
