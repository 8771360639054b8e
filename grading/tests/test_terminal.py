"""What a student sees fits on one screen and says what to do next.

The screens are in `terminal/`; `SNAPSHOTS=write pytest grading/tests/test_terminal.py` writes them again for a review.
"""

import json
import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from grading.checker.catalogue import chaffs
from grading.protocol.finding import Finding
from grading.tests.fresh_python import run_python

pytestmark = pytest.mark.slow

SCREENS = Path(__file__).parent / "terminal"
LINES, COLUMNS = 42, 100


def reference(repository: Path, folder: Path) -> Path:
    shutil.copytree(repository / "solutions", folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def edited(repository: Path, folder: Path, module: str, before: str, after: str) -> str:
    """The reference with one text in one module replaced."""
    path = reference(repository, folder) / f"{module}.py"
    path.write_text(path.read_text("utf-8").replace(before, after), encoding="utf-8")
    return str(folder)


def stubs(repository: Path, _: Path) -> tuple[str, str]:
    """Nothing is written yet."""
    return str(repository / "hw4"), ""


def half_done(repository: Path, folder: Path) -> tuple[str, str]:
    """Four modules have one bug each, two are not written."""
    bugs = {
        "heads/head-in-features-4096",
        "metrics/iou-dice",
        "classes/classes-in-place-chain",
        "transfer/extractor-freezes-features-only",
    }
    reference(repository, folder)
    for chaff in chaffs():
        if chaff.name in bugs:
            (folder / f"{chaff.module}.py").write_text(chaff.source, encoding="utf-8")
    for module in ("augmentation", "fcn"):
        shutil.copy(repository / "hw4" / f"{module}.py", folder)
    return str(folder), "not q2_1"


def syntax_error(repository: Path, folder: Path) -> tuple[str, str]:
    """Python cannot read one module, on which another is built."""
    return edited(repository, folder, "freezing", "    return module\n", "    return (module\n"), "q1_1 or q1_2"


def missing_module(repository: Path, folder: Path) -> tuple[str, str]:
    """One module is not there."""
    (reference(repository, folder) / "freezing.py").unlink()
    return str(folder), "q1_1 or q1_2"


def returns_none(repository: Path, folder: Path) -> tuple[str, str]:
    """A function ends without `return`."""
    return edited(repository, folder, "classes", "    return reduced\n", ""), "q2_3"


def raises(repository: Path, folder: Path) -> tuple[str, str]:
    """A function raises an error that was not asked for, two calls deep."""
    after = "    return _first(mapping, reduced)\n\n\ndef _first(mapping, reduced):\n    return mapping[-7]\n"
    return edited(repository, folder, "classes", "    return reduced\n", after), "q2_3"


def remembers(repository: Path, folder: Path) -> tuple[str, str]:
    """A function does something else the first time that it gets many labels: asked again, it is right."""
    after = "    _big.append(reduced.numel() > 20)\n    return reduced + (_big[-1] and sum(_big) == 1)\n\n\n_big = []\n"
    return edited(repository, folder, "classes", "    return reduced\n", after), "q2_3"


@pytest.mark.parametrize("case", [stubs, half_done, syntax_error, missing_module, returns_none, raises, remembers])
def test_screen(repository: Path, tmp_path: Path, case: Callable[[Path, Path], tuple[str, str]]) -> None:
    implementation, selection = case(repository, tmp_path / case.__name__)
    command = ["-m", "pytest", "-p", "no:xdist", "--benchmark-disable", "-m", selection]
    command += [f"--records={tmp_path / 'records'}"] if case is stubs else ["--impl", implementation]
    done = run_python(*command, folder=repository, environment=os.environ | {"COLUMNS": str(COLUMNS)})
    assert done.returncode == 1
    screen = re.sub(r" in \d+\.\d+s( \(.*?\))?", " in 0.00s", done.stdout.replace(str(tmp_path), "/home/student"))
    screen = re.sub(r"=+( .* )=+", r"==\1==", screen)
    assert len(screen.splitlines()) <= LINES, screen
    assert re.search(r"^next: .*, then run pytest", screen, re.MULTILINE)
    path = SCREENS / f"{case.__name__}.txt"
    if os.environ.get("SNAPSHOTS") == "write":
        path.write_text(screen, encoding="utf-8")
    assert screen == path.read_text("utf-8")
    if case is stubs:
        expect_every_test_fails_with_its_question(tmp_path / "records")


def expect_every_test_fails_with_its_question(records: Path) -> None:
    lines = [json.loads(line) for line in records.read_text(encoding="utf-8").splitlines()]
    messages = [str(Finding(**line["finding"])) for line in lines if "outcome" in line]
    assert len(messages) == sum("question" in line for line in lines) > 200
    assert all(re.match(r"(Q\d-\d): .*\ngot:   NotImplementedError: .*\1", message) for message in messages)
