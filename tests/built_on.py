"""Which functions of the student API a submission's modules take from each other.

This parses a student's source: only in a student's own run, never in a grading, whose pytest is not confined.
"""

import ast
from pathlib import Path

from grading.protocol.submission import FOLDER_PACKAGE, MODULES


def built_on(folder: Path) -> dict[str, set[str]]:
    """By module, the names that it imports from the others: functions, or whole modules."""
    return {room: _imported(folder / f"{room}.py") for room in MODULES}


def _imported(path: Path) -> set[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return set()  # what is wrong with the file is a failure of its own
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level == 1 or (node.module or "").startswith(FOLDER_PACKAGE)):
            names |= {alias.name for alias in node.names}
    return names
