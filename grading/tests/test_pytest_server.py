"""The process from which runs of pytest are forked: however a run ends, the grader learns it, and nothing is left."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from grading.protocol.submission import locate
from grading.running.pytest_server import PytestServer, TestRun

pytestmark = pytest.mark.slow

PASSES, FAILS = "assert True", "assert False, 'so it is'"
SLEEPS = "time.sleep(1000)"
KILLS_ITSELF = "os.kill(os.getpid(), signal.SIGKILL)"
EXITS = "os._exit(7)"

# It writes its process's number, then does what the test says.
PROGRAM = """
import os, signal, time
from pathlib import Path

def test_it():
    Path({pid!r}).write_text(str(os.getpid()))
    {what}
"""


@pytest.fixture(scope="module")
def server() -> Iterator[PytestServer]:
    """One for all tests: it takes seconds to start."""
    with PytestServer(unsafe=True) as server:
        yield server


@pytest.fixture
def run_of(tmp_path: Path) -> Callable[..., TestRun]:
    """Makes a run of a file with one test, which does what is said."""

    def make(what: str, seconds: float | None = 120.0) -> TestRun:
        folder = tmp_path / str(len(list(tmp_path.iterdir())))
        folder.mkdir()
        file = folder / "test_it.py"
        file.write_text(PROGRAM.format(pid=str(folder / "pid"), what=what))
        return TestRun(locate("solutions"), (str(file),), folder / "records", folder / "log", seconds, True)

    return make


def pid_file(run: TestRun) -> Path:
    return run.log.with_name("pid")


def has_ended(run: TestRun, seconds: float = 2.0) -> bool:
    """Whether the process of a run, which has begun its test, is gone; it is waited for, as exiting takes a moment."""
    try:
        psutil.Process(int(pid_file(run).read_text())).wait(seconds)
    except psutil.NoSuchProcess:
        return True
    except psutil.TimeoutExpired:
        return False
    return True


def wait_for(file: Path, seconds: float = 120.0) -> None:
    end = time.monotonic() + seconds
    while not file.is_file() or not file.read_text(encoding="utf-8"):
        assert time.monotonic() < end, f"{file} was not written"
        time.sleep(0.05)


@pytest.mark.parametrize(("what", "status"), [(PASSES, 0), (FAILS, 1), (KILLS_ITSELF, -signal.SIGKILL)])
def test_the_status_of_a_run(what: str, status: int, server: PytestServer, run_of: Callable[..., TestRun]) -> None:
    run = run_of(what)
    assert server.run(run) == status
    assert has_ended(run)
    if what == FAILS:
        assert "so it is" in run.log.read_text()


def test_a_run_that_leaves_without_a_word_was_killed(server: PytestServer, run_of: Callable[..., TestRun]) -> None:
    run = run_of(EXITS)
    assert server.run(run) == -signal.SIGKILL
    assert has_ended(run)


def test_a_run_that_takes_too_long_is_ended(server: PytestServer, run_of: Callable[..., TestRun]) -> None:
    assert server.run(run_of(PASSES)) == 0, "it has started"
    run = run_of(SLEEPS, seconds=8.0)
    assert server.run(run) is None
    assert has_ended(run)


def test_runs_at_the_same_time(server: PytestServer, run_of: Callable[..., TestRun]) -> None:
    runs = [run_of(what) for what in (PASSES, FAILS, KILLS_ITSELF, PASSES)]
    with ThreadPoolExecutor(len(runs)) as pool:
        assert list(pool.map(server.run, runs)) == [0, 1, -signal.SIGKILL, 0]


def test_after_it_was_killed_it_starts_anew(server: PytestServer, run_of: Callable[..., TestRun]) -> None:
    assert server.run(run_of(PASSES)) == 0
    first = server_process(server)
    first.kill()
    first.wait()
    assert server.run(run_of(FAILS)) == 1
    assert server_process(server) != first


def test_it_starts_anew_if_it_dies_just_now(run_of: Callable[..., TestRun], monkeypatch: pytest.MonkeyPatch) -> None:
    """The kernel has closed its connection, but nobody knows yet that it is gone."""
    with PytestServer(unsafe=True) as server:
        assert server.run(run_of(PASSES)) == 0
        assert server._process is not None
        server._process.kill()
        server._process.wait()
        monkeypatch.setattr(server._process, "poll", lambda: None)
        assert server.run(run_of(FAILS)) == 1


def test_a_run_survives_the_process_that_it_was_forked_from(
    server: PytestServer, run_of: Callable[..., TestRun], tmp_path: Path
) -> None:
    """It is the only one that a killed server could cost, and its result is as good as any."""
    run = run_of(f"\n    while not Path({str(tmp_path / 'go on')!r}).exists(): time.sleep(0.05)")
    with ThreadPoolExecutor() as pool:
        status = pool.submit(server.run, run)
        wait_for(pid_file(run))
        server_process(server).kill()
        (tmp_path / "go on").touch()
        assert status.result(120) == 0
    assert server.run(run_of(PASSES)) == 0


def server_process(server: PytestServer) -> psutil.Process:
    """The process from which the runs of a server are forked."""
    (process,) = [p for p in psutil.Process().children() if "pytest_server" in " ".join(p.cmdline())]
    return process


def test_close_ends_the_runs_under_way(run_of: Callable[..., TestRun]) -> None:
    server = PytestServer(unsafe=True)
    runs = [run_of(SLEEPS, seconds=None) for _ in range(2)]
    statuses: list[int | None] = []
    threads = [threading.Thread(target=lambda run=run: statuses.append(server.run(run))) for run in runs]
    for thread in threads:
        thread.start()
    for run in runs:
        wait_for(pid_file(run))
    process = psutil.Process(psutil.Process(int(pid_file(runs[0]).read_text())).ppid())
    server.close()
    for thread in threads:
        thread.join(30)
    assert statuses == [-signal.SIGKILL] * 2
    assert all(map(has_ended, runs))
    assert not process.is_running()  # close has waited for it
    assert server.run(run_of(PASSES)) == -signal.SIGKILL, "nothing runs any more"
    server.close()


def test_close_before_any_run() -> None:
    PytestServer().close()


def test_a_run_ends_with_the_grader(run_of: Callable[..., TestRun], tmp_path: Path) -> None:
    """Killed alone, as an out-of-memory killer does."""
    run = run_of(SLEEPS, seconds=None)
    grader = os.fork()
    if grader == 0:
        try:
            PytestServer(unsafe=True).run(run)
        finally:
            os._exit(0)
    wait_for(pid_file(run))
    server = psutil.Process(psutil.Process(int(pid_file(run).read_text())).ppid())
    os.kill(grader, signal.SIGKILL)
    os.waitpid(grader, 0)
    assert has_ended(run, 30)
    server.wait(30)
