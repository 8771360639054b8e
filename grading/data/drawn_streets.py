"""Drawn street scenes with CamVid's eleven classes and void.

The colours of classes overlap, so a pixel's class follows from its surroundings; poles, signs, fences and people are
a few pixels wide, so they are lost at coarse strides.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

HEIGHT, WIDTH = 72, 96
SKY, BUILDING, POLE, ROAD, PAVEMENT, TREE, SIGN, FENCE, CAR, PEDESTRIAN, BICYCLIST, VOID = range(12)

Colour = tuple[int, int, int]
Box = tuple[float, float, float, float]


@dataclass(frozen=True)
class DrawnStreets:
    """`images` uint8 (N, 72, 96, 3) and `labels` uint8 (N, 72, 96), 0..10 as in CamVid, 11 void."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]


def draw_streets(count: int, seed: int) -> DrawnStreets:
    """Draw `count` scenes; scene i of a seed is the same whatever `count` is."""
    scenes = [_Scene(np.random.default_rng([seed, index])).drawn() for index in range(count)]
    return DrawnStreets(np.stack([image for image, _ in scenes]), np.stack([labels for _, labels in scenes]))


class _Scene:
    """One street in perspective: a picture and its label image, painted side by side."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng
        self.picture = Image.new("RGB", (WIDTH, HEIGHT))
        self.labels = Image.new("L", (WIDTH, HEIGHT), VOID)
        self.brush = ImageDraw.Draw(self.picture)
        self.label_brush = ImageDraw.Draw(self.labels)
        self.horizon = rng.uniform(26, 36)
        self.vanishing = rng.uniform(0.3, 0.7) * WIDTH

    def drawn(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        self._sky()
        self._buildings()
        self._ground()
        for left in (True, False):
            self._roadside(left)
        self._traffic()
        return self._lit(), np.asarray(self.labels)

    def _sky(self) -> None:
        base = self._pick([(140, 175, 215), (205, 205, 205), (120, 130, 150), (225, 215, 190)])
        self._box((0, 0, WIDTH, HEIGHT), SKY, base)
        for _ in range(self.rng.integers(0, 4)):
            x, y = self.rng.uniform(0, WIDTH), self.rng.uniform(0, self.horizon * 0.7)
            cloud = self._shade((230, 230, 230))
            self.brush.ellipse([x, y, x + self.rng.uniform(8, 24), y + self.rng.uniform(2, 6)], fill=cloud)

    def _buildings(self) -> None:
        x = -self.rng.uniform(0, 12)
        while x < WIDTH:
            width = self.rng.uniform(10, 24)
            # Buildings are lower towards the vanishing point, and some lots are empty.
            near = min(1.0, abs(x + width / 2 - self.vanishing) / (WIDTH / 2))
            top = self.horizon - (4 + 26 * near * self.rng.uniform(0.6, 1.2))
            if self.rng.random() < 0.85:
                wall = self._pick([(150, 120, 100), (120, 120, 125), (175, 160, 135), (95, 85, 90), (140, 150, 160)])
                self._box((x, top, x + width, self.horizon + 6), BUILDING, wall)
                pane = self._shade(self._pick([(60, 70, 90), (190, 200, 210), (200, 180, 110)]))
                for row in np.arange(top + 2, self.horizon, 5):
                    for column in np.arange(x + 2, x + width - 2, 4):
                        self.brush.rectangle([column, row, column + 1.5, row + 2], fill=pane)
            x += width

    def _ground(self) -> None:
        tar = self._pick([(90, 88, 90), (110, 105, 100), (75, 78, 85)])
        flags = self._pick([(150, 140, 135), (125, 118, 112), (105, 102, 100)])
        self._box((0, self.horizon, WIDTH, HEIGHT), PAVEMENT, flags)
        self.edges = (self.rng.uniform(-0.15, 0.2) * WIDTH, self.rng.uniform(0.8, 1.15) * WIDTH)
        spread = 3
        corners = [
            (self.vanishing - spread, self.horizon),
            (self.vanishing + spread, self.horizon),
            (self.edges[1], HEIGHT),
            (self.edges[0], HEIGHT),
        ]
        self._polygon(corners, ROAD, tar)
        for part in np.arange(0.15, 1, 0.25):  # dashes of the centre line belong to the road
            middle = self.vanishing + (sum(self.edges) / 2 - self.vanishing) * part
            y = self.horizon + (HEIGHT - self.horizon) * part
            self.brush.line([middle, y, middle + 0.5, y + 6 * part], fill=(205, 205, 200), width=1 + int(2 * part))

    def _roadside(self, left: bool) -> None:
        for depth in sorted(self.rng.uniform(0.12, 0.95, self.rng.integers(3, 7))):
            x, y = self._kerb(left, depth)
            kind = self.rng.choice(["tree", "pole", "sign", "fence", "pedestrian"], p=[0.25, 0.25, 0.2, 0.15, 0.15])
            getattr(self, f"_{kind}")(x, y, depth)

    def _traffic(self) -> None:
        for depth in sorted(self.rng.uniform(0.2, 0.9, self.rng.integers(1, 4))):
            left, _ = self._kerb(True, depth)
            right, y = self._kerb(False, depth)
            x = left + (right - left) * self.rng.uniform(0.25, 0.75)
            if self.rng.random() < 0.7:
                self._car(x, y, depth)
            else:
                self._bicyclist(x, y, depth)
        if self.rng.random() < 0.5:  # something that nobody has named
            x, y = self._kerb(self.rng.random() < 0.5, self.rng.uniform(0.3, 0.9))
            self._box((x - 3, y - 4, x + 3, y), VOID, self._pick([(160, 60, 60), (70, 110, 70), (120, 120, 60)]))

    def _tree(self, x: float, y: float, depth: float) -> None:
        trunk = self._shade((85, 65, 50))
        height = 10 + 26 * depth
        self._line([(x, y), (x, y - height * 0.5)], TREE, trunk, 1 + round(2 * depth))
        leaves = self._pick([(70, 100, 55), (95, 115, 60), (60, 80, 60), (120, 105, 60)])
        for _ in range(6):
            cx, cy = x + self.rng.normal(0, height * 0.16), y - height * self.rng.uniform(0.5, 0.95)
            r = height * self.rng.uniform(0.12, 0.22)
            self._ellipse((cx - r, cy - r, cx + r, cy + r), TREE, self._shade(leaves))

    def _pole(self, x: float, y: float, depth: float) -> None:
        top = y - (16 + 34 * depth)
        grey = self._pick([(110, 110, 112), (80, 80, 82), (150, 150, 150)])
        self._line([(x, y), (x, top)], POLE, grey, 1 + round(1.4 * depth))
        self._line([(x, top), (x + self.rng.choice([-1, 1]) * 5 * depth, top)], POLE, grey, 1)

    def _sign(self, x: float, y: float, depth: float) -> None:
        top = y - (10 + 18 * depth)
        self._line([(x, y), (x, top)], POLE, self._shade((120, 120, 120)), 1)
        r = 1.5 + 3 * depth
        colour = self._pick([(190, 50, 45), (50, 80, 160), (210, 190, 60), (200, 200, 200)])
        shape = self._ellipse if self.rng.random() < 0.5 else self._box
        shape((x - r, top - r, x + r, top + r), SIGN, colour)

    def _fence(self, x: float, y: float, depth: float) -> None:
        length, height = 10 + 16 * depth, 3 + 6 * depth
        colour = self._pick([(120, 95, 75), (95, 95, 98), (165, 160, 150)])
        for step in np.arange(0, length, 2 + 2 * depth):
            self._line([(x + step, y), (x + step, y - height)], FENCE, colour, 1)
        for level in (0.35, 0.95):
            self._line([(x, y - height * level), (x + length, y - height * level)], FENCE, colour, 1)

    def _pedestrian(self, x: float, y: float, depth: float) -> None:
        height = 5 + 15 * depth
        clothes = self._pick([(120, 50, 50), (50, 60, 100), (60, 60, 60), (150, 140, 120), (80, 100, 70)])
        w = height * 0.16
        self._box((x - w, y - height * 0.8, x + w, y), PEDESTRIAN, clothes)
        self._ellipse((x - w, y - height, x + w, y - height * 0.76), PEDESTRIAN, self._shade((200, 160, 130)))

    def _bicyclist(self, x: float, y: float, depth: float) -> None:
        height = 5 + 13 * depth
        r = height * 0.24
        dark = self._shade((45, 45, 50))
        for side in (-1, 1):
            self._ellipse((x + side * r * 1.3 - r, y - 2 * r, x + side * r * 1.3 + r, y), BICYCLIST, dark)
        self._box(
            (x - r * 0.6, y - height * 0.85, x + r * 0.6, y - r),
            BICYCLIST,
            self._pick([(170, 60, 60), (70, 70, 140)]),
        )
        skin = self._shade((200, 160, 130))
        self._ellipse((x - r * 0.5, y - height, x + r * 0.5, y - height * 0.8), BICYCLIST, skin)

    def _car(self, x: float, y: float, depth: float) -> None:
        width, height = 6 + 20 * depth, 4 + 11 * depth
        paint = self._pick([(150, 40, 40), (50, 70, 120), (180, 180, 180), (60, 60, 65), (120, 125, 110)])
        self._box((x - width / 2, y - height * 0.6, x + width / 2, y - 1), CAR, paint)
        self._box(
            (x - width * 0.36, y - height, x + width * 0.36, y - height * 0.5),
            CAR,
            self._shade((75, 90, 105)),
        )
        for side in (-1, 1):
            wx, r = x + side * width * 0.32, height * 0.16
            self._ellipse((wx - r, y - 2 * r, wx + r, y), CAR, (35, 35, 38))

    def _kerb(self, left: bool, depth: float) -> tuple[float, float]:
        """A point beside the road; depth 0 is the horizon, 1 the lower edge."""
        edge = self.edges[0 if left else 1]
        outside = (-1 if left else 1) * self.rng.uniform(1, 8) * depth
        return self.vanishing + (edge - self.vanishing) * depth + outside, self.horizon + (
            HEIGHT - self.horizon
        ) * depth

    def _lit(self) -> NDArray[np.uint8]:
        """Daylight, a tint, a slope of brightness and grain."""
        picture = np.asarray(self.picture, dtype=np.float64)
        slope = 1 + np.linspace(-1, 1, WIDTH)[None, :, None] * self.rng.uniform(-0.15, 0.15)
        tint = self.rng.uniform(0.75, 1.15) * self.rng.uniform(0.92, 1.08, 3)
        grain = self.rng.normal(0, 7, picture.shape)
        return np.clip(picture * slope * tint + grain, 0, 255).astype(np.uint8)

    def _pick(self, palette: list[Colour]) -> Colour:
        return self._shade(palette[self.rng.integers(len(palette))])

    def _shade(self, colour: Colour) -> Colour:
        red, green, blue = (int(np.clip(channel + self.rng.normal(0, 10), 0, 255)) for channel in colour)
        return red, green, blue

    def _box(self, box: Box, label: int, colour: Colour) -> None:
        self.brush.rectangle(box, fill=colour)
        self.label_brush.rectangle(box, fill=label)

    def _ellipse(self, box: Box, label: int, colour: Colour) -> None:
        self.brush.ellipse(box, fill=colour)
        self.label_brush.ellipse(box, fill=label)

    def _polygon(self, corners: list[tuple[float, float]], label: int, colour: Colour) -> None:
        self.brush.polygon(corners, fill=colour)
        self.label_brush.polygon(corners, fill=label)

    def _line(self, points: list[tuple[float, float]], label: int, colour: Colour, width: int) -> None:
        self.brush.line(points, fill=colour, width=width)
        self.label_brush.line(points, fill=label, width=width)
