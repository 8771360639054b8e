"""Colours and texts that all pictures share."""

from collections.abc import Sequence
from dataclasses import dataclass

from grading.protocol.text import one_line

WIDTH = 400  # in CSS pixels: little more than a phone's page, so texts shrink little on one
FONT = "system-ui, sans-serif"
LETTER = 6.2  # pixels that a letter takes on average at TEXT
TEXT = 11.5  # pixels


@dataclass(frozen=True)
class Colour:
    """A colour that differs between a light and a dark page: a CSS variable of the picture's own style.

    Attributes:
        stand_in: what matplotlib, which knows no variables, draws in its place; no other colour is the same.
    """

    name: str
    light: str
    dark: str
    stand_in: str

    @property
    def css(self) -> str:
        """What a style says."""
        return f"var(--{self.name})"


INK = Colour("ink", "#1d2330", "#e8ebf0", "#010f01")
QUIET = Colour("quiet", "#5b6472", "#a7b0bd", "#010f02")
GRID = Colour("grid", "#dfe3ea", "#3a4250", "#010f03")
# Told apart in every form of colour blindness, and readable as texts on white and on near black.
SUBMISSION = Colour("submission", "#1268c0", "#5aa6f0", "#010f04")
PUBLISHED = Colour("published", "#b04a00", "#f2a65a", "#010f05")
BOUNDARY = Colour("boundary", "#00412d", "#8ff0c8", "#010f06")
REFERENCE = Colour("reference", "#667085", "#98a3b3", "#010f07")
COLOURS = (INK, QUIET, GRID, SUBMISSION, PUBLISHED, BOUNDARY, REFERENCE)

# Of CamVid as it was released with SegNet.
CAMVID = {
    "sky": "#808080",
    "building": "#800000",
    "pole": "#c0c080",
    "road": "#804080",
    "pavement": "#3c28de",
    "tree": "#808000",
    "sign": "#c08080",
    "fence": "#404080",
    "car": "#400080",
    "pedestrian": "#404000",
    "bicyclist": "#0080c0",
}
VOID = "#000000"
# Okabe and Ito's, which colour-blind readers can tell apart.
OTHER_CLASSES = ("#56b4e9", "#e69f00", "#009e73", "#f0e442", "#d55e00", "#cc79a7")


def style() -> str:
    """The CSS of a picture: light in print and by default, dark where the page is."""
    light = "".join(f"--{colour.name}:{colour.light};" for colour in COLOURS)
    dark = "".join(f"--{colour.name}:{colour.dark};" for colour in COLOURS)
    return f":root{{{light}}}@media screen and (prefers-color-scheme:dark){{:root{{{dark}}}}}"


def class_colours(names: Sequence[str]) -> list[str]:
    """A colour for each class: CamVid's own for CamVid's classes."""
    others = [name for name in names if name not in CAMVID]
    chosen = {name: OTHER_CLASSES[place % len(OTHER_CLASSES)] for place, name in enumerate(others)}
    return [CAMVID.get(name) or chosen[name] for name in names]


def label(text: str, most: int = 40) -> str:
    """A name that is fit for a picture: one line of visible letters, `most` of them."""
    line = one_line(text[: most + 1])
    return line if len(line) <= most else f"{line[: most - 1]}…"


def counted(number: int, thing: str) -> str:
    """A number with its noun, such as `2 trainings`."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"
