"""Draw docs/floors.svg, from pyproject.toml and the docstrings of packages: `python docs/draw_floors.py`."""

import ast
import tomllib
from html import escape
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, GAP = 1080, 74, 14
APART = 300  # the width of the room inside the wall
BELOW = 3  # floors that a worker may import from


def floors() -> list[list[str]]:
    """The rooms of each floor, the uppermost first."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    rooms = [[room.strip().removeprefix("grading.") for room in layer.split("|")] for layer in layers]
    return [floor for floor in rooms if "__main__" not in floor]


def purpose(room: str) -> str:
    """The first sentence of a package's docstring."""
    source = (ROOT / "grading" / room / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition(".\n")[0].split(". ")[0].rstrip(".")


def box(room: str, x: float, y: float, width: float, height: float, colour: str) -> str:
    """A room with its name and its purpose, broken into lines."""
    lines, line = [], ""
    for word in purpose(room).split():
        if len(line) + len(word) > width / 7.2:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    lines.append(line)
    texts = [f'<text x="{x + 12}" y="{y + 22}" font-weight="bold" font-size="15">{room}/</text>']
    texts += [
        f'<text x="{x + 12}" y="{y + 41 + 16 * number}" font-size="12">{escape(text)}</text>'
        for number, text in enumerate(lines)
    ]
    rectangle = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{colour}" stroke="#445"/>'
    return "\n".join([rectangle, *texts])


def drawing() -> str:
    """The SVG."""
    parts, y, every = [], float(GAP), floors()
    wall = WIDTH - APART - 2 * GAP
    for number, floor in enumerate(every):
        # What a worker imports lies under both sides of the wall.
        below = number >= len(every) - BELOW
        width = ((WIDTH - 2 * GAP if below else wall - 2 * GAP) - GAP * (len(floor) - 1)) / len(floor)
        parts += [box(room, GAP + at * (width + GAP), y, width, HEIGHT, "#eef3fa") for at, room in enumerate(floor)]
        y += HEIGHT + GAP
    ground = y - BELOW * (HEIGHT + GAP) - GAP
    parts.append(f'<path d="M {wall} {GAP} V {ground}" stroke="#b33" stroke-width="4" stroke-dasharray="9 5"/>')
    text = "the wall: only frames of plain data cross it"
    parts.append(f'<text x="{wall + GAP}" y="{2 * GAP}" font-size="13" fill="#b33">{text}</text>')
    parts.append(box("worker", wall + GAP, 40, APART, ground - 40, "#fdf1e7"))
    style = 'font-family="system-ui, sans-serif"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" {style}>\n'
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>\n' + "\n".join(parts) + "\n</svg>\n"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "floors.svg").write_text(drawing(), encoding="utf-8")
