"""The catalogue in `tests/checker/`: wheats are correct modules, chaffs are wrong ones.

A chaff is a wheat with one bug. A lesson says what its failure should teach: which tests are meant to catch the bug,
and a phrase that the student then reads. Chaffs with the same mistake share a lesson.
"""

import re
import shutil
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grading import ROOT
from grading.protocol.submission import MODULES

CATALOGUE = ROOT / "tests" / "checker"


@dataclass(frozen=True)
class Wheat:
    """One correct module."""

    module: str
    style: str

    @property
    def name(self) -> str:
        return f"{self.module}/{self.style}"

    @property
    def source(self) -> str:
        return (CATALOGUE / "wheats" / self.module / f"{self.style}.py").read_text(encoding="utf-8")


@dataclass(frozen=True)
class Lesson:
    """What a mistake teaches.

    Attributes:
        test: regular expression over the ids of the tests that are meant to catch it.
        hint: a phrase that the failure's message holds.
    """

    name: str
    test: str
    hint: str

    def is_taught_by(self, test: str, message: str) -> bool:
        """Whether a failure is of an intended test, and its message holds the hint.

        Args:
            test: the id of the test that failed.
        """
        return self.test_matches(test) and self.hint in message

    def test_matches(self, test: str) -> bool:
        """Whether a test is meant to catch the mistake."""
        return re.search(self.test, test) is not None


@dataclass(frozen=True)
class Chaff:
    """One wrong module: `wheat` with the one occurrence of `replace` replaced."""

    module: str
    id: str
    question: str
    description: str
    wheat: Wheat
    replace: str
    replacement: str
    lesson: Lesson

    @property
    def name(self) -> str:
        return f"{self.module}/{self.id}"

    @property
    def source(self) -> str:
        return self.wheat.source.replace(self.replace, self.replacement)


class CatalogueError(Exception):
    """An entry of the catalogue that cannot be used. The message is one line that names it."""


def write_submission(folder: Path, sources: Mapping[str, str]) -> Path:
    """Write the reference into a new folder, with some modules replaced.

    Args:
        sources: the sources of the modules that are replaced, by module.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for module in MODULES:
        shutil.copyfile(ROOT / "solutions" / f"{module}.py", folder / f"{module}.py")
    for module, source in sources.items():
        (folder / f"{module}.py").write_text(source, encoding="utf-8")
    return folder


def wheats() -> Iterator[Wheat]:
    """All correct modules."""
    for module in MODULES:
        for path in sorted((CATALOGUE / "wheats" / module).glob("*.py")):
            yield Wheat(module, path.stem)


def chaffs() -> Iterator[Chaff]:
    """All wrong modules."""
    for module in MODULES:
        yield from chaffs_of(tomllib.loads((CATALOGUE / "chaffs" / f"{module}.toml").read_text(encoding="utf-8")))


def lessons(table: dict[str, Any]) -> dict[str, Lesson]:
    """The lessons of one file by name."""
    return {name: Lesson(name, **lesson) for name, lesson in table["lessons"].items()}


def chaffs_of(table: dict[str, Any]) -> Iterator[Chaff]:
    """The chaffs of one file.

    Raises:
        CatalogueError: one has no such lesson or wheat, or does not change its wheat in exactly one place.
    """
    lesson_by_name = lessons(table)
    for entry in table["chaff"]:
        _check(entry, lesson_by_name)
        yield Chaff(
            entry["module"],
            entry["id"],
            entry["question"],
            entry["description"],
            Wheat(entry["module"], entry["wheat"]),
            entry["replace"],
            entry["with"],
            lesson_by_name[entry["lesson"]],
        )


def _check(entry: dict[str, Any], lesson_by_name: Mapping[str, Lesson]) -> None:
    """Check a chaff's entry.

    Raises:
        CatalogueError: it cannot be used.
    """
    name = f"{entry['module']}/{entry['id']}"
    if entry["lesson"] not in lesson_by_name:
        raise CatalogueError(f"{name}: no lesson {entry['lesson']!r} in {entry['module']}.toml")
    wheat = Wheat(entry["module"], entry["wheat"])
    try:
        count = wheat.source.count(entry["replace"])
    except FileNotFoundError:
        raise CatalogueError(f"{name}: there is no wheat {entry['wheat']!r}") from None
    if count != 1:
        raise CatalogueError(f"{name}: `replace` occurs {count} times in {wheat.name}, and must occur once")
