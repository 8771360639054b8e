"""A street, its labels, and what the colours mean."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from grading.assignment.assignment import Classes, read_assignment
from grading.data.drawn_streets import VOID, draw_streets
from grading.data.generated import STREETS_SEED
from grading.reporting.pictures.theme import VOID as BLACK
from grading.reporting.pictures.theme import class_colours
from grading.scoring.metrics import IGNORED, reduced_labels

from .page import Page
from .pixels import sheet

STREET = 32  # of the training pictures of the mini profile: every class is in it, and void
SCALE = 4


def street() -> bytes:
    """A drawn street, its labels of 11 classes, and those of 3."""
    drawn = draw_streets(STREET + 1, STREETS_SEED)
    image, labels = drawn.images[STREET], drawn.labels[STREET]
    classes, groups = _classes("Q2-1-skips"), _classes("Q2-3-merged")
    merged = reduced_labels(labels, groups.mapping)
    return sheet([[image, _palette(classes.names)[labels], _palette(groups.names)[merged]]], SCALE)


def legend() -> bytes:
    """The 11 classes below the groups that they are merged into, with labels and colours."""
    names, merged = _classes("Q2-1-skips").names, _classes("Q2-3-merged")
    members = {new: [old for old, group in merged.mapping if group == new] for new in range(len(merged.names))}
    colours, groups = class_colours(names), class_colours(merged.names)
    rows = max(map(len, members.values()))
    page = Page(
        640,
        70 + 30 * rows,
        "CamVid's classes, their labels and colours",
        "; ".join(f"{merged.names[new]}: {', '.join(names[old] for old in olds)}" for new, olds in members.items()),
    )
    for new, olds in members.items():
        x = 20 + 160 * new
        _entry(page, x, 16, groups[new], f"{new} {merged.names[new]}")
        for row, old in enumerate(olds):
            _entry(page, x + 16, 52 + 30 * row, colours[old], f"{old} {names[old]}")
    _entry(page, 500, 16, BLACK, f"{IGNORED} ignored")
    _entry(page, 516, 52, BLACK, f"{VOID} void")
    return page.content()


def _palette(names: Sequence[str]) -> NDArray[np.uint8]:
    """uint8 (256, 3): the colour of each label; black for void, and for what is ignored."""
    palette = np.zeros((256, 3), np.uint8)
    palette[: len(names)] = [ImageColor.getrgb(colour)[:3] for colour in class_colours(names)]
    return palette


def _entry(page: Page, x: float, y: float, colour: str, text: str) -> None:
    page.swatch(x, y, 26, 20, colour)
    page.text(x + 34, y + 15, text, anchor="start")


def _classes(configuration: str) -> Classes:
    classes = read_assignment().configuration(configuration).classes
    assert classes is not None
    return classes
