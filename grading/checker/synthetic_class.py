"""A made-up class: right, wrong, hostile and unreadable hand-ins, packed in all ways that students pack."""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from itertools import cycle, islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

from grading import ROOT
from grading.checker.catalogue import chaffs, wheats, write_submission
from grading.checker.class_exports import EXPORTS
from grading.checker.packing import SHAPES, pack
from grading.checker.unreadable import UNREADABLE

EVIL = ROOT / "tests" / "evil"

# Hostile packages that end only when their time or memory is used up, which takes minutes, and those that need files
# which their tests make.
LEFT_OUT = (
    *("bombs_with_forks", "fills_the_disk", "hides_memory_*", "loops_*", "sums_without_end", "takes_*"),
    *("trains_for_ever", "knows_the_images", "imitates_the_curve", "knows_without_skips", "redraws_the_pictures"),
)

# Of each ten hand-ins.
KINDS = ("wheat", "chaff", "evil", "unreadable", "chaff", "wheat", "chaff", "evil", "wheat", "chaff")

Write = Callable[[Path], object]
Item = TypeVar("Item")


@dataclass(frozen=True)
class Student:
    """One student of a made-up class.

    Attributes:
        name: what the gradebook calls the student, whatever the export.
        kind: `wheat`, `chaff`, `evil` or `unreadable`.
        about: what was handed in, such as `wheat classes/loop, zip:hw4`.
        plain: a folder with the modules, as `run_all` takes it; None if it is unreadable.
    """

    name: str
    kind: str
    about: str
    plain: Path | None


def make_class(
    out: Path, plain: Path, number: int, modules: Sequence[str], *, export: str = "folders", seed: int = 0
) -> list[Student]:
    """Write what a class has handed in.

    Args:
        out: a new folder, for the platform's export.
        plain: a new folder, for the submissions as they were before they were packed.
        number: of students.
        modules: those that are taken from the catalogue; the others are the reference's.
        export: whose export it looks like: one of EXPORTS.
        seed: decides what is handed in, and how it is packed.
    """
    chance = random.Random(seed)
    specimens = {kind: cycle(_shuffled(_specimens(kind, modules), chance)) for kind in sorted(set(KINDS))}
    shapes = cycle(_shuffled(SHAPES, chance))
    students = []
    out.mkdir(parents=True)
    with TemporaryDirectory(dir=out.parent) as scratch:
        hand_ins = {}
        for place, kind in enumerate(islice(cycle(KINDS), number)):
            name = f"s{place:03}"
            about, write = next(specimens[kind])
            (folder := Path(scratch, name)).mkdir()
            if kind == "unreadable":
                write(folder / "homework")
                students.append(Student(name, kind, about, None))
            else:
                shape = next(shapes)
                write(plain / name)
                pack(plain / name, shape, folder / "homework")
                students.append(Student(name, kind, f"{about}, {shape}", plain / name))
            (hand_ins[name],) = folder.iterdir()
        EXPORTS[export](hand_ins, out)
    return students


def _specimens(kind: str, modules: Sequence[str]) -> list[tuple[str, Write]]:
    """What students of a kind hand in: a description, and what writes it."""
    if kind == "unreadable":
        return [(f"unreadable: {write.__name__}", write) for write in UNREADABLE]
    if kind == "evil":
        return [
            (f"evil {folder.name}", _writer_of_evil(folder))
            for folder in sorted(EVIL.iterdir())
            if folder.is_dir() and not any(fnmatch(folder.name, pattern) for pattern in LEFT_OUT)
        ]
    catalogue = wheats() if kind == "wheat" else chaffs()
    return [
        (f"{kind} {specimen.name}", _writer_of({specimen.module: specimen.source}))
        for specimen in catalogue
        if specimen.module in modules
    ]


def _writer_of(sources: dict[str, str]) -> Write:
    return lambda folder: write_submission(folder, sources)


def _writer_of_evil(evil: Path) -> Write:
    """Writes a hostile package; the modules that it lacks are the reference's."""

    def write(folder: Path) -> None:
        write_submission(folder, {})
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(evil, folder, symlinks=True, ignore=ignored, dirs_exist_ok=True)

    return write


def _shuffled(items: Sequence[Item], chance: random.Random) -> list[Item]:
    return chance.sample(items, len(items))
