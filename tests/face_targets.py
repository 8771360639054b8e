"""Pictures whose transformed versions tell what a transform did, and how to read them.

A target is a grey picture with four brighter discs in the corners of the central square of 60 % of the shorter side,
the upper pair larger. The discs' centres fix a projective map from the target to the draw, and the map says how large
each disc should be. If all four are whole and fit one map, the corners of the square are in view, and the line from the
lower to the upper pair tells which way is up. Light on dark grey survives any change of brightness, contrast, hue or
saturation, and any cast of colour. Around the square a transform may show anything, such as bars of any colour.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
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
# Upper left, upper right, lower left, lower right: centres (row, column) from the middle, and radii.
CORNERS = np.array(
    [(-REACH_UPPER, -REACH_UPPER), (-REACH_UPPER, REACH_UPPER), (REACH_LOWER, -REACH_LOWER), (REACH_LOWER, REACH_LOWER)]
)
RADII = np.array([UPPER, UPPER, LOWER, LOWER])
BOLD = (64, 255)  # grey and discs: seen whatever the jitter, and the grey is not ImageNet's mean, which erasing leaves
SPECK = 16  # pixels: four regions of noise may lie as the discs do, but small ones only
ROUND = 0.76  # share of its ellipse that even a disc of four pixels fills; of seven pixels or more, 0.82
BENT = 2.0  # by how many times an elastic distortion or a lens may change a disc's area; more, and half of it is hidden
KEYSTONE = 2.5  # the map's scale at one disc, as a multiple of that at another
PALE = (122, 172)  # mean 125, mid-grey for any idea of it; only both factors at their greatest drive it to white
ROUNDED = 1 / 255  # a picture's greys are whole numbers, rounded or cut off after each of a few steps
WHITE, GLARE = 0.98, 0.2  # from here on a grey may have been cut off at 1; allowed factors lead to 1.2 at most
LUMINANCE = np.array([0.299, 0.587, 0.114])  # what torchvision and PIL take the mean of, before they change contrast
EVEN = np.full(3, 1 / 3)
CAST = 0.01  # less comes of rounding
COVERED = 0.2  # of the distance to white; less may be a shadow, or a light from one side
MEANT = 20  # places at least, so that the mean of a cell does not change with noise
INVERTED = "the corners of the face's square, brighter than the rest, have become darker"


def _lattice(points: int = 24, cells: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 2) all over the square but not near its discs, and for each the number of its cell."""
    line = (np.arange(points) + 0.5) / points
    shares = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    places = (shares - 0.5) * (FACE - 2 * INSET)
    free = (np.linalg.norm(places[:, None] - CORNERS, axis=-1) > 1.5 * RADII).all(axis=1)
    cell = (shares * cells).astype(int) @ (cells, 1)
    free &= np.bincount(cell[free], minlength=cells**2)[cell] >= MEANT
    return places[free], np.unique(cell[free], return_inverse=True)[1]


LATTICE, CELLS = _lattice()


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
        discs: upper left, upper right, lower left and lower right, perhaps mirrored; none if there is a problem.
        problem: why they are not four whole discs, empty if they are.
        bent: by how many times one of their areas differs from what the map says.
    """

    discs: list[Disc]
    problem: str
    bent: float = 1.0

    @cached_property
    def _map(self) -> np.ndarray:
        """The projective map (3, 3) of rows and columns, from shares of the shorter side to pixels of the draw."""
        equations = []
        for (r, c), disc in zip(CORNERS, self.discs, strict=True):
            equations.append([r, c, 1, 0, 0, 0, -disc.row * r, -disc.row * c])
            equations.append([0, 0, 0, r, c, 1, -disc.column * r, -disc.column * c])
        pixels = [pixel for disc in self.discs for pixel in (disc.row, disc.column)]
        return np.append(np.linalg.solve(equations, pixels), 1).reshape(3, 3)

    def places(self, points: np.ndarray) -> np.ndarray:
        """Where in the draw points (N, 2) of the target lie: rows and columns (N, 2)."""
        homogeneous = np.column_stack([points, np.ones(len(points))]) @ self._map.T
        return homogeneous[:, :2] / homogeneous[:, 2:]

    @property
    def centre(self) -> np.ndarray:
        """Row and column of the middle of the square."""
        return self.places(np.zeros((1, 2)))[0]

    @property
    def least(self) -> int:
        """The area of the smallest disc, in pixels."""
        return min(disc.area for disc in self.discs)

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
    """float32 (N, 3, H, W) as a transform returns it, to (N, H, W, 3) in [0, 1] where it was ImageNet-normalised."""
    return images.transpose(0, 2, 3, 1) * IMAGENET_STD.astype("float32") + IMAGENET_MEAN.astype("float32")


def face(picture: np.ndarray) -> Face:
    """The discs of one denormalised draw (H, W, 3)."""
    luminance = picture.mean(axis=-1)
    # Grey is at most two thirds of white under any allowed brightness and contrast.
    usual = 0.82 * luminance.max()
    if found := _faces(luminance, (usual, *_levels(luminance))):  # something else may be brighter
        return _one_of(found, picture)
    # Not near black: sharpening leaves specks there.
    if np.ptp(luminance) > 0.1 and any(one.least >= SPECK for one in _faces(-luminance, _levels(-luminance)[6:-6])):
        return Face([], INVERTED)
    return Face([], _problem(_discs(luminance, usual)))


def inside(picture: np.ndarray, seen: Face) -> np.ndarray:
    """Colours (N, 3) of a draw at the places of `LATTICE`."""
    rows, columns = np.clip(np.rint(seen.places(LATTICE)).astype(int).T, 0, np.array(picture.shape[:2])[:, None] - 1)
    return picture[rows, columns]


def hidden(picture: np.ndarray, seen: Face) -> float:
    """How far a sixteenth of the face between its discs differs from the rest, as a share of what the discs do.

    0 if the face is so small that noise might do that.
    """
    if seen.side * FACE < np.sqrt(len(LATTICE)):
        return 0.0
    greys = inside(picture, seen).mean(axis=-1)
    cells = np.bincount(CELLS, greys) / np.bincount(CELLS)
    usual = np.median(greys)
    return float(np.abs(cells - usual).max() / max(_light(picture, seen).mean() - usual, 0.05))


def around(picture: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Mean colour (3,) of the pixels of a draw (H, W, 3) that lie within `radius` of a place, or next to it."""
    reach = max(int(np.ceil(radius)), 1)
    top, left = np.maximum(np.rint(centre).astype(int) - reach, 0)
    window = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    rows, columns = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    return window[distance <= max(radius, distance.min())].mean(axis=0)


def cast(picture: np.ndarray, seen: Face) -> float:
    """Half of the difference between the channels of a face that was grey, as a share of their mean."""
    colour = np.median(inside(picture, seen), axis=0)
    return float(np.ptp(colour) / 2 / max(colour.mean(), 0.05))


def exposure(picture: np.ndarray, seen: Face, casts: float = 0) -> dict[str, tuple[float, float]]:
    """By what factors the brightness and the contrast of one denormalised draw of a `PALE` target may have changed.

    A jitter makes `c * (b * x - m) + m` of a grey x, with the mean m of the picture that it sees: of the target itself,
    or of the draw with all that was put around it; or with mid-grey in its place. A cast of colour multiplies each
    channel, or adds to it, and may do the same to all three by chance. All explanations are tried, for all greys that
    may have been rounded, or cut off at white, to those that are seen.

    Args:
        casts: the largest `cast` of all draws of the transform.

    Returns:
        Least and greatest b as `"brightness"`, least and greatest c as `"contrast"`.
    """
    dark, light = (grey / 255 for grey in PALE)
    got_dark, got_light = np.median(inside(picture, seen), axis=0), _light(picture, seen)
    greatest = np.where(got_light < WHITE, got_light + ROUNDED, 1 + GLARE)
    # What lies around the face may have been cut off too, at white or at black, by up to 0.3 times the mean.
    mean, black, white = (part.mean(axis=(0, 1)) for part in (picture, picture < 1 - WHITE, picture > WHITE))
    means = np.stack([mean * (1 - 0.3 * black), mean + GLARE * white])
    explained: dict[str, list[float]] = {"brightness": [], "contrast": []}
    for weights in (EVEN, LUMINANCE):
        darks = (got_dark @ weights - ROUNDED, got_dark @ weights + ROUNDED)
        lights = (got_light @ weights - ROUNDED, greatest @ weights)
        for from_dark, from_light in product(darks, lights):
            slope = (from_light - from_dark) / (light - dark)
            offset = from_light - slope * light
            greys = np.array([slope, offset, *(means @ weights)])
            for slope, offset, *seen_means in _without_cast(greys, casts):
                # The mean of the target is mid-grey, times b as the jitter sees it.
                around_target = slope + offset / 0.5
                contrasts = [1 - offset / max(mean, 1e-6) for mean in (*seen_means, 0.5)]
                explained["brightness"] += [around_target, *(slope / c if c > 0 else np.inf for c in contrasts)]
                explained["contrast"] += [slope / around_target if around_target > 0 else np.inf, *contrasts]
    return {what: (min(factors), max(factors)) for what, factors in explained.items()}


def _without_cast(greys: np.ndarray, casts: float) -> Iterator[np.ndarray]:
    """Slope, offset and means as they are, and as they were before a cast of that size that changed all channels."""
    yield greys
    if casts > CAST:
        for by in (-casts, casts):
            yield greys / (1 + by)
            yield greys - by * PALE[0] / 255 * np.array([0, *[1] * (len(greys) - 1)])


def _light(picture: np.ndarray, seen: Face) -> np.ndarray:
    """Mean colour (3,) of the middles of the upper discs."""
    return np.mean(
        [around(picture, np.array([disc.row, disc.column]), (disc.area / pi) ** 0.5 / 2) for disc in seen.discs[:2]],
        axis=0,
    )


def _levels(luminance: np.ndarray) -> np.ndarray:
    return np.linspace(luminance.max(), luminance.min(), 24)[1:-1]


def _faces(luminance: np.ndarray, levels: Sequence[float]) -> list[Face]:
    """What is arranged as the discs are, at the first level at which any of it is more than specks."""
    found: list[Face] = []
    for level in levels:
        found += _arranged(_discs(luminance, level))
        if any(one.least >= SPECK for one in found):  # smaller: noise, with the discs to be seen at another
            break
    return found


def _problem(found: list[Disc]) -> str:
    """Why the bright regions of a draw are not the four whole discs."""
    if len(found) < 4:
        return f"{len(found)} of the 4 corners of the face's square are in view"
    if any(disc.cut for disc in found[:4]):
        return "a corner of the face's square is cut by the picture's edge"
    return "a corner of the face's square is partly hidden, or bent out of shape"


def _one_of(faces: list[Face], picture: np.ndarray) -> Face:
    """Of the largest, which may be mirror images of one face around a picture, an upright one near the middle.

    Discs of several mirror images may lie as those of one face do, but do not fit as exactly, or others lie between.
    """
    large = [one for one in faces if one.least >= SPECK] or _largest(faces)
    exact = 1.25 * min(one.bent for one in large)
    alike = _largest([one for one in large if one.bent <= exact])
    if len(alike) == 1:
        return alike[0]
    middle = np.array(picture.shape[:2]) / 2 - 0.5
    return min(
        alike,
        key=lambda one: (one.tilt > 45, hidden(picture, one) > COVERED, float(np.linalg.norm(one.centre - middle))),
    )


def _largest(faces: list[Face]) -> list[Face]:
    largest = max(one.least for one in faces)
    return [one for one in faces if one.least >= 0.8 * largest]


def _middle(pair: Sequence[Disc]) -> np.ndarray:
    return np.mean([(disc.row, disc.column) for disc in pair], axis=0)


def _discs(luminance: np.ndarray, level: float) -> list[Disc]:
    """The regions above a level, largest first; specks of less than four pixels are left out."""
    return sorted(_regions(luminance > level, least=4), key=lambda disc: -disc.area)


def _arranged(found: list[Disc]) -> Iterator[Face]:
    """Four whole, round regions that lie as the discs do, and are as large as they must be for that."""
    whole = [disc for disc in found if not disc.cut and disc.fullness > ROUND][:20]  # more are noise
    if len(whole) < 4:
        return
    first, second = np.array(list(combinations(range(len(whole)), 2))).T  # of each pair
    places = np.array([(disc.row, disc.column) for disc in whole])
    areas = np.array([disc.area for disc in whole])
    # Every pair as the upper one with every pair as the lower one, the same way round.
    apart = places[second] - places[first]
    same = apart @ apart.T > 0
    corners = np.stack(
        np.broadcast_arrays(
            first[:, None], second[:, None], np.where(same, first, second), np.where(same, second, first)
        ),
        axis=-1,
    ).reshape(-1, 4)
    # Four points fix a projective map. Its determinant at one of them follows from the triangles of the others.
    scales = _triangles(places[corners]) / _triangles(CORNERS)
    convex = (scales > 0).all(axis=1) | (scales < 0).all(axis=1)
    corners, scales = corners[convex], np.abs(scales[convex])
    wanted = pi * RADII**2 * scales.prod(axis=1, keepdims=True) / scales**3
    bent = np.abs(np.log(areas[corners] / wanted)).max(axis=1)
    fits = (bent < np.log(BENT)) & (scales.max(axis=1) < KEYSTONE * scales.min(axis=1))
    best: dict[frozenset[int], tuple[float, list[int]]] = {}  # one way round for each four regions
    for four, by in zip(corners[fits].tolist(), bent[fits].tolist(), strict=True):
        best[frozenset(four)] = min((by, four), best.get(frozenset(four), (np.inf, four)))
    for by, four in best.values():
        yield Face([whole[number] for number in four], "", float(np.exp(by)))


# Of upper left, upper right, lower left and lower right: the three others of each, in one sense of rotation.
OTHERS = np.array([(1, 3, 2), (0, 3, 2), (0, 1, 3), (0, 1, 2)])


def _triangles(corners: np.ndarray) -> np.ndarray:
    """Twice the signed areas (..., 4) of the triangles that are left if one of four points (..., 4, 2) is left out."""
    triangles = corners[..., OTHERS, :]
    (y, x), (v, u) = (np.moveaxis(triangles[..., n, :] - triangles[..., 0, :], -1, 0) for n in (1, 2))
    return np.asarray(y * u - x * v)


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
