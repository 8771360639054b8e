"""The same faces under the tutorial's augmentation and the submission's: the figure of Q1-7."""

import numpy as np
from numpy.typing import NDArray

from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.sheet import Sheet, Text, photo
from grading.reporting.pictures.theme import WIDTH, counted
from grading.running.evidence import Draws

MOST_FACES = 4
MOST_DRAWS = 3
GAP = 3
BETWEEN = 8  # pixels between the whole face, the default's draws and the submission's
HEAD = 20


def augmentation_figure(draws: Draws) -> Figure:
    """A row for each face: whole, drawn by the default, drawn by the submission."""
    shown = min(MOST_DRAWS, max(draws.default.shape[1], draws.submission.shape[1]))
    columns = 1 + 2 * shown
    side = min((WIDTH - 2 * BETWEEN - (columns - 3) * GAP) // columns, 96)
    faces = min(MOST_FACES, len(draws.faces))
    sheet = Sheet(WIDTH, side, HEAD + faces * (side + GAP))
    default_x = side + BETWEEN
    submission_x = default_x + shown * (side + GAP) - GAP + BETWEEN
    heads = ((0, "whole"), (default_x, "default"), (submission_x, "submission"))
    sheet.texts += [Text(x, HEAD - 7, words) for x, words in heads]
    for face in range(faces):
        y = HEAD + face * (side + GAP)
        sheet.add(photo(draws.faces[face], side), 0, y)
        for x, drawn in ((default_x, draws.default), (submission_x, draws.submission)):
            for number, pixels in enumerate(drawn[face][:shown] if len(drawn) else ()):
                sheet.add(photo(pixels, side), x + number * (side + GAP), y)
    if not len(draws.submission):
        sheet.texts.append(Text(submission_x, HEAD + 14, "raised an error", quiet=True))
    default = f"{_draws(draws.default, shown)} of the default augmentation"
    alt = f"{counted(faces, 'training face')}, each whole and in {default}"
    if len(draws.submission):
        alt += f", and in {_draws(draws.submission, shown)} of the submission's."
    else:
        alt += "; the submission's augmentation raised an error."
    caption = "The same training faces: whole, under the tutorial's augmentation, and under the submission's."
    return Figure(SVG, sheet.svg(), alt, caption, WIDTH, for_students=True)


def _draws(drawn: NDArray[np.uint8], most: int) -> str:
    return counted(min(most, drawn.shape[1]), "draw")
