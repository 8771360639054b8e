"""Test pictures from whose transformed versions the tests read what a transform did to a face.

A target is a dark grey picture with four light discs. They stand in the corners of the face's square: the central
square of 60 % of the shorter side, which must stay in view. Lengths below are shares of that shorter side:

    +----------------------------------------------------------+
    |                                                          |
    |                                                          |
    |                 +----------------------+                 |   the face's square: side 0.6
    |                 | @@@@@@        @@@@@@ |                 |   (not drawn in the target)
    |                 | @@@@@@        @@@@@@ |                 |   upper discs: radius 0.075,
    |                 | @@@@@@        @@@@@@ |                 |   centres at (-0.205, -+0.205)
    |                 |                      |                 |
    |                 |          +---> c     |                 |   (r, c) = (0, 0): the middle
    |                 |          |           |                 |
    |                 |          v r         |                 |
    |                 |                      |                 |
    |                 | @@@@            @@@@ |                 |   lower discs: radius 0.05,
    |                 | @@@@            @@@@ |                 |   centres at (0.23, -+0.23)
    |                 +----------------------+                 |
    |                                                          |
    |                                                          |
    +----------------------------------------------------------+

Between a disc and the square is a gap of 0.02, so that a crop at the square itself leaves the discs whole. The discs
are light on dark, without colour: they can be found after any change of brightness, contrast, hue or saturation.
Around the square a transform may show anything, such as bars of any colour.

A draw is one result of a transform. How does a point (r, c) of the target get to a row y and a column x of the draw?
Resizing, cropping, flipping, turning, shearing and perspective are all projective maps, and so are chains of them:

    y = (h1 r + h2 c + h3) / (h7 r + h8 c + 1)
    x = (h4 r + h5 c + h6) / (h7 r + h8 c + 1)

Unknown are the eight numbers h1 to h8. Measured are the centres (y, x) of the four discs in the draw, and their areas.
Each centre gives two equations, which are linear in h1 to h8 after multiplication by the denominator. Eight equations
for eight unknowns have one solution, whatever the four centres are (no three of them on a line). The four areas are
not used for the map, so they can check it: a small disc of radius s at a point p becomes a region of the area

    pi s^2 |J(p)|,    with the Jacobian determinant of the map    J(p) = det H / (h7 r + h8 c + 1)^3,

where H is the 3 x 3 matrix (h1 h2 h3; h4 h5 h6; h7 h8 1). If four whole, round regions have the areas that their own
map says, they are the four discs, and the whole square lies in view. The map then says where the middle of the face
lies and where each place of it can be seen; the line from the lower to the upper pair says which way is up.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from math import pi

import numpy as np
from PIL import Image, ImageDraw

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])

# The target, in shares of its shorter side.
FACE = 0.6  # side of the square that must stay in view
UPPER, LOWER = 0.075, 0.05  # radii of the discs
GAP = 0.02  # between the discs and the square
UPPER_AT, LOWER_AT = FACE / 2 - UPPER - GAP, FACE / 2 - LOWER - GAP  # of the discs' centres: |r| and |c|
# Upper left, upper right, lower left, lower right: centres (r, c), and radii.
CORNERS = np.array([(-UPPER_AT, -UPPER_AT), (-UPPER_AT, UPPER_AT), (LOWER_AT, -LOWER_AT), (LOWER_AT, LOWER_AT)])
RADII = np.array([UPPER, UPPER, LOWER, LOWER])

# Greys of the picture and of its discs.
STRONG = (64, 255)  # found whatever the jitter; 64 is not ImageNet's mean, which erasing fills with
WEAK = (122, 172)  # mean 125, about mid-grey; they become white only if both factors are at their greatest

# What counts as a disc, and four discs as a face.
LEAST_AREA = 16  # pixels: four regions of noise may lie as the discs do, but only small ones
LEAST_FULLNESS = 0.76  # a disc of four pixels fills this share of its ellipse; one of seven pixels or more, 0.82
MOST_AREA_ERROR = 2.0  # an elastic distortion or a lens may change an area by this factor; more: half is hidden
MOST_PERSPECTIVE = 2.5  # the map's denominator at one disc, as a multiple of that at another
INVERTED = "the corners of the face's square, brighter than the rest, have become darker"

# What counts as hidden.
COVERED = 0.2  # of the distance to white; less may be a shadow, or a light from one side
LEAST_POINTS = 20  # in a cell, so that its mean does not change with noise

# Brightness, contrast and colour.
ROUNDING = 1 / 255  # a picture's greys are whole numbers, rounded or cut off after each of a few steps
NEARLY_WHITE = 0.98  # from here on a grey may have been cut off at 1
BEYOND_WHITE = 0.2  # allowed factors lead to 1.2 at most before they are cut off
LEAST_CAST = 0.01  # a smaller cast of colour comes of rounding
LUMINANCE = np.array([0.299, 0.587, 0.114])  # torchvision and PIL take this mean before they change contrast
PLAIN_MEAN = np.full(3, 1 / 3)


def disc_target(height: int, width: int, greys: tuple[int, int] = STRONG) -> np.ndarray:
    """uint8 (height, width, 3): the four discs, drawn four times finer and averaged.

    Args:
        greys: of the picture and of the discs.
    """
    scale, side = 4, min(height, width)
    canvas = Image.new("RGB", (width * scale, height * scale), (greys[0],) * 3)
    draw = ImageDraw.Draw(canvas)
    for (r, c), radius in zip(CORNERS, RADII, strict=True):
        y, x = height / 2 + r * side, width / 2 + c * side
        reach = radius * side
        box = [scale * (x - reach), scale * (y - reach), scale * (x + reach), scale * (y + reach)]
        draw.ellipse(box, fill=(greys[1],) * 3)
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
    return np.asarray(np.clip(np.stack([110 + 40 * wave for wave in waves], axis=-1), 0, 255).astype("uint8"))


def denormalised(images: np.ndarray) -> np.ndarray:
    """Undo ImageNet's normalisation: float32 (N, 3, H, W) as a transform returns it, to (N, H, W, 3) in [0, 1]."""
    pictures = images.transpose(0, 2, 3, 1) * IMAGENET_STD.astype("float32") + IMAGENET_MEAN.astype("float32")
    return np.asarray(pictures)


@dataclass(frozen=True)
class Disc:
    """A bright region of a draw: its centre (row, column) and its area, in pixels.

    Attributes:
        fullness: its area, as a share of that of the ellipse with the same second moments: 1 for a disc that a
            transform has turned, squeezed or sheared, less for anything ragged.
        cut: whether it touches the edge of the draw.
    """

    row: float
    column: float
    area: int
    fullness: float
    cut: bool


@dataclass(frozen=True)
class Face:
    """What shows of the four discs in a draw.

    Attributes:
        discs: upper left, upper right, lower left and lower right, perhaps mirrored; none if there is a problem.
        problem: why they are not four whole discs, empty if they are.
        area_error: the largest factor between a disc's area and the one that the map says, at least 1.
    """

    discs: list[Disc]
    problem: str
    area_error: float = 1.0

    @cached_property
    def _map(self) -> np.ndarray:
        """H of the module's docstring, (3, 3), from its eight equations."""
        equations = []
        for (r, c), disc in zip(CORNERS, self.discs, strict=True):
            equations.append([r, c, 1, 0, 0, 0, -disc.row * r, -disc.row * c])
            equations.append([0, 0, 0, r, c, 1, -disc.column * r, -disc.column * c])
        centres = [coordinate for disc in self.discs for coordinate in (disc.row, disc.column)]
        return np.append(np.linalg.solve(equations, centres), 1).reshape(3, 3)

    def positions(self, points: np.ndarray) -> np.ndarray:
        """Rows and columns (N, 2) in the draw of points (r, c) of the target, (N, 2)."""
        homogeneous = np.column_stack([points, np.ones(len(points))]) @ self._map.T
        return np.asarray(homogeneous[:, :2] / homogeneous[:, 2:])

    @property
    def centre(self) -> np.ndarray:
        """Row and column (2,) of the middle of the square."""
        return np.asarray(self.positions(np.zeros((1, 2)))[0])

    @property
    def smallest_area(self) -> int:
        """The area of the smallest disc, in pixels."""
        return min(disc.area for disc in self.discs)

    @property
    def shorter_side(self) -> float:
        """The shorter side of the target, in pixels of the draw, from the area of the upper discs."""
        return float((np.mean([disc.area for disc in self.discs[:2]]) / pi) ** 0.5 / UPPER)

    @property
    def tilt(self) -> float:
        """Degrees by which the face is turned, 0 to 180; if it is sheared, the lesser of those of its two axes."""
        fall, shift = _midpoint(self.discs[2:4]) - _midpoint(self.discs[:2])
        upright = abs(np.degrees(np.arctan2(shift, fall)))
        left, right = self.discs[:2]
        level = np.degrees(np.arctan2(abs(right.row - left.row), abs(right.column - left.column)))
        return float(min(upright, level) if upright < 90 else upright)


def _midpoint(pair: Sequence[Disc]) -> np.ndarray:
    return np.asarray(np.mean([(disc.row, disc.column) for disc in pair], axis=0))


def find_face(picture: np.ndarray) -> Face:
    """The discs of one denormalised draw (H, W, 3)."""
    luminance = picture.mean(axis=-1)
    # The dark grey is at most two thirds of white under any allowed brightness and contrast.
    between_greys = 0.82 * luminance.max()
    # Something else may be brighter than the discs: then other levels separate them from the rest.
    if candidates := _faces_at_first_level(luminance, (between_greys, *_levels(luminance))):
        return _best(candidates, picture)
    if np.ptp(luminance) > 0.1:
        not_near_black = _levels(-luminance)[6:-6]  # sharpening leaves specks there
        if any(face.smallest_area >= LEAST_AREA for face in _faces_at_first_level(-luminance, not_near_black)):
            return Face([], INVERTED)
    return Face([], _problem(_bright_regions(luminance, between_greys)))


def _levels(luminance: np.ndarray) -> np.ndarray:
    """22 levels between the brightest and the darkest, from above."""
    return np.linspace(luminance.max(), luminance.min(), 24)[1:-1]


def _faces_at_first_level(luminance: np.ndarray, levels: Iterable[float]) -> list[Face]:
    """All candidates down to the first level at which one of them is more than specks."""
    candidates: list[Face] = []
    for level in levels:
        candidates += _faces_among(_bright_regions(luminance, level))
        # Smaller ones may be noise, and the discs show at another level.
        if any(face.smallest_area >= LEAST_AREA for face in candidates):
            break
    return candidates


def _problem(regions: list[Disc]) -> str:
    """Why the bright regions of a draw are not the four whole discs."""
    if len(regions) < 4:
        return f"{len(regions)} of the 4 corners of the face's square are in view"
    if any(disc.cut for disc in regions[:4]):
        return "a corner of the face's square is cut by the picture's edge"
    return "a corner of the face's square is partly hidden, or bent out of shape"


def _best(candidates: list[Face], picture: np.ndarray) -> Face:
    """The candidate that is the face itself.

    Padding by reflection surrounds a picture by mirror images of its face. Discs of several of them may lie as those
    of one face do, but their areas do not fit as exactly. Among the large candidates that fit, the face is an upright
    one with nothing between its discs, near the middle.
    """
    large = [face for face in candidates if face.smallest_area >= LEAST_AREA] or _largest(candidates)
    exact = 1.25 * min(face.area_error for face in large)
    alike = _largest([face for face in large if face.area_error <= exact])
    if len(alike) == 1:
        return alike[0]
    middle = np.array(picture.shape[:2]) / 2 - 0.5

    def unlikeliness(face: Face) -> tuple[bool, bool, float]:
        return face.tilt > 45, covered_share(picture, face) > COVERED, float(np.linalg.norm(face.centre - middle))

    return min(alike, key=unlikeliness)


def _largest(candidates: list[Face]) -> list[Face]:
    largest = max(face.smallest_area for face in candidates)
    return [face for face in candidates if face.smallest_area >= 0.8 * largest]


def _faces_among(regions: list[Disc]) -> Iterator[Face]:
    """Candidates: four whole, round regions that have about the areas that the map of their centres says."""
    whole = [disc for disc in regions if not disc.cut and disc.fullness > LEAST_FULLNESS][:20]  # more are noise
    if len(whole) < 4:
        return
    places = np.array([(disc.row, disc.column) for disc in whole])
    areas = np.array([disc.area for disc in whole])
    fours = _pairs_of_pairs(places)
    triangles = _triangle_ratios(places[fours])
    # All of one sign: the four are the corners of a convex quadrangle, in the order of CORNERS.
    convex = (triangles > 0).all(axis=1) | (triangles < 0).all(axis=1)
    fours, triangles = fours[convex], np.abs(triangles[convex])
    errors = np.abs(np.log(areas[fours] / _disc_areas(triangles))).max(axis=1)
    perspective = triangles.max(axis=1) < MOST_PERSPECTIVE * triangles.min(axis=1)
    fits = (errors < np.log(MOST_AREA_ERROR)) & perspective
    best: dict[frozenset[int], tuple[float, list[int]]] = {}  # one order for each four regions
    for four, error in zip(fours[fits].tolist(), errors[fits].tolist(), strict=True):
        best[frozenset(four)] = min((error, four), best.get(frozenset(four), (np.inf, four)))
    for error, four in best.values():
        yield Face([whole[number] for number in four], "", float(np.exp(error)))


def _pairs_of_pairs(places: np.ndarray) -> np.ndarray:
    """Every pair of places (N, 2) as the upper one with every pair as the lower one, both in the same direction.

    Returns:
        Their numbers (M, 4) in the order of CORNERS. One place may be in both pairs: it makes no convex quadrangle.
    """
    first, second = np.array(list(combinations(range(len(places)), 2))).T  # of each pair
    directions = places[second] - places[first]
    same = directions @ directions.T > 0
    lower_left, lower_right = np.where(same, first, second), np.where(same, second, first)
    corners = np.broadcast_arrays(first[:, None], second[:, None], lower_left, lower_right)
    return np.stack(corners, axis=-1).reshape(-1, 4)


# Of upper left, upper right, lower left and lower right: the three others of each, in one sense of rotation.
OTHERS = np.array([(1, 3, 2), (0, 3, 2), (0, 1, 3), (0, 1, 2)])


def _triangle_ratios(places: np.ndarray) -> np.ndarray:
    """How many times as large the triangle of the other three is in the draw as in the target, by disc.

    With w(p) the map's denominator at p, a triangle of i, j, k is det H / (w(i) w(j) w(k)) times as large. So the ratio
    that is given for a disc l, det H w(l) / (w(i) w(j) w(k) w(l)), is proportional to the denominator at l.

    Args:
        places: rows and columns (..., 4, 2) of four regions, in the order of CORNERS.

    Returns:
        (..., 4), negative if the triangle is mirrored.
    """
    return np.asarray(_triangles(places) / _triangles(CORNERS))


def _triangles(corners: np.ndarray) -> np.ndarray:
    """Twice the signed areas (..., 4) of the triangles that are left if one of four points (..., 4, 2) is left out."""
    triangles = corners[..., OTHERS, :]
    (y, x), (v, u) = (np.moveaxis(triangles[..., n, :] - triangles[..., 0, :], -1, 0) for n in (1, 2))
    return np.asarray(y * u - x * v)


def _disc_areas(ratios: np.ndarray) -> np.ndarray:
    """pi s^2 |J| of each disc, (N, 4), from the absolute values (N, 4) of `_triangle_ratios`.

    With w1 to w4 the denominators, the ratio at disc l is det H wl / (w1 w2 w3 w4). The product of all four ratios,
    (det H)^4 / (w1 w2 w3 w4)^3, divided by the third power of one of them, is det H / wl^3, which is J at that disc.
    """
    return np.asarray(pi * RADII**2 * ratios.prod(axis=1, keepdims=True) / ratios**3)


def _bright_regions(luminance: np.ndarray, level: float) -> list[Disc]:
    """The regions above a level, largest first; specks of less than four pixels are left out."""
    return sorted(_connected_regions(luminance > level, least=4), key=lambda disc: -disc.area)


Run = tuple[int, int, int]  # neighbouring true pixels of one row: the row, the first column, the one after the last


def _connected_regions(mask: np.ndarray, least: int) -> list[Disc]:
    """Connected regions (four neighbours) of a boolean picture (H, W), of at least so many pixels."""
    runs = _runs(mask)
    root = list(range(len(runs)))  # a union-find forest: of each run, another one of its region, or itself

    def find(run: int) -> int:
        while root[run] != run:
            root[run] = root[root[run]]  # halves the way for the next one
            run = root[run]
        return run

    for upper, lower in _touching(runs):
        root[find(upper)] = find(lower)
    regions: dict[int, list[Run]] = {}
    for number, run in enumerate(runs):
        regions.setdefault(find(number), []).append(run)
    large = (region for region in regions.values() if sum(end - start for _, start, end in region) >= least)
    return [_measure(np.array(region), mask.shape) for region in large]


def _runs(mask: np.ndarray) -> list[Run]:
    """All runs of a boolean picture, from above and from the left."""
    steps = np.diff(np.pad(mask, ((0, 0), (1, 1))).astype("int8"), axis=1)
    return list(zip(*np.nonzero(steps == 1), np.nonzero(steps == -1)[1], strict=True))


def _touching(runs: list[Run]) -> Iterator[tuple[int, int]]:
    """The numbers of each two runs of neighbouring rows that have a column in common."""
    above = 0
    for here, (row, start, end) in enumerate(runs):
        while runs[above][0] < row - 1:
            above += 1
        for other in range(above, here):
            if runs[other][0] == row - 1 and runs[other][1] < end and start < runs[other][2]:
                yield other, here


def _measure(runs: np.ndarray, shape: tuple[int, ...]) -> Disc:
    """Area, centre and second moments of a region in a picture of a shape, from its runs (N, 3): row, start, end.

    An ellipse whose points have the covariance matrix S has the area 4 pi sqrt(det S).
    """
    rows, starts, ends = runs.T
    lengths = ends - starts
    area = int(lengths.sum())
    cut = rows.min() == 0 or starts.min() == 0 or rows.max() == shape[0] - 1 or ends.max() == shape[1]
    middles = (starts + ends - 1) / 2
    row, column = (float((lengths * middle).sum() / area) for middle in (rows, middles))
    apart = np.stack([rows - row, middles - column])
    # The covariance of the runs' middles, and of a pixel's height and a run's length in themselves.
    covariance = (apart * lengths) @ apart.T / area + np.diag([1, lengths @ lengths**2 / area]) / 12
    ellipse = 4 * pi * np.linalg.det(covariance) ** 0.5
    return Disc(row, column, area, float(area / ellipse), bool(cut))


def _lattice(points: int = 24, cells: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Places (N, 2) all over the square but not near its discs, and for each the number of its cell.

    Args:
        points: along a side, before those near a disc are left out.
        cells: along a side; the square's corners, where discs are, lose theirs.
    """
    line = (np.arange(points) + 0.5) / points
    shares = np.stack(np.meshgrid(line, line, indexing="ij"), axis=-1).reshape(-1, 2)
    places = (shares - 0.5) * (FACE - 2 * GAP)
    free = (np.linalg.norm(places[:, None] - CORNERS, axis=-1) > 1.5 * RADII).all(axis=1)
    cell = (shares * cells).astype(int) @ (cells, 1)
    free &= np.bincount(cell[free], minlength=cells**2)[cell] >= LEAST_POINTS
    return places[free], np.unique(cell[free], return_inverse=True)[1]


LATTICE, CELLS = _lattice()


def colours_inside(picture: np.ndarray, face: Face) -> np.ndarray:
    """Colours (N, 3) of a draw at the places of `LATTICE`."""
    rows, columns = np.rint(face.positions(LATTICE)).astype(int).T.clip(0, np.array(picture.shape[:2])[:, None] - 1)
    return np.asarray(picture[rows, columns])


def covered_share(picture: np.ndarray, face: Face) -> float:
    """How far a sixteenth of the face between its discs differs from the rest, as a share of what the discs do.

    0 if the face is so small that noise might do that.
    """
    if face.shorter_side * FACE < np.sqrt(len(LATTICE)):
        return 0.0
    greys = colours_inside(picture, face).mean(axis=-1)
    cells = np.bincount(CELLS, greys) / np.bincount(CELLS)
    usual = np.median(greys)
    return float(np.abs(cells - usual).max() / max(_disc_colour(picture, face).mean() - usual, 0.05))


def colour_cast(picture: np.ndarray, face: Face) -> float:
    """Half of the difference between the channels of a face that was grey, as a share of their mean."""
    colour = np.median(colours_inside(picture, face), axis=0)
    return float(np.ptp(colour) / 2 / max(colour.mean(), 0.05))


def exposure(picture: np.ndarray, face: Face, casts: float = 0) -> dict[str, tuple[float, float]]:
    """By what factors the brightness and the contrast of one denormalised draw of a `WEAK` target may have changed.

    A jitter makes of a grey x

        c (b x - m) + m  =  slope x + offset,    with  slope = b c  and  offset = (1 - c) m.

    Unknown are the factors b of brightness and c of contrast. Measured are two greys, the picture's and the discs': two
    equations, from which slope and offset follow. The mean m is that of the picture that the jitter sees. This may be
    the target itself, whose mean is b / 2, as it is mid-grey; or the draw, with all that was put around the face; and
    some jitters take 1/2 in its place. A cast of colour multiplies each channel, or adds to it, and may do the same to
    all three by chance.

    Each choice of m, of a cast, and of greys before they were rounded or cut off at white, explains what is seen by
    other factors. All are tried.

    Args:
        casts: the largest `colour_cast` of all draws of the transform.

    Returns:
        Least and greatest b as `"brightness"`, least and greatest c as `"contrast"`.
    """
    brightness: list[float] = []
    contrast: list[float] = []
    for explanation in _explanations(picture, face):
        for slope, offset, *means in _without_cast(explanation, casts):
            of_the_target = slope + offset / 0.5  # b, if m is b / 2
            contrasts = [1 - offset / max(mean, 1e-6) for mean in (*means, 0.5)]
            brightness += [of_the_target, *(slope / c if c > 0 else np.inf for c in contrasts)]
            contrast += [slope / of_the_target if of_the_target > 0 else np.inf, *contrasts]
    return {"brightness": (min(brightness), max(brightness)), "contrast": (min(contrast), max(contrast))}


def _explanations(picture: np.ndarray, face: Face) -> Iterator[np.ndarray]:
    """Slope, offset, and the least and the greatest mean of the draw, for all greys that may have become those seen."""
    dark, light = (grey / 255 for grey in WEAK)
    got_dark, got_light = np.median(colours_inside(picture, face), axis=0), _disc_colour(picture, face)
    greatest = np.where(got_light < NEARLY_WHITE, got_light + ROUNDING, 1 + BEYOND_WHITE)
    # Around the face too, greys may have been cut off at white, or at black, there by up to 0.3 times the mean.
    is_black, is_white = picture < 1 - NEARLY_WHITE, picture > NEARLY_WHITE
    mean, black, white = (part.mean(axis=(0, 1)) for part in (picture, is_black, is_white))
    means = np.stack([mean * (1 - 0.3 * black), mean + BEYOND_WHITE * white])
    for weights in (PLAIN_MEAN, LUMINANCE):
        darks = (got_dark @ weights - ROUNDING, got_dark @ weights + ROUNDING)
        lights = (got_light @ weights - ROUNDING, greatest @ weights)
        for from_dark, from_light in product(darks, lights):
            slope = (from_light - from_dark) / (light - dark)
            yield np.array([slope, from_light - slope * light, *(means @ weights)])


def _without_cast(explanation: np.ndarray, casts: float) -> Iterator[np.ndarray]:
    """Slope, offset and means as they are, and as they were before a cast of that size that changed all channels."""
    yield explanation
    if casts > LEAST_CAST:
        for cast in (-casts, casts):
            yield explanation / (1 + cast)
            yield explanation - cast * WEAK[0] / 255 * np.array([0, *[1] * (len(explanation) - 1)])


def _disc_colour(picture: np.ndarray, face: Face) -> np.ndarray:
    """Mean colour (3,) of the middles of the upper discs."""
    colours = [
        _colour_around(picture, np.array([disc.row, disc.column]), (disc.area / pi) ** 0.5 / 2)
        for disc in face.discs[:2]
    ]
    return np.asarray(np.mean(colours, axis=0))


def _colour_around(picture: np.ndarray, centre: np.ndarray, radius: float) -> np.ndarray:
    """Mean colour (3,) of the pixels of a draw (H, W, 3) that lie within `radius` of a place, or next to it."""
    reach = max(int(np.ceil(radius)), 1)
    top, left = np.maximum(np.rint(centre).astype(int) - reach, 0)
    window = picture[top : top + 2 * reach + 1, left : left + 2 * reach + 1]
    rows, columns = np.mgrid[top : top + window.shape[0], left : left + window.shape[1]]
    distance = np.hypot(rows - centre[0], columns - centre[1])
    return np.asarray(window[distance <= max(radius, distance.min())].mean(axis=0))
