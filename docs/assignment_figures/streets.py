"""A street, its labels, and what the colours mean."""

import numpy as np

from grading.assignment.assignment import Classes, read_assignment
from grading.data.drawn_streets import VOID, draw_streets
from grading.data.generated import STREETS_SEED
from grading.scoring.metrics import IGNORED, reduced_labels

from .page import Page
from .pixels import sheet

STREET = 32  # of the training pictures of the mini profile: every class is in it, and void
SCALE = 4

# Sources: the colours that SegNet gave CamVid's classes, in the order of their labels; Okabe and Ito for the groups.
CAMVID = (
    *((128, 128, 128), (128, 0, 0), (192, 192, 128), (128, 64, 128), (60, 40, 222), (128, 128, 0)),
    *((192, 128, 128), (64, 64, 128), (64, 0, 128), (64, 64, 0), (0, 128, 192)),
)
GROUPS = ((86, 180, 233), (230, 159, 0), (0, 158, 115))
BLACK = (0, 0, 0)  # void, and what is ignored


def street() -> bytes:
    """A drawn street, its labels of 11 classes, and those of 3."""
    drawn = draw_streets(STREET + 1, STREETS_SEED)
    image, labels = drawn.images[STREET], drawn.labels[STREET]
    merged = reduced_labels(labels, _classes("Q2-3-merged").mapping)
    colours, groups = np.zeros((2, 256, 3), np.uint8)
    colours[: len(CAMVID)], groups[: len(GROUPS)] = CAMVID, GROUPS
    colours[VOID] = groups[IGNORED] = BLACK
    return sheet([[image, colours[labels], groups[merged]]], SCALE)


def legend() -> bytes:
    """The 11 classes below the groups that they are merged into, with labels and colours."""
    names, merged = _classes("Q2-1-skips").names, _classes("Q2-3-merged")
    members = {new: [old for old, group in merged.mapping if group == new] for new in range(len(merged.names))}
    rows = max(map(len, members.values()))
    page = Page(
        640,
        70 + 30 * rows,
        "CamVid's classes, their labels and colours",
        "; ".join(f"{merged.names[new]}: {', '.join(names[old] for old in olds)}" for new, olds in members.items()),
    )
    for new, olds in members.items():
        x = 20 + 160 * new
        _entry(page, x, 16, GROUPS[new], f"{new} {merged.names[new]}")
        for row, old in enumerate(olds):
            _entry(page, x + 16, 52 + 30 * row, CAMVID[old], f"{old} {names[old]}")
    _entry(page, 500, 16, BLACK, f"{IGNORED} ignored")
    _entry(page, 516, 52, BLACK, f"{VOID} void")
    return page.content()


def _entry(page: Page, x: float, y: float, colour: tuple[int, int, int], text: str) -> None:
    page.swatch(x, y, 26, 20, "#{:02x}{:02x}{:02x}".format(*colour))
    page.text(x + 34, y + 15, text, anchor="start")


def _classes(configuration: str) -> Classes:
    classes = read_assignment().configuration(configuration).classes
    assert classes is not None
    return classes
