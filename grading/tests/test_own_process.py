"""Trainings in the grader's own process: what goes wrong in one, and what is left of it."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from textwrap import dedent, indent

import numpy as np
import pytest
import torch

from grading import ROOT
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.limits import Limits
from grading.protocol.submission import locate
from grading.protocol.wire import Plain
from grading.running.journal import JournalError
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.resume import opened_journal
from grading.running.training import blinded, train_and_score
from grading.sandbox import choose as choosing
from grading.sandbox import own_process
from grading.sandbox.choose import NoSandbox
from grading.sandbox.own_process import OwnProcessWorker
from grading.sandbox.tiers import OwnProcess
from grading.sandbox.worker import GraderError, WorkerStopped
from grading.tests.forked_sandbox import ForkedSandbox
from grading.tests.waiting import wait_until

pytestmark = pytest.mark.usefixtures("one_thread")

Write = Callable[[str], OwnProcessWorker]
LIMITS = Limits(seconds=60)
CHANGED = """
import os, sys, time
calls = 0

def reduce_classes(labels, mapping, **options):
    global calls
{}
    return _right(labels, mapping, **options)
"""


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    options = parse(["--unsafe", "--profile", "mini", "--only", "Q2-3-merged", "--epochs", "1", "--limit", "4"])
    return replace(with_weights(make_plan(options), None, print), sandbox=OwnProcess(), parallel=1)


@pytest.fixture
def write(tmp_path: Path) -> Iterator[Write]:
    """Workers of submissions that are right but for what `reduce_classes` does first."""
    workers = []

    def write(code: str) -> OwnProcessWorker:
        folder = tmp_path / "ada"
        shutil.copytree(ROOT / "solutions", folder, dirs_exist_ok=True)
        right = (ROOT / "solutions" / "classes.py").read_text(encoding="utf-8")
        content = right.replace("def reduce_classes", "def _right") + CHANGED.format(indent(dedent(code), "    "))
        (folder / "classes.py").write_text(content, encoding="utf-8")
        workers.append(OwnProcessWorker(locate(str(folder))))
        return workers[-1]

    yield write
    for worker in workers:
        worker.close()


def job_of(plan: Plan) -> Plain:
    return blinded(plan, plan.configurations[0], seed=0)[1]


def trained(plan: Plan, worker: OwnProcessWorker) -> Run:
    return train_and_score(plan, plan.configurations[0], 0, worker, lambda *_: None, lambda *_: None)


def is_training() -> bool:
    return any(thread.name == "training" for thread in threading.enumerate())


@pytest.mark.parametrize(
    ("code", "kind", "message"),
    [
        ("pass", "FINISHED", ""),
        ("raise KeyError('boom')", "FAIL", "boom"),
        ("return None", "FAIL", "reduce_classes returned None"),
        ("sys.exit(3)", "FAIL", "SystemExit: 3"),
        ("raise KeyboardInterrupt", "CRASH", "KeyboardInterrupt"),
        ("raise GeneratorExit", "CRASH", "GeneratorExit"),
        ("raise MemoryError", "OUT_OF_MEMORY", "MemoryError"),
        ("import no_such_module", "FAIL", "no_such_module"),
    ],
)
def test_what_goes_wrong_is_the_failure_of_this_training(
    plan: Plan, write: Write, code: str, kind: str, message: str
) -> None:
    worker = write(code)
    run = trained(plan, worker)
    assert run.kind == kind
    assert message in (run.failure or "")
    assert not is_training()
    assert trained(plan, worker).kind == kind, "the next training is as this one"


def test_a_failure_names_the_file_as_the_student_knows_it(plan: Plan, write: Write) -> None:
    failure = trained(plan, write("raise KeyError('boom')")).failure or ""
    assert "ada/classes.py:" in failure
    assert str(Path.cwd().root) + "tmp" not in failure


SWALLOWS = """
while True:
    try:
        time.sleep(0.01)
    except Exception:
        pass
"""


@pytest.mark.parametrize("endless", ["while True: pass", "while True: time.sleep(0.01)", SWALLOWS])
def test_an_endless_training_is_interrupted(plan: Plan, write: Write, endless: str, tmp_path: Path) -> None:
    hangs = tmp_path / "hangs"
    worker = write(f"if os.path.exists({str(hangs)!r}):\n{indent(endless, '    ')}")
    hangs.touch()
    with pytest.raises(WorkerStopped, match="TIMEOUT: stopped after 1 s"):
        list(worker.train(job_of(plan), Limits(seconds=1)))
    assert not is_training()
    hangs.unlink()
    assert trained(plan, worker).kind == "FINISHED"


def test_what_cannot_be_interrupted_lets_no_other_training_begin(
    plan: Plan, write: Write, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would run beside it, in a process whose settings both change."""
    monkeypatch.setattr(own_process, "SECONDS_TO_END", 0.2)
    worker = write(f"os.chdir({str(tmp_path)!r})\ntime.sleep(6)")
    before = Path.cwd()
    with pytest.raises(WorkerStopped, match="TIMEOUT: stopped after 2 s"):
        list(worker.train(job_of(plan), Limits(seconds=2)))
    with pytest.raises(WorkerStopped, match="cannot be interrupted"):
        list(worker.train(job_of(plan), LIMITS))
    assert Path.cwd() == before, "results are written to where they belong"
    assert wait_until(lambda: not is_training(), 20)


def test_to_close_a_worker_ends_its_training(plan: Plan, write: Write, tmp_path: Path) -> None:
    started = tmp_path / "started"
    worker = write(f"open({str(started)!r}, 'w').close()\nwhile True: pass")
    runs: list[Run] = []
    waiting = threading.Thread(target=lambda: runs.append(trained(plan, worker)))
    waiting.start()
    assert wait_until(started.exists, 60)
    worker.close()
    waiting.join(timeout=10)
    assert [run.kind for run in runs] == ["CRASH"]
    assert not is_training()


def test_each_training_loads_the_submission_anew(plan: Plan, write: Write) -> None:
    worker = write("calls += 1\nassert calls == 1, 'remembered'")
    assert [trained(plan, worker).kind for _ in range(2)] == ["FINISHED", "FINISHED"]


def test_a_package_that_was_set_aside_is_trained_and_not_the_installed_one(plan: Plan, tmp_path: Path) -> None:
    shutil.copytree(ROOT / "solutions", tmp_path / "solutions")
    (tmp_path / "solutions" / "fcn.py").write_text("raise ValueError('the copy')\n", encoding="utf-8")
    import solutions.fcn

    assert solutions.fcn.FCN8s is not None
    run = trained(plan, OwnProcessWorker(locate(f"solutions@{tmp_path / 'solutions'}")))
    assert "the copy" in (run.failure or "")


@pytest.mark.parametrize("last", ["pass", "raise ValueError"])
def test_a_training_leaves_the_process_as_it_was(plan: Plan, write: Write, last: str, tmp_path: Path) -> None:
    code = f"""
    import numpy, torch
    torch.use_deterministic_algorithms(True)
    torch.manual_seed(7)
    numpy.seterr(over="ignore")
    os.environ["HW4_TEST"] = "changed"
    os.chdir({str(tmp_path)!r})
    {last}"""
    before = state()
    assert trained(plan, write(code)).kind == ("FINISHED" if last == "pass" else "FAIL")
    assert state() == before


def state() -> tuple[object, ...]:
    deterministic = torch.are_deterministic_algorithms_enabled()
    return deterministic, torch.get_rng_state().tolist(), np.geterr(), dict(os.environ), Path.cwd()


def test_weights_of_no_use_are_the_graders_fault(plan: Plan, write: Write) -> None:
    job = job_of(plan)
    job["weights"] = {name: {} for name in job["weights"]}
    with pytest.raises(GraderError):
        list(write("pass").train(job, LIMITS))


def test_probes_are_answered(write: Write) -> None:
    answer = write("pass").ask("transfer.backbone_names")
    assert answer
    assert all(isinstance(name, str) for name in answer)


def test_an_unverified_run_does_not_go_on_in_a_sandbox(plan: Plan, tmp_path: Path) -> None:
    opened_journal(tmp_path / "run", plan).close()
    opened_journal(tmp_path / "run", plan).close()
    with pytest.raises(JournalError, match="verified differ"):
        opened_journal(tmp_path / "run", replace(plan, sandbox=ForkedSandbox()))


def test_where_there_is_no_sandbox_nobody_chooses_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Not even none at all, which needs Linux too: `pytest --sandbox` says so."""
    monkeypatch.setattr(choosing, "HAS_SANDBOXES", False)
    choosing.choose.cache_clear()
    for unsafe in (False, True):
        with pytest.raises(NoSandbox, match="run this on Linux"):
            choosing.choose(unsafe=unsafe)
