"""Draw the figures of docs/assignment.md: `python docs/draw_assignment.py [FOLDER]`.

FOLDER is docs/assignment/ by default.
"""

import sys
from pathlib import Path

from assignment_figures.cases import cases
from assignment_figures.faces import default_augmentation, face_augmentation
from assignment_figures.fcn8s import fcn8s
from assignment_figures.streets import legend, street
from assignment_figures.worked_example import worked_example

FIGURES = {
    "cases.svg": cases,
    "default_augmentation.png": default_augmentation,
    "face_augmentation.png": face_augmentation,
    "fcn8s.svg": fcn8s,
    "street.png": street,
    "classes.svg": legend,
    "worked_example.svg": worked_example,
}


def main(folder: Path) -> None:
    """Write every figure into a folder."""
    folder.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        (folder / name).write_bytes(draw())


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).with_name("assignment"))
