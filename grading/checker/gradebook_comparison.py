"""Compares gradebooks, and results, but for the times in them."""

import json
import re
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

GRADEBOOK_FILES = ("gradebook.csv", "canvas.csv", "marks.csv", "changes.csv")
STUDENT_FILES = ("history.csv", "junit.xml", "report.html", "results.json", "student.html")

# What no two runs share: the values of these keys, and the address of an object in a student's error.
TIMES = ("execution_time", "seconds")
# How something failed.
WAYS = ("output", "failure", "reason")
ADDRESS = re.compile(r"0x[0-9a-f]{6,}")


def without_times(document: Any) -> Any:
    """What a results.json holds, without times and addresses."""
    if isinstance(document, dict):
        return {key: without_times(value) for key, value in document.items() if key not in TIMES}
    if isinstance(document, list):
        return [without_times(value) for value in document]
    return ADDRESS.sub("0x", document) if isinstance(document, str) else document


def without_ways(document: Any) -> Any:
    """What a results.json holds, without how tests and trainings failed: only that they did."""
    if isinstance(document, dict):
        kept = {key: without_ways(value) for key, value in document.items() if key not in WAYS}
        return kept | {key: sorted(kept[key]) for key in ("failed_tests",) if key in kept}
    return [without_ways(value) for value in document] if isinstance(document, list) else document


def differences(one: Path, other: Path, students: list[str], hostile: Collection[str] = ()) -> Iterator[str]:
    """What two gradebooks of the same class differ in.

    Args:
        hostile: students whose submissions race with the grader: chance decides how a test fails, not whether it does.
    """
    for name in GRADEBOOK_FILES:
        if _bytes(one / name) != _bytes(other / name):
            yield f"{name} differs"
    for student in students:
        for name in STUDENT_FILES:
            if not (one / student / name).is_file() or not (other / student / name).is_file():
                yield f"{student} has no {name}"
        if _bytes(one / student / "history.csv") != _bytes(other / student / "history.csv"):
            yield f"{student}/history.csv differs"
        here, there = results(one / student), results(other / student)
        if student in hostile:
            here, there = without_ways(here), without_ways(there)
        for place in different_places(here, there):
            yield f"{student}/results.json differs in {place}"


def results(folder: Path) -> Any:
    """The results.json in a folder, without times; None if there is none."""
    file = folder / "results.json"
    return without_times(json.loads(file.read_text(encoding="utf-8"))) if file.is_file() else None


def scores(folder: Path) -> Any:
    """The scores of all entries of the results in a folder."""
    document = results(folder)
    return document and [document["score"], *([test["number"], test["score"]] for test in document["tests"])]


def different_places(one: Any, other: Any, place: str = "") -> Iterator[str]:
    """The paths to the values that two JSON documents differ in."""
    if isinstance(one, dict) and isinstance(other, dict):
        for key in dict.fromkeys([*one, *other]):
            yield from different_places(one.get(key), other.get(key), f"{place}.{key}" if place else key)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        for number, (here, there) in enumerate(zip(one, other, strict=True)):
            yield from different_places(here, there, f"{place}[{number}]")
    elif one != other and not (one != one and other != other):  # NaN is NaN
        yield f"{place or 'all'} ({_short(one)} / {_short(other)})"


def parts_left(folder: Path) -> list[Path]:
    """Files and folders in a gradebook that only a run at work has."""
    return [path for path in sorted(folder.rglob("*")) if path.name.endswith((".part", ".parts"))]


def _bytes(file: Path) -> bytes | None:
    return file.read_bytes() if file.is_file() else None


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
