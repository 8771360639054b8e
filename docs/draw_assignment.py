"""Draw the figures of docs/assignment.md into docs/assignment/: `python docs/draw_assignment.py`."""

from pathlib import Path

from assignment_figures.cases import cases
from assignment_figures.faces import default_augmentation, face_augmentation
from assignment_figures.fcn8s import fcn8s
from assignment_figures.streets import legend, street
from assignment_figures.worked_example import worked_example

FOLDER = Path(__file__).with_name("assignment")
FIGURES = {
    "cases.svg": cases,
    "default_augmentation.png": default_augmentation,
    "face_augmentation.png": face_augmentation,
    "fcn8s.svg": fcn8s,
    "street.png": street,
    "classes.svg": legend,
    "worked_example.svg": worked_example,
}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in FIGURES.items():
        (FOLDER / name).write_bytes(draw())
