"""The files of this project that a grading needs, wherever it runs."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

PARTS = ("grading", "hw4", "solutions", "tests", "pyproject.toml", "setup.py", "LICENSE", "README.md")
# What only tests the grader: hostile submissions, right and wrong modules, the grader's own tests.
LEFT_OUT = ("grading/tests/", "grading/confinement/", "grading/nightly/", "tests/evil/", "tests/checker/")
SKIPPED = frozenset({"__pycache__", "build", "dist"})


def needed_files(root: Path) -> list[str]:
    """The paths of the files, relative to the project's folder, sorted.

    Where git knows the folder, it says which files there are: tracked ones, and new ones that it does not ignore, such
    as a calibration of the instructor's.
    """
    found = _known_to_git(root)
    paths = sorted(_found_on_disk(root) if found is None else found)
    return [path for path in paths if not path.startswith(LEFT_OUT) and (root / path).is_file()]


def _known_to_git(root: Path) -> list[str] | None:
    """The files of PARTS that belong to the work tree; None if this is none, or there is no git."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", *PARTS]
    try:
        done = subprocess.run(command, capture_output=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return None
    # Nothing, if the folder only lies in the ignored part of another project's work tree.
    return sorted({path for path in done.stdout.decode().split("\0") if path}) or None


def _found_on_disk(root: Path) -> Iterator[str]:
    for part in PARTS:
        place = root / part
        files = place.rglob("*") if place.is_dir() else [place]
        for file in files:
            path = file.relative_to(root)
            if not any(name in SKIPPED or name.startswith(".") for name in path.parts):
                yield path.as_posix()
