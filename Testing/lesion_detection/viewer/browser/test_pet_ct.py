"""A PET/CT phantom, sent by the browser: several series, fusion, projections, uptake that is clicked on, a map over the image."""

from __future__ import annotations

import base64
import re
from dataclasses import replace

import numpy as np
import pytest
from browser_driver.looking import View, move, rows, wait_for
from LesionDetectionLib.io.files import write_image
from LesionTrainingLib.cohorts.phantoms import petct
from LesionTrainingLib.cohorts.phantoms.dicom_writing import write_series
from LesionTrainingLib.cohorts.phantoms.pet import make_pet
from LesionTrainingLib.cohorts.phantoms.phantom import protocol_of

pytestmark = pytest.mark.slow

SEED = 21
PET_SEED = 4
"""A whole body whose tumour the demonstration model finds."""
LIMIT_MB = 20
SMALL = replace(
    petct.TINY,
    ct=replace(petct.TINY.ct, shape_ijk=(76, 60, 40), spacing_mm=(4.6, 4.6, 6.5), vessel_tips=20),
    center_s_mm=-12.0,
    step_mm=12.0,
    pet=replace(petct.TINY.pet, shape_ijk=(56, 46, 36), spacing_mm=(6.5, 6.5, 7.0)),
    lesions=replace(petct.TINY.lesions, active="yes"),
)
_DROP = """({ name, data }) => {
    const bytes = Uint8Array.from(atob(data), letter => letter.charCodeAt(0));
    const transfer = new DataTransfer();
    transfer.items.add(new File([bytes], name));
    for (const type of ["dragenter", "dragover", "drop"])
        document.body.dispatchEvent(new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer }));
}"""


@pytest.fixture(scope="module")
def case(kept_phantoms):
    return kept_phantoms.petct(SEED, SMALL)


@pytest.fixture(scope="module")
def page(serve, visit):
    """The viewer with nothing in it."""
    page = visit(serve("--upload-limit", LIMIT_MB / 1000).link)
    page.wait_for_selector("#start")
    return page


@pytest.fixture(scope="module")
def pet_ct(page, case, tmp_path_factory):
    """The same after a folder with the DICOM files of both series was sent."""
    folder = tmp_path_factory.mktemp("dicom")
    for modality in case.images:
        write_series(case, modality, folder / modality)
    page.set_input_files("#open-folder", folder)
    page.wait_for_selector("#series-dialog")
    series = page.locator(".series-item").all_inner_texts()
    assert len(series) == len(case.images)
    page.click("#series-open")
    page.wait_for_selector("#start", state="detached")
    wait_for(page, lambda: page.locator(".view-note-place").count() == 3, "slices")
    return page


def drop(page, name, data):
    """Drop a file on the page."""
    page.evaluate(_DROP, {"name": name, "data": base64.b64encode(data).decode()})


def chosen(page, name):
    """What is chosen as CT or PET."""
    return page.locator(f"#{name}-select option:checked").inner_text()


def colorful(picture):
    """Share of the pixels that are no shade of grey."""
    return float((np.ptp(picture.astype(int), axis=-1) > 40).mean())


def height_of(view):
    """Where an axial slice is, mm to the head."""
    side, number, _unit = view.place().split()
    return float(number) if side == "S" else -float(number)


def value_at(image, ras_mm):
    i, j, k = np.rint(image.geometry.ijk_from_ras(ras_mm)).astype(int)
    return float(image.voxels[k, j, i])


# Files


def test_a_folder_with_two_series_is_opened_as_ct_and_pet(pet_ct):
    texts = [chosen(pet_ct, name) for name in ("ct", "pet")]
    assert not any(text.startswith("No ") for text in texts)
    assert len(set(texts)) == 2
    assert "SUV" in pet_ct.inner_text("#images-text")


@pytest.mark.parametrize("content", [b"", b"NRRD0004\ntype: short\ndimension: 3\n\n", bytes(range(256)) * 40])
def test_a_broken_file_gets_its_sentence_and_the_scan_stays(pet_ct, content):
    place, before = pet_ct.locator("#ct-select").input_value(), View(pet_ct, "Red").picture()
    drop(pet_ct, "broken.nrrd", content)
    pet_ct.wait_for_selector("#message.warning")
    said = pet_ct.inner_text("#message")
    assert "broken" in said
    assert "Traceback" not in said
    pet_ct.click(".message-close")
    pet_ct.wait_for_selector("#message", state="detached")
    assert pet_ct.locator("#ct-select").input_value() == place
    assert (
        np.abs(View(pet_ct, "Red").picture().astype(int) - before).mean() < 2
    )  # JPEG's; other images differ by far more


def test_too_much_is_refused_before_it_is_sent_and_the_page_lives_on(pet_ct, tmp_path, watched):
    huge = tmp_path / "huge.nrrd"
    with huge.open("wb") as file:
        file.truncate((LIMIT_MB + 1) * 10**6)
    pet_ct.set_input_files("#open-files", huge)
    pet_ct.wait_for_selector("#message.warning")
    assert f"at most {LIMIT_MB}.0 MB" in pet_ct.inner_text("#message")
    pet_ct.click(".message-close")
    assert "413" in "".join(watched.take())
    view = View(pet_ct, "Red")
    before = view.place()
    view.element.hover()
    pet_ct.mouse.wheel(0, -100)
    wait_for(pet_ct, lambda: view.place() != before, "the next slice")


# Both images


@pytest.mark.parametrize(("modality", "said_as"), [("PT", r"PET SUV\w* (\S+)"), ("CT", r"CT (\S+) HU")])
def test_the_values_under_the_mouse_are_those_of_the_arrays(pet_ct, case, modality, said_as):
    view, image = View(pet_ct, "Red"), case.images[modality]
    middle = case.lesions[0].center_ras_mm
    voxel = image.geometry.ras_from_ijk(np.rint(image.geometry.ijk_from_ras(middle)))
    height = view.go_to(middle[2])
    said = view.point(*view.pixel_of(voxel))
    number = float(re.search(said_as, said).group(1).replace("\N{MINUS SIGN}", "-"))
    assert number == pytest.approx(
        value_at(image, (*voxel[:2], height)), rel=0.01, abs=0.6 if modality == "CT" else 0.01
    )


def test_the_pet_is_laid_over_the_ct_in_colours(pet_ct):
    view, slider = View(pet_ct, "Red"), pet_ct.locator("#fusion")
    move(slider, 0)
    wait_for(pet_ct, lambda: colorful(view.picture()) == 0, "the CT alone")
    move(slider, 60)
    wait_for(pet_ct, lambda: colorful(view.picture()) > 0.002, "the PET over it")


@pytest.fixture
def projected(pet_ct):
    """The same with both projections."""
    pet_ct.click("#projections-button")
    pet_ct.wait_for_selector("#projections-button[aria-pressed=true]")
    yield pet_ct
    pet_ct.keyboard.press("Escape")
    pet_ct.click("#projections-button")
    pet_ct.wait_for_selector("#projections-button[aria-pressed=false]")


@pytest.mark.parametrize(("name", "along"), [("Green", 1), ("Yellow", 2)])
def test_projections_show_the_highest_uptake_of_the_whole_body(projected, case, name, along):
    pet, view = case.images["PT"], View(projected, name)
    highest = np.moveaxis(np.broadcast_to(pet.voxels.max(axis=along, keepdims=True), pet.shape_kji), 0, 0)

    def darker_where_there_is_more():
        places = view.places(0.0)
        kji = np.rint(pet.geometry.ijk_from_ras(places)).astype(int)[..., ::-1]
        kji[..., along] = 0
        there = ((kji >= 0) & (kji < pet.shape_kji)).all(axis=-1)
        seen = view.picture().mean(axis=-1)[there]
        return np.corrcoef(seen, highest[tuple(kji[there].T)])[0, 1] < -0.8

    wait_for(projected, darker_where_there_is_more, "the projection")


def test_a_click_on_a_projection_moves_the_finding_and_undo_takes_it_back(projected, case):
    view = View(projected, "Green")
    first, other = case.lesions[0].center_ras_mm, case.landmarks["liver"]
    projected.click("#click-button")
    projected.wait_for_selector("#click-button[aria-pressed=true]")
    projected.select_option("#pet-click", "focus")
    view.click_at(first)
    wait_for(projected, lambda: list(rows(projected)) == ["L1"], "a finding")
    axial = View(projected, "Red")
    wait_for(projected, lambda: abs(height_of(axial) - first[2]) < 10, "the slice through the first uptake")
    before = rows(projected)
    view.click_at(other)
    wait_for(projected, lambda: rows(projected) not in ({}, before), "other uptake")
    wait_for(projected, lambda: abs(height_of(axial) - other[2]) < 30, "the slice through the other uptake")
    assert list(rows(projected)) == ["L1"]
    projected.click("#undo-button")
    wait_for(projected, lambda: rows(projected) == before, "the finding where it was")


# Methods for PET


def test_active_lesions_are_found_and_their_suv_is_in_the_table(pet_ct, case):
    pet_ct.select_option("#method", "active-pet-ct")
    pet_ct.click("#detect-button")
    wait_for(pet_ct, lambda: "4.8" in str(rows(pet_ct)) or "4.9" in str(rows(pet_ct)), "the lesion with its SUV")


@pytest.fixture(scope="module")
def pet(pet_ct, tmp_path_factory):
    """The same with another PET, dropped as a file: a whole body."""
    image = make_pet(PET_SEED, protocol_of("pet", "tiny", PET_SEED)).image
    path = tmp_path_factory.mktemp("dropped") / "dropped.nrrd"
    write_image(image, path)
    drop(pet_ct, path.name, path.read_bytes())
    wait_for(pet_ct, lambda: "dropped" in chosen(pet_ct, "pet"), "the new scan")
    return pet_ct


def test_a_file_that_is_dropped_is_opened_beside_what_is_there(pet):
    assert chosen(pet, "ct").startswith("No ")  # not of the same patient
    for name, count in (("ct", 1), ("pet", 2)):
        assert len(pet.locator(f"#{name}-select option").all_inner_texts()) > count


def test_a_map_is_laid_over_the_image(pet):
    before = pet.locator("#result-select option").count()
    pet.select_option("#method", "pet-weak")
    pet.click("#detect-button")
    wait_for(pet, lambda: pet.locator("#result-select option").count() > before, "a result")
    move(pet.locator("#fusion"), 100)
    pet.click("#findings tr[data-id]")
    pet.click("#go-to-button")
    view = View(pet, "Red")
    wait_for(pet, lambda: 0 < colorful(view.picture()) < 0.01, "the PET with an outline")
    without = colorful(view.picture())
    pet.select_option("#map-select", label="Tumour map")
    wait_for(pet, lambda: colorful(view.picture()) > 2 * without, "the map over it")
    pet.select_option("#map-select", label="No map")
    wait_for(pet, lambda: colorful(view.picture()) < 1.2 * without, "the PET with an outline again")
