"""The worked example of mean IoU: 4 x 4 pixels of three classes, one of them ignored."""

from .page import Page

IGNORED = 255
TARGET = ((0, 0, 0, 0), (0, 0, 2, 2), (1, 1, 2, 2), (1, 1, 1, IGNORED))
PREDICTION = ((0, 0, 0, 0), (0, 2, 2, 1), (1, 1, 1, 2), (1, 1, 2, 2))
CELL, GAP, TOP = 44, 40, 44
KINDS = {0: "blue", 1: "orange", 2: "grey", IGNORED: "none"}


def worked_example() -> bytes:
    """Three grids: the target, the prediction, and where both agree."""
    side = 4 * CELL
    left = (640 - 3 * side - 2 * GAP) / 2
    page = Page(
        640,
        TOP + side + 20,
        "A target and a prediction of 4 x 4 pixels",
        "Eleven of fifteen pixels that count are predicted right; the last pixel is ignored.",
    )
    for number, title in enumerate(("target", "prediction", "right?")):
        x = left + number * (side + GAP)
        page.text(x + side / 2, 28, title)
        for row in range(4):
            for column in range(4):
                target, predicted = TARGET[row][column], PREDICTION[row][column]
                kind, mark = (
                    (KINDS[target], str(target)),
                    (KINDS[predicted], str(predicted)),
                    ("none", "\N{EN DASH}" if target == IGNORED else "✓" if target == predicted else "✗"),
                )[number]
                page.box(x + column * CELL, TOP + row * CELL, CELL, CELL, kind, mark)
    return page.content()
