"""Workers: which files they get, what a session survives, and how its end is reported."""

import errno
import io
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
import pytest

from grading.protocol.limits import Limits
from grading.protocol.submission import MAX_BYTES, SubmissionError, locate
from grading.sandbox import choose as choosing
from grading.sandbox import watch
from grading.sandbox.choose import NoSandbox, choose
from grading.sandbox.locked_folder import LockedFolder, remove_stale
from grading.sandbox.self_test import self_test
from grading.sandbox.staging import Workspace
from grading.sandbox.tiers import Unconfined
from grading.sandbox.worker import GraderError, Worker, WorkerStopped
from grading.tests.forked_sandbox import ForkedSandbox
from tests.strategies import lone_linear

pytestmark = pytest.mark.slow

CLASSES = """
import getpass, os, signal, sys, time

def reduce_classes(labels, mapping, *, ignore_index=255):
    match ignore_index:
        case 1: os.kill(os.getpid(), signal.SIGSEGV)
        case 2: os._exit(3)
        case 3: time.sleep(60)
        case 4: raise MemoryError("full")
        case 5: raise ValueError("no \\x1b[2J")
        case 6: print("a line of progress" * 2**14, file=sys.stderr)
        case 7: print(getpass.getuser())
        case 8: sys.stderr.buffer.write(b"\\x1b[2J \\xe4\\xb8\\xad\\r\\x00\\xff\\n"); sys.stderr.flush()
    return labels
"""


@pytest.fixture
def worker(tmp_path: Path) -> Iterator[Worker]:
    (tmp_path / "ada").mkdir()
    (tmp_path / "ada" / "classes.py").write_text(CLASSES)
    with Worker(locate(str(tmp_path / "ada")), ForkedSandbox(), limits=Limits(seconds=3)) as worker:
        yield worker


def ask(worker: Worker, ignore_index: int) -> list[int]:
    labels = np.array([7], dtype="uint8")
    return worker.ask("classes.reduce", labels=labels, mapping=[], ignore_index=ignore_index)["labels"].tolist()


def test_a_session_that_ends_costs_one_question(worker: Worker) -> None:
    assert ask(worker, 0) == [7]
    with pytest.raises(WorkerStopped, match="CRASH: `reduce_classes` was killed by signal 11"):
        ask(worker, 1)
    assert ask(worker, 0) == [7]
    with pytest.raises(WorkerStopped, match="CRASH: `reduce_classes` ended its process with status 3"):
        ask(worker, 2)
    with pytest.raises(Exception, match=r"(?s)no \\x1b\[2J.*ada/classes.py:10 in reduce_classes"):
        ask(worker, 5)
    assert ask(worker, 0) == [7]


def test_printed_text_goes_to_the_log(tmp_path: Path) -> None:
    """More text than a pipe holds, printed to standard error as progress bars are."""
    (tmp_path / "classes.py").write_text(CLASSES)
    with (tmp_path / "worker.log").open("w+b") as log:
        with Worker(locate(str(tmp_path)), choose(unsafe=True), limits=Limits(seconds=3), log=log) as worker:
            assert ask(worker, 6) == [7]
            assert ask(worker, 7) == [7]
        log.seek(0)
        printed = log.read()
    assert printed.count(b"progress") == 2**14
    assert printed.endswith(b"student\n")


class FullDisk(io.BytesIO):
    """A file that accepts only its first bytes."""

    def write(self, data: Any) -> int:
        if self.tell():
            raise OSError(errno.ENOSPC, "No space left on device")
        return super().write(data[:10])


FULL = Path("/dev/full")
DISKS: dict[str, Callable[[], IO[bytes]]] = {
    "file": FullDisk,
    "buffered": lambda: FULL.open("ab"),
    "unbuffered": lambda: FULL.open("ab", buffering=0),
}


@pytest.mark.parametrize("disk", DISKS)
def test_a_log_on_a_full_disk_stops_no_worker(disk: str, tmp_path: Path) -> None:
    """More is printed than a pipe holds, several times."""
    (tmp_path / "classes.py").write_text(CLASSES)
    log = DISKS[disk]()
    with Worker(locate(str(tmp_path)), ForkedSandbox(), limits=Limits(seconds=10), log=log) as worker:
        for _ in range(3):
            assert ask(worker, 6) == [7]


def test_printed_text_is_cleaned(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Both in the log and on standard error, if there is no log."""
    (tmp_path / "classes.py").write_text(CLASSES)
    for log in (io.BytesIO(), None):
        with Worker(locate(str(tmp_path)), ForkedSandbox(), limits=Limits(seconds=10), log=log) as worker:
            assert ask(worker, 8) == [7]
        printed = capfd.readouterr().err if log is None else log.getvalue().decode()
        assert "\\x1b[2J \u4e2d\n" in printed
        assert r"\x00\xff" in printed
        assert printed.replace("\n", "").isprintable()


FORGED = """
counted = 0
true_fork = os.fork

def fork():
    global counted, _or_fault
    counted += 1
    if counted > %d:
        _or_fault = lambda step: {"fault": "forged"}
    return true_fork()

os.fork = fork

if __name__ == "__main__":
"""


@pytest.mark.parametrize(("honest", "believed"), [(1, False), (0, True)])
def test_a_reported_fault_counts_only_if_no_code_of_the_submission_ran(
    honest: int, believed: bool, tmp_path: Path
) -> None:
    """A forged process, from which sessions are forked, reports a fault: after a first session, or at once."""
    (tmp_path / "classes.py").write_text(CLASSES)
    with Worker(locate(str(tmp_path)), ForkedSandbox(), limits=Limits(seconds=10)) as worker:
        serve = worker._workspace.code / "grading" / "worker" / "serve.py"
        serve.write_text(serve.read_text().replace('\nif __name__ == "__main__":\n', FORGED % honest))
        if believed:
            with pytest.raises(GraderError, match="forged"):
                ask(worker, 0)
            return
        for _ in range(3):
            assert ask(worker, 0) == [7]
            with pytest.raises(WorkerStopped, match="CRASH"):
                ask(worker, 2)


def test_weights_that_do_not_fit_are_no_fault_of_the_submission(tmp_path: Path) -> None:
    """Neither in a worker's first training nor in a later one."""
    (tmp_path / "classes.py").write_text(CLASSES)
    job = {"threads": 1, "profile": "mini", "network": {"build": "case"}, "weights": {"alexnet": {"a": np.zeros(1)}}}
    with Worker(locate(str(tmp_path)), ForkedSandbox(), limits=Limits(seconds=10)) as worker:
        for _ in range(2):
            with pytest.raises(GraderError, match="RuntimeError"):
                list(worker.train(job, Limits(seconds=20)))
            assert ask(worker, 0) == [7]


def test_a_question_that_timed_out_is_not_asked_again(worker: Worker) -> None:
    for _ in range(2):
        with pytest.raises(WorkerStopped, match="TIMEOUT: stopped after 3 s in `reduce_classes`"):
            ask(worker, 3)
    with pytest.raises(WorkerStopped, match="TIMEOUT"):
        ask(worker, 0)


def test_a_timeout_of_several_functions_blames_none_of_them(tmp_path: Path) -> None:
    """`freeze` hangs: the question that calls three functions is not asked again, other questions are."""
    (tmp_path / "freezing.py").write_text(
        "import time\ndef freeze(module):\n    time.sleep(60)\n"
        "def trainable_parameters(module):\n    return [*module.parameters()]\n"
    )
    net = lone_linear(frozen=False)
    with Worker(locate(str(tmp_path)), ForkedSandbox(), limits=Limits(seconds=2)) as worker:
        for _ in range(2):
            with pytest.raises(WorkerStopped, match="in `freeze`, `unfreeze`, `trainable_parameters`"):
                worker.ask("freezing.in_turn", functions=["freeze"], net=net)
        assert worker.ask("freezing.trainable", net=net) == [0, 1]


def test_too_much_memory_has_its_own_kind(worker: Worker) -> None:
    with pytest.raises(WorkerStopped, match="OUT_OF_MEMORY: full"):
        ask(worker, 4)


def test_the_workspace_holds_the_submission_and_the_code_that_asks_it(tmp_path: Path) -> None:
    folder = tmp_path / "handed in"
    (folder / "parts").mkdir(parents=True)
    (folder / "classes.py").touch()
    (folder / "parts" / "more.py").touch()
    (folder / "linked.py").symlink_to("/etc/passwd")
    (folder / "folder").symlink_to("/etc")
    staged = Workspace(locate(str(folder)))
    try:
        names = {path.relative_to(staged.folder).as_posix() for path in staged.folder.rglob("*") if path.is_file()}
        submitted = {name for name in names if name.startswith("submission/")}
        assert submitted == {"submission/handed in/classes.py", "submission/handed in/parts/more.py"}
        assert "code/grading/worker/probes/fcn.py" in names
        for package in ("assignment", "commands", "reporting", "running", "sandbox", "scoring", "verdicts"):
            assert not [name for name in names if name.startswith(f"code/grading/{package}/")]
        for secret in ("drawn", "solutions", "test_"):
            assert not [name for name in names if secret in name]
    finally:
        staged.remove()
    assert not staged.folder.exists()


def test_a_submission_that_is_too_large(tmp_path: Path) -> None:
    (tmp_path / "classes.py").touch()
    with (tmp_path / "weights.bin").open("wb") as file:
        file.truncate(MAX_BYTES + 1)
    with pytest.raises(SubmissionError, match="hand in code only"):
        Workspace(locate(str(tmp_path)))


def test_the_self_test_notices_every_escape() -> None:
    broken = self_test(Unconfined())
    for escape in (
        "reads files of the grader",
        "reads assignment.toml",
        "reaches the network",
        "writes files of the grader",
    ):
        assert escape in broken


def test_without_a_sandbox_nothing_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(choosing, "candidates", lambda: iter(()))
    choose.cache_clear()
    try:
        with pytest.raises(NoSandbox, match="--unsafe"):
            choose()
        assert not choose(unsafe=True).verified
    finally:
        choose.cache_clear()


HOLDER = """
import sys
from grading.sandbox.locked_folder import LockedFolder
folder = LockedFolder()
print(folder.path, flush=True)
sys.stdin.read()
"""


def start_holder(repository: Path, temporary: Path) -> subprocess.Popen[bytes]:
    """A process with a worker's folder in `temporary`, which it prints and keeps until its input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLDER],
        cwd=repository,
        env=os.environ | {"TMPDIR": str(temporary)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def folder_of(holder: subprocess.Popen[bytes]) -> Path:
    assert holder.stdout is not None
    return Path(holder.stdout.readline().decode().strip())


def test_stale_folders_are_removed_and_those_in_use_are_not(
    repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    holders = [start_holder(repository, tmp_path) for _ in range(2)]
    try:
        killed, living = map(folder_of, holders)
        holders[0].kill()
        holders[0].wait()
        (tmp_path / "hw4-worker-link").symlink_to(living)
        with LockedFolder() as folder:
            assert folder.stat().st_mode & 0o077 == 0
            assert killed.is_dir()
            remove_stale()
            assert {path.name for path in tmp_path.iterdir()} == {living.name, folder.name, "hw4-worker-link"}
        assert not folder.exists()
    finally:
        for holder in holders:
            holder.kill()
            holder.wait()


def test_memory_of_other_processes_is_not_blamed_on_the_worker(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    """The memory is not freed when the worker ends."""
    monkeypatch.setattr(watch, "SECONDS_TO_FREE", 0.5)
    assert ask(worker, 0) == [7]
    monkeypatch.setattr(watch, "ownerless_bytes", lambda: 2**50)
    with pytest.raises(WorkerStopped, match="GRADER_ERROR: others on this machine took 4 GiB"):
        ask(worker, 3)
