"""Which slices are learned from, and what is true in them, in the pixels that the network sees."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from LesionDetectionLib.core.errors import InputError
from LesionDetectionLib.core.image import CT
from LesionDetectionLib.core.lesion import Lesion
from LesionDetectionLib.core.progress import Progress
from LesionDetectionLib.imaging.geometry import to_axial
from LesionDetectionLib.methods.slices.preprocessing import network_input, planes_at
from LesionTrainingLib.cohorts.caching import Cache
from LesionTrainingLib.cohorts.case import Truth
from LesionTrainingLib.learning.sampling.spread import evenly
from LesionTrainingLib.learning.slices.choosing import Known, choose_slices
from LesionTrainingLib.learning.slices.judged import in_network
from LesionTrainingLib.learning.slices.sections import Section
from LesionTrainingLib.learning.slices.settings import SelectionSettings
from LesionTrainingLib.learning.slices.slices import SLICES, Wanted, prepare_slices, slices_from
from slice_cases import SHAPE, EmptyCase, MadeSettings, drawn_lesion, image_of, made_case, mask_lesion

SETTINGS = MadeSettings()


def wanted(size_px=64, **selection):
    settings = replace(SETTINGS, size_px=size_px, selection=SelectionSettings(**selection))
    return Wanted.of(settings.method(), settings.selection)


def section(pixels):
    return Section(np.array([0.0, 0, pixels, 1]), True, (np.ones((1, pixels), dtype=bool), (0, 0)), float(pixels))


def cut(k0, k1, y, x, size=10):
    mask = np.zeros(SHAPE, dtype=bool)
    mask[k0:k1, y : y + size, x : x + size] = True
    return mask


def test_the_largest_section_of_each_lesion_comes_first():
    lesions = [{1: section(4), 2: section(9), 3: section(9)}, {7: section(5)}, {}]
    known = Known(lesions, [{0: section(3)}], 12, True, lookalikes=[2, 9, 10])
    assert choose_slices(known, SelectionSettings()) == [2, 7]
    assert choose_slices(known, SelectionSettings(slices_with=1)) == [2, 3, 7]
    assert choose_slices(known, SelectionSettings(slices_with=9)) == [1, 2, 3, 7]
    assert choose_slices(known, SelectionSettings(slices_with=9, least_section_px=5)) == [2, 3, 7]
    # What looks like a lesion first, in slices that cut none and nothing that is left out.
    assert choose_slices(known, SelectionSettings(slices_without=2)) == [2, 7, 9, 10]
    assert choose_slices(known, SelectionSettings(slices_without=3)) == [2, 6, 7, 9, 10]


def test_where_only_diameters_are_known_other_slices_are_not_taken():
    known = Known([{2: section(4)}], [], 12, False)
    assert choose_slices(known, SelectionSettings(slices_with=5, slices_without=5)) == [2]


def test_items_are_spread_evenly():
    assert evenly([1, 2, 3], 5) == [1, 2, 3]
    assert evenly(range(10), 2) == [2, 7]
    assert evenly(range(10), 0) == []


def test_a_lesion_with_an_outline():
    case = made_case(3)
    found = prepare_slices(case.images()[CT], case.truth(), wanted(slices_with=5, slices_without=1), "a")
    axial = to_axial(case.images()[CT])
    rows, columns = np.nonzero(case.mask[1])
    edges = [columns.min() - 5, rows.min() - 5, columns.max() + 6, rows.max() + 6]
    assert len(found) == 4
    assert found.owners.tolist() == [int(name.split()[1]) - (0 if 0 in _levels(found) else 1) for name in _with(found)]
    for n, name in enumerate(found.names):
        k = int(name.split()[1])
        assert np.array_equal(found.masks[n], case.mask[k].astype(np.int8))
        seen, _ = network_input(planes_at(axial, k, 2.0), SETTINGS.method())
        assert np.allclose(in_network(found.planes[n], SETTINGS.window_hu), seen, atol=6e-4)  # half a HU
        if 1 <= k < 4:
            assert found.boxes[found.lesions(n)] == pytest.approx(np.clip([edges], 0, 64))
        else:
            assert not len(found.lesions(n))
    assert found.kinds == ("square",) * 3
    assert found.grid_mm.tolist() == [1.0, 2.0]


def _levels(found):
    return [int(name.split()[1]) for name in found.names]


def _with(found):
    return [name for name in found.names if 1 <= int(name.split()[1]) < 4]


def test_a_lesion_with_diameters():
    truth = Truth((drawn_lesion(k=2, box=(15, 23, 39, 41)),))
    found = prepare_slices(image_of(), truth, wanted(mask_way="ellipse", slices_with=3, slices_without=3), "a")
    assert found.names == ("a",)
    assert found.boxes == pytest.approx(np.array([[15, 23, 40, 42]]))  # DeepLesion's box has its margin already
    assert found.kinds == ("lung",)
    rows, columns = np.nonzero(found.masks[0])
    assert (columns.min(), columns.max(), rows.min(), rows.max()) == (20, 34, 28, 36)


def test_a_sphere_has_a_box_and_no_mask():
    center = tuple(image_of().geometry.ras_from_ijk((30, 20, 3)))
    found = prepare_slices(image_of(), Truth((Lesion(center, 10.0, 1.0),)), wanted(), "a")
    assert found.boxes == pytest.approx(np.array([[20.5, 10.5, 40.5, 30.5]]))
    assert set(np.unique(found.masks)) == {-1, 0}
    assert (found.masks[0] == -1).sum() == 21 * 21
    assert found.kinds == ()


def test_what_is_left_out_is_neither():
    lesion, other = mask_lesion(cut(1, 4, 8, 8)), mask_lesion(cut(0, 5, 40, 40))
    found = prepare_slices(image_of(), Truth((lesion,), (other,)), wanted(), "a")
    assert found.counted.tolist() == [False, True]
    assert found.boxes[found.neither(0)] == pytest.approx(np.array([[35, 35, 55, 55]]))
    assert (found.masks[0] == -1).sum() == 100
    assert (found.masks[0] == 1).sum() == 100


def test_a_section_of_a_pixel_or_two_is_neither():
    mask = cut(1, 3, 8, 8)
    mask[3, 12, 12] = True
    found = prepare_slices(image_of(), Truth((mask_lesion(mask),)), wanted(slices_with=5), "a")
    assert len(found) == 2
    two = Truth((mask_lesion(mask), mask_lesion(cut(3, 4, 40, 40))))
    found = prepare_slices(image_of(), two, wanted(), "a")
    last = len(found) - 1
    assert (len(found.lesions(last)), len(found.neither(last))) == (1, 1)
    assert found.masks[last, 12, 12] == -1


def test_pixels_are_those_of_the_input():
    case = made_case(5)
    half = prepare_slices(case.images()[CT], case.truth(), wanted(), "a")
    full = prepare_slices(case.images()[CT], case.truth(), wanted(128), "a")
    assert full.planes.shape == (1, 3, 128, 128)
    margin = np.array([5, 5, -5, -5])
    inner = (half.boxes > 0) & (half.boxes < 64)
    assert (full.boxes + margin)[inner] == pytest.approx(2 * (half.boxes + margin)[inner])
    assert (full.masks == 1).sum() == pytest.approx(4 * (half.masks == 1).sum(), rel=0.1)
    assert full.grid_mm.tolist() == [0.5, 2.0]


def test_without_a_lesion_there_may_be_slices_all_the_same():
    case = made_case(1, EmptyCase)
    found = prepare_slices(case.images()[CT], case.truth(), wanted(slices_without=2), "a")
    assert len(found) == 2
    assert not len(found.boxes)
    with pytest.raises(InputError, match="no slice to learn from"):
        prepare_slices(case.images()[CT], case.truth(), wanted(), "a")


def test_slices_come_back_from_the_cache(tmp_path):
    case = made_case(3)
    entry = Cache(tmp_path).get(case, wanted(), SLICES, Progress())
    found, made = slices_from(entry), prepare_slices(case.images()[CT], case.truth(), wanted(), case.id)
    for name in ("planes", "masks", "boxes", "owners", "counted", "diameters_mm", "grid_mm"):
        assert np.array_equal(getattr(found, name), getattr(made, name)), name
    assert (found.name, found.names, found.kinds) == (made.name, made.names, made.kinds)
    assert found.identity == entry.key != made.identity
