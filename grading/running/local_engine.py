"""The engine that runs everything on this machine."""

import os
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Lock

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.api_tests import Part
from grading.running.engine import Engine
from grading.running.evidence import Draws
from grading.running.faces_shown import draws_of
from grading.running.grading import Grading
from grading.running.plan import Plan
from grading.running.pytest_processes import PytestProcesses
from grading.running.pytest_server import PytestServer
from grading.running.scheduler import carry_out
from grading.running.training import train_and_score
from grading.sandbox.tiers import Sandbox
from grading.sandbox.worker import TRAINING
from grading.sandbox.workers import AnyWorker, open_worker


class LocalEngine(Engine):
    """Runs tests in processes of pytest, and each training on a worker.

    Args:
        slots: as many as this machine has cores if it is not given.
        unsafe: tests run unconfined if no sandbox works.
        in_sandbox: whether tests run in a sandbox, or unconfined in its place. Else each process of pytest asks the
            submission itself.
    """

    def __init__(self, slots: int | None = None, *, unsafe: bool = False, in_sandbox: bool = True) -> None:
        self.slots = slots or os.cpu_count() or 1
        self._pytest = PytestServer(unsafe=unsafe) if in_sandbox else PytestProcesses()
        self._lock = Lock()
        self._idle: defaultdict[Grading, list[AnyWorker]] = defaultdict(list)
        self._workers: defaultdict[Grading, list[AnyWorker]] = defaultdict(list)
        self._closed = False

    def trainings_at_a_time(self, plan: Plan) -> int:
        return plan.parallel if plan.device == "cuda" else max(1, self.slots // plan.threads)

    def test(self, grading: Grading, part: Part) -> tuple[Checked, ...]:
        return part.outcomes(self._pytest.run)

    def train(self, grading: Grading, configuration: Configuration, seed: int) -> Run:
        with self._worker(grading) as worker:
            return train_and_score(grading.plan, configuration, seed, worker, grading.epoch, grading.evidence.keep)

    def draw_faces(self, grading: Grading) -> Draws | None:
        with self._worker(grading) as worker:
            return draws_of(grading.plan, worker)

    def release(self, grading: Grading) -> None:
        with self._lock:
            self._idle.pop(grading, None)
            workers = self._workers.pop(grading, [])
        for worker in workers:
            worker.close()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            gradings = list(self._workers)
        self._pytest.close()
        for grading in gradings:
            self.release(grading)

    @contextmanager
    def _worker(self, grading: Grading) -> Iterator[AnyWorker]:
        """A worker that nobody else uses within the block."""
        worker = self._idle_worker(grading)
        try:
            yield worker
        finally:
            with self._lock:
                self._idle[grading].append(worker)

    def _idle_worker(self, grading: Grading) -> AnyWorker:
        with self._lock:
            if self._closed:
                raise RuntimeError("the engine is closed")
            if self._idle[grading]:
                return self._idle[grading].pop()
            plan = grading.plan
            imported = [TRAINING] if plan.trainable else []  # else it is only asked for its views of faces
            worker = open_worker(plan.submission, plan.sandbox, imported=imported, log=grading.log)
            self._workers[grading].append(worker)
            return worker


def carry_out_one(grading: Grading, *, unsafe: bool = False, replanned: Callable[[Plan], None] | None = None) -> None:
    """Carry out one grading on this machine; see `grading.running.scheduler.carry_out`.

    Args:
        unsafe: tests run unconfined if no sandbox works.
    """
    slots = max(grading.plan.parallel, os.cpu_count() or 1)
    engine = LocalEngine(slots, unsafe=unsafe, in_sandbox=isinstance(grading.plan.sandbox, Sandbox))
    carry_out([lambda: grading], engine, replanned=replanned)
