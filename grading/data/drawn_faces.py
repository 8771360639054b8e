"""Drawn faces with and without heavy make-up, for part 1 where there are no photographs.

A head of about half the picture's height stands near the centre. What make-up changes (eyelids, cheeks, lips) lies
within the central square of 60 % of the side; around it hang balloons, flowers, hearts and painted mouths in the
very colours of make-up, which say nothing. So the label is in the face and nowhere else: a crop that loses the face
loses the label. The strength of each part's make-up comes from one of two overlapping distributions, so no
classifier reaches an accuracy of 1.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .face_painting import SIDE, Colour, Look, Toy, paint

ATTRIBUTES = {
    "glasses": 0.3,
    "smile": 0.5,
    "open_mouth": 0.4,
    "hat": 0.3,
    "long_hair": 0.5,
    "fringe": 0.5,
    "beard": 0.25,
    "earrings": 0.4,
    "freckles": 0.3,
    "striped_shirt": 0.5,
}
"""Columns of `DrawnFaces.attributes` and how often each is 1. None depends on the make-up."""

COLOURED_PARTS = ("lids", "cheeks", "lips", "skin", "hair", "wall")
"""Parts whose red, green and blue are the columns of `DrawnFaces.colours`, in this order."""

HEAVY, LIGHT, SPREAD = 0.72, 0.27, 0.20
"""Means and standard deviation of the strength of a part's make-up; 0 is bare skin, 1 full colour."""


def _palette(*codes: str) -> NDArray[np.float64]:
    """Colours from hexadecimal RRGGBB: float64 (N, 3) in [0, 1]."""
    return np.array([[int(code[i : i + 2], 16) / 255 for i in (0, 2, 4)] for code in codes])


SKINS = _palette("f8dcc8", "f0c8a8", "e6b48e", "d9a27a", "c48c66")
HAIRS = _palette("20181a", "4a2c1e", "7a4a2a", "b5793e", "e0bd74", "a8391f", "8d8f98", "5a3a6e")
IRISES = _palette("3d6fa8", "4f8a55", "6b4423", "3a3330")
WALLS = _palette("a9c9e8", "f2e3bd", "c9dfc0", "dac6e6", "f4c9bc", "8fa5b5", "5e7f86", "e9e6df")
CLOTHES = _palette("c8413f", "38618c", "4b8f6b", "e2b13c", "6d4a86", "a9a498", "30343f")
ROUGES = _palette("e0405f", "dc4450", "d23c78")
LIPSTICKS = _palette("c3122f", "a01040", "d01848", "b81c22")
SHADOWS = _palette("2f55c8", "6a34b4", "1f7fa8", "4a3a90")
TOYS = np.concatenate([ROUGES, LIPSTICKS, SHADOWS, SKINS[:3], _palette("f0c23c", "ef8a34", "f7f4ec")])
"""The clutter has the colours of make-up and skin, so that a colour alone tells nothing."""

TOY_KINDS = ("balloon", "heart", "star", "doll", "doll", "flower", "ball")


@dataclass(frozen=True)
class DrawnFaces:
    """N drawn faces and what is true of each of them.

    Attributes:
        images: uint8 (N, 72, 72, 3), RGB.
        heavy_makeup: uint8 (N,), 1 with heavy make-up, else 0.
        attributes: uint8 (N, 10), 1 where the face has the attribute of `ATTRIBUTES`, else 0.
        colours: float32 (N, 18) in [0, 1]: red, green and blue of each of `COLOURED_PARTS`, as lit in the picture.
    """

    images: NDArray[np.uint8]
    heavy_makeup: NDArray[np.uint8]
    attributes: NDArray[np.uint8]
    colours: NDArray[np.float32]


def draw_faces(count: int, seed: int, *, start: int = 0) -> DrawnFaces:
    """Draw the faces number `start` to `start + count - 1` of a seed.

    Face i of a seed is the same whatever `count` and `start` are, so the work can be split over processes. Of the
    faces 2k and 2k + 1 one has heavy make-up, in random order, so an even number from an even start is balanced.

    Args:
        count: how many faces, at least 0.
        seed: at least 0; different seeds give unrelated faces.
        start: number of the first face, at least 0.

    Raises:
        ValueError: `count`, `seed` or `start` is negative.
    """
    if min(count, seed, start) < 0:
        raise ValueError(f"count, seed and start must not be negative, got {count}, {seed} and {start}")
    faces = DrawnFaces(
        images=np.empty((count, SIDE, SIDE, 3), np.uint8),
        heavy_makeup=np.empty(count, np.uint8),
        attributes=np.empty((count, len(ATTRIBUTES)), np.uint8),
        colours=np.empty((count, 3 * len(COLOURED_PARTS)), np.float32),
    )
    for row in range(count):
        index = start + row
        heavy = _is_heavy(seed, index)
        look = _imagine(np.random.default_rng([seed, index, 1]), heavy)
        faces.images[row] = paint(look)
        faces.heavy_makeup[row] = heavy
        faces.attributes[row] = [look.has[name] for name in ATTRIBUTES]
        faces.colours[row] = np.concatenate([look.colour[part] * look.light for part in COLOURED_PARTS]).clip(0, 1)
    return faces


def _is_heavy(seed: int, index: int) -> bool:
    """Whether a face has heavy make-up: a coin decides which face of each pair has it."""
    coin = np.random.default_rng([seed, index // 2, 0]).integers(2)
    return bool(coin == index % 2)


def _imagine(rng: np.random.Generator, heavy: bool) -> Look:
    """Decide on all that is to be seen in one picture."""
    skin = _shade(rng, SKINS)
    strengths = np.clip(rng.normal(HEAVY if heavy else LIGHT, SPREAD, size=3), 0, 1)
    lids, cheeks, lips = strengths
    bare_lips = _mix(skin, np.array([0.75, 0.35, 0.35]), rng.uniform(0.2, 0.4))
    return Look(
        x=SIDE / 2 + rng.uniform(-2, 2),
        y=SIDE / 2 + rng.uniform(-2, 2),
        size=rng.uniform(18, 21),
        tilt=rng.uniform(-0.2, 0.2),
        has={name: bool(rng.random() < share) for name, share in ATTRIBUTES.items()},
        colour={
            "skin": skin,
            "lids": _mix(0.92 * skin, _shade(rng, SHADOWS), 0.9 * lids),
            "cheeks": _mix(skin, _shade(rng, ROUGES), 0.8 * cheeks),
            "lips": _mix(bare_lips, _shade(rng, LIPSTICKS), lips),
            "hair": _shade(rng, HAIRS),
            "irises": _shade(rng, IRISES),
            "wall": _shade(rng, WALLS),
            "shirt": _shade(rng, CLOTHES),
            "hat": _shade(rng, CLOTHES),
            "earrings": _shade(rng, TOYS),
        },
        wall_pattern=("plain", "dots", "stripes")[rng.integers(3)],
        toys=[_toy(rng) for _ in range(rng.integers(9, 15))],
        light=rng.uniform(0.82, 1.08) * rng.uniform(0.96, 1.02, size=3),
    )


def _toy(rng: np.random.Generator) -> Toy:
    """One piece of clutter, its centre outside the central square of 60 % of the side."""
    across, along = rng.uniform(0.34, 0.5) * (1 if rng.random() < 0.5 else -1), rng.uniform(-0.5, 0.5)
    x, y = (across, along) if rng.random() < 0.5 else (along, across)
    first, second = rng.integers(len(TOYS), size=2)
    return Toy(
        kind=TOY_KINDS[rng.integers(len(TOY_KINDS))],
        x=SIDE * (0.5 + x),
        y=SIDE * (0.5 + y),
        size=rng.uniform(3.5, 6.5),
        turn=rng.uniform(-0.5, 0.5),
        colour=TOYS[first],
        second=TOYS[second],
    )


def _shade(rng: np.random.Generator, palette: NDArray[np.float64]) -> Colour:
    """A colour of a palette, a little off."""
    return np.clip(palette[rng.integers(len(palette))] + rng.normal(0, 0.02, size=3), 0, 1)


def _mix(base: Colour, paint_colour: Colour, strength: float) -> Colour:
    """`base` covered by a share `strength` of another colour."""
    return (1 - strength) * base + strength * paint_colour
