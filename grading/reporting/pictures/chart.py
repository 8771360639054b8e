"""Charts by matplotlib, as SVG that fits light and dark pages.

Several threads report at a time, and matplotlib's settings are the process's: one chart is drawn at a time. matplotlib
is imported only when there is something to draw.
"""

import io
import logging
import warnings
from collections.abc import Callable
from threading import Lock
from typing import TYPE_CHECKING, Any

from grading.reporting.pictures.theme import COLOURS, FONT, GRID, INK, QUIET, TEXT, style

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

INCH = 72  # of matplotlib's SVG, in pixels
MEASURED_FONT = "DejaVu Sans"  # matplotlib brings it: texts take the same room everywhere
SETTINGS: Any = {
    "svg.fonttype": "none",
    "svg.hashsalt": "hw4",
    "text.parse_math": False,  # a `$` in a name is a `$`
    "font.family": [MEASURED_FONT],
    "font.size": TEXT,
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "axes.edgecolor": GRID.stand_in,
    "axes.labelcolor": QUIET.stand_in,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "text.color": INK.stand_in,
    "xtick.color": GRID.stand_in,
    "ytick.color": GRID.stand_in,
    "xtick.labelcolor": QUIET.stand_in,
    "ytick.labelcolor": QUIET.stand_in,
}
NO_METADATA = dict.fromkeys(("Creator", "Date", "Format", "Type"))

_drawing = Lock()


def chart(width: int, height: int, draw: Callable[["Figure"], None]) -> bytes:
    """An SVG file; the same drawing gives the same bytes.

    Args:
        width, height: in CSS pixels.
        draw: draws on the empty figure that it is given, in the stand-ins of `grading.reporting.pictures.theme`.
    """
    logging.getLogger("matplotlib").setLevel(logging.ERROR)  # nobody need know that it found no folder for its cache
    import matplotlib
    from matplotlib.figure import Figure

    file = io.StringIO()
    with _drawing, matplotlib.rc_context():
        # Names may have letters that MEASURED_FONT lacks. The browser has other fonts.
        warnings.filterwarnings("ignore", r"Glyph \d+", UserWarning)
        matplotlib.rcdefaults()  # not the user's own settings
        matplotlib.rcParams.update(SETTINGS)
        figure = Figure((width / INCH, height / INCH), dpi=INCH)
        draw(figure)
        figure.savefig(file, format="svg", metadata=NO_METADATA)
    return _themed(file.getvalue(), width, height).encode()


def add_axes(figure: "Figure", left: float, top: float, right: float, bottom: float) -> "Axes":
    """Axes with these margins, in pixels."""
    width, height = (inches * INCH for inches in figure.get_size_inches())
    axes = figure.add_axes(
        (left / width, bottom / height, (width - left - right) / width, (height - top - bottom) / height)
    )
    axes.tick_params(length=3, pad=3)
    return axes


def _themed(svg: str, width: int, height: int) -> str:
    """The picture alone, with variables in the place of stand-ins, and the page's font."""
    content = "\n".join(line.strip() for line in svg[svg.index("<defs>") :].splitlines())
    for colour in COLOURS:
        content = content.replace(colour.stand_in, colour.css)
    content = content.replace(f"'{MEASURED_FONT}'", FONT)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" '
        f'width="{width}" height="{height}" viewBox="0 0 {width} {height}"><style>{style()}</style>{content}'
    )
