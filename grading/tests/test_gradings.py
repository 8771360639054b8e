"""The catalogue of check_verdicts: every entry is a submission, and a wrong one is another program."""

import ast
import tomllib
from pathlib import Path
from typing import Any

import pytest

from grading.assignment.assignment import read_assignment
from grading.checker.catalogue import CATALOGUE
from grading.commands.check_verdicts import write_entry
from grading.protocol.submission import MODULES

ENTRIES = tomllib.loads((CATALOGUE / "gradings.toml").read_text(encoding="utf-8"))
RIGHT, WRONG = ENTRIES["right"], ENTRIES["wrong"]


@pytest.mark.parametrize("entry", [*RIGHT, *WRONG], ids=lambda entry: entry["name"])
def test_an_entry_is_a_submission(entry: dict[str, Any], tmp_path: Path, repository: Path) -> None:
    folder = write_entry(entry, tmp_path)
    changed = set()
    for module in MODULES:
        submitted, reference = (
            ast.dump(ast.parse((place / f"{module}.py").read_text())) for place in (folder, repository / "solutions")
        )
        changed |= {module} if submitted != reference else set()
    assert changed == {*entry.get("modules", {}), *([entry["module"]] if "module" in entry else [])}


def test_there_are_enough_right_and_wrong_entries() -> None:
    assert len(RIGHT) >= 4
    assert len(WRONG) >= 10
    ids = {configuration.id for configuration in read_assignment().configurations}
    assert {id for entry in WRONG for id in entry["configurations"]} <= ids
