"""How well the liver is found: ``python Testing/benchmarks/liver_localisation.py [count] [--pictures FOLDER] [SCAN ...]``.

On body phantoms, whose liver is known: region and truth compared (Dice, recall, precision), lesions of the liver whose middle
lies in the region with its margin, first and last slice, seconds of processor; and how often a liver is found in scans of a
trunk that were cut above or below it. A SCAN (file or DICOM folder) has no truth: what was found is said, and drawn into FOLDER.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from itertools import chain
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")
REPOSITORY = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(REPOSITORY / "LesionDetection"), str(REPOSITORY / "LesionTraining")]

import cv2  # noqa: E402
import numpy as np  # noqa: E402
from LesionDetectionLib.core.image import Image  # noqa: E402
from LesionDetectionLib.imaging.geometry import to_axial  # noqa: E402
from LesionDetectionLib.imaging.liver import Liver, search_liver  # noqa: E402
from LesionDetectionLib.io.files import read_image  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body import make_body  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body_anatomy import build_anatomy, draw_body_patient  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body_protocols import protocol  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.body_settings import DEFAULT, BodySettings  # noqa: E402
from LesionTrainingLib.cohorts.phantoms.fields import Grid  # noqa: E402

TRUNK = replace(
    DEFAULT,
    columns=256,
    pixel_mm=(1.3, 1.8),
    spacing_mm=3.0,
    slice_thickness_mm=3.0,
    step_mm=5.0,
    regions=(("liver", 0.8), ("kidney", 0.1), ("abdomen", 0.1)),
    vessel_tips=200,
    small_nodes=10.0,
)
"""Neck to pelvis, to be cut; half without contrast medium."""
_PAINTED_OVER = ("kidney", "renal pelvis", "gall bladder")
"""Organs that are painted where the liver's shape reaches into them."""


class Truth:
    """A phantom's liver as a signed distance, and the middles of its lesions."""

    def __init__(self, seed: int, settings: BodySettings) -> None:
        case = make_body(seed, settings)
        self.image = case.image
        self.grid = Grid(case.image.geometry, settings.step_mm)
        patient = draw_body_patient(seed, settings)
        body = build_anatomy(self.grid, seed, patient, settings).whole.body
        others = [-organ.field for organ in body.organs if organ.name in _PAINTED_OVER]
        self.distance = np.maximum.reduce([body.liver, *others])
        self.lesions = np.array(
            [
                lesion.center_ras_mm
                for lesion, kind in zip(case.lesions, case.kinds, strict=True)
                if kind == "liver" and case.image.geometry.contains_ras(lesion.center_ras_mm)
            ]
        ).reshape(-1, 3)

    @property
    def slices(self) -> tuple[int, int]:
        """First and last with liver."""
        count = self.image.shape_kji[0]
        shown = [k for k in range(count) if (self.grid.plane(self.distance, k) < 0).any()]
        return shown[0], shown[-1]

    def on(self, liver: Liver) -> np.ndarray:
        """[k, j, i] bool on the region's grid."""
        ijk = np.moveaxis(np.indices(liver.mask.shape), 0, -1)[..., ::-1]
        return self.grid.sample(self.distance, liver.geometry.ras_from_ijk(ijk)) < 0


@dataclass
class Row:
    """What was measured of one kind of scan."""

    name: str
    scans: int = 0
    found: int = 0
    held: int = 0
    lesions: int = 0
    dice: list[float] = field(default_factory=list)
    recall: list[float] = field(default_factory=list)
    precision: list[float] = field(default_factory=list)
    ends_mm: list[float] = field(default_factory=list)
    seconds: list[float] = field(default_factory=list)

    def add(self, image: Image, truth: Truth, shift: int = 0) -> None:
        """A scan that is the truth's image, or begins at its slice ``shift``."""
        began = time.process_time()
        liver = search_liver(image).liver
        self.seconds.append(time.process_time() - began)
        self.scans += 1
        if liver is None:
            return
        self.found += 1
        true = truth.on(liver)
        both = np.count_nonzero(liver.mask & true)
        self.dice.append(2 * both / (np.count_nonzero(liver.mask) + np.count_nonzero(true)))
        self.recall.append(both / max(1, np.count_nonzero(true)))
        self.precision.append(both / np.count_nonzero(liver.mask))
        inside = [place for place in truth.lesions if image.geometry.contains_ras(place)]
        self.lesions += len(inside)
        self.held += int(liver.holds(inside).sum()) if inside else 0
        last = image.shape_kji[0] - 1
        wanted = [int(np.clip(k - shift, 0, last)) for k in truth.slices]
        self.ends_mm += [
            abs(a - b) * image.spacing_mm[2] for a, b in zip(liver.slices, wanted, strict=True) if b not in (0, last)
        ]

    def __str__(self) -> str:
        text = f"{self.name:34s} {self.found:3d} of {self.scans:3d}"
        if not self.dice:
            return f"{text} {'':52s} {np.mean(self.seconds):7.2f}"
        ends = f"{np.median(self.ends_mm):4.0f} {max(self.ends_mm):4.0f}" if self.ends_mm else "   -    -"
        return (
            f"{text}   {np.mean(self.dice):.3f} {min(self.dice):.3f}   {np.mean(self.recall):.3f}    "
            f"{np.mean(self.precision):.3f}   {self.held:3d} of {self.lesions:3d}   {ends}  {np.mean(self.seconds):7.2f}"
        )


HEADER = (
    f"{'':34s}      found   Dice least   recall precision   lesions held   ends, mm  seconds\n"
    f"{'':34s}                                                              median most   mean"
)


def protocols(count: int) -> Iterator[Row]:
    """Whole scans as the phantoms' protocols have them."""
    large = {"diameter_mm": (60.0, 110.0), "typical_diameter_mm": 80.0, "lesions": (0.5, 0.5)}
    native = {"contrast": 0.0}
    for name, kind, changes, share in (
        ("abdomen", "abdomen", {}, 1.0),
        ("abdomen, without contrast medium", "abdomen", native, 1.0),
        ("abdomen, lesions of 60 to 110 mm", "abdomen", large, 1.0),
        ("slabs about a lesion", "liver", {}, 2.0),
        ("neck to pelvis, 512 x 512 x 270", "default", {"regions": (("liver", 1.0),)}, 0.2),
    ):
        row = Row(name)
        for seed in range(max(2, round(share * count))):
            truth = Truth(1000 + seed, replace(protocol(kind, 1000 + seed), **changes))
            row.add(truth.image, truth)
        yield row


def cuts(count: int) -> Iterator[Row]:
    """Parts of trunks: with all of the liver, some, or none."""
    rows: dict[str, Row] = {}

    def add(name: str, truth: Truth, first: int, last: int) -> None:
        first, last = max(0, first), min(truth.image.shape_kji[0], last)
        part = truth.image.crop((0, 0, first), (*truth.image.shape_kji[:0:-1], last - first))
        rows.setdefault(name, Row(name)).add(part, truth, first)

    for seed in range(count):
        truth = Truth(2000 + seed, replace(TRUNK, contrast=float(seed % 2)))
        low, high = truth.slices
        end = truth.image.shape_kji[0]
        add("trunk of 3 mm slices", truth, 0, end)
        add("chest with 36 mm of the dome", truth, high - 12, end)
        for share in (0.2, 0.5, 0.8):
            middle = round(low + share * (high - low))
            add(f"9 slices at {100 * share:.0f} % of its height", truth, middle - 4, middle + 5)
        middle = round((low + high) / 2)
        add("one slice in its middle", truth, middle, middle + 1)
        add("NONE: chest above the liver", truth, high + 2, end)
        add("NONE: 9 slices of the heart", truth, high + 5, high + 14)
        add("NONE: pelvis, belly below the liver", truth, 0, low - 2)
        add("NONE: 9 slices below the liver", truth, low - 13, low - 4)
        add("NONE: 9 slices of the pelvis", truth, 20, 29)
    yield from rows.values()


def draw(image: Image, liver: Liver, path: Path, count: int = 16, columns: int = 4) -> None:
    """Slices from below to above the liver, its outline in green."""
    first, last = liver.slices
    shown = np.linspace(max(0, first - 2), min(image.shape_kji[0] - 1, last + 2), count).round().astype(int)
    tiles = []
    for k in shown:
        grey = np.clip((image.voxels[k].astype(np.float32) + 75) / 300 * 255, 0, 255).astype(np.uint8)
        tile = cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)
        tile = cv2.resize(tile, (400, round(400 * tile.shape[0] / tile.shape[1])), interpolation=cv2.INTER_AREA)
        section = cv2.resize(liver.section(int(k)).astype(np.uint8), tile.shape[1::-1], interpolation=cv2.INTER_NEAREST)
        outlines, _ = cv2.findContours(section, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(tile, outlines, -1, (0, 255, 0), 1)
        cv2.putText(tile, str(k), (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.6, (255, 255, 0))
        tiles.append(tile)
    rows = [np.hstack(tiles[n : n + columns]) for n in range(0, count, columns)]
    path.parent.mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(path), np.vstack(rows))


def main(*arguments: str) -> None:
    cv2.setNumThreads(1)
    words = list(arguments)
    pictures = None
    if "--pictures" in words:
        at = words.index("--pictures")
        pictures = Path(words[at + 1])
        del words[at : at + 2]
    scans = [Path(word) for word in words if not word.isdigit()]
    for path in scans:
        image = to_axial(read_image(path))
        began = time.process_time()
        found = search_liver(image)
        print(f"{path.name}: {found.words} ({time.process_time() - began:.2f} s of processor)", flush=True)
        if found.liver is not None and pictures is not None:
            draw(image, found.liver, pictures / f"{image.name}.png")
    if scans:
        return
    count = next((int(word) for word in words if word.isdigit()), 10)
    print(HEADER, flush=True)
    for row in chain(protocols(count), cuts(count)):
        print(row, flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
