"""How fast the browser viewer is: from opening to the first picture, pictures a second while the wheel turns, from a click to the
contour; and where the time of one picture goes.

``python Testing/benchmarks/viewer_speed.py``. A chest phantom of 512 x 512 x 300 voxels is served by ``lesion view`` and looked
at in Debian's Chromium, headless, without a GPU, on a page of 1500 x 900. The page itself counts the pictures that it has drawn.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parent.parent.parent
for library in ("LesionDetection", "LesionTraining"):
    sys.path.insert(0, str(ROOT / library))

FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update")
SLICES = 300
SEED = 424242
SECONDS = 6
MEASURED = 4
"""Lesions that are measured by click: they are the findings that are shown while the wheel turns."""
PATIENCE_MS = 120_000

_COLORED = """([x, y]) => {
  const canvas = document.querySelector('[data-view=Red] canvas'), scale = canvas.width / canvas.clientWidth;
  const near = canvas.getContext('2d').getImageData(x * scale - 40, y * scale - 40, 80, 80).data;
  let count = 0;
  for (let n = 0; n < near.length; n += 4)
    count += Math.max(near[n], near[n + 1], near[n + 2]) - Math.min(near[n], near[n + 1], near[n + 2]) > 60;
  return count;
}"""
_CLICKED = """async ([x, y]) => {
  const colored = COLORED, box = document.querySelector('[data-view=Red]'), edge = box.getBoundingClientRect();
  const before = colored([x, y]), at = { clientX: edge.left + x, clientY: edge.top + box.clientTop + y };
  const say = (type) => box.dispatchEvent(new PointerEvent(type, { bubbles: true, pointerId: 1, button: 0, ...at }));
  box.setPointerCapture = () => {};
  const began = performance.now();
  say('pointerdown'); say('pointerup');
  let begun = false;
  while (performance.now() - began < 60000) {
    await new Promise(requestAnimationFrame);
    const refused = document.querySelector('#click-text.click-warning');
    begun = begun || !refused;
    if (begun && refused) return null;
    if (colored([x, y]) > before + 8) return performance.now() - began;
  }
  return null;
}""".replace("COLORED", _COLORED)
_TURNED = """async ([seconds, every]) => {
  const box = document.querySelector('[data-view=Red]'), edge = box.getBoundingClientRect();
  const frames = window.trame.utils.lesions.frames, count = () => Object.fromEntries(
    ['Red', 'Green', 'Yellow', 'ThreeD'].map((name) => [name, frames[name] ? frames[name].count : 0]));
  const before = count(), began = performance.now();
  let turned = 0;
  while (performance.now() - began < 1000 * seconds) {
    const deltaY = Math.floor(turned++ / 60) % 2 ? 100 : -100;
    box.dispatchEvent(new WheelEvent('wheel', { deltaY, bubbles: true, cancelable: true, clientX: edge.left + 300, clientY: edge.top + 300 }));
    await new Promise((done) => setTimeout(done, every));
  }
  const after = count(), took = (performance.now() - began) / 1000;
  return Object.fromEntries(Object.keys(after).map((name) => [name, (after[name] - before[name]) / took]));
}"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, help="where the phantom is kept between runs (default: nowhere)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        scan, truth = phantom(folder)
        for title, value in {**in_the_browser(scan, truth), **of_one_picture(scan)}.items():
            print(f"| {title} | {value} |", flush=True)


def phantom(folder: Path) -> tuple[Path, list[list[float]]]:
    """A chest of 512 x 512 x 300 voxels, and the middles of its lesions (RAS mm)."""
    from dataclasses import replace

    from LesionDetectionLib.io.files import read_image, write_image

    folder.mkdir(parents=True, exist_ok=True)
    name = f"chest-phantom-{SEED}"
    if not (folder / f"{name}.nrrd").is_file():
        command = [sys.executable, "-m", "LesionDetectionLib.app.command_line"]
        options = ["phantom", "chest", "--seed", str(SEED), "-o", str(folder), "--quiet"]
        subprocess.run([*command, *options], check=True, env=_environment())
    scan = folder / "chest-512-512-300.nrrd"
    if not scan.is_file():
        image = read_image(folder / f"{name}.nrrd")
        count = image.shape_kji[0]
        matrix = np.array(image.ijk_to_ras)
        matrix[:3, 2] *= count / SLICES
        taken = np.clip(np.rint(np.arange(SLICES) * count / SLICES).astype(int), 0, count - 1)
        write_image(replace(image, voxels=image.voxels[taken], ijk_to_ras=matrix), scan)
    lesions = json.loads((folder / f"{name}.truth.json").read_text(encoding="utf-8"))["lesions"]
    return scan, [one["center_ras_mm"] for one in lesions]


def in_the_browser(scan: Path, truth: list[list[float]]) -> dict[str, str]:
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "LesionDetectionLib.app.command_line", "view", "--no-browser"]
    with sync_playwright() as playwright:
        path = os.environ.get("CHROMIUM") or shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=path, args=list(FLAGS), headless=True)
        began = time.monotonic()
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=_environment()
        )
        try:
            link = _link(server)
            listens = time.monotonic() - began
            page = browser.new_page(viewport={"width": 1500, "height": 900})
            page.goto(link)
            page.wait_for_selector("#open-files", state="attached")
            page.wait_for_timeout(3000)
            began_in_page = page.evaluate("performance.now()")
            page.set_input_files("#open-files", str(scan))
            page.wait_for_function("window.trame.utils.lesions.first > 0", timeout=PATIENCE_MS)
            first = (page.evaluate("window.trame.utils.lesions.first") - began_in_page) / 1000
            page.wait_for_timeout(8000)
            clicks = clicked(page, truth)
            page.wait_for_timeout(2000)
            turned = page.evaluate(_TURNED, [SECONDS, 16])
        finally:
            server.terminate()
            server.wait(30)
            browser.close()
    return {
        "`lesion view` to its link, s": f"{listens:.1f}",
        "from choosing the file in the page to the first picture, s": f"{first:.2f}",
        "from a click to the contour on the screen, the first (the worker starts), s": f"{clicks[0]:.2f}",
        "the others, median, s": f"{statistics.median(clicks[1:]):.2f}",
        "pictures of the axial view a second while the wheel turns": f"{turned['Red']:.1f}",
        "of the other views": ", ".join(f"{turned[name]:.1f}" for name in ("Green", "Yellow", "ThreeD")),
    }


def clicked(page: Any, truth: list[list[float]]) -> list[float]:
    """Seconds from each click to the first coloured pixels around it."""
    page.click("#click-button")
    found = []
    for r, a, s in truth:
        call = (
            "([events]) => window.trame.client.getConnection().getSession().call('lesion.view.events', ['Red', events])"
        )
        page.evaluate(call, [[{"type": "slice", "value": s}]])
        page.wait_for_timeout(1500)
        corners = [
            _ras(page.evaluate(call, [[{"type": "hover", "x": x, "y": y}]])) for x, y in ((200, 200), (500, 600))
        ]
        (r0, a0), (r1, a1) = corners
        x, y = 200 + 300 * (r - r0) / (r1 - r0), 200 + 400 * (a - a0) / (a1 - a0)
        took = page.evaluate(_CLICKED, [x, y])
        if took is not None:  # not every one stands out enough to be measured by click
            found.append(took / 1000)
        if len(found) == MEASURED:
            break
    return found


def of_one_picture(scan: Path) -> dict[str, str]:
    """Milliseconds of the steps, the view alone in this process: median of thirty slices."""
    from LesionDetectionLib.io.files import read_image
    from LesionDetectionLib.io.mrml import volume_node
    from LesionDetectionLib.viewer.views.painter import as_jpeg
    from LesionDetectionLib.viewer.views.stage import Stage
    from trame.app import get_server

    stage = Stage(get_server("benchmark"))
    for area in stage.areas.values():
        area.resize(742, 828, 1.0)
    stage.show(volume_node(stage.scene, read_image(scan)))
    area = stage.areas["Red"]
    source = area.logic.GetImageDataConnection().GetProducer()
    times: dict[str, list[float]] = {}
    for _ in range(30):
        area.on_event({"type": "scroll", "steps": 1})
        for title, step in (
            ("the slice out of the volume, in grey", source.Update),
            ("drawing it, reading it back", area.window.pixels),
            ("notes", area.notes),
            ("JPEG, in another thread", lambda: as_jpeg(area.window.pixels(), 80)),
        ):
            began = time.perf_counter()
            step()
            times.setdefault(title, []).append(1000 * (time.perf_counter() - began))
    times["JPEG, in another thread"] = [
        both - drawn
        for both, drawn in zip(times["JPEG, in another thread"], times["drawing it, reading it back"], strict=True)
    ]
    return {f"{title}, ms": f"{statistics.median(values):.1f}" for title, values in times.items()}


def _ras(text: str) -> tuple[float, float]:
    """Right and anterior of a line that the page writes for the mouse."""
    found = re.search(r"([RL]) ([\d.]+) ([AP]) ([\d.]+) [SI] [\d.]+ mm", text)
    assert found is not None, text
    right, front = (float(found[2]), float(found[4]))
    return (right if found[1] == "R" else -right), (front if found[3] == "A" else -front)


def _link(server: subprocess.Popen[str]) -> str:
    assert server.stdout is not None
    for line in server.stdout:
        found = re.search(r"http://\S+", line)
        if found:
            return found.group()
    raise SystemExit("The viewer did not start.")


def _environment() -> dict[str, str]:
    paths = os.pathsep.join(str(ROOT / library) for library in ("LesionDetection", "LesionTraining"))
    return {**os.environ, "PYTHONPATH": paths, "OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}


if __name__ == "__main__":
    main()
