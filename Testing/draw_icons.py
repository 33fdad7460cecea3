"""Draw the icons, and the pictures of the sample phantoms, anew: ``python Testing/draw_icons.py``.

All is drawn by this program. An icon is drawn eight times too large and scaled down, so that its edges are smooth. Outlines
and surfaces are light on dark and dark on light at once: a mid-blue disc with a pale rim stands out from both themes.
"""

from __future__ import annotations

import argparse
import math
from pathlib import Path

from PIL import Image, ImageDraw

REPOSITORY = Path(__file__).resolve().parent.parent
SIZE = 128
SCALE = 8
CHEST_SEED, PET_CT_SEED, BODY_SEED, PET_SEED = 424242, 424255, 424265, 424278
"""Those of panel/sample_data.py."""

RIM, BODY, LUNG = "#9fc3dd", "#3f6f92", "#16293a"
TILE = "#0f1b26"
LESION, TARGET, CURVE = "#ff9d2e", "#ffffff", "#6fdc8c"
LESION_RGB = (1.0, 0.62, 0.18)


class Drawing:
    """Shapes on a square of 128 units a side, painted ``SCALE`` times as large."""

    def __init__(self) -> None:
        self.image = Image.new("RGBA", (SIZE * SCALE, SIZE * SCALE), (0, 0, 0, 0))
        self._draw = ImageDraw.Draw(self.image)

    def ellipse(self, x: float, y: float, rx: float, ry: float, color: str) -> None:
        self._draw.ellipse([SCALE * n for n in (x - rx, y - ry, x + rx, y + ry)], fill=color)

    def ring(self, x: float, y: float, r: float, width: float, color: str) -> None:
        box = [SCALE * n for n in (x - r, y - r, x + r, y + r)]
        self._draw.ellipse(box, outline=color, width=round(width * SCALE))

    def line(self, points: list[tuple[float, float]], width: float, color: str) -> None:
        """A line with round ends and corners."""
        scaled = [(SCALE * x, SCALE * y) for x, y in points]
        self._draw.line(scaled, fill=color, width=round(width * SCALE), joint="curve")
        for x, y in (points[0], points[-1]):
            self.ellipse(x, y, width / 2, width / 2, color)

    def tilted_ellipse(self, x: float, y: float, rx: float, ry: float, degrees: float, color: str) -> None:
        turn = math.radians(degrees)
        points = []
        for step in range(180):
            angle = 2 * math.pi * step / 180
            u, v = rx * math.cos(angle), ry * math.sin(angle)
            points.append((x + u * math.cos(turn) - v * math.sin(turn), y + u * math.sin(turn) + v * math.cos(turn)))
        self._draw.polygon([(SCALE * px, SCALE * py) for px, py in points], fill=color)

    def tile(self, radius: float, color: str) -> None:
        """The whole square, with round corners."""
        end = SCALE * SIZE - 1
        self._draw.rounded_rectangle([0, 0, end, end], radius=radius * SCALE, fill=color)

    def scaled(self, size: int) -> Image.Image:
        return self.image.resize((size, size), Image.Resampling.LANCZOS)


def slice_of_a_chest(drawing: Drawing, size: float = 1.0) -> None:
    """A body in cross-section with two lungs; at ``size`` 1 as wide as the icon."""
    drawing.ellipse(64, 64, 63 * size, 54 * size, RIM)
    drawing.ellipse(64, 64, 58 * size, 49 * size, BODY)
    for side in (-1, 1):
        drawing.tilted_ellipse(64 + side * 27 * size, 64, 19 * size, 37 * size, -12 * side, LUNG)


def target(drawing: Drawing, x: float, y: float, r: float) -> None:
    """A ring with four ticks around a lesion."""
    width = 0.32 * r
    drawing.ring(x, y, r + width / 2, width, TARGET)
    for dx, dy in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        drawing.line([(x + dx * r, y + dy * r), (x + dx * 1.5 * r, y + dy * 1.5 * r)], width, TARGET)
    drawing.ellipse(x, y, r * 0.52, r * 0.52, LESION)


def rising_curve(drawing: Drawing) -> None:
    """As sensitivity rises with the false marks that one accepts."""
    points = [(12 + 104 * n / 40, 112 - 88 * (1 - math.exp(-3.2 * n / 40)) / (1 - math.exp(-3.2))) for n in range(41)]
    drawing.line(points, 21, LUNG)
    drawing.line(points, 12, CURVE)


def detection() -> Drawing:
    """A lesion in a lung, found."""
    drawing = Drawing()
    slice_of_a_chest(drawing)
    target(drawing, 84, 64, 25)
    return drawing


def training() -> Drawing:
    """The same scan, and a curve that rises."""
    drawing = Drawing()
    slice_of_a_chest(drawing)
    rising_curve(drawing)
    drawing.ellipse(88, 82, 13, 13, LESION)
    return drawing


def extension() -> Drawing:
    """The found lesion on a tile of its own."""
    drawing = Drawing()
    drawing.tile(18, TILE)
    slice_of_a_chest(drawing, 0.88)
    target(drawing, 82, 64, 23)
    return drawing


ICONS = {
    "LesionDetection/Resources/Icons/LesionDetection.png": detection,
    "LesionTraining/Resources/Icons/LesionTraining.png": training,
    "Resources/LesionDetectionExtension.png": extension,
}


THUMBNAIL_SIZE = (192, 144)
"""Sample Data shows them at about 120 x 80."""


def chest_thumbnail() -> Image.Image:
    """The chest phantom's largest nodule in an axial slice, ringed, by the program's own pictures."""
    from LesionDetectionLib.app.drawing import ring
    from LesionDetectionLib.app.planes import AXIAL, View
    from LesionDetectionLib.imaging.geometry import to_axial
    from LesionDetectionLib.io.display import window_for
    from LesionTrainingLib.cohorts.phantoms.chest import FAST, make_chest

    case = make_chest(CHEST_SEED, FAST)
    axial = to_axial(case.image)
    nodule = max(case.lesions, key=lambda lesion: lesion.diameter_mm)
    _nk, nj, ni = axial.shape_kji
    k = axial.geometry.ijk_from_ras(nodule.center_ras_mm)[2]
    scale = THUMBNAIL_SIZE[1] / (0.98 * nj * axial.spacing_mm[1])
    view = View(AXIAL, axial.geometry, ((ni - 1) / 2, (nj - 1) / 2, float(k)), THUMBNAIL_SIZE, scale)
    pixels = view.gray(view.slice_of(axial.voxels), window_for(axial))
    ring(pixels, view.pixels_of_ras(nodule.center_ras_mm), 0.9 * nodule.diameter_mm * scale, LESION_RGB)
    return Image.fromarray(pixels).quantize(96)


def pet_ct_thumbnail() -> Image.Image:
    """The PET/CT phantom's largest active lesion in a coronal slice, ringed: the PET in hot colours over the CT."""
    import cv2
    import numpy as np
    from LesionDetectionLib.app.drawing import ring
    from LesionDetectionLib.app.planes import CORONAL, View
    from LesionDetectionLib.imaging.geometry import to_axial
    from LesionDetectionLib.io.display import Window
    from LesionTrainingLib.cohorts.phantoms.petct import FAST, make_petct

    case = make_petct(PET_CT_SEED, FAST)
    lesion = max(case.lesions, key=lambda one: one.diameter_mm)
    ct = to_axial(case.images["CT"])
    middle = ct.geometry.ras_from_ijk((np.array(ct.shape_kji[::-1]) - 1) / 2)
    place = (middle[0], lesion.center_ras_mm[1], lesion.center_ras_mm[2] - 70)
    scale = THUMBNAIL_SIZE[1] / 400
    grays = []
    for image, window in ((ct, Window(1600, -300)), (to_axial(case.images["PT"]), Window(8, 4))):
        at = tuple(float(n) for n in image.geometry.ijk_from_ras(place))
        view = View(CORONAL, image.geometry, at, THUMBNAIL_SIZE, scale)
        grays.append(view.gray(view.slice_of(image.voxels), window))
    hot = cv2.applyColorMap(grays[1][..., 0], cv2.COLORMAP_HOT)[..., ::-1].astype(np.float32)
    share = np.sqrt(grays[1].astype(np.float32) / 255)  # as much as a person sees of it: none where there is no uptake
    pixels = np.ascontiguousarray(grays[0] * (1 - 0.8 * share) + hot * 0.8 * share).astype(np.uint8)
    ring(pixels, view.pixels_of_ras(lesion.center_ras_mm), 0.6 * lesion.diameter_mm * scale + 6, LESION_RGB)
    return Image.fromarray(pixels).quantize(200)


def body_thumbnail() -> Image.Image:
    """The largest liver lesion of Sample Data's body phantom in an axial slice, ringed."""
    from dataclasses import replace

    from LesionDetectionLib.app.drawing import ring
    from LesionDetectionLib.app.planes import AXIAL, View
    from LesionDetectionLib.imaging.geometry import to_axial
    from LesionDetectionLib.io.display import Window
    from LesionTrainingLib.cohorts.phantoms.body import DEFAULT, make_body

    case = make_body(BODY_SEED, replace(DEFAULT, slices=32, spacing_mm=5.0, slice_thickness_mm=5.0))
    axial = to_axial(case.image)
    in_liver = [lesion for lesion, region in zip(case.lesions, case.kinds, strict=True) if region == "liver"]
    lesion = max(in_liver or case.lesions, key=lambda one: one.diameter_mm)
    _nk, nj, ni = axial.shape_kji
    k = axial.geometry.ijk_from_ras(lesion.center_ras_mm)[2]
    scale = THUMBNAIL_SIZE[1] / (0.86 * nj * axial.spacing_mm[1])
    view = View(AXIAL, axial.geometry, ((ni - 1) / 2, (nj - 1) / 2, float(k)), THUMBNAIL_SIZE, scale)
    pixels = view.gray(view.slice_of(axial.voxels), Window(400, 50))
    ring(pixels, view.pixels_of_ras(lesion.center_ras_mm), 0.8 * lesion.diameter_mm * scale, LESION_RGB)
    return Image.fromarray(pixels).quantize(96)


def pet_thumbnail() -> Image.Image:
    """Both projections of Sample Data's whole-body PET phantom, dark where it takes up tracer; the tumour ringed."""
    import numpy as np
    from LesionDetectionLib.app.drawing import ring
    from LesionDetectionLib.imaging.geometry import to_axial
    from LesionTrainingLib.cohorts.phantoms.pet import DEFAULT, make_pet

    case = make_pet(PET_SEED, DEFAULT)
    axial = to_axial(case.image)
    lesion = max(case.lesions, key=lambda one: one.diameter_mm)
    i, j, k = axial.geometry.ijk_from_ras(lesion.center_ras_mm)
    width, height = THUMBNAIL_SIZE
    scale = height / (axial.shape_kji[0] * axial.spacing_mm[2])
    page = np.zeros((height, width, 3), dtype=np.uint8)
    for start, axis, along, at in ((0, 1, 0, i), (width // 2, 2, 1, j)):
        gray = np.clip(axial.voxels.max(axis=axis)[::-1] / 6, 0, 1)
        picture = Image.fromarray((255 * gray**0.8).astype(np.uint8))
        picture = picture.resize(
            (round(gray.shape[1] * axial.spacing_mm[along] * scale), height), Image.Resampling.LANCZOS
        )
        shown = np.asarray(picture)
        left = (width // 2 - shown.shape[1]) // 2
        cut = max(0, -left)
        part = shown[:, cut : cut + width // 2]
        page[:, start + max(0, left) : start + max(0, left) + part.shape[1]] = part[..., None]
        x = start + left + (at + 0.5) * axial.spacing_mm[along] * scale
        y = height - (k + 0.5) * axial.spacing_mm[2] * scale
        ring(page, (float(x), float(y)), 0.6 * lesion.diameter_mm * scale + 7, LESION_RGB)
    return Image.fromarray(page).quantize(96)


THUMBNAILS = {
    "LesionDetection/Resources/Icons/LesionDetectionChestPhantom.png": chest_thumbnail,
    "LesionDetection/Resources/Icons/LesionDetectionPetCtPhantom.png": pet_ct_thumbnail,
    "LesionDetection/Resources/Icons/LesionDetectionBodyPhantom.png": body_thumbnail,
    "LesionDetection/Resources/Icons/LesionDetectionPetPhantom.png": pet_thumbnail,
}


def contact_sheet() -> Image.Image:
    """All icons at 128, 32 and 22 points, in a light and in a dark theme, to be looked at."""
    sheet = Image.new("RGB", (3 * 210, 2 * 150))
    for row, background in enumerate(("#efefef", "#323232")):
        sheet.paste(background, (0, row * 150, sheet.width, (row + 1) * 150))
        for column, draw in enumerate(ICONS.values()):
            x = column * 210 + 8
            for size in (128, 32, 22):
                icon = draw().scaled(size)
                sheet.paste(icon, (x, row * 150 + 8), icon)
                x += size + 8
    return sheet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sheet", type=Path, help="write all of them at several sizes on light and dark to this file instead"
    )
    options = parser.parse_args()
    if options.sheet:
        contact_sheet().save(options.sheet)
        return
    for path, draw in ICONS.items():
        draw().scaled(SIZE).save(REPOSITORY / path, optimize=True)
    for path, picture in THUMBNAILS.items():
        picture().save(REPOSITORY / path, optimize=True)


if __name__ == "__main__":
    main()
