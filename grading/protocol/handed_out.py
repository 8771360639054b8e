"""What students get, and must not change: whether this checkout is a handout, and what was changed in a student's."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

from grading import ROOT
from grading.protocol.submission import read_regular_file

MANIFEST = "handout.json"
"""A file of each handout. `files`: the digest of each file that students must not change, by path. `seconds`: what a
training takes on one core, by profile and configuration, as a handout has no calibration that says it."""

MARKS = (MANIFEST, "tests/ids.txt", "grading/run_all.py")  # one of them makes a folder a checkout
FIXED = ("tests/*.py", "tests/ids.txt", "grading/**/*.py", "grading/**/*.toml", "grading/assignment/discussion.md")
MOST_BYTES = 2**20  # of a file that is compared
MOST_NAMED = 5

NOT_THE_GRADE = (
    "this is not the grade, but a run of your own. Grading trains several times, on other pictures, and compares with "
    "what right submissions were measured to reach"
)


def is_handout() -> bool:
    """Whether this checkout is what students get, without the reference, calibrations and the grader's own tests."""
    return (ROOT / MANIFEST).is_file()


@cache
def handed_out_seconds(profile: str) -> dict[str, float]:
    """What a training takes on one core, by configuration id; empty if this is no handout, or it does not say."""
    return dict(_table(ROOT, "seconds").get(profile, {}))


def digest(content: bytes) -> str:
    """SHA-256 in hexadecimal, whatever ends the lines and the file: editors and git change that."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return hashlib.sha256(lines.rstrip(b"\n")).hexdigest()


def notes_on(modules: Path, top: Path) -> tuple[str, ...]:
    """What a reader of results should know of the checkout in which a student's modules lie; usually nothing.

    Only files of the grader's own names are read, and links are not followed.

    Args:
        modules: the folder with the modules.
        top: the last folder above it that may be the student's checkout.
    """
    if is_handout():
        return (NOT_THE_GRADE,)
    for folder in (modules, *modules.parents):
        if any((folder / mark).is_file() for mark in MARKS):
            return () if folder.resolve() == ROOT else tuple(_notes(folder))
        if folder == top:
            break
    return ()


def _notes(checkout: Path) -> Iterator[str]:
    handed_out = _table(checkout, "files")
    differ = {path: found for path, found in _found(checkout).items() if found != _own_digests()[path]}
    changed = [path for path, found in differ.items() if found is None or handed_out.get(path) != found]
    if changed:
        verb = "differs" if len(changed) == 1 else "differ"
        yield f"{_enumeration(changed)} {verb} from what was handed out: grading uses its own"
    if len(changed) < len(differ):
        yield f"by its {MANIFEST}, this was handed out by another version of the grader: grading uses its own tests"


def _found(checkout: Path) -> dict[str, str | None]:
    """The digest of each of the grader's files that the checkout has; None if it is a link, or cannot be read."""
    digests: dict[str, str | None] = {}
    for path in _own_digests():
        try:
            digests[path] = digest(read_regular_file(checkout, Path(path), MOST_BYTES))
        except FileNotFoundError:
            continue
        except OSError:
            digests[path] = None
    return digests


@cache
def _own_digests() -> dict[str, str]:
    files = sorted({file for pattern in FIXED for file in ROOT.glob(pattern)})
    return {file.relative_to(ROOT).as_posix(): digest(file.read_bytes()) for file in files}


def _table(checkout: Path, name: str) -> dict[str, Any]:
    """A table of a checkout's manifest, which may hold anything; empty if there is none."""
    try:
        table = json.loads(read_regular_file(checkout, Path(MANIFEST), MOST_BYTES))
    except (OSError, ValueError, RecursionError):
        return {}
    inner = table.get(name) if isinstance(table, dict) else None
    return inner if isinstance(inner, dict) else {}


def _enumeration(paths: Iterable[str]) -> str:
    names = list(paths)
    if len(names) > MOST_NAMED:
        return f"{', '.join(names[:MOST_NAMED])} and {len(names) - MOST_NAMED} more"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
