"""Pictures whose transformed versions tell what a transform did, and how to read them.

A target is a grey picture with four brighter discs in the corners of the central square of 60 % of the shorter side,
the upper pair larger. Where all four are whole in a draw, so is the square between them; the line from the lower to the
upper pair tells which way is up. Light on dark grey survives any change of brightness, contrast, hue or saturation.
Around the square a transform may show anything, such as bars of any colour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations, product
from math import pi

import numpy as np
from PIL import Image, ImageDraw

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])

FACE = 0.6  # side of the square that must stay in view, as a share of the shorter side
UPPER, LOWER = 0.075, 0.05  # radii of the discs, as shares of the shorter side
INSET = 0.02  # from the discs' edges to the square's, so that a crop at the square itself leaves them whole
REACH_UPPER, REACH_LOWER = FACE / 2 - UPPER - INSET, FACE / 2 - LOWER - INSET  # of the centres, both ways
BOLD = (110, 255)  # grey and discs: seen whatever the jitter
SPECK = 12  # pixels: four regions of noise may lie as the discs do, but small ones only
ROUND = 0.76  # share of its ellipse that even a disc of four pixels fills; of seven pixels or more, 0.82
PALE = (122, 172)  # mean 125, mid-grey for any idea of it; only both factors at their greatest drive it to white
ROUNDED = 1 / 255  # a picture's greys are whole numbers, rounded or cut off after each of a few steps
WHITE, GLARE = 0.98, 0.2  # from here on a grey may have been cut off at 1; allowed factors lead to 1.2 at most


@dataclass(frozen=True)
class Disc:
    """A bright region of a draw: its centre (row, column) and its area, in pixels.

    Attributes:
        fullness: its area, as a share of that of the ellipse that is as spread out: 1 for a disc that a transform has
            turned, squeezed or sheared, less for anything ragged.
        cut: whether it touches the edge of the draw.
    """

    row: float
    column: float
    area: int
    fullness: float
    cut: bool


@dataclass(frozen=True)
class Face:
    """What of the four discs shows in a draw.

    Attributes:
        discs: the upper pair, then the lower one, where there is no problem; else what was taken for them.
        problem: why they are not four whole discs, empty where they are.
    """

    discs: list[Disc]
    problem: str

    @property
    def centre(self) -> np.ndarray:
        """Row and column of the middle of the square."""
        upper, lower = _middle(self.discs[:2]), _middle(self.discs[2:4])
        return upper + (lower - upper) * REACH_UPPER / (REACH_UPPER + REACH_LOWER)

    @property
    def side(self) -> float:
        """The shorter side of the target, in pixels of the draw."""
        return float((np.mean([disc.area for disc in self.discs[:2]]) / pi) ** 0.5 / UPPER)

    @property
    def tilt(self) -> float:
        """Degrees by which the face is turned, 0 to 180; if it is sheared, the lesser of those of its two axes."""
        fall, shift = _middle(self.discs[2:4]) - _middle(self.discs[:2])
        upright = abs(np.degrees(np.arctan2(shift, fall)))
        left, right = self.discs[:2]
        level = np.degrees(np.arctan2(abs(right.row - left.row), abs(right.column - left.column)))
        return float(min(upright, level) if upright < 90 else upright)


def disc_target(height: int, width: int, greys: tuple[int, int] = BOLD) -> np.ndarray:
    """uint8 (height, width, 3): the four discs, drawn four times finer and averaged."""
    scale, side = 4, min(height, width)
    canvas = Image.new("RGB", (width * scale, height * scale), (greys[0],) * 3)
    draw = ImageDraw.Draw(canvas)
    for up, radius, reach in ((-1, UPPER, REACH_UPPER), (1, LOWER, REACH_LOWER)):
        for left in (-1, 1):
            x, y = width / 2 + left * reach * side, height / 2 + up * reach * side
            r = radius * side
            draw.ellipse([scale * (x - r), scale * (y - r), scale * (x + r), scale * (y + r)], fill=(greys[1],) * 3)
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


def face(picture: np.ndarray) -> Face:
    """The discs of one denormalised draw (H, W, 3)."""
    luminance = picture.mean(axis=-1)
    # Grey is at most two thirds of white under any allowed brightness and contrast.
    usual = 0.82 * luminance.max()
    found: list[Face] = []
    for level in (usual, *np.linspace(luminance.max(), luminance.min(), 24)[1:-1]):  # something else may be brighter
        found += [Face(arranged, "") for arranged in _arranged(_discs(luminance, level))]
        if any(one.discs[-1].area >= SPECK for one in found):  # smaller: noise, with the discs to be seen at another
            break
    if found:
        return _one_of(found, np.array(luminance.shape) / 2)
    discs = _discs(luminance, usual)
    return Face(discs, lost_or_cut(discs))


def lost_or_cut(found: list[Disc]) -> str:
    """Why the largest bright regions of a draw are not the four whole discs; empty where they are."""
    if len(found) < 4:
        return f"{len(found)} of the 4 corners of the face's square are in view"
    if any(disc.cut for disc in found[:4]):
        return "a corner of the face's square is cut by the picture's edge"
    for large, small in ((found[0], found[1]), (found[2], found[3])):
        if small.area < 0.6 * large.area:
            return "a corner of the face's square is partly hidden"
    return ""


def around(picture: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Mean colour (3,) of the pixels of a draw (H, W, 3) that lie within `radius` of a place, or next to it."""
    rows, columns = np.mgrid[0 : picture.shape[0], 0 : picture.shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    return picture[distance <= max(radius, distance.min())].mean(axis=0)


def exposure(picture: np.ndarray, seen: Face) -> dict[str, tuple[float, float]]:
    """By what factors the brightness and the contrast of one denormalised draw of a `PALE` target may have changed.

    A jitter makes `c * (b * x - m) + m` of a grey x, with the mean m of the picture that it sees: of the target itself,
    or of the draw with all that was put around it; or with mid-grey in its place. All explanations are tried, for all
    greys that may have been rounded, or cut off at white, to those that are seen.

    Returns:
        Least and greatest b as `"brightness"`, least and greatest c as `"contrast"`.
    """
    dark, light = (grey / 255 for grey in PALE)
    got_dark = float(around(picture, seen.centre, UPPER * seen.side).mean())
    discs = [around(picture, np.array([disc.row, disc.column]), UPPER / 2 * seen.side) for disc in seen.discs[:2]]
    got_light = float(np.mean(discs))
    lights = (got_light - ROUNDED, got_light + ROUNDED if got_light < WHITE else 1 + GLARE)
    # What lies around the face may have been cut off too, at white or at black, by up to 0.3 times the mean.
    mean, black, white = float(picture.mean()), float((picture < 1 - WHITE).mean()), float((picture > WHITE).mean())
    means = (mean * (1 - 0.3 * black), mean + GLARE * white, 0.5)
    explained: dict[str, list[float]] = {"brightness": [], "contrast": []}
    for from_dark, from_light in product((got_dark - ROUNDED, got_dark + ROUNDED), lights):
        slope = (from_light - from_dark) / (light - dark)
        offset = from_light - slope * light
        # The mean of the target is mid-grey, times b as the jitter sees it.
        around_target = slope + offset / 0.5
        contrasts = [1 - offset / max(mean, 1e-6) for mean in means]
        explained["brightness"] += [around_target, *(slope / c if c > 0 else np.inf for c in contrasts)]
        explained["contrast"] += [slope / around_target if around_target > 0 else np.inf, *contrasts]
    return {what: (min(factors), max(factors)) for what, factors in explained.items()}


def _one_of(faces: list[Face], middle: np.ndarray) -> Face:
    """Of the largest, which may be mirror images of one face around a picture, an upright one near the middle."""
    largest = max(one.discs[-1].area for one in faces)
    alike = [one for one in faces if one.discs[-1].area >= 0.8 * largest]
    return min(alike, key=lambda one: (one.tilt > 90, float(np.linalg.norm(one.centre + 0.5 - middle))))


def _middle(pair: Sequence[Disc]) -> np.ndarray:
    return np.mean([(disc.row, disc.column) for disc in pair], axis=0)


def _discs(luminance: np.ndarray, level: float) -> list[Disc]:
    """The regions above a level, largest first; specks of less than four pixels are left out."""
    return sorted(_regions(luminance > level, least=4), key=lambda disc: -disc.area)


def _arranged(found: list[Disc]) -> Iterator[list[Disc]]:
    """Four whole, round regions that lie as the discs do, and are as large as they must be for that."""
    whole = [disc for disc in found if not disc.cut and disc.fullness > ROUND][:20]  # more are noise
    if len(whole) < 4:
        return
    larger, smaller = np.array(list(combinations(range(len(whole)), 2))).T  # of each pair
    places = np.array([(disc.row, disc.column) for disc in whole])
    areas = np.array([disc.area for disc in whole])
    apart, middle = places[smaller] - places[larger], (places[smaller] + places[larger]) / 2
    # Every pair as the upper one, along the first axis, with every pair as the lower one.
    across, down = apart[:, None], middle[None] - middle[:, None]
    further = np.where((across * apart).sum(axis=-1, keepdims=True) > 0, apart, -apart)
    skewed = np.linalg.norm(across / REACH_UPPER - further / REACH_LOWER, axis=-1) * REACH_LOWER
    square = np.abs(across[..., 0] * down[..., 1] - across[..., 1] * down[..., 0])
    pixels = np.maximum(square / (2 * REACH_UPPER * (REACH_UPPER + REACH_LOWER)), 1e-6)
    sizes = [
        areas[one] / (pi * radius**2 * pixels)
        for radius, pair in ((UPPER, (larger[:, None], smaller[:, None])), (LOWER, (larger, smaller)))
        for one in pair
    ]
    alike = (np.min(sizes, axis=0) > 0.6) & (np.max(sizes, axis=0) < 1.6)
    level = skewed < 0.25 * np.linalg.norm(further, axis=-1)
    for upper, lower in zip(*np.nonzero(level & alike & (areas[larger] < 0.8 * areas[smaller][:, None])), strict=True):
        yield [whole[number] for pair in (upper, lower) for number in (larger[pair], smaller[pair])]


def _regions(mask: np.ndarray, least: int) -> list[Disc]:
    """Connected regions (four neighbours) of a boolean picture, of a least area, joined from runs in its rows."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype("int8"), axis=1)
    runs = list(zip(*np.nonzero(steps == 1), np.nonzero(steps == -1)[1], strict=True))  # row, start, end
    root = list(range(len(runs)))

    def find(run: int) -> int:
        while root[run] != run:
            root[run] = root[root[run]]  # halves the way for the next one
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
    large = (region for region in regions.values() if sum(end - start for _, start, end in region) >= least)
    return [_disc(np.array(region), mask.shape) for region in large]


def _disc(runs: np.ndarray, shape: tuple[int, ...]) -> Disc:
    rows, starts, ends = runs.T
    lengths = ends - starts
    area = int(lengths.sum())
    cut = rows.min() == 0 or starts.min() == 0 or rows.max() == shape[0] - 1 or ends.max() == shape[1]
    row, column = (float((lengths * middle).sum() / area) for middle in (rows, (starts + ends - 1) / 2))
    apart = np.stack([rows - row, (starts + ends - 1) / 2 - column])
    spread = (apart * lengths) @ apart.T / area + np.diag([1, lengths @ lengths**2 / area]) / 12  # of pixels, of runs
    ellipse = 4 * pi * np.linalg.det(spread) ** 0.5
    return Disc(row, column, area, float(area / ellipse), bool(cut))
