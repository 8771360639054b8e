"""Students on Windows and macOS: they test and train their own code, in their own process.

See `grading.tests.other_system` for what can be shown of this on Linux.
"""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from grading import ROOT
from grading.tests.other_system import command_of
from grading.tests.waiting import wait_until

pytestmark = [pytest.mark.slow, pytest.mark.usefixtures("interruptible")]

RUN_ALL = str(ROOT / "grading" / "run_all.py")
TRIAL = ("--profile", "mini", "--only", "Q2-3-merged", "--seeds", "1", "--epochs", "1", "--limit", "4")
# What Windows uses where no encoding is given has few letters; here ASCII takes its place.
FEW_LETTERS = {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}


@pytest.fixture(params=["win32", "darwin"])
def python(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The command of Python on another system."""
    return command_of(request.param, tmp_path)


@pytest.fixture
def submission(tmp_path: Path) -> Path:
    """A right one, whose files have letters and spaces in their names that not every encoding has."""
    folder = tmp_path / "Zoë's hw4"
    shutil.copytree(ROOT / "solutions", folder)
    return folder


@pytest.fixture(autouse=True)
def temporary_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def run(python: str, *arguments: str, folder: Path = ROOT) -> CompletedProcess[str]:
    environment = {**os.environ, **FEW_LETTERS}
    return subprocess.run(
        [python, *arguments], cwd=folder, env=environment, capture_output=True, encoding="utf-8", check=False
    )


def hangs(submission: Path, started: Path) -> None:
    """Let the network of a submission hang when it is built."""
    file = submission / "fcn.py"
    text = file.read_text(encoding="utf-8")
    endless = f"        open({str(started)!r}, 'w').close()\n        while True: pass\n"
    before, constructor, after = text.partition("        super().__init__()\n")
    assert constructor
    file.write_text(before + endless + constructor + after, encoding="utf-8")


def rows(out: Path) -> list[dict[str, str]]:
    with (out / "history.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_a_trial_gives_the_numbers_that_it_gives_in_the_sandbox(python: str, submission: Path, tmp_path: Path) -> None:
    here = run(python, RUN_ALL, submission.name, *TRIAL, "--out", "here", folder=tmp_path)
    assert here.returncode == 3, here.stderr
    assert "own-process (unverified: your own process; nothing is confined)" in here.stdout
    there = run(sys.executable, RUN_ALL, submission.name, *TRIAL, "--out", "there", "--unsafe", folder=tmp_path)
    assert there.returncode == 3, there.stderr
    assert "own-process" not in there.stdout
    assert len(rows(tmp_path / "here")) == 1
    ours, theirs = ((tmp_path / out / "history.csv").read_bytes() for out in ("here", "there"))
    assert ours == theirs


@pytest.mark.parametrize("python", ["win32"], indirect=True)  # half a minute each
def test_a_run_with_its_tests(python: str, submission: Path, tmp_path: Path, temporary_folder: Path) -> None:
    """It is stopped, goes on, and says everywhere that nothing was confined."""
    arguments = [submission.name, "--profile", "mini", "--only", "Q2-3-merged", "--seeds", "1", "--out", "run"]
    first = run(python, RUN_ALL, *arguments, "--tests-only", folder=tmp_path)
    assert first.returncode == 3, first.stderr
    second = run(python, RUN_ALL, *arguments, "--resume", folder=tmp_path)
    assert second.returncode in (0, 3), second.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert results["extra_data"]["sandbox"]["verified"] is False
    assert results["score"] == 7.5
    assert "unverified" in (tmp_path / "run" / "report.html").read_text(encoding="utf-8")
    assert len(rows(tmp_path / "run")) > 1
    assert list(temporary_folder.glob("hw4-worker-*")) == [], "copies of the submission are deleted"


@pytest.mark.parametrize("how", ["Ctrl-C", "--time-limit"])
def test_an_endless_training_is_stopped_and_results_are_written(
    python: str, how: str, submission: Path, tmp_path: Path
) -> None:
    started = tmp_path / "started"
    hangs(submission, started)
    limit = ["--time-limit", "20s"] if how == "--time-limit" else []
    command = [python, RUN_ALL, submission.name, *TRIAL, *limit, "--out", "run"]
    with subprocess.Popen(command, cwd=tmp_path, stdout=subprocess.PIPE, encoding="utf-8") as process:
        try:
            if how == "Ctrl-C":
                assert wait_until(started.exists, 120)
                process.send_signal(signal.SIGINT)
            printed, _ = process.communicate(timeout=90)
        finally:
            process.kill()
    assert process.returncode == 3
    assert printed.rstrip().endswith("--out run --resume"), "the command that goes on"
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert {c["verdict"] for c in results["extra_data"]["configurations"]} == {"INCOMPLETE"}


OTHER_FORWARD = "    def forward(self, images):\n        return images\n\n    def other(\n"


@pytest.mark.parametrize("python", ["win32"], indirect=True)
@pytest.mark.parametrize(
    ("file", "old", "new", "reason"),
    [
        ("fcn.py", "        super().__init__()\n", "        raise KeyError('boom')\n", "hw4/fcn.py:"),
        ("classes.py", "def reduce_classes", "def reduced_classes", "no reduce_classes"),
        ("fcn.py", "    def forward(\n", OTHER_FORWARD, "no parameter that trains"),
    ],
)
def test_a_wrong_submission_fails(
    python: str, file: str, old: str, new: str, reason: str, submission: Path, tmp_path: Path
) -> None:
    text = (submission / file).read_text(encoding="utf-8")
    assert old in text
    (submission / file).write_text(text.replace(old, new, 1), encoding="utf-8")
    done = run(python, RUN_ALL, submission.name, *TRIAL, "--out", "run", folder=tmp_path)
    assert done.returncode == 1, done.stderr
    journal = (tmp_path / "run" / "journal.jsonl").read_text(encoding="utf-8").splitlines()
    runs = [json.loads(line) for line in journal[1:]]
    assert [run["kind"] for run in runs] == ["FAIL"]
    assert reason in runs[0]["failure"]


def test_stubs_fail_their_tests(python: str, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "hw4", tmp_path / "hw4")
    arguments = ["hw4", "--profile", "mini", "--only", "Q2-3", "--tests-only", "--out", "run"]
    done = run(python, RUN_ALL, *arguments, folder=tmp_path)
    assert done.returncode in (1, 3), done.stderr
    results = json.loads((tmp_path / "run" / "results.json").read_text(encoding="utf-8"))
    assert results["score"] == 0
    outcomes = [
        entry["outcome"]
        for entry in map(json.loads, (tmp_path / "run" / "tests.jsonl").read_text(encoding="utf-8").splitlines())
        if "outcome" in entry
    ]
    assert outcomes
    assert set(outcomes) == {"FAIL"}


def test_a_run_that_another_one_writes_is_refused(python: str, submission: Path, tmp_path: Path) -> None:
    arguments = [RUN_ALL, submission.name, *TRIAL, "--out", "run"]
    started = tmp_path / "started"
    hangs(submission, started)
    with subprocess.Popen([python, *arguments], cwd=tmp_path, stdout=subprocess.DEVNULL) as process:
        try:
            assert wait_until(started.exists, 120)
            second = run(python, *arguments, "--resume", folder=tmp_path)
        finally:
            process.kill()
    assert second.returncode == 2
    assert "is in use" in second.stderr
    process.wait()


@pytest.mark.parametrize(
    "arguments",
    [
        ("class", "students", "--out", "gradebook"),
        ("package", "gradescope"),
        ("check-tests",),
    ],
)
def test_what_needs_linux_says_so(python: str, arguments: Sequence[str]) -> None:
    done = run(python, "-m", "grading", *arguments)
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: {arguments[0]} needs Linux")
    assert done.stderr.count("\n") == 1


def test_pytest_tests_a_submission(python: str, submission: Path) -> None:
    arguments = ["-m", "pytest", f"--impl={submission}", "tests/test_classes.py"]
    done = run(python, *arguments)
    assert done.returncode == 0, done.stdout
    sandboxed = run(python, *arguments, "--sandbox")
    assert sandboxed.returncode == 4
    assert "there is no sandbox for" in sandboxed.stdout + sandboxed.stderr


def test_what_is_hidden_is_missing(tmp_path: Path) -> None:
    """Else none of the tests above shows anything."""
    program = """
import os, signal, socket, sys
missing = [name for name in ("fcntl", "resource", "pwd") if not importable(name)]
for owner, name in ((os, "fork"), (os, "getuid"), (os, "O_NOFOLLOW"), (signal, "SIGKILL"), (socket, "send_fds")):
    missing += [] if hasattr(owner, name) else [name]
print(sys.platform, *missing)
"""
    importable = """
def importable(name):
    try:
        return bool(__import__(name, globals()))
    except ImportError:
        return False
"""
    windows = run(command_of("win32", tmp_path), "-c", importable + program)
    missing = ["fcntl", "resource", "pwd", "fork", "getuid", "O_NOFOLLOW", "SIGKILL", "send_fds"]
    assert windows.stdout.split() == ["win32", *missing]
    macos = run(command_of("darwin", tmp_path), "-c", importable + program)
    assert macos.stdout.split() == ["darwin", "fork"]
