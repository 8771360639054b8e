"""How a drawn face is painted: from a `Look`, which says what is to be seen, to pixels."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

SIDE = 72
"""Height and width of a picture: what a side of 256 is at the report's size, where a crop of 64 stands for 224."""

SUPERSAMPLING = 2
"""Pictures are drawn this many times larger and then averaged: smooth edges at little cost."""

Colour = NDArray[np.float64]
"""Red, green and blue in [0, 1]: float64 (3,)."""

INK: Colour = np.array([0.16, 0.11, 0.12])
WHITE: Colour = np.array([0.98, 0.97, 0.95])
DOLL: Colour = np.array([0.95, 0.80, 0.68])

_ANGLES = np.linspace(0, 2 * np.pi, 20, endpoint=False)
_CIRCLE = np.stack([np.cos(_ANGLES), np.sin(_ANGLES)], axis=1)
_HALF = np.linspace(0, np.pi, 9)
_ARCH = np.stack([np.cos(_HALF), -np.sin(_HALF)], axis=1)
_SPIKES = np.stack([np.cos(np.pi * np.arange(10) / 5), np.sin(np.pi * np.arange(10) / 5)], axis=1)
_STAR = _SPIKES * np.where(np.arange(10) % 2, 0.45, 1.0)[:, None]
_HEART = np.array(
    [(0, 0.9), (-0.85, 0.05), (-0.95, -0.4), (-0.6, -0.8), (-0.2, -0.7), (0, -0.4)]
    + [(0.2, -0.7), (0.6, -0.8), (0.95, -0.4), (0.85, 0.05)]
)
_UPPER_LIP = np.array([(-1, 0), (-0.45, -0.8), (-0.15, -1), (0, -0.75), (0.15, -1), (0.45, -0.8), (1, 0)])
_LOWER_LIP = np.array([(1, 0), (0.6, 0.75), (0.2, 1.05), (-0.2, 1.05), (-0.6, 0.75), (-1, 0)])
_LIPS = np.concatenate([_UPPER_LIP, _LOWER_LIP[1:-1]])


@dataclass(frozen=True)
class Toy:
    """One piece of the clutter around the head: its kind, colours and place, in pixels from the upper left."""

    kind: str
    x: float
    y: float
    size: float
    turn: float
    colour: Colour
    second: Colour


@dataclass(frozen=True)
class Look:
    """All that is to be seen in one picture.

    Attributes:
        x, y: centre of the head, in pixels.
        size: half the height of the head, in pixels.
        tilt: angle of the head, in radians.
        has: for each attribute whether the face has it.
        colour: of each painted part, before the light.
        wall_pattern: "plain", "dots" or "stripes".
        toys: the clutter, from back to front.
        light: gain of red, green and blue.
    """

    x: float
    y: float
    size: float
    tilt: float
    has: dict[str, bool]
    colour: dict[str, Colour]
    wall_pattern: str
    toys: Sequence[Toy]
    light: Colour


class _Pen:
    """Fills shapes given in units of their own, turned, scaled and moved onto the canvas."""

    def __init__(self, canvas: ImageDraw.ImageDraw, x: float, y: float, size: float, turn: float) -> None:
        self._draw = canvas.polygon
        self._turn = size * SUPERSAMPLING * np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
        self._move = np.array([x, y]) * SUPERSAMPLING

    def shape(self, points: NDArray[np.float64], colour: Colour) -> None:
        self._draw((points @ self._turn + self._move).ravel().tolist(), fill=_rgb(colour))

    def oval(self, x: float, y: float, rx: float, ry: float, colour: Colour) -> None:
        self.shape(_CIRCLE * (rx, ry) + (x, y), colour)

    def ring(self, x: float, y: float, r: float, width: float, colour: Colour) -> None:
        outer, inner = _CIRCLE * r + (x, y), _CIRCLE * (r - width) + (x, y)
        self.shape(np.concatenate([outer, outer[:1], inner[:1], inner[:0:-1], inner[:1]]), colour)

    def box(self, x0: float, y0: float, x1: float, y1: float, colour: Colour) -> None:
        self.shape(np.array([(x0, y0), (x1, y0), (x1, y1), (x0, y1)]), colour)


def paint(look: Look) -> NDArray[np.uint8]:
    """Paint a look: uint8 (72, 72, 3), RGB."""
    side = SIDE * SUPERSAMPLING
    image = Image.new("RGB", (side, side), _rgb(look.colour["wall"]))
    canvas = ImageDraw.Draw(image)
    _paint_wall(canvas, look)
    for toy in look.toys:
        _paint_toy(_Pen(canvas, toy.x, toy.y, toy.size, toy.turn), toy)
    pen = _Pen(canvas, look.x, look.y, look.size, look.tilt)
    _paint_behind_the_head(pen, look)
    _paint_head(pen, look)
    _paint_mouth(pen, look)
    _paint_eyes(pen, look)
    _paint_on_top(pen, look)
    pixels = np.asarray(image.reduce(SUPERSAMPLING), np.float32) * look.light.astype(np.float32)
    return np.clip(pixels + 0.5, 0, 255).astype(np.uint8)


def _paint_wall(canvas: ImageDraw.ImageDraw, look: Look) -> None:
    side = SIDE * SUPERSAMPLING
    colour = _rgb(0.9 * look.colour["wall"])
    if look.wall_pattern == "stripes":
        for x in range(0, side, 24):
            canvas.rectangle((x, 0, x + 11, side), fill=colour)
    elif look.wall_pattern == "dots":
        for x in range(6, side, 24):
            for y in range(6, side, 24):
                canvas.ellipse((x, y, x + 9, y + 9), fill=colour)


def _paint_toy(pen: _Pen, toy: Toy) -> None:
    if toy.kind == "balloon":
        pen.box(-0.03, 0.9, 0.03, 2.4, INK)
        pen.oval(0, 0, 0.85, 1, toy.colour)
        pen.oval(-0.3, -0.4, 0.18, 0.25, WHITE)
    elif toy.kind == "heart":
        pen.shape(_HEART, toy.colour)
    elif toy.kind == "star":
        pen.shape(_STAR, toy.colour)
    elif toy.kind == "doll":
        pen.oval(0, 0, 1.5, 1.7, DOLL)
        for side in (-1, 1):
            pen.oval(0.75 * side, 0.5, 0.42, 0.36, toy.colour)
            pen.shape(_ARCH * (0.5, 0.7) + (0.6 * side, -0.1), toy.second)
            pen.oval(0.6 * side, -0.1, 0.25, 0.25, INK)
        pen.shape(_LIPS * (0.62, 0.3) + (0, 1), toy.colour)
    elif toy.kind == "flower":
        for angle in np.arange(5) * 0.4 * np.pi:
            pen.oval(0.55 * np.cos(angle), 0.55 * np.sin(angle), 0.42, 0.42, toy.colour)
        pen.oval(0, 0, 0.32, 0.32, toy.second)
    else:
        pen.oval(0, 0, 1, 1, toy.colour)
        pen.shape(_ARCH, toy.second)


def _paint_behind_the_head(pen: _Pen, look: Look) -> None:
    hair, shirt = look.colour["hair"], look.colour["shirt"]
    if look.has["long_hair"]:
        pen.oval(0, -0.1, 1.08, 1.15, hair)
        pen.box(-1.08, -0.1, 1.08, 1.35, hair)
    pen.oval(0, 2.2, 1.5, 1.05, shirt)
    if look.has["striped_shirt"]:
        for y in (1.5, 1.9, 2.3):
            pen.box(-0.95, y, 0.95, y + 0.17, WHITE)
    pen.box(-0.27, 0.7, 0.27, 1.4, 0.86 * look.colour["skin"])


def _paint_head(pen: _Pen, look: Look) -> None:
    skin, hair, cheeks = (look.colour[part] for part in ("skin", "hair", "cheeks"))
    for side in (-1, 1):
        pen.oval(0.82 * side, 0.08, 0.14, 0.2, 0.93 * skin)
        if look.has["earrings"]:
            pen.oval(0.86 * side, 0.36, 0.1, 0.12, look.colour["earrings"])
    pen.oval(0, -0.12, 0.9, 1.0, hair)
    pen.oval(0, 0, 0.82, 1.0, skin)
    if look.has["beard"]:
        pen.shape(_CIRCLE[:11] * (0.8, 0.8) + (0, 0.25), hair)
        pen.oval(0, 0.25, 0.72, 0.3, skin)
    for side in (-1, 1):
        pen.oval(0.48 * side, 0.3, 0.28, 0.24, 0.5 * (skin + cheeks))
        pen.oval(0.48 * side, 0.3, 0.22, 0.18, cheeks)
        if look.has["freckles"]:
            for x, y in ((0.24, 0.2), (0.36, 0.1), (0.5, 0.14), (0.14, 0.12)):
                pen.oval(x * side, y, 0.035, 0.035, 0.62 * skin)
    pen.oval(0, 0.2, 0.09, 0.13, 0.86 * skin)


def _paint_mouth(pen: _Pen, look: Look) -> None:
    lips = look.colour["lips"]
    curl = -0.2 if look.has["smile"] else 0.1

    def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = points.T
        return np.stack([0.38 * x, 0.62 + 0.17 * y + curl * x**2], axis=1)

    pen.shape(bend(_LIPS), lips)
    if look.has["open_mouth"]:
        pen.shape(bend(_LIPS * (0.7, 0.5)), WHITE)
    else:
        pen.shape(bend(np.concatenate([_UPPER_LIP * (1, 0.06), _LOWER_LIP * (1, 0.12)])), 0.6 * lips)


def _paint_eyes(pen: _Pen, look: Look) -> None:
    for side in (-1, 1):
        x = 0.34 * side
        pen.shape(_ARCH * (0.31, 0.4) + (x, -0.08), look.colour["lids"])
        pen.oval(x, -0.07, 0.23, 0.14, WHITE)
        pen.oval(x, -0.07, 0.12, 0.13, look.colour["irises"])
        pen.oval(x, -0.07, 0.06, 0.07, INK)
        pen.shape(np.concatenate([_ARCH * (0.25, 0.16), _ARCH[::-1] * (0.25, 0.1)]) + (x, -0.08), INK)
        pen.box(x - 0.22, -0.58, x + 0.22, -0.52, 0.7 * look.colour["hair"])


def _paint_on_top(pen: _Pen, look: Look) -> None:
    hair, hat = look.colour["hair"], look.colour["hat"]
    if look.has["glasses"]:
        for side in (-1, 1):
            pen.ring(0.36 * side, -0.1, 0.34, 0.06, INK)
        pen.box(-0.06, -0.14, 0.06, -0.08, INK)
    pen.shape(np.concatenate([_ARCH * (0.9, 0.98), _ARCH[::-1] * (0.8, 0.45)]) + (0, -0.35), hair)
    if look.has["fringe"]:
        pen.shape(np.concatenate([_ARCH * (0.8, 0.5), [(-0.76, 0.1), (0, 0.03), (0.76, 0.1)]]) + (0, -0.52), hair)
    if look.has["hat"]:
        pen.shape(_ARCH * (0.85, 0.95) + (0, -0.68), hat)
        pen.box(-1.15, -0.76, 1.15, -0.6, 0.75 * hat)


def _rgb(colour: Colour) -> tuple[int, int, int]:
    """A colour as PIL wants it."""
    red, green, blue = (np.clip(colour, 0, 1) * 255 + 0.5).astype(int).tolist()
    return red, green, blue
