"""Which files students get: an allow-list, so that a new file gets out only if something that is on it needs it."""

import ast
import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.assignment.assignment import read_assignment
from grading.assignment.calibration import read_calibration
from grading.protocol.handed_out import MANIFEST, digest
from grading.protocol.sources import imported_modules, sources
from grading.protocol.submission import MODULES

TEMPLATES = Path(__file__).parents[1] / "templates" / "handout"

COMMANDS = ("grade", "pretrain", "fetch")
ENTRIES = (
    "grading.run_all",
    "grading.__main__",
    *(f"grading.commands.{command}" for command in COMMANDS),
    "grading.pytest_options",
    # Started as programs of their own, so no import leads to them.
    "grading.worker.serve",
    *(f"grading.worker.probes.{module}" for module in MODULES),
    "grading.backbones.pretrain",
    "grading.sandbox.escapes",
    "grading.sandbox.reaper",
    # What the workflow for GitHub Classroom runs.
    "grading.platforms.classroom",
)
"""What students start. They get these modules of `grading`, and all that these import."""

DATA = (
    "grading/assignment/assignment.toml",
    "grading/assignment/discussion.md",
    "grading/reporting/templates/**/*.html",
    "grading/reporting/templates/*.css",
    "grading/reporting/pictures/*.svg",
)
COPIED = ("LICENSE", "setup.py", ".gitignore", ".gitattributes", "tests/ids.txt", "hw4/discussion.md")
ASSIGNMENT = "docs/assignment"  # .md, and a folder of figures
TESTS = ("conftest", *(f"test_{module}" for module in MODULES))


def handout_files(root: Path) -> dict[str, bytes]:
    """Every file of the handout, by its path in it, sorted.

    Args:
        root: the project's checkout.

    Raises:
        OSError: one cannot be read.
        FileNotFoundError: one of those that must be there is missing.
    """
    paths = {*(f"grading/{path}" for path in _modules_of_grading(root)), *_tests(root), *_stubs(), *COPIED}
    paths |= {path.relative_to(root).as_posix() for pattern in DATA for path in root.glob(pattern)}
    paths |= set(_assignment(root))
    files = {path: (root / path).read_bytes() for path in paths}
    files |= {name: text.encode() for name, text in _written(root, files).items()}
    fixed = {path: digest(files[path]) for path in sorted(files) if path.startswith(("grading/", "tests/"))}
    calibration = read_calibration("mini") or {}
    seconds = {"mini": {id: round(measured.seconds) for id, measured in calibration.items()}}
    files[MANIFEST] = (json.dumps({"files": fixed, "seconds": seconds}, indent=1) + "\n").encode()
    return dict(sorted(files.items()))


def _stubs() -> Iterator[str]:
    yield from (f"hw4/{module}.py" for module in ("__init__", *MODULES))


def _modules_of_grading(root: Path) -> Iterator[str]:
    """The modules that ENTRIES and the tests lead to, relative to `grading`."""
    needed = {module for test in _tests(root) for module in imported_modules(root / test)}
    yield from sources(*ENTRIES, *needed)


def _tests(root: Path) -> set[str]:
    """The tests of the student API, and the modules beside them that they import."""
    found: set[str] = set()
    unvisited = ["__init__", *TESTS]
    while unvisited:
        path = f"tests/{unvisited.pop()}.py"
        if path not in found:
            found.add(path)
            unvisited += _imported_beside(root / path)
    return found


def _imported_beside(path: Path) -> Iterator[str]:
    """The modules of the same package that a file imports."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            if node.module:
                yield node.module.partition(".")[0]
            else:
                yield from (alias.name for alias in node.names)


def _assignment(root: Path) -> Iterator[str]:
    """The text of the assignment with its figures, if it has been written."""
    text = root / f"{ASSIGNMENT}.md"
    if text.is_file():
        yield text.relative_to(root).as_posix()
        for figure in (root / ASSIGNMENT).rglob("*"):
            if figure.is_file() and figure.suffix not in (".py", ".pyc"):
                yield figure.relative_to(root).as_posix()


def _written(root: Path, files: dict[str, bytes]) -> dict[str, str]:
    """The files that are made for students, from templates."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
        autoescape=False,  # no HTML
    )
    environment.filters["toml"] = json.dumps  # a string of JSON is one of TOML
    facts = {
        "project": tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8")),
        "assignment": read_assignment(),
        "has_assignment": f"{ASSIGNMENT}.md" in files,
    }
    return {name: environment.get_template(f"{name}.jinja").render(facts) for name in ("README.md", "pyproject.toml")}
