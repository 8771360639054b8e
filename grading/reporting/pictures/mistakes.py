"""The mistakes that a classifier was surest of."""

from collections.abc import Sequence

import numpy as np

from grading.reporting.pictures.checked import Answered
from grading.reporting.pictures.figure import SVG, Figure
from grading.reporting.pictures.sheet import Sheet, Text, photo
from grading.reporting.pictures.theme import WIDTH, counted, label

MOST = 6
COLUMNS = 3
GAP = 8
SIDE = (WIDTH - (COLUMNS - 1) * GAP) // COLUMNS
LINE = 15
NAME = 15  # letters of a class's name at most


def mistakes_figure(id: str, names: Sequence[str], answers: Answered) -> Figure | None:
    """A picture for each mistake; None if there is none.

    Args:
        id: of the configuration.
        names: of the classes.
        answers: with confidences.
    """
    assert answers.confidence is not None
    wrong = np.flatnonzero(answers.labels != answers.predictions)
    wrong = wrong[np.argsort(-answers.confidence[wrong], kind="stable")][:MOST]
    if not len(wrong):
        return None
    names = [label(name, NAME) for name in names]
    sheet = Sheet(WIDTH, SIDE)
    row_height = SIDE + 2 * LINE + GAP
    described = []
    for number, index in enumerate(wrong):
        row, column = divmod(number, COLUMNS)
        x, y = column * (SIDE + GAP), row * row_height
        true, predicted = names[answers.labels[index]], names[answers.predictions[index]]
        sure = f"{answers.confidence[index]:.0%}"
        sheet.add(photo(answers.images[index], SIDE), x, y)
        sheet.texts.append(Text(x, y + SIDE + LINE - 2, f"is {true}"))
        sheet.texts.append(Text(x, y + SIDE + 2 * LINE - 2, f"{sure} {predicted}", quiet=True))
        described.append(f"{true} taken for {predicted} ({sure})")
    sheet.height = row_height * -(-len(wrong) // COLUMNS)
    alt = f"The {counted(len(wrong), 'mistake')} that {label(id)} was surest of: {', '.join(described)}."
    caption = "Mistakes on validation pictures, the surest first: the true class, and the predicted one with its share."
    return Figure(SVG, sheet.svg(), alt, caption, WIDTH, for_students=False)
