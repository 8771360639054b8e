"""The files of this package that a module needs, found by its imports."""

import ast
from collections.abc import Iterator
from pathlib import Path

from grading import PACKAGE
from grading.protocol.parsing import parse_alone


def sources(*modules: str) -> dict[str, Path]:
    """The files of modules of this package, and of all that they import from it, inside functions too.

    Args:
        modules: dotted names, such as `"grading.running.training"`.

    Returns:
        The files by their path relative to the package, sorted.

    Raises:
        FileNotFoundError: there is no such module.
    """
    files: dict[str, Path] = {}
    unvisited = list(modules)
    while unvisited:
        name = unvisited.pop()
        path = _file(name)
        if path is None:
            raise FileNotFoundError(f"no module {name}")
        relative_path = path.relative_to(PACKAGE).as_posix()
        if relative_path not in files:
            files[relative_path] = path
            unvisited += imported_modules(path)
    return dict(sorted(files.items()))


def imported_modules(path: Path) -> Iterator[str]:
    """The modules of this package that a file imports, and the packages that they lie in."""
    source = path.read_text(encoding="utf-8")
    for node in ast.walk(parse_alone(lambda: ast.parse(source))):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            # What is imported from a package may be a module itself.
            names = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        for name in names:
            parts = name.split(".")
            for end in range(1, len(parts) + 1):
                if parts[0] == PACKAGE.name and _file(".".join(parts[:end])) is not None:
                    yield ".".join(parts[:end])


def _file(module: str) -> Path | None:
    """The file of a module or package; None if this repository has none."""
    place = PACKAGE.parent.joinpath(*module.split("."))
    return next((path for path in (place.with_suffix(".py"), place / "__init__.py") if path.is_file()), None)
