"""What a student meant who typed something else: a module for its tests, Q1-1 for q1_1, another folder for this one."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import pytest

from grading import ROOT
from grading.assignment.assignment import Question, read_assignment
from grading.assignment.test_ids import listed_tests, marker_of
from grading.protocol.submission import FOLDER_PACKAGE, MODULES

OPTIONS = ("--impl", "--sandbox", "--unsafe", "--records", "--full", "--exitfirst", "--maxfail", "--collect-only")
QUESTION = re.compile(r"\bq(\d+)[-_.](\d+)\b", re.IGNORECASE)
PART = re.compile(r"\bq(\d+)\b(?![-_.]\d)", re.IGNORECASE)


@dataclass(frozen=True)
class Meant:
    """The arguments that were meant, lines that tell of them, and whether they are for the repository's root."""

    arguments: list[str]
    lines: list[str]
    in_root: bool = False


def what_was_meant(arguments: Sequence[str], places: Sequence[str], unknown: Iterable[str], folder: Path) -> Meant:
    """The arguments of pytest that a student meant.

    Args:
        arguments: as they were typed in `folder`, which lies in this repository.
        places: those among them that name where to collect tests.
        unknown: those that no option fits.

    Raises:
        pytest.UsageError: an option or a place does not exist, but its name is close to one that does.
    """
    for option in unknown:
        name = option.partition("=")[0]
        if name.startswith("--") and (near := get_close_matches(name, OPTIONS, n=1, cutoff=0.7)):
            raise pytest.UsageError(f"there is no option {name}: did you mean {near[0]}?")
    changed, lines, added = list(arguments), [], list[str]()
    chosen = any(argument.partition("=")[0] == "--impl" for argument in arguments)
    for place in dict.fromkeys(places):
        meant = _place(place, folder)
        if meant is None or list(arguments).count(place) != list(places).count(place):
            continue
        instead, implementation = meant
        changed = [part for argument in changed for part in (instead if argument == place else [argument])]
        added += [] if chosen or implementation is None else _implementation(implementation)
        lines.append(f"`pytest {place}` is taken as `{' '.join(['pytest', *instead, *added])}`")
    if not places and folder != ROOT and _is_implementation(folder):
        added = [] if chosen else _implementation(folder)
        lines.append(f"`pytest` in {folder.name}/ is taken as `{' '.join(['pytest', *added])}` in {ROOT}")
        return Meant([*changed, *added], lines, in_root=True)
    if not lines:
        return Meant(list(arguments), [])
    return Meant([*changed, *dict.fromkeys(added)], lines, in_root=True)


def _place(place: str, folder: Path) -> tuple[list[str], Path | None] | None:
    """The arguments for a place that holds no tests, and its implementation; None if the place may hold some."""
    text, _, test = place.partition("::")
    path = (folder / text).resolve()
    if path.is_dir() and _is_implementation(path):
        return [], path
    if path.is_file() and path.suffix == ".py" and path.stem in MODULES and _is_implementation(path.parent):
        return [_tests_of(path.stem)], path.parent
    if path.exists():
        return None
    if question(text):
        return ["-m", text], None
    name = re.split(r"[/.]", text.removesuffix(".py"))[-1]
    module = name.removeprefix("test_")
    if module in MODULES:
        return [_tests_of(module) + (f"::{test}" if test and name != module else "")], None
    if (home := _module_of(name)) is not None:
        return [_tests_of(home)], None
    if near := get_close_matches(module, MODULES, n=1, cutoff=0.75):
        raise pytest.UsageError(f"there is no {place}: did you mean {_tests_of(near[0])}?")
    return None


def markers_of(expression: str) -> str:
    """An expression of `-m` with the markers of this project: `Q1-1 or Q2` means `q1_1 or (q2_1 or q2_3)`.

    Raises:
        pytest.UsageError: a question has no tests, or does not exist.
    """
    tested = sorted({marker_of(question) for question in listed_tests().values()})

    def of_question(match: re.Match[str]) -> str:
        marker = f"q{match[1]}_{match[2]}"
        if marker not in tested:
            raise pytest.UsageError(_without_tests(f"Q{match[1]}-{match[2]}", tested))
        return marker

    def of_part(match: re.Match[str]) -> str:
        markers = [marker for marker in tested if marker.startswith(f"q{match[1]}_")]
        if not markers:
            raise pytest.UsageError(f"there is no part {match[0]}: -m takes {', '.join(tested)}")
        return f"({' or '.join(markers)})"

    if expression in MODULES:
        raise pytest.UsageError(f"-m takes questions ({', '.join(tested)}); `pytest {_tests_of(expression)}` tests it")
    return PART.sub(of_part, QUESTION.sub(of_question, expression))


def question(text: str) -> bool:
    """Whether a text is the id of a question, however it is spelt."""
    return QUESTION.fullmatch(text) is not None


def what_to_type(folder: Path) -> list[str]:
    """Commands that find tests, in two lines."""
    markers = sorted({marker_of(question) for question in listed_tests().values()})
    where = "" if folder == ROOT else f" in {ROOT}"
    return [
        f"No test was found. Type `pytest`{where} for all, `pytest tests/test_classes.py` for one module, or",
        f"`pytest -m q1_1` for one question: {', '.join(markers)}.",
    ]


def _without_tests(id: str, tested: Sequence[str]) -> str:
    known: dict[str, Question] = {question.id: question for question in read_assignment().questions}
    if id not in known:
        return f"there is no question {id}: -m takes {', '.join(tested)}"
    if known[id].discussion:
        return f"{id} is a discussion question: no tests; its answer goes into hw4/discussion.md"
    return f"{id} has no tests of its own: `python grading/run_all.py hw4 --only {id}` trains it"


def _is_implementation(folder: Path) -> bool:
    return any((folder / f"{module}.py").is_file() for module in MODULES)


def _implementation(folder: Path) -> list[str]:
    inside = folder.is_relative_to(ROOT)
    name = str(folder.relative_to(ROOT)) if inside else str(folder)
    return [] if name == FOLDER_PACKAGE else [f"--impl={name}"]


def _tests_of(module: str) -> str:
    return f"tests/test_{module}.py"


def _module_of(function: str) -> str | None:
    """The module of the student API that defines a function or class."""
    for module in MODULES:
        # By text: a student's file need not be Python yet.
        path = ROOT / FOLDER_PACKAGE / f"{module}.py"
        text = path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""
        if re.search(rf"^(def|class) {re.escape(function)}\b", text, re.MULTILINE):
            return module
    return None
