"""SVG pages that read in light and in dark: each has a ground of its own, and its colours change with the reader's."""

from html import escape

# Fill and line of every kind of mark: in light, then in dark. Okabe and Ito's blue and orange, which colour-blind
# readers tell apart; no figure says anything by colour alone.
COLOURS = {
    "ground": (("#ffffff", "none"), ("#0d1117", "none")),
    "ink": (("#1f2328", "none"), ("#e6edf3", "none")),
    "quiet": (("#59636e", "none"), ("#9da7b1", "none")),
    "line": (("none", "#59636e"), ("none", "#9da7b1")),
    "tip": (("#59636e", "none"), ("#9da7b1", "none")),
    "accent": (("none", "#b35900"), ("none", "#f0a04b")),
    "accent-tip": (("#b35900", "none"), ("#f0a04b", "none")),
    "accent-ink": (("#9a4a00", "none"), ("#f0a04b", "none")),
    "grey": (("#e8ebee", "#8c959f"), ("#2d333b", "#768390")),
    "blue": (("#d6e9fa", "#0072b2"), ("#12395c", "#56b4e9")),
    "orange": (("#ffe2c4", "#b35900"), ("#5a3410", "#f0a04b")),
    "none": (("none", "#8c959f"), ("none", "#768390")),
}


class Page:
    """One figure.

    Args:
        width, height: in units of about a CSS pixel; text of 15 is legible at half the size, on a phone.
        title, description: for readers who do not see it.
    """

    def __init__(self, width: int, height: int, title: str, description: str) -> None:
        self._size = (width, height)
        self._elements = [f"<title>{escape(title)}</title>", f"<desc>{escape(description)}</desc>"]
        self._elements += [f'<rect class="ground" width="{width}" height="{height}"/>']

    def text(self, x: float, y: float, text: str, *, kind: str = "ink", size: int = 15, anchor: str = "middle") -> None:
        """Text whose baseline begins, or is centred, at a point."""
        place = f'x="{x:g}" y="{y:g}" font-size="{size}" text-anchor="{anchor}"'
        self._elements.append(f'<text class="{kind}" {place}>{escape(text)}</text>')

    def box(self, x: float, y: float, width: float, height: float, kind: str, *lines: str, size: int = 15) -> None:
        """A rectangle with lines of text in its middle."""
        self._elements.append(
            f'<rect class="{kind}" x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="5"/>'
        )
        first = y + height / 2 + 0.35 * size - 0.6 * size * (len(lines) - 1)
        for number, line in enumerate(lines):
            self.text(x + width / 2, first + 1.2 * size * number, line, size=size)

    def swatch(self, x: float, y: float, width: float, height: float, colour: str) -> None:
        """A rectangle of a colour that means something, the same in light and in dark."""
        place = f'x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}"'
        self._elements.append(f'<rect {place} fill="{colour}"/><rect class="none" {place}/>')

    def arrow(self, start: tuple[float, float], end: tuple[float, float], *, kind: str = "line") -> None:
        """A straight arrow, horizontal or vertical; dashed if it is an `accent`."""
        (x, y), (to_x, to_y) = start, end
        dashes = ' stroke-dasharray="7 4"' if kind == "accent" else ""
        self._elements.append(f'<path class="{kind}" d="M {x:g} {y:g} L {to_x:g} {to_y:g}"{dashes}/>')
        right, down = (to_x > x) - (to_x < x), (to_y > y) - (to_y < y)
        back_x, back_y = to_x - 9 * right, to_y - 9 * down
        corners = [(to_x, to_y), (back_x + 5 * down, back_y + 5 * right), (back_x - 5 * down, back_y - 5 * right)]
        points = " ".join(f"{px:g},{py:g}" for px, py in corners)
        self._elements.append(f'<polygon class="{"accent-tip" if kind == "accent" else "tip"}" points="{points}"/>')

    def content(self) -> bytes:
        """The file."""
        width, height = self._size
        head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" role="img">'
        return "\n".join([head, _style(), *self._elements, "</svg>\n"]).encode()


def _style() -> str:
    light, dark = (
        "\n".join(f".{kind}{{fill:{fill};stroke:{line}}}" for kind, (fill, line) in _of_scheme(scheme))
        for scheme in (0, 1)
    )
    shared = "text{font-family:system-ui,-apple-system,'Segoe UI',sans-serif}\nrect,path{stroke-width:1.5}"
    return f"<style>\n{shared}\n{light}\n@media (prefers-color-scheme:dark){{\n{dark}\n}}\n</style>"


def _of_scheme(scheme: int) -> list[tuple[str, tuple[str, str]]]:
    return [(kind, colours[scheme]) for kind, colours in COLOURS.items()]
