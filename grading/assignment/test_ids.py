"""The list of all tests of the student API, each with its question: `tests/ids.txt`.

A grading knows from it which tests there are before any of them runs, and a student's points are divided by all tests
of a question, whether they ran or not. `python -m grading list_tests` writes the list anew after tests were added,
renamed or removed.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path

from grading.running.clean_pytest import ROOT, command, environment
from grading.commands.exits import as_command

IDS = ROOT / "tests" / "ids.txt"
UPDATE = "python -m grading list_tests"


@cache
def listed_tests(path: Path = IDS) -> Mapping[str, str]:
    """The question of each test, by the test's id, in the order in which pytest runs them.

    Where the file is missing there is no test: every grading then says so.
    """
    if not path.is_file():
        return {}
    lines = path.read_text(encoding="utf-8").splitlines()
    return {id: question for question, _, id in (line.partition(" ") for line in lines)}


def collected_tests(lines: Iterable[str]) -> dict[str, str]:
    """The same from the lines of a file that `pytest --records` wrote."""
    entries = [json.loads(line) for line in lines]
    return {entry["test"]: str(entry["question"]) for entry in entries if "question" in entry}


def collect() -> dict[str, str]:
    """Ask pytest which tests there are."""
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        collecting = command(["--collect-only", "-q", "--impl=solutions", f"--records={records}"])
        subprocess.run(collecting, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
        return collected_tests(records.read_text(encoding="utf-8").splitlines())


@as_command
def main() -> int:
    """Write the list."""
    tests = collect()
    IDS.write_text("".join(f"{question} {id}\n" for id, question in tests.items()), encoding="utf-8")
    print(f"{IDS.relative_to(ROOT)}: {len(tests)} tests")
    return 0


if __name__ == "__main__":
    sys.exit(main())
