"""Finds the folder with a student's modules in what was handed in."""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from grading.protocol.submission import MAX_ENTRIES, MODULES, SKIPPED, SubmissionError, regular_file

MAX_LEVELS = 4  # of folders above the modules, as in `hand-in/homework-4/src/hw4`
MOST_NAMED = 4  # folders or files in a message

# What lies beside the student's modules in the handout. Some of its files have the names of modules.
HANDOUT_FOLDERS = frozenset({"grading", "tests", "benchmarks"})
SOLUTIONS = "solutions"
PROGRAMS_FOLDERS = SKIPPED | {"__MACOSX", "node_modules", "site-packages"}
FILES = {f"{module}.py": module for module in MODULES}
HOW = "hand in one folder with " + ", ".join(f"{module}.py" for module in MODULES)


@dataclass(frozen=True)
class Candidate:
    """A folder with at least one module.

    Attributes:
        place: where it lies in what was handed in.
        modules: the names of its modules.
    """

    place: Path
    modules: frozenset[str]


def is_passed_over(name: str) -> bool:
    """Whether a name is one of a file or folder that no student wrote: a hidden one, or one that some program keeps."""
    return name.startswith(".") or name in PROGRAMS_FOLDERS


def find_modules(root: Path, name: str) -> Path | None:
    """The folder at or below `root` with the student's modules, whatever it is called; None if there is none.

    It is the folder with the most modules. A folder in it with fewer modules belongs to it. Any other folder with at
    least half as many makes the choice a guess, which is an error. The handout's other folders do not count, and
    `solutions` counts only if there is nothing else.

    Args:
        root: an existing folder; links in it are not followed.
        name: what the student calls it.

    Raises:
        SubmissionError: it is not clear which folder is meant, or a folder cannot be read.
    """
    candidates = list(_candidates(root, name))
    candidates = [candidate for candidate in candidates if SOLUTIONS not in candidate.place.parts] or candidates
    if not candidates:
        return None
    best, *others = sorted(candidates, key=lambda candidate: -len(candidate.modules))
    rivals = [other for other in others if _is_rival(other, best)]
    if rivals:
        places = [_shown(candidate.place) for candidate in (best, *rivals)]
        listed = ", ".join(sorted(places)[:MOST_NAMED]) + (", ..." if len(places) > MOST_NAMED else "")
        raise SubmissionError(f"{name}: several folders hold modules ({listed}); {HOW}")
    return root / best.place


def _is_rival(other: Candidate, best: Candidate) -> bool:
    belongs = best.place in other.place.parents and len(other.modules) < len(best.modules)
    return not belongs and 2 * len(other.modules) >= len(best.modules)


def _candidates(root: Path, name: str) -> Iterator[Candidate]:
    """Each folder with a module, the upper ones first."""
    entries_left = MAX_ENTRIES
    level = [Path()]
    for _ in range(MAX_LEVELS + 1):
        below = []
        for place in level:
            try:
                with os.scandir(root / place) as scan:
                    entries = sorted(islice(scan, entries_left + 1), key=lambda entry: entry.name)
            except OSError as error:
                raise SubmissionError(
                    f"{name}: {_shown(place)} cannot be read ({error.strerror}); change its permissions"
                ) from None
            entries_left -= len(entries)
            if entries_left < 0:
                raise SubmissionError(f"{name}: more than {MAX_ENTRIES} files and folders; hand in code only")
            if any(entry.name == "pyvenv.cfg" for entry in entries):
                continue
            modules = [FILES[entry.name] for entry in entries if _is_module(entry, root / place)]
            if modules:
                yield Candidate(place, frozenset(modules))
            below += [place / entry.name for entry in entries if _may_hold_modules(entry)]
        level = below


def _is_module(entry: os.DirEntry[str], folder: Path) -> bool:
    return entry.name in FILES and regular_file(folder / entry.name, folder) is not None


def _may_hold_modules(entry: os.DirEntry[str]) -> bool:
    hidden = is_passed_over(entry.name) or entry.name in HANDOUT_FOLDERS
    return not hidden and entry.is_dir(follow_symlinks=False)


def _shown(place: Path) -> str:
    return f"{place}/" if place.parts else "the top folder"
