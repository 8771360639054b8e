"""Draw docs/floors.svg, from pyproject.toml and the docstrings of packages: `python docs/draw_floors.py`."""

import ast
import tomllib
from html import escape
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
WIDTH, HEIGHT, GAP = 1080, 84, 14
WORKER_WIDTH = 300
SHARED_FLOORS = 3  # from below: a worker may import from them


def _contracts() -> list[dict[str, Any]]:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    contracts: list[dict[str, Any]] = settings["tool"]["importlinter"]["contracts"]
    return contracts


def floors() -> list[list[str]]:
    """The packages of each floor, the uppermost floor first."""
    contracts = _contracts()
    (layers,) = (contract["layers"] for contract in contracts if contract["type"] == "layers")
    packages = [[package.strip().removeprefix("grading.") for package in layer.split("|")] for layer in layers]
    return [floor for floor in packages if "__main__" not in floor]


def importable_by_workers() -> list[str]:
    """The packages that a worker may import, by the contract that forbids the others."""
    contracts = _contracts()
    (contract,) = (contract for contract in contracts if contract.get("source_modules") == ["grading.worker"])
    forbidden = contract["forbidden_modules"]
    return sorted(package for floor in floors() for package in floor if f"grading.{package}" not in forbidden)


def purpose(package: str) -> str:
    """The first sentence of a package's docstring."""
    source = (ROOT / "grading" / package / "__init__.py").read_text(encoding="utf-8")
    return (ast.get_docstring(ast.parse(source)) or "").partition(".\n")[0].split(". ")[0].rstrip(".")


def box(package: str, x: float, y: float, width: float, height: float, colour: str) -> str:
    """A package as SVG: a rectangle with its name and its purpose, broken into lines."""
    lines, line = [], ""
    for word in purpose(package).split():
        if len(line) + len(word) > width / 7.2:
            lines.append(line)
            line = ""
        line = f"{line} {word}".strip()
    lines.append(line)
    texts = [f'<text x="{x + 12}" y="{y + 22}" font-weight="bold" font-size="15">{package}/</text>']
    texts += [
        f'<text x="{x + 12}" y="{y + 41 + 16 * number}" font-size="12">{escape(text)}</text>'
        for number, text in enumerate(lines)
    ]
    rectangle = f'<rect x="{x}" y="{y}" width="{width}" height="{height}" rx="6" fill="{colour}" stroke="#445"/>'
    return "\n".join([rectangle, *texts])


def drawing() -> str:
    """All floors as SVG, with the worker behind the wall."""
    all_floors = floors()
    wall = WIDTH - WORKER_WIDTH - 2 * GAP
    elements, y = [], float(GAP)
    for number, floor in enumerate(all_floors):
        is_shared = number >= len(all_floors) - SHARED_FLOORS
        right = WIDTH if is_shared else wall
        width = (right - 2 * GAP - GAP * (len(floor) - 1)) / len(floor)
        for column, package in enumerate(floor):
            elements.append(box(package, GAP + column * (width + GAP), y, width, HEIGHT, "#eef3fa"))
        y += HEIGHT + GAP
    ground = y - SHARED_FLOORS * (HEIGHT + GAP) - GAP
    elements.append(f'<path d="M {wall} {GAP} V {ground}" stroke="#b33" stroke-width="4" stroke-dasharray="9 5"/>')
    text = "the wall: plain data crosses it"
    elements.append(f'<text x="{wall + GAP}" y="{2 * GAP}" font-size="13" fill="#b33">{text}</text>')
    elements.append(box("worker", wall + GAP, 40, WORKER_WIDTH, ground - 40, "#fdf1e7"))
    allowed = ", ".join(importable_by_workers())
    text = f"imports {allowed} only"
    elements.append(f'<text x="{wall + GAP + 12}" y="{ground - 16}" font-size="13">{text}</text>')
    style = 'font-family="system-ui, sans-serif"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" {style}>\n'
        f'<rect width="{WIDTH}" height="{y}" fill="white"/>\n' + "\n".join(elements) + "\n</svg>\n"
    )


if __name__ == "__main__":
    (ROOT / "docs" / "floors.svg").write_text(drawing(), encoding="utf-8")
