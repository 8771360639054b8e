"""A grader that is killed, at any moment and in any way, ends every process that it has started."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from grading import ROOT
from grading.confinement.test_evil import EVIL, TIERS
from grading.protocol.submission import MODULES
from grading.sandbox.tiers import Sandbox
from grading.tests.conftest import random_weights
from grading.tests.waiting import wait_until

StartGrader = Callable[..., subprocess.Popen[bytes]]

SECONDS_TO_END = 2.0
SECONDS_TO_START = 180.0

PROGRAM = """
import sys
from pathlib import Path
from grading.running import pretrained, resolve
from grading.sandbox.choose import candidates
files, tier = Path(sys.argv[1]), sys.argv[2]
pretrained.provide = lambda names, *_: {name: str(files / f"{name}.safetensors") for name in names}
resolve.choose = lambda **_: next(sandbox for sandbox in candidates() if sandbox.tier == tier)
from grading.commands.grade import main
sys.exit(main(sys.argv[3:]))
"""

pytestmark = pytest.mark.skipif(not TIERS, reason="no sandbox works on this machine: nothing to test")


@pytest.fixture(params=TIERS, ids=lambda sandbox: sandbox.tier)
def sandbox(request: pytest.FixtureRequest) -> Sandbox:
    return request.param


@pytest.fixture
def start_grader(sandbox: Sandbox, tmp_path: Path) -> StartGrader:
    """Starts run_all in a process of its own, with a temporary folder of its own."""
    random_weights(tmp_path, ["alexnet", "encoder"])
    parents = [path for path in tmp_path.parents if path.name.startswith(("pytest-", "popen-"))]
    for folder in (tmp_path, *parents):
        folder.chmod(0o755)
    (tmp_path / "tmp").mkdir(mode=0o755)

    def start(*arguments: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-c", PROGRAM, str(tmp_path), sandbox.tier, "--profile", "mini", *arguments]
        environment = os.environ | {"TMPDIR": str(tmp_path / "tmp")}
        return subprocess.Popen(command, cwd=ROOT, env=environment, start_new_session=True)

    return start


def processes_of(folder: Path) -> list[psutil.Process]:
    """The processes that name the folder in their command, or in the environment that they started with."""
    processes = []
    for process in psutil.process_iter():
        try:
            texts = [*process.cmdline(), *process.environ().values()]
        except psutil.Error:
            continue
        if process.pid != os.getpid() and any(str(folder) in text for text in texts):
            processes.append(process)
    return processes


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT, signal.SIGKILL])
def test_nothing_outlives_the_grader(number: signal.Signals, start_grader: StartGrader, tmp_path: Path) -> None:
    out = tmp_path / "out"
    process = start_grader(
        str(EVIL / "outlives_the_grader"), "--only", "Q1-1", "--epochs", "1", "--seeds", "1", "--out", str(out)
    )
    try:
        log = out / "worker.log"
        assert wait_until(lambda: log.is_file() and b"stays" in log.read_bytes(), SECONDS_TO_START)
        assert len(processes_of(tmp_path / "tmp")) >= 6
        process.send_signal(number)
        status = process.wait(SECONDS_TO_START)
        assert wait_until(lambda: not processes_of(tmp_path / "tmp"), SECONDS_TO_END), processes_of(tmp_path / "tmp")
    finally:
        process.kill()
        process.wait()
    if number == signal.SIGKILL:
        return
    assert status == 3
    assert not list((tmp_path / "tmp").glob("hw4-*"))
    (configuration,) = json.loads((out / "results.json").read_text())["extra_data"]["configurations"]
    assert configuration["verdict"] == "INCOMPLETE"


@pytest.fixture
def hanging_submission(tmp_path: Path) -> str:
    """A submission with which each test takes as long as it may."""
    (tmp_path / "hanging_submission").mkdir()
    for module in MODULES:
        (tmp_path / "hanging_submission" / f"{module}.py").write_text("import time\ntime.sleep(1000)\n")
    return str(tmp_path / "hanging_submission")


def verdicts(out: Path) -> set[str]:
    return {c["verdict"] for c in json.loads((out / "results.json").read_text())["extra_data"]["configurations"]}


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_no_test_outlives_the_grader(
    number: signal.Signals, start_grader: StartGrader, hanging_submission: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    process = start_grader(hanging_submission, "--only", "Q1-1", "--out", str(out))
    try:
        assert wait_until(lambda: any(f.stat().st_size for f in out.glob("tests.parts/*.jsonl")), SECONDS_TO_START)
        assert wait_until(lambda: len(processes_of(tmp_path / "tmp")) >= 3, SECONDS_TO_START)
        process.send_signal(number)
        process.wait(SECONDS_TO_START)
        assert wait_until(lambda: not processes_of(tmp_path / "tmp"), SECONDS_TO_END), processes_of(tmp_path / "tmp")
    finally:
        process.kill()
        process.wait()
    if number == signal.SIGTERM:
        assert process.returncode == 3
        assert not list((tmp_path / "tmp").glob("hw4-*"))
        assert verdicts(out) == {"INCOMPLETE"}


@pytest.mark.parametrize("part", ["tests", "training"])
def test_results_are_written_before_the_time_limit(
    part: str, start_grader: StartGrader, hanging_submission: str, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    submission = hanging_submission if part == "tests" else str(EVIL / "outlives_the_grader")
    trial = [] if part == "tests" else ["--epochs", "1", "--seeds", "1"]
    start = time.time()
    process = start_grader(submission, "--only", "Q1-1", *trial, "--out", str(out), "--time-limit", "20s")
    try:
        assert process.wait(60) == 3
    finally:
        process.kill()
        process.wait()
    assert (out / "results.json").stat().st_mtime < start + 20
    assert wait_until(lambda: not processes_of(tmp_path / "tmp"), SECONDS_TO_END), processes_of(tmp_path / "tmp")
    assert verdicts(out) == {"INCOMPLETE"}
