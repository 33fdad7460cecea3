"""A chest phantom in the browser: found, drawn, decided on, measured by a click, handed on."""

from __future__ import annotations

import csv
import dataclasses
import math
import time

import numpy as np
import pytest
from browser_driver.looking import View, inside, like, move, rows, saved, shown_place, wait_for
from browser_driver.reading_back import scene_of, segments_of
from LesionDetectionLib.io.display import lesion_color
from LesionDetectionLib.io.files import read_image, write_image
from LesionTrainingLib.cohorts.phantoms.chest_settings import TINY
from read_pdf import Pdf
from scipy.ndimage import binary_fill_holes

pytestmark = pytest.mark.slow

SEED = 515151
"""As in the tests of ``lesion detect``, so that it is made once."""
AWAY_MM = -40.0
BELOW_ALL_MM = -130.0
_ANSWERED = "() => window.trame.client.getConnection().getSession().call('lesion.view.events', ['Red', []])"
"""Calls are answered in their order: when this one is, the others were."""


@pytest.fixture(scope="module")
def chest(kept_phantoms, tmp_path_factory):
    """(the lower half of a right lung, its nodules, its file)"""
    case = kept_phantoms.chest(SEED, dataclasses.replace(TINY, nodules=(8, 8), diameter_mm=(6.0, 25.0), mimics=(2, 3)))
    nk, nj, ni = case.image.shape_kji
    part = case.image.crop((0, 0, 0), (ni // 2, nj, nk // 2))
    nodules = [nodule for nodule in case.lesions if part.geometry.contains_ras(nodule.center_ras_mm)]
    path = tmp_path_factory.mktemp("chest") / "chest.nrrd"
    write_image(part, path)
    return case.image.geometry, nodules, path


@pytest.fixture(scope="module")
def page(serve, visit, chest):
    """The viewer with this scan."""
    page = visit(serve(chest[-1]).link)
    page.wait_for_selector("#detect-button:not([disabled])")
    wait_for(page, lambda: page.locator(".view-note-place").count() == 3, "slices")
    return page


@pytest.fixture(scope="module")
def found(page):
    """The same after a search."""
    page.click("#detect-button")
    page.wait_for_selector("#findings tr[data-id]")
    page.wait_for_selector("#detect-progress", state="detached")
    return page


@pytest.fixture(scope="module")
def nodule_of(found, chest):
    """The nodule that each finding's middle is in, by the finding's name: each another one."""
    _geometry, nodules, _path = chest
    known = {}
    for name in rows(found):
        View(found, "Red").go_to(BELOW_ALL_MM)  # what is shown next is where the finding is, and not where we were
        choose(found, name)
        found.click("#go-to-button")
        left = [nodule for nodule in nodules if nodule not in known.values()]
        known[name] = wait_for(
            found, lambda left=left: nodule_at(left, shown_place(found)), f"the slices through {name}"
        )
    return known


def choose(page, name):
    page.click(f"#findings tr[data-id={name}]")
    page.wait_for_selector(f"#findings tr.current[data-id={name}]")


def go_to(page, name, nodule):
    """Show a finding; its nodule is in the middle of the slices when this returns."""
    choose(page, name)
    page.click("#go-to-button")
    wait_for(page, lambda: nodule_at([nodule], shown_place(page)), f"the slices through {name}")


def nodule_at(nodules, point):
    """The nodule that a place is in; None for none."""
    return next((one for one in nodules if math.dist(one.center_ras_mm, point) < one.diameter_mm / 2), None)


def frames_a_second(page, view):
    """While the wheel turns, down to the last slice and up again."""
    page.evaluate("() => { window.trame.utils.lesions.frames.Red.times.length = 0; }")
    for notch in (100, -100):
        for _ in range(40):
            page.mouse.wheel(0, notch)
    times = page.evaluate("() => window.trame.utils.lesions.frames.Red.times")
    return 1000 * (len(times) - 1) / max(times[-1] - times[0], 1) if times else 0


def crosshair(view):
    """Where it is in the view, pixels from its upper left corner."""
    down, across = (view.element.locator(f".view-line-{name}").bounding_box() for name in ("down", "across"))
    return down["x"] - view.box["x"], across["y"] - view.box["y"]


def outlined(view, name):
    """[height, width] what the outline of a finding goes around in the view."""
    return binary_fill_holes(like(view.picture(), lesion_color(int(name[1:]))))


def dice(one, other):
    return 2 * (one & other).sum() / max(one.sum() + other.sum(), 1)


def sees(view, name):
    return outlined(view, name).any()


# What is to be seen


def test_the_scan_is_shown_in_three_planes_and_its_values_under_the_mouse(page, chest):
    _geometry, nodules, _path = chest
    nodule = max(nodules, key=lambda one: one.diameter_mm)
    view = View(page, "Red")
    view.go_to(nodule.center_ras_mm[2])
    said = view.point(*view.pixel_of(nodule.center_ras_mm))
    assert "CT" in said
    assert "HU" in said
    sides = [page.locator(f"[data-view={name}] .view-side").all_inner_texts() for name in ("Red", "Green", "Yellow")]
    assert sides == [["R", "L", "A", "P"], ["R", "L", "S", "I"], ["A", "P", "S", "I"]]
    assert len({View(page, name).picture().std() for name in ("Red", "Green", "Yellow")}) == 3


def test_what_was_under_the_mouse_is_not_said_after_it_left(page):
    view = View(page, "Red")
    page.mouse.move(5, 5)
    place = {"clientX": view.box["x"] + 50, "clientY": view.box["y"] + 50, "bubbles": True}
    view.element.dispatch_event("pointermove", place)
    view.element.dispatch_event("pointerleave", place)
    page.evaluate(_ANSWERED)
    assert page.inner_text("#under-cursor") == ""


def test_the_wheel_goes_through_the_slices(page, record_property):
    view = View(page, "Red")
    before = view.place()
    view.element.hover()
    page.mouse.wheel(0, -100)
    wait_for(page, lambda: view.place() != before, "the next slice")
    page.mouse.wheel(0, 100)
    wait_for(page, lambda: view.place() == before, "the slice before")
    seconds = page.evaluate("() => window.trame.utils.lesions.first") / 1000
    record_property("measured", f"viewer, first view of a tiny scan: {seconds:.1f} s after the page was asked for")
    record_property("measured", f"viewer, scrolling: {frames_a_second(page, view):.0f} frames a second")


def test_a_click_goes_to_a_place_and_measures_nothing_while_the_mode_is_off(page, chest):
    nodule = chest[1][0]
    view = View(page, "Red")
    view.go_to(nodule.center_ras_mm[2])
    wanted = view.pixel_of(nodule.center_ras_mm)
    view.click_at(nodule.center_ras_mm)
    wait_for(page, lambda: math.dist(crosshair(view), wanted) < 2, "the crosshair")
    assert rows(page) == {}
    assert page.is_visible("#findings-empty")


# Finding


def test_the_box_to_search_in_is_dragged_by_its_edges(page):
    view = View(page, "Red")
    page.select_option("#region", "INSIDE")
    view.element.click()
    half = view.box["width"] / 2, view.box["height"] / 2
    wait_for(page, lambda: math.dist(crosshair(view), half) < 2, "the crosshair in the middle")
    page.click("#box-here")
    edge, middle = (view.element.locator(f"[data-handle={name}]") for name in ("right", "middle"))
    center = view.box["x"] + view.box["width"] / 2
    wait_for(page, lambda: middle.count() and abs(middle.bounding_box()["x"] + 5 - center) < 2, "the box around it")
    before, size = edge.bounding_box(), page.inner_text("#box-text")
    page.mouse.move(before["x"] + 5, before["y"] + 5)
    page.mouse.down()
    page.mouse.move(before["x"] - 35, before["y"] + 25)
    page.mouse.up()
    wait_for(page, lambda: abs(edge.bounding_box()["x"] - before["x"] + 40) < 2, "the edge where it was dragged to")
    assert edge.bounding_box()["y"] == pytest.approx(before["y"], abs=1)
    assert page.inner_text("#box-text") != size
    page.select_option("#region", "WHOLE")
    edge.wait_for(state="detached")


def test_a_search_that_is_cancelled_adds_nothing(page):
    page.click("#detect-button")
    page.wait_for_selector("#detect-progress")
    page.click("#detect-button")
    page.wait_for_selector("#detect-progress", state="detached")
    assert "ancel" in page.inner_text("#detect-text")
    assert rows(page) == {}
    assert page.is_visible("#findings-empty")


def test_what_is_found_is_what_was_drawn(found, chest, nodule_of):
    assert len(nodule_of) == len(chest[1])
    for name, (_number, _score, diameter_mm, *_others) in rows(found).items():
        assert float(diameter_mm) == pytest.approx(nodule_of[name].diameter_mm, rel=0.35)


def test_a_contour_goes_around_the_nodule_in_its_slices_and_is_in_no_other(found, chest, nodule_of):
    view, nodule = View(found, "Red"), nodule_of["L1"]
    go_to(found, "L1", nodule)
    height = shown_place(found)[2]
    truth = inside(nodule.mask, chest[0], view.places(height))
    wait_for(found, lambda: dice(outlined(view, "L1"), truth) > 0.7, "the contour around the nodule")
    view.go_to(height + AWAY_MM)
    wait_for(found, lambda: not sees(view, "L1"), "slices without the contour")


# How many, and decisions


def test_the_slider_shows_fewer_and_more_at_once_in_table_and_views(found, nodule_of):
    view, slider, before = View(found, "Red"), found.locator("#operating-slider"), rows(found)
    go_to(found, "L3", nodule_of["L3"])
    wait_for(found, lambda: sees(view, "L3"), "the contour")
    text, place = found.inner_text("#operating-text"), slider.input_value()
    move(slider, 0)
    wait_for(found, lambda: "L3" not in rows(found), "fewer findings")
    assert set(rows(found)) < set(before)
    wait_for(found, lambda: not sees(view, "L3"), "the view without it")
    assert found.inner_text("#operating-text") != text
    move(slider, 1000)
    wait_for(found, lambda: set(rows(found)) > set(before), "more findings")
    move(slider, place)
    wait_for(found, lambda: rows(found) == before, "as many as before")
    wait_for(found, lambda: sees(view, "L3"), "the contour again")


def test_a_rejected_finding_is_gone_from_views_and_table_until_it_is_undone(found, nodule_of):
    view = View(found, "Red")
    go_to(found, "L2", nodule_of["L2"])
    wait_for(found, lambda: sees(view, "L2"), "the contour")
    found.click("#reject-button")
    wait_for(found, lambda: "L2" not in rows(found), "the table without it")
    wait_for(found, lambda: not sees(view, "L2"), "the view without it")
    found.check("#rejected-shown")
    found.wait_for_selector("#findings tr.rejected[data-id=L2]")
    assert not sees(view, "L2")
    found.uncheck("#rejected-shown")
    found.click("#undo-button")
    wait_for(found, lambda: "L2" in rows(found), "the row")
    wait_for(found, lambda: sees(view, "L2"), "the contour again")
    assert not found.locator("#findings tr.rejected").count()


def test_keys_go_through_the_findings_accept_and_undo(found):
    names = list(rows(found))
    choose(found, names[0])
    found.keyboard.press("n")
    found.wait_for_selector(f"#findings tr.current[data-id={names[1]}]")
    found.keyboard.press("a")
    found.wait_for_selector(f"#findings tr.accepted[data-id={names[1]}]")
    found.keyboard.press("p")
    found.wait_for_selector(f"#findings tr.current[data-id={names[0]}]")
    found.keyboard.press("p")
    found.wait_for_selector(f"#findings tr.current[data-id={names[-1]}]")
    found.keyboard.press("Control+z")
    found.wait_for_selector("#findings tr.accepted", state="detached")
    found.keyboard.press("Control+y")
    found.wait_for_selector(f"#findings tr.accepted[data-id={names[1]}]")
    found.keyboard.press("Control+z")
    found.wait_for_selector("#findings tr.accepted", state="detached")


def test_a_finding_is_called_something_else_and_that_is_undone(found):
    choose(found, "L1")
    before = rows(found)["L1"][-1]
    other = found.locator("#relabel option").nth(2).inner_text()
    assert other != before
    found.select_option("#relabel", label=other)
    wait_for(found, lambda: rows(found)["L1"][-1] == other, "the other kind")
    found.click("#undo-button")
    wait_for(found, lambda: rows(found)["L1"][-1] == before, "the kind before")


# A click


def test_a_click_on_a_nodule_measures_it(found, chest, nodule_of, record_property):
    view, nodule = View(found, "Red"), nodule_of["L1"]
    go_to(found, "L1", nodule_of["L1"])
    found.click("#delete-button")
    wait_for(found, lambda: "L1" not in rows(found), "the table without it")
    before = set(rows(found))
    height = view.go_to(nodule.center_ras_mm[2])
    truth = inside(nodule.mask, chest[0], view.places(height))
    found.click("#click-button")
    view.click_at(nodule.center_ras_mm)
    since = time.monotonic()
    (new,) = wait_for(found, lambda: set(rows(found)) - before, "a new finding")
    wait_for(found, lambda: dice(outlined(view, new), truth) > 0.75, "its contour around the nodule")
    record_property("measured", f"viewer, click to contour: {time.monotonic() - since:.1f} s")
    assert float(rows(found)[new][2]) == pytest.approx(nodule.diameter_mm, rel=0.2)
    found.keyboard.press("Escape")
    for _ in range(2):
        found.click("#undo-button")
    wait_for(found, lambda: set(rows(found)) == {*before, "L1"}, "what was there before")


def test_two_drawn_diameters_outline_it(found, chest, nodule_of):
    view, nodule, before = View(found, "Red"), nodule_of["L1"], rows(found)
    r, a, s = nodule.center_ras_mm
    half, height = nodule.diameter_mm / 2, view.go_to(s)
    truth = inside(nodule.mask, chest[0], view.places(height))
    ends = ((r - half, a, s), (r + half, a, s), (r, a - half, s), (r, a + half, s))
    pixels, box = [view.pixel_of(end) for end in ends], view.box
    found.click("#diameters-button")
    found.wait_for_selector("#diameters-button[aria-pressed=true]")
    for (x, y), press in zip(pixels, 2 * (found.mouse.down, found.mouse.up), strict=True):
        found.mouse.move(box["x"] + x, box["y"] + y)
        press()
    (new,) = wait_for(found, lambda: set(rows(found)) - set(before), "a new finding")
    wait_for(found, lambda: dice(outlined(view, new), truth) > 0.7, "its contour around the nodule")
    found.keyboard.press("Escape")
    found.click("#undo-button")
    wait_for(found, lambda: rows(found) == before, "what was there before")


# What is handed on


@pytest.fixture(scope="module")
def exports(found):
    """The same with its downloads unfolded."""
    found.click("#section-download summary")
    found.wait_for_selector("#download-report")
    return found


@pytest.fixture(scope="module")
def scene_file(exports, tmp_path_factory):
    return saved(exports, "#download-scene", tmp_path_factory.mktemp("scene"))


def test_the_table_is_downloaded_with_what_the_page_shows(exports, tmp_path):
    path = saved(exports, "#download-csv", tmp_path)
    with path.open(newline="", encoding="utf-8") as file:
        lines = list(csv.DictReader(file))
    shown = rows(exports)
    assert {line["id"] for line in lines} == set(shown)
    for line in lines:
        _number, score, diameter_mm, *_others, kind = shown[line["id"]]
        assert (f"{float(line['score']):.2f}", f"{float(line['diameter_mm']):.1f}") == (score, diameter_mm)
        assert line["meaning"] == kind


def test_scene_and_segmentation_have_the_findings_as_they_are(exports, scene_file, chest, nodule_of, tmp_path):
    geometry, _nodules, path = chest
    scan = read_image(path)
    segments = segments_of(saved(exports, "#download-seg", tmp_path))
    voxels, in_scene, _names = scene_of(scene_file, tmp_path / "scene")
    assert set(segments) == set(rows(exports))
    assert np.array_equal(voxels, scan.voxels)
    for name, segment in segments.items():
        assert np.array_equal(segment, in_scene[name])
        truth = nodule_of[name].mask.full(geometry.shape_kji)[tuple(map(slice, scan.shape_kji))]
        assert dice(segment, truth) > 0.4  # one grows into the diaphragm


def test_a_report_is_one_page_that_asks_nobody_for_anything_and_a_pdf(exports, visit, tmp_path):
    page = visit(saved(exports, "#download-report", tmp_path).as_uri())
    pictures = page.locator("img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(pictures) >= len(rows(exports))
    assert min(pictures) > 50
    pdf = Pdf(saved(exports, "#download-pdf", tmp_path))
    assert pdf.images >= len(rows(exports))
    for text in (page.inner_text("body"), pdf.text):
        assert "Not a medical device" in text or "not a medical device" in text
        for name in rows(exports):
            assert name in text


def test_a_scene_that_was_downloaded_is_opened_again_with_its_findings(exports, scene_file):
    before = rows(exports)
    exports.click("#close-button")
    exports.click("#question-yes")
    exports.wait_for_selector("#start")
    assert rows(exports) == {}
    exports.set_input_files("#open-files", scene_file)
    wait_for(exports, lambda: rows(exports) == before, "the findings")
    wait_for(exports, lambda: View(exports, "Red").picture().std() > 5, "the scan")
