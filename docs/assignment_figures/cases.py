"""Cases 1 to 3 of transfer learning: what is loaded, and what trains."""

from .page import Page

CASES = (
    ("case 1", "feature extractor", "ImageNet's weights", "frozen", "grey"),
    ("case 2", "fine-tuned", "ImageNet's weights", "trains", "blue"),
    ("case 3", "from scratch", "random weights", "trains", "blue"),
)
LEFT, HEIGHT, ROW = 160, 56, 78


def cases() -> bytes:
    """A row of layers for each case."""
    page = Page(
        640,
        46 + ROW * len(CASES),
        "What trains in cases 1 to 3",
        "AlexNet's five convolutions, two hidden fully connected layers and its last layer, the head. Case 1 freezes "
        "all but the new head; case 2 trains everything from ImageNet's weights; case 3 trains everything from random "
        "weights.",
    )
    blocks = ((LEFT, 220, "5 convolutions"), (LEFT + 232, 118, "2 linear layers"), (LEFT + 362, 104, "last layer"))
    for x, width, name in blocks:
        page.text(x + width / 2, 26, name, kind="quiet")
    for row, (name, what, weights, state, kind) in enumerate(CASES):
        y = 42 + ROW * row
        page.text(14, y + 24, name, anchor="start")
        page.text(14, y + 44, what, kind="quiet", anchor="start")
        (x, width, _), (second_x, second_width, _), (head_x, head_width, _) = blocks
        page.box(x, y, width, HEIGHT, kind, weights, state)
        page.box(second_x, y, second_width, HEIGHT, kind, "the same,", state)
        page.box(head_x, y, head_width, HEIGHT, "orange", "new,", "trains")
    return page.content()
