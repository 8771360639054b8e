"""Runs the tests and the trainings of submissions: what starts next, and when.

A run of one submission is a class of one.
"""

import os
from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.engine import Engine
from grading.running.gpu_memory import fitting_trainings, free_bytes, lacked_memory
from grading.running.grading import Grading
from grading.running.plan import Plan

Begin = Callable[[], Grading | None]
PeakOf = Callable[[Run], int | None]
PEAK: PeakOf = attrgetter("peak_bytes")


def carry_out(
    gradings: Iterable[Begin],
    engine: Engine,
    *,
    over: Callable[[Grading], None] | None = None,
    peak_of: PeakOf = PEAK,
    replanned: Callable[[Plan], None] | None = None,
) -> None:
    """Run the tests of submissions, and the trainings that their journals do not hold yet.

    A submission is begun as soon as those before it leave a slot of the engine free. Its tests start first. A training
    starts if fewer than `plan.parallel` parts of tests and trainings run; on a GPU only trainings count. If the plans
    train one at a time on a GPU, more do once a training has shown how much memory it takes.

    Args:
        gradings: called to begin each, in a thread of its own; what returns None is not graded.
        over: called with each grading that has come to its end, in a thread of its own.
        peak_of: the most memory of the GPU that a training took, in bytes; None if it is not known.
        replanned: called from this thread with a plan if from now on another number of trainings runs at a time.

    Raises:
        KeyboardInterrupt: on Ctrl-C; trainings that had ended are in the journals, and parts that had ended in `tests`.
            The workers and the other parts are gone.
    """
    scheduler = _Scheduler(gradings, engine, over or (lambda _: None), _Sharing(peak_of, replanned))
    try:
        scheduler.run()
    finally:
        scheduler.close()


class _Jobs:
    """Functions that run in threads of their own.

    Args:
        most: of them at a time.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most)
        self._ends: dict[Future[Any], Callable[[Any], None]] = {}

    @property
    def count(self) -> int:
        """The number of those that have not ended."""
        return len(self._ends)

    def start(self, work: Callable[[], Any], end: Callable[[Any], None]) -> None:
        """Call a function.

        Args:
            end: what `wait` calls with its result.
        """
        self._ends[self._pool.submit(work)] = end

    def wait(self) -> None:
        """Wait until a function ends, and do in this thread what is to be done with the results of all that have."""
        for future in wait(self._ends, return_when=FIRST_COMPLETED).done:
            self._ends.pop(future)(future.result())

    def close(self) -> None:
        """Start none any more. Those that run are not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)


class _Sharing:
    """How many trainings share a GPU.

    Attributes:
        parallel: trainings at a time; None as long as the plan says it.
    """

    def __init__(self, peak_of: PeakOf, replanned: Callable[[Plan], None] | None) -> None:
        self.parallel: int | None = None
        self._peak_of = peak_of
        self._replanned = replanned
        self._largest_peak = -1
        self._free_memory: int | None = None  # for all trainings together; not known until a training has ended

    def learn(self, plan: Plan, runs: Iterable[Run], left: int) -> None:
        """Choose how many trainings run at a time, if a larger peak is known than before.

        Args:
            left: trainings that have not started or not ended.
        """
        peaks = [peak for run in runs if (peak := self._peak_of(run)) is not None]
        if not peaks or max(peaks) <= self._largest_peak:
            return
        self._largest_peak = max(peaks)
        if self._free_memory is None:
            self._free_memory = free_bytes()  # no training runs now: until here they ran one at a time
        fitting = fitting_trainings(self._largest_peak, self._free_memory, os.cpu_count() or 1)
        parallel = max(1, min(fitting, left))
        if parallel == (self.parallel or plan.parallel):
            return
        self.parallel = parallel
        if self._replanned is not None:
            self._replanned(replace(plan, parallel=parallel))


class _Scheduler:
    """See `carry_out`.

    Attributes:
        open: the gradings that have begun and are not over, in their order.
        crowded: of the trainings that run, those beside which another one runs or ran.
        again: those that lacked memory beside others. Each is trained once more, alone.
    """

    def __init__(
        self, gradings: Iterable[Begin], engine: Engine, over: Callable[[Grading], None], sharing: _Sharing
    ) -> None:
        self.open: list[Grading] = []
        self.crowded: set[tuple[Grading, str, int]] = set()
        self.again: dict[tuple[Grading, str, int], Configuration] = {}
        self._waiting = iter(gradings)
        self._beginning = 0
        self._engine = engine
        self._over = over
        self._sharing = sharing
        self._jobs = _Jobs(engine.slots + 1)

    def run(self) -> None:
        """Run all, to the end."""
        self._start()
        while self._jobs.count:
            self._jobs.wait()
            self._start()

    def close(self) -> None:
        """Stop whatever runs."""
        self._jobs.close()
        self._engine.close()
        for grading in self.open:
            grading.close()

    def _start(self) -> None:
        """Start what there is room for."""
        if self.again:
            if self._jobs.count == 0:
                (grading, _, seed), configuration = next(iter(self.again.items()))
                self._train(grading, configuration, seed)
            return
        for grading in list(self.open):
            while grading.parts and self._jobs.count < self._engine.slots:
                self._test(grading)
            for configuration, seed in grading.missing:
                if not self._has_room_to_train(grading):
                    break
                if (configuration.id, seed) not in grading.under_way:
                    self._train(grading, configuration, seed)
            if grading.is_over:
                self._close(grading)
        while self._jobs.count < self._engine.slots and (begin := next(self._waiting, None)) is not None:
            self._jobs.start(begin, self._begun)

    def _has_room_to_train(self, grading: Grading) -> bool:
        on_gpu = grading.plan.device == "cuda"
        running = sum(len(each.under_way) for each in self.open) if on_gpu else self._jobs.count
        parallel = self._sharing.parallel or grading.plan.parallel
        return running < parallel and self._jobs.count < self._engine.slots

    def _begun(self, grading: Grading | None) -> None:
        if grading is not None:
            self.open.append(grading)

    def _close(self, grading: Grading) -> None:
        self.open.remove(grading)
        grading.close()

        def work() -> None:
            self._engine.release(grading)
            self._over(grading)

        self._jobs.start(work, lambda _: None)

    def _test(self, grading: Grading) -> None:
        part = grading.parts.popleft()
        grading.parts_under_way += 1

        def end(outcomes: Any) -> None:
            assert grading.tests is not None
            grading.tests.end(part, outcomes)
            grading.parts_under_way -= 1
            grading.something_ended()

        self._jobs.start(partial(self._engine.test, grading, part), end)

    def _train(self, grading: Grading, configuration: Configuration, seed: int) -> None:
        if self._sharing.parallel not in (None, grading.plan.parallel):
            grading.plan = replace(grading.plan, parallel=self._sharing.parallel)
        grading.under_way.add((configuration.id, seed))
        running = {(each, *key) for each in self.open for key in each.under_way}
        if len(running) > 1:
            self.crowded |= running
        work = partial(self._engine.train, grading, configuration, seed)
        self._jobs.start(work, partial(self._trained, grading, configuration))

    def _trained(self, grading: Grading, configuration: Configuration, run: Run) -> None:
        """Note a training that has ended, unless it must be repeated."""
        grading.under_way.remove((run.configuration, run.seed))
        grading.something_ended()
        key = (grading, run.configuration, run.seed)
        is_repeated = self.again.pop(key, None) is not None
        was_crowded = key in self.crowded
        self.crowded.discard(key)
        # A CPU's memory is not shared: each worker has its own limit.
        on_gpu = grading.plan.device == "cuda"
        if on_gpu and was_crowded and not is_repeated and lacked_memory(run):
            self.again[key] = configuration
            return
        grading.journal.add(run)
        grading.finished(run)
        if self._sharing.parallel or (on_gpu and grading.plan.parallel == 1):
            left = sum(len(each.missing) for each in self.open)
            self._sharing.learn(grading.plan, grading.journal.runs.values(), left)
