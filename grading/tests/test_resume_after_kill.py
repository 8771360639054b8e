"""A run that is killed at any moment ends like an undisturbed one after it is resumed."""

import json
import os
import random
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import pytest

from grading.tests.conftest import random_weights
from grading.tests.fresh_python import start_python

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("KILLS", "2"))  # more every night
SLOWEST = 4.0  # seconds; an undisturbed run takes somewhat longer on two cores

# Random weights: a pretraining would take minutes.
PROGRAM = """
import sys
from pathlib import Path
from grading.running import pretrained
files = Path(sys.argv[1])
pretrained.provide = lambda names, *_: {name: str(files / f"{name}.safetensors") for name in names}
from grading.commands.grade import main
sys.exit(main(sys.argv[2:]))
"""
TRIAL = ["--unsafe", "--profile", "mini", "--epochs", "2", "--limit", "12", "--seeds", "1", "--only", "Q1-1,Q1-3"]


class Command:
    """The front door, in a process of its own."""

    def __init__(self, repository: Path, weights: Path) -> None:
        self._repository = repository
        self._weights = weights

    def start(self, out: Path) -> BaseProcess:
        resume = ["--resume"] if (out / "journal.jsonl").is_file() else []
        arguments = ["-c", PROGRAM, str(self._weights), *TRIAL, "--out", str(out), *resume]
        return start_python(*arguments, folder=self._repository)

    def finish(self, out: Path) -> tuple[bytes, Any]:
        """Start or resume a run and let it end: its history, and its results without times."""
        process = self.start(out)
        process.join()
        assert process.exitcode == 3, "a trial has no verdict"
        results = json.loads((out / "results.json").read_text())
        del results["execution_time"]
        for configuration in results["extra_data"]["configurations"]:
            for seed in configuration["seeds"]:
                del seed["seconds"]
        return (out / "history.csv").read_bytes(), results


@pytest.fixture
def command(repository: Path, tmp_path: Path) -> Command:
    random_weights(tmp_path, ["alexnet", "encoder"])
    return Command(repository, tmp_path)


def test_killed_at_random_moments(command: Command, tmp_path: Path) -> None:
    undisturbed = command.finish(tmp_path / "undisturbed")
    moments = random.Random(0)
    finished = kills = 0
    while kills < KILLS:
        out = tmp_path / f"killed-{finished}"
        process = command.start(out)
        process.join(moments.uniform(0.2, SLOWEST))
        if process.exitcode is None:
            process.kill()
            process.join()
            kills += 1
        else:
            assert command.finish(out) == undisturbed
            finished += 1
    out = tmp_path / f"killed-{finished}"
    assert command.finish(out) == undisturbed
    assert {path.name for path in out.iterdir()} == {
        "evidence",
        "history.csv",
        "journal.jsonl",
        "junit.xml",
        "report.html",
        "results.json",
        "student.html",
        "worker.log",
    }
