"""The same streets as several networks see them."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.reporting.pictures.checked import Answered
from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.sheet import Sheet, Text, Tile, label_map, photo
from grading.reporting.pictures.theme import VOID, WIDTH, class_colours, counted, label
from grading.scoring.metrics import IGNORED

MOST_PICTURES = 3
COLUMNS = 3
GAP = 8
SIDE = (WIDTH - (COLUMNS - 1) * GAP) // COLUMNS
HEAD = 17
BLINDED = 2  # steps of brightness
OPACITY = 0.72  # of classes over the picture
NAME = 18  # letters at most


@dataclass(frozen=True, eq=False)
class Segmented:
    """The answers of a configuration.

    Attributes:
        names: of its classes.
    """

    names: Sequence[str]
    answers: Answered


def overlays_figure(by_configuration: Mapping[str, Segmented]) -> Figure | None:
    """A block for each picture: itself, the truth, and what each configuration predicts; None if there is none.

    Args:
        by_configuration: by id. One that was shown other pictures than that with most classes is left out.
    """
    if not by_configuration:
        return None
    finest = max(by_configuration.values(), key=lambda segmented: len(segmented.names))
    images = finest.answers.images[:MOST_PICTURES]
    if not len(images):
        return None
    shown = {
        id: segmented
        for id, segmented in by_configuration.items()
        if _are_same(segmented.answers.images[:MOST_PICTURES], images)
    }
    names = list(dict.fromkeys(name for segmented in shown.values() for name in segmented.names))
    colours = dict(zip(names, class_colours(names), strict=True))
    sheet = Sheet(WIDTH, SIDE)
    for number in range(len(images)):
        _add_street(sheet, number, finest, shown, colours)
    sheet.add_legend([*(label(name, NAME) for name in names), "void"], [*colours.values(), VOID], COLUMNS)
    rights = ", ".join(f"{label(id)} {_right(segmented, slice(MOST_PICTURES)):.1%}" for id, segmented in shown.items())
    alt = (
        f"{counted(len(images), 'validation picture')} of streets, each with its true classes and with those that are "
        f"predicted. Right pixels: {rights}."
    )
    caption = (
        "Validation crops after the last epoch: picture, true classes, predictions with the share of right pixels."
    )
    return Figure(SVG, sheet.svg(), alt, caption, WIDTH, for_students=False)


def _add_street(
    sheet: Sheet, number: int, finest: Segmented, shown: Mapping[str, Segmented], colours: Mapping[str, str]
) -> None:
    """A block of tiles below what is there."""
    picture = photo(finest.answers.images[number], SIDE)

    def classes(segmented: Segmented, labels: NDArray[np.uint8]) -> Tile:
        return label_map(labels[number], [colours[name] for name in segmented.names], VOID, SIDE)

    tiles: list[tuple[str, Tile | None]] = [("picture", None), ("truth", classes(finest, finest.answers.labels))]
    for id, segmented in shown.items():
        right = _right(segmented, slice(number, number + 1))
        tiles.append((f"{label(id, NAME)} {right:.0%}", classes(segmented, segmented.answers.predictions)))
    for place, (name, tile) in enumerate(tiles):
        row, column = divmod(place, COLUMNS)
        x, y = column * (SIDE + GAP), sheet.height + row * (HEAD + SIDE + GAP)
        sheet.texts.append(Text(x, y + HEAD - 5, name))
        sheet.add(picture, x, y + HEAD)
        if tile is not None:
            sheet.add(tile, x, y + HEAD, OPACITY)
    sheet.height += -(-len(tiles) // COLUMNS) * (HEAD + SIDE + GAP) + GAP


def _are_same(images: NDArray[np.uint8], others: NDArray[np.uint8]) -> bool:
    """Whether they show the same, up to what blinding changes."""
    if images.shape != others.shape:
        return False
    return bool((np.abs(images.astype(np.int16) - others) <= BLINDED).all())


def _right(segmented: Segmented, pictures: slice) -> float:
    """The share of right pixels, of those that have a class; NaN if none has."""
    labels, predictions = segmented.answers.labels[pictures], segmented.answers.predictions[pictures]
    counted_pixels = labels != IGNORED
    total = np.count_nonzero(counted_pixels)
    return np.count_nonzero((labels == predictions) & counted_pixels) / total if total else math.nan
