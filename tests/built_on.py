"""Which functions of the student API a submission's modules take from each other.

Only a student's own run may call this: it parses the student's source, and the pytest of a grading is not sandboxed.
"""

import ast
from pathlib import Path

from grading.protocol.submission import FOLDER_PACKAGE, MODULES


def built_on(folder: Path) -> dict[str, set[str]]:
    """By module, the names that it imports from the others: functions, or whole modules."""
    return {module: _imported_names(folder / f"{module}.py") for module in MODULES}


def _imported_names(path: Path) -> set[str]:
    try:
        tree = ast.parse(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, SyntaxError, RecursionError, MemoryError):
        return set()  # the tests report what is wrong with the file
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and (node.level == 1 or (node.module or "").startswith(FOLDER_PACKAGE)):
            names |= {alias.name for alias in node.names}
    return names
