"""Write the list of all tests of the student API, `tests/ids.txt`: `python -m grading list_tests`."""

import json
import subprocess
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from grading import ROOT
from grading.assignment.test_ids import IDS
from grading.commands.exits import as_command
from grading.commands.help import new_parser
from grading.running.clean_pytest import command, environment


def collected_tests(lines: Iterable[str]) -> dict[str, str]:
    """The question of each test, by the test's id.

    Args:
        lines: of a file that `pytest --records` wrote.
    """
    entries = [json.loads(line) for line in lines]
    return {entry["test"]: str(entry["question"]) for entry in entries if "question" in entry}


def collect() -> dict[str, str]:
    """The question of each test, by the test's id, as pytest collects them."""
    with tempfile.TemporaryDirectory() as folder:
        records = Path(folder) / "records"
        collecting = command(["--collect-only", "-q", "--impl=solutions", f"--records={records}"])
        subprocess.run(collecting, cwd=ROOT, env=environment(), check=True, stdout=subprocess.DEVNULL)
        return collected_tests(records.read_text(encoding="utf-8").splitlines())


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the list is written, 2 bad usage, 4 this command broke."""
    new_parser("python -m grading list_tests", __doc__).parse_args(arguments)
    tests = collect()
    IDS.write_text("".join(f"{question} {id}\n" for id, question in tests.items()), encoding="utf-8")
    print(f"{IDS.relative_to(ROOT)}: {len(tests)} tests")
    return 0
