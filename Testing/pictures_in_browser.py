"""What ``make_pictures.py`` takes in a browser: the viewer at work, and reports as they are read."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from LesionDetectionLib.core.detections import Detections
from PIL import Image

COLORS = 255
SIZE = {"width": 1360, "height": 850}
TALL = {"width": 1360, "height": 1250}
PAPER = {"width": 900, "height": 1180}
WIDE_PAPER = {"width": 1048, "height": 1200}
PATIENCE_MS = 900_000
CHEST_SEED = 424242
PET_CT_SEED = 424255
"""As Slicer's Sample Data has them: no model of ours learned from them, nor was one measured on them."""
COHORT = "phantoms:chest?seeds=9005-9008"
"""Of those that the demonstration model was measured on."""


@contextmanager
def a_page(link: str, size: dict[str, int] = SIZE) -> Iterator[Any]:
    """A page in Chromium, of this size."""
    from browser_driver.running import chromium, chromium_path

    with chromium(chromium_path()) as browser:
        page = browser.new_page(viewport=size)
        page.set_default_timeout(PATIENCE_MS)
        page.goto(link)
        yield page


@contextmanager
def a_viewer(*arguments: object) -> Iterator[Any]:
    """The viewer, started with these, when its slices are there."""
    from browser_driver.running import served

    with tempfile.TemporaryDirectory() as folder:
        viewer = served(Path(folder), *arguments)
        try:
            with a_page(viewer.link) as page:
                if arguments:
                    page.wait_for_selector("#detect-button:not([disabled])")
                yield page
        finally:
            viewer.stop()


def keep(page: Any, path: Path, element: str = "") -> None:
    """Take the page as it is, when all views have their good picture, and keep it small."""
    page.mouse.move(2, 2)
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(2500)
    (page.locator(element) if element else page).screenshot(path=path)
    make_small(path)


def keep_from_to(page: Any, path: Path, first: str, last: str, margin: int = 20) -> None:
    """Take what lies from the top of one element to the end of another, however high that is, and keep it small."""
    start, end = (page.locator(one).first.bounding_box() for one in (first, last))
    top = start["y"] - margin
    height = end["y"] + end["height"] + margin - top
    page.screenshot(
        path=path, full_page=True, clip={"x": 0, "y": top, "width": page.viewport_size["width"], "height": height}
    )
    make_small(path)


def make_small(path: Path) -> None:
    picture = Image.open(path).convert("RGB")
    picture.quantize(COLORS, Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(path, optimize=True)
    print(f"{path.name}: {picture.width} x {picture.height}, {path.stat().st_size / 1000:.0f} kB", flush=True)


def viewer(output: Path) -> None:
    """The sample chest, searched and partly decided on; its largest nodule within the lung as a click measures it."""
    from browser_driver.looking import View, rows, wait_for

    with _phantom("chest", CHEST_SEED) as (scan,), a_viewer(scan) as page:
        truth = Detections.load(scan.with_suffix(".truth.json")).lesions
        nodule = max((one for one in truth if one.note.startswith("solid")), key=lambda one: one.diameter_mm)
        detect(page)
        for key in "nanannrn":
            page.keyboard.press(key)
            page.wait_for_timeout(500)
        page.check("#rejected-shown")
        page.locator("#findings th button").nth(2).click()
        view = View(page, "Red")
        view.go_to(nodule.center_ras_mm[2])
        view.click_at(nodule.center_ras_mm)
        page.wait_for_timeout(1000)
        page.click("#delete-button")
        page.wait_for_timeout(1000)
        before = set(rows(page))
        page.click("#click-button")
        view.click_at(nodule.center_ras_mm)
        wait_for(page, lambda: set(rows(page)) - before, "the measured lesion")
        page.keyboard.press("Escape")
        page.click("#go-to-button")
        page.wait_for_timeout(1000)
        zoom(page, view, 4)
        page.evaluate("document.querySelector('#section-findings').scrollIntoView()")
        keep(page, output / "viewer.png")


def pet_ct(output: Path) -> None:
    """The sample PET/CT searched by SUV: its PET over the CT, and both projections beside the axial slice."""
    with _phantom("pet-ct", PET_CT_SEED) as (ct, pet), a_viewer(ct, pet) as page:
        page.select_option("#method", "active-pet-ct")
        detect(page)
        page.keyboard.press("n")
        page.click("#fit-button")
        page.evaluate("document.querySelector('#section-findings').scrollIntoView()")
        keep(page, output / "viewer-pet-ct.png")
        page.click("#projections-button")
        page.wait_for_timeout(2000)
        page.keyboard.press("g")
        keep(page, output / "viewer-projections.png", "#views")


def training(output: Path) -> None:
    """A cohort checked, a small run with its curves, and what the demonstration model is worth."""
    with a_viewer() as page:
        page.set_viewport_size(TALL)
        page.click("#training-tab")
        pick(page, "training-method", "anywhere in the body")
        page.click("#training-options")
        page.fill("#training-option-seeds", "0-5")
        page.click("#training-check")
        page.wait_for_selector("#training-summary")
        page.click("#training-options")
        page.fill("#training-name", "My first model")
        page.click("#training-start")
        page.wait_for_selector("#training-state:has-text('Finished')")
        pick(page, "training-model", "universal-ct-phantom")  # one of minutes finds nothing worth showing
        page.wait_for_selector("#training-froc svg")
        keep(page, output / "viewer-training.png")


def report(output: Path) -> None:
    """The report of the chest that ``make demo`` makes: its first page."""
    from LesionDetectionLib.app import command_line

    with _phantom("chest", CHEST_SEED, "default") as (scan,), tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "results"
        assert command_line.main(["detect", str(scan), "--method", "nodule-ct", "--quiet", "-o", str(written)]) == 0
        with a_page((written / "report.html").as_uri(), PAPER) as page:
            keep(page, output / "report.png")


def cohort(output: Path) -> None:
    """From the report of a cohort on which the demonstration model was judged: what an operating point finds and misses, the
    cases, and the largest lesion that it missed."""
    from LesionDetectionLib.app import command_line
    from LesionDetectionLib.core.resources import demonstration_model

    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / "judged"
        model = str(demonstration_model("nodule-ct-phantom"))
        judged = ["evaluate", "--model", model, "--cohort", COHORT, "--operating-point", "balanced", "-o", str(written)]
        assert command_line.main(judged) == 0
        with a_page((written / "index.html").as_uri(), WIDE_PAPER) as page:
            keep_from_to(page, output / "cohort-report.png", "h2:text('At the operating point')", "#M1")


def detect(page: Any) -> None:
    """Press Detect and wait for the findings."""
    page.click("#detect-button")
    page.wait_for_selector("#findings tr[data-id]")
    page.wait_for_selector("#detect-progress", state="detached")


def zoom(page: Any, view: Any, notches: int) -> None:
    """Come closer to the middle of a view."""
    box = view.box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.keyboard.down("Control")
    for _ in range(notches):
        page.mouse.wheel(0, -100)
    page.keyboard.up("Control")


def pick(page: Any, name: str, text: str) -> None:
    """Choose the item with this text of one of the training page's lists."""
    page.locator(f".v-select:has(#{name})").click()
    page.locator(".v-overlay--active .v-list-item", has_text=text).first.click()


@contextmanager
def _phantom(anatomy: str, seed: int, protocol: str = "fast") -> Iterator[tuple[Path, ...]]:
    """Its images as files, the CT first."""
    from LesionTrainingLib.cohorts.phantoms.writing import write_phantoms

    with tempfile.TemporaryDirectory() as folder:
        write_phantoms(anatomy, seed, 1, "nrrd", Path(folder) / "made", protocol_name=protocol)
        files = sorted((Path(folder) / "made").rglob("*.nrrd"))
        yield tuple(file for file in files if not file.stem.endswith((".truth", "_mask")))


SUBJECTS: dict[str, Callable[[Path], None]] = {
    "viewer": viewer,
    "viewer-pet-ct": pet_ct,
    "viewer-training": training,
    "report": report,
    "cohort": cohort,
}
