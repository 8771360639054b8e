"""FCN8s and its strides."""

from .page import Page

ENCODER, DECODER = 195, 490  # the middles of both columns
TOP, ROW, HEIGHT = 66, 72, 46
TIMES = "\N{MULTIPLICATION SIGN}"


def fcn8s() -> bytes:
    """A row for each stride: down the encoder on the left, up the decoder on the right."""
    page = Page(
        640,
        TOP + 6 * ROW,
        "FCN8s",
        "The encoder halves the image five times, to strides 2, 4, 8, 16 and 32. The decoder scores x5 at stride 32, "
        "doubles the score, adds x4 at stride 16, doubles it, adds x3 at stride 8, and enlarges it eight times.",
    )
    page.text(34, 30, "stride", kind="quiet")
    page.text(ENCODER, 30, "encoder (you get it)")
    page.text(DECODER, 30, "decoder (you write it)")
    for row in range(6):
        page.text(34, _middle(row) + 5, str(2**row), kind="quiet")
    page.box(ENCODER - 105, _top(0), 210, HEIGHT, "none", "images", f"3 {TIMES} H {TIMES} W")
    for row in range(1, 6):
        half = _half_width(row)
        shape = f"C{row} {TIMES} H/{2**row} {TIMES} W/{2**row}"
        page.box(ENCODER - half, _top(row), 2 * half, HEIGHT, "blue", f"x{row}", shape, size=14)
        page.arrow((ENCODER, _bottom(row - 1)), (ENCODER, _top(row)))
    page.box(DECODER - 105, _top(0), 210, HEIGHT, "none", "logits", f"classes {TIMES} H {TIMES} W")
    page.box(DECODER - 72, _top(3), 144, HEIGHT, "orange", "fuse with x3")
    page.box(DECODER - 61, _top(4), 122, HEIGHT, "orange", "fuse with x4")
    page.box(DECODER - 50, _top(5), 100, HEIGHT, "orange", "score")
    page.arrow((ENCODER + _half_width(5), _middle(5)), (DECODER - 50, _middle(5)))
    for row, width in ((4, 61), (3, 72)):
        page.arrow((ENCODER + _half_width(row), _middle(row)), (DECODER - width, _middle(row)), kind="accent")
        page.text((ENCODER + DECODER) / 2 + 10, _middle(row) - 8, "skip", kind="accent-ink")
    for start, end, factor in ((5, 4, 2), (4, 3, 2), (3, 0, 8)):
        page.arrow((DECODER, _top(start)), (DECODER, _bottom(end)))
        page.text(DECODER + 14, (_top(start) + _bottom(end)) / 2 + 5, f"{TIMES} {factor}", anchor="start")
    return page.content()


def _half_width(row: int) -> float:
    """Of the encoder's box: the finer the map, the wider."""
    return 105 - 7 * row


def _top(row: int) -> float:
    return TOP - 16 + ROW * row


def _middle(row: int) -> float:
    return _top(row) + HEIGHT / 2


def _bottom(row: int) -> float:
    return _top(row) + HEIGHT
