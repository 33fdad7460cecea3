"""What the tests do with a page: wait, look at views, point into them, read the table, download."""

from __future__ import annotations

import base64
import io
import re
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image as Picture

PATIENCE_S = 120
_NOTHING = "() => document.getElementById('under-cursor').textContent === ''"
_PLACE = re.compile(r"([RL]) ([\d.]+) ([AP]) ([\d.]+) ([SI]) ([\d.]+) mm")
_AXES = {"Red": (0, 1), "Green": (0, 2), "Yellow": (1, 2)}
"""Of RAS, those along a view's rows and columns."""
_PICTURE = """element => {
    const canvas = element.querySelector("canvas");
    return canvas.width ? canvas.toDataURL("image/png") : "";
}"""


def wait_for(page, condition, what):
    """Until ``condition()`` is true, looked at after each turn of the page; what it gave."""
    until = time.monotonic() + PATIENCE_S
    while True:
        found = condition()
        if found:
            return found
        assert time.monotonic() < until, f"{what}: never came"
        page.evaluate("() => new Promise(done => setTimeout(done, 50))")


@dataclass
class View:
    """A slice view: ``View(page, "Red")`` is the axial one."""

    page: object
    name: str

    @property
    def element(self):
        return self.page.locator(f"[data-view={self.name}]")

    @property
    def box(self):
        """Of the picture, in the page: x, y, width, height."""
        return self.element.locator("canvas").bounding_box()

    def picture(self):
        """[height, width, 3] what is drawn, without what the page writes over it; pixels are those of the page."""
        data, box = self.element.evaluate(_PICTURE), self.box
        picture = Picture.open(io.BytesIO(base64.b64decode(data.partition(",")[2]))).convert("RGB")
        # While a view moves, it may be drawn with fewer pixels than it has in the page.
        return np.asarray(picture.resize((round(box["width"]), round(box["height"])), Picture.Resampling.NEAREST))

    def place(self):
        """Where the slice is, as the view says it."""
        return self.element.locator(".view-note-place").inner_text()

    def go_to(self, offset_mm):
        """Move the slider there, and wait for the slice, which is the nearest that there is; where it lies."""
        move(self.element.locator(".slice-slider"), offset_mm)
        # What is done in a view is answered in its order: the place under the mouse is one of the new slice.
        axis = ({0, 1, 2} - set(_AXES[self.name])).pop()
        depth = place_in(self.point(20, 30))[axis]
        side = "RAS"[axis] if depth >= 0 else "LPI"[axis]
        wait_for(self.page, lambda: self.place() == f"{side} {abs(depth):.1f} mm", f"the slice at {depth}")
        return depth

    def point(self, x, y):
        """Hold the mouse over a pixel of the view; what the page says of it."""
        box = self.box
        self.page.mouse.move(5, 5)
        self.page.wait_for_function(_NOTHING)
        self.page.mouse.move(box["x"] + x, box["y"] + y)
        return wait_for(self.page, lambda: self.page.inner_text("#under-cursor"), "what is under the mouse")

    def scale(self):
        """(of R, A and S those along rows and columns; their values at the pixel (0, 0); their change from pixel to pixel)"""
        axes, box = list(_AXES[self.name]), self.box
        near, far = (20, 30), (box["width"] - 60, box["height"] - 60)
        first, last = (place_in(self.point(*one))[axes] for one in (near, far))
        step = (last - first) / (np.array(far) - near)
        return axes, first - step * near, step

    def pixel_of(self, ras_mm):
        """Where a place is in the view, pixels from its upper left corner."""
        axes, origin, step = self.scale()
        return tuple((np.asarray(ras_mm)[axes] - origin) / step)

    def click_at(self, ras_mm):
        """Click on a place of the slice that is shown."""
        (x, y), box = self.pixel_of(ras_mm), self.box
        self.page.mouse.click(box["x"] + x, box["y"] + y)

    def places(self, depth_mm):
        """[height, width, 3] RAS mm of each pixel; ``depth_mm`` is where the slice lies."""
        axes, origin, step = self.scale()
        height, width = self.picture().shape[:2]
        across = np.broadcast_to(origin[0] + step[0] * np.arange(width), (height, width))
        down = np.broadcast_to((origin[1] + step[1] * np.arange(height))[:, None], (height, width))
        places = np.full((height, width, 3), float(depth_mm))
        places[..., axes[0]], places[..., axes[1]] = across, down
        return places


def place_in(text):
    """RAS mm that stands in what is said of the place under the mouse."""
    found = _PLACE.search(text)
    assert found, text
    letters, numbers = found.groups()[::2], found.groups()[1::2]
    return np.array([float(n) if letter in "RAS" else -float(n) for letter, n in zip(letters, numbers, strict=True)])


def like(picture, color, tolerance=50):
    """[height, width] where the picture has nearly this colour, red, green and blue from 0 to 1."""
    return np.abs(picture.astype(float) - 255 * np.asarray(color)).max(axis=-1) < tolerance


def inside(mask, geometry, places_ras_mm):
    """[height, width] whether each place is in the mask, whose image has this geometry."""
    kji = np.rint(geometry.ijk_from_ras(places_ras_mm)).astype(int)[..., ::-1]
    there = ((kji >= 0) & (kji < geometry.shape_kji)).all(axis=-1)
    return there & mask.full(geometry.shape_kji)[tuple(np.moveaxis(np.where(there[..., None], kji, 0), -1, 0))]


def shown_place(page):
    """RAS mm where the three slices meet."""
    return place_in(
        " ".join(View(page, name).place().removesuffix(" mm") for name in ("Yellow", "Green", "Red")) + " mm"
    )


def rows(page):
    """The table of findings: id -> texts of its cells."""
    table = page.locator("#findings tr[data-id]").evaluate_all(
        "all => all.map(row => [row.dataset.id, [...row.cells].map(cell => cell.innerText.trim())])"
    )
    return dict(table)


def move(slider, value):
    """Move a slider there, as a hand does."""
    slider.evaluate(
        "(slider, value) => { slider.value = value; slider.dispatchEvent(new Event('input', { bubbles: true })); }",
        value,
    )


def saved(page, element, folder: Path):
    """Press what downloads a file; its path."""
    with page.expect_download() as waiting:
        page.click(element)
    target = folder / waiting.value.suggested_filename
    waiting.value.save_as(target)
    return target
