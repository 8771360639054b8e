"""Pictures whose transformed versions tell what a transform did, and how to read them.

A target is a grey picture with four white discs in the corners of the central square of 60 % of the shorter side, the
upper pair larger. Where all four are whole in a draw, so is the square between them; the line from the lower to the
upper pair tells which way is up. White on grey survives any change of brightness, contrast, hue or saturation.
"""

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])

FACE = 0.6  # side of the square that must stay in view, as a share of the shorter side
UPPER, LOWER = 0.075, 0.05  # radii of the discs, as shares of the shorter side
INSET = 0.02  # from the discs' edges to the square's, so that a crop at the square itself leaves them whole
GREY = 110


@dataclass(frozen=True)
class Disc:
    """A white region of a draw: its centre (row, column) and its area, in pixels."""

    row: float
    column: float
    area: int
    cut: bool


def disc_target(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3): the four discs, drawn four times finer and averaged."""
    scale, side = 4, min(height, width)
    canvas = Image.new("RGB", (width * scale, height * scale), (GREY,) * 3)
    draw = ImageDraw.Draw(canvas)
    for up, radius in ((-1, UPPER), (1, LOWER)):
        reach = (FACE / 2 - radius - INSET) * side
        for left in (-1, 1):
            x, y = width / 2 + left * reach, height / 2 + up * reach
            r = radius * side
            draw.ellipse([scale * (x - r), scale * (y - r), scale * (x + r), scale * (y + r)], fill=(255,) * 3)
    return np.asarray(canvas.resize((width, height), Image.Resampling.BOX))


def constant_target(colour: tuple[int, int, int], side: int = 96) -> np.ndarray:
    """uint8 (side, side, 3) of one colour."""
    return np.full((side, side, 3), colour, dtype="uint8")


def halves_target(side: int = 96) -> np.ndarray:
    """uint8 (side, side, 3): a darker left half and a lighter right half."""
    picture = constant_target((96, 96, 96), side)
    picture[:, side // 2 :] = 160
    return picture


def textured_target(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 3), smooth and without symmetry."""
    y, x = np.mgrid[0:height, 0:width]
    waves = [np.sin(x / (7 + c) + c) + np.cos(y / (9 + 2 * c)) + x / width for c in range(3)]
    return np.clip(np.stack([110 + 40 * wave for wave in waves], axis=-1), 0, 255).astype("uint8")


def denormalised(images: np.ndarray) -> np.ndarray:
    """(N, 3, H, W) as a transform returns it, to (N, H, W, 3) in [0, 1] where it was ImageNet-normalised."""
    return images.transpose(0, 2, 3, 1) * IMAGENET_STD + IMAGENET_MEAN


def discs(picture: np.ndarray) -> list[Disc]:
    """The white regions of one denormalised draw (H, W, 3), largest first; specks are left out."""
    luminance = picture.mean(axis=-1)
    # Grey is at most two thirds of white under any allowed brightness and contrast.
    white = luminance > 0.82 * luminance.max()
    found = [region for region in _regions(white) if region.area >= 4]
    return sorted(found, key=lambda disc: -disc.area)


def lost_or_cut(found: list[Disc]) -> str:
    """Why a draw's white regions are not the four whole discs; empty where they are."""
    if len(found) < 4:
        return f"{len(found)} of the 4 corners of the face's square are in view"
    if any(disc.cut for disc in found[:4]):
        return "a corner of the face's square is cut by the picture's edge"
    for large, small in ((found[0], found[1]), (found[2], found[3])):
        if small.area < 0.6 * large.area:
            return "a corner of the face's square is partly hidden"
    return ""


def tilt(found: list[Disc]) -> float:
    """Degrees between the face's own up and the picture's, 0 to 180."""
    upper, lower = found[:2], found[2:4]
    rise = np.mean([disc.row for disc in lower]) - np.mean([disc.row for disc in upper])
    shift = np.mean([disc.column for disc in upper]) - np.mean([disc.column for disc in lower])
    return float(abs(np.degrees(np.arctan2(shift, rise))))


def _regions(mask: np.ndarray) -> list[Disc]:
    """Connected regions (four neighbours) of a boolean picture, joined from runs of pixels in its rows."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype("int8"), axis=1)
    runs = list(zip(*np.nonzero(steps == 1), np.nonzero(steps == -1)[1], strict=True))  # row, start, end
    root = list(range(len(runs)))

    def find(run: int) -> int:
        while root[run] != run:
            run = root[run]
        return run

    above = 0
    for here, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1:
            above += 1
        for other in range(above, here):
            if runs[other][0] == row - 1 and runs[other][1] < end and start < runs[other][2]:
                root[find(other)] = find(here)
    regions: dict[int, list] = {}
    for run, pixels in enumerate(runs):
        regions.setdefault(find(run), []).append(pixels)
    return [_disc(np.array(region), mask.shape) for region in regions.values()]


def _disc(runs: np.ndarray, shape: tuple[int, ...]) -> Disc:
    rows, starts, ends = runs.T
    lengths = ends - starts
    area = int(lengths.sum())
    cut = rows.min() == 0 or starts.min() == 0 or rows.max() == shape[0] - 1 or ends.max() == shape[1]
    row, column = (float((lengths * middle).sum() / area) for middle in (rows, (starts + ends - 1) / 2))
    return Disc(row, column, area, bool(cut))
