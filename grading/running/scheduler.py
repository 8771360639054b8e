"""Runs the tests and the trainings of submissions: what starts next, and when.

A run of one submission is a class of one.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from operator import attrgetter
from typing import Any

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.running.engine import Engine
from grading.running.evidence import Draws
from grading.running.gpu_memory import fitting_trainings, free_bytes, lacked_memory
from grading.running.grading import Grading
from grading.running.plan import Plan

Begin = Callable[[], Grading | None]
PeakOf = Callable[[Run], int | None]
SECONDS_BETWEEN_LOOKS = 0.5
PEAK: PeakOf = attrgetter("peak_bytes")
MOST_OPEN = 2  # submissions under way for each slot


def carry_out(
    gradings: Iterable[Begin],
    engine: Engine,
    *,
    over: Callable[[Grading], None] | None = None,
    broke: Callable[[Grading, Exception], None] | None = None,
    peak_of: PeakOf = PEAK,
    replanned: Callable[[Plan], None] | None = None,
) -> None:
    """Run the tests of submissions, and the trainings that their journals do not hold yet.

    A submission is begun as soon as those before it leave a slot of the engine free. At most MOST_OPEN for each slot
    are under way at a time, because each holds open files and a worker. Its tests start first. A training starts if
    fewer than `plan.parallel` parts of tests and trainings run; on a GPU only trainings count. If the plans train one
    at a time on a GPU, more do once a training has shown how much memory it takes.

    Args:
        gradings: called to begin each, in a thread of its own; what returns None is not graded.
        over: called with each grading that has come to its end, in a thread of its own.
        broke: called from this thread with a grading in which the grader itself has failed, and what was raised.
            Nothing more of it is started, and `over` is called when nothing of it runs; the others go on. Whatever
            `broke` raises ends them all. By default it raises the error itself.
        peak_of: the most memory of the GPU that a training took, in bytes; None if it is not known.
        replanned: called from this thread with a plan if from now on another number of trainings runs at a time.

    Raises:
        KeyboardInterrupt: on Ctrl-C; trainings that had ended are in the journals, and parts that had ended in `tests`.
            The workers and the other parts are gone.
    """
    scheduler = _Scheduler(gradings, engine, over or (lambda _: None), broke or _raise, _Sharing(peak_of, replanned))
    try:
        scheduler.run()
    finally:
        scheduler.close()


def _raise(_: Grading, error: Exception) -> None:
    raise error


class _Jobs:
    """Functions that run in threads of their own.

    Args:
        most: of them at a time.
    """

    def __init__(self, most: int) -> None:
        self._pool = ThreadPoolExecutor(most)
        self._ends: dict[Future[Any], Callable[[Future[Any]], None]] = {}

    @property
    def count(self) -> int:
        """The number of those that have not ended."""
        return len(self._ends)

    def start(self, work: Callable[[], Any], end: Callable[[Future[Any]], None]) -> Future[Any]:
        """Call a function.

        Args:
            end: what `wait` calls with its future when it has ended.
        """
        future = self._pool.submit(work)
        self._ends[future] = end
        return future

    def wait(self) -> None:
        """Wait until a function ends, and do in this thread what is to be done with the results of all that have."""
        # A signal that comes just before the thread begins to wait does not wake it: it is seen at the next look.
        while not (done := wait(self._ends, SECONDS_BETWEEN_LOOKS, FIRST_COMPLETED).done):
            pass
        for future in done:
            self._ends.pop(future)(future)

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

    def learn(self, plan: Plan, runs: Iterable[Run], left: int | None) -> None:
        """Choose how many trainings run at a time, if a larger peak is known than before.

        Args:
            left: trainings that have not started or not ended; None if it is not known.
        """
        peaks = [peak for run in runs if (peak := self._peak_of(run)) is not None]
        if not peaks or max(peaks) <= self._largest_peak:
            return
        self._largest_peak = max(peaks)
        if self._free_memory is None:
            self._free_memory = free_bytes()  # no training runs now: until here they ran one at a time
        fitting = fitting_trainings(self._largest_peak, self._free_memory, os.cpu_count() or 1)
        parallel = max(1, fitting if left is None else min(fitting, left))
        if parallel == (self.parallel or plan.parallel):
            return
        self.parallel = parallel
        if self._replanned is not None:
            self._replanned(replace(plan, parallel=parallel))


class _Scheduler:
    """See `carry_out`.

    Attributes:
        open: the gradings that have begun and are not over, in their order.
        broken: of these, the ones in which the grader has failed.
        crowded: of the trainings that run, those beside which another one runs or ran.
        again: those that lacked memory beside others. Each is trained once more, alone.
    """

    def __init__(
        self,
        gradings: Iterable[Begin],
        engine: Engine,
        over: Callable[[Grading], None],
        broke: Callable[[Grading, Exception], None],
        sharing: _Sharing,
    ) -> None:
        self.open: list[Grading] = []
        self.broken: set[Grading] = set()
        self.crowded: set[tuple[Grading, str, int]] = set()
        self.again: dict[tuple[Grading, str, int], Configuration] = {}
        self._waiting = iter(gradings)
        self._has_more = True
        self._beginning = 0
        self._engine = engine
        self._over = over
        self._broke = broke
        self._closing: set[Future[Any]] = set()
        self._sharing = sharing
        self._jobs = _Jobs(engine.slots + 1)

    def run(self) -> None:
        """Run all, to the end."""
        self._start()
        while self._jobs.count:
            self._jobs.wait()
            self._start()

    def close(self) -> None:
        """Stop whatever runs. What is over is waited for: that takes no longer than to write its results."""
        self._jobs.close()
        self._engine.close()
        wait([future for future in self._closing if not future.cancelled()])
        with ExitStack() as stack:  # if one cannot be closed, the others are
            for grading in self.open:
                stack.callback(grading.close)

    def _start(self) -> None:
        """Start what there is room for."""
        if self.again:
            if self._jobs.count == 0:
                (grading, _, seed), configuration = next(iter(self.again.items()))
                self._train(grading, configuration, seed)
            return
        for grading in list(self.open):
            with self._costing_only(grading):
                self._start_of(grading)
            if self._is_over(grading):
                self._close(grading)
        while self._has_more and self._has_room_to_begin():
            begin = next(self._waiting, None)
            self._has_more = begin is not None
            if begin is not None:
                self._beginning += 1
                self._jobs.start(begin, self._begun)

    def _start_of(self, grading: Grading) -> None:
        """Start what there is room for of one submission."""
        while grading.parts and self._jobs.count < self._engine.slots:
            self._test(grading)
        if grading in self.broken:
            return
        if grading.can_draw_faces and self._jobs.count < self._engine.slots:
            self._draw_faces(grading)
        for configuration, seed in grading.missing:
            if not self._has_room_to_train(grading):
                break
            if (configuration.id, seed) not in grading.under_way:
                self._train(grading, configuration, seed)

    def _is_over(self, grading: Grading) -> bool:
        if grading in self.broken:
            return not (grading.parts_under_way or grading.under_way or grading.faces_under_way)
        return grading.is_over

    @contextmanager
    def _costing_only(self, grading: Grading) -> Iterator[None]:
        """Whatever is raised within costs this grading alone."""
        try:
            yield
        except Exception as error:
            self.broken.add(grading)
            grading.parts.clear()
            self.again = {key: configuration for key, configuration in self.again.items() if key[0] is not grading}
            self._broke(grading, error)

    def _has_room_to_begin(self) -> bool:
        slots = self._engine.slots
        return self._jobs.count < slots and len(self.open) + self._beginning < MOST_OPEN * slots

    def _has_room_to_train(self, grading: Grading) -> bool:
        on_gpu = grading.plan.device == "cuda"
        running = sum(len(each.under_way) for each in self.open) if on_gpu else self._jobs.count
        parallel = self._sharing.parallel or grading.plan.parallel
        return running < parallel and self._jobs.count < self._engine.slots

    def _begun(self, future: "Future[Grading | None]") -> None:
        self._beginning -= 1
        if (grading := future.result()) is not None:
            self.open.append(grading)

    def _close(self, grading: Grading) -> None:
        with self._costing_only(grading):
            grading.close()
        self.open.remove(grading)
        self.broken.discard(grading)

        def work() -> None:
            self._engine.release(grading)
            self._over(grading)

        def end(future: Future[Any]) -> None:
            self._closing.remove(future)
            future.result()

        self._closing.add(self._jobs.start(work, end))

    def _test(self, grading: Grading) -> None:
        part = grading.parts.popleft()
        grading.parts_under_way += 1

        def end(future: Future[Any]) -> None:
            grading.parts_under_way -= 1
            grading.something_ended()
            with self._costing_only(grading):
                assert grading.tests is not None
                grading.tests.end(part, future.result())

        self._jobs.start(partial(self._engine.test, grading, part), end)

    def _draw_faces(self, grading: Grading) -> None:
        grading.faces_wanted = False
        grading.faces_under_way = True

        def end(future: "Future[Draws | None]") -> None:
            grading.faces_under_way = False
            try:
                if (draws := future.result()) is not None:
                    grading.evidence.keep_faces(draws)
            except Exception as error:  # whatever it is, it costs a picture and no grade
                grading.log.write(f"views of faces: {type(error).__name__}: {error}\n".encode())

        self._jobs.start(partial(self._engine.draw_faces, grading), end)

    def _train(self, grading: Grading, configuration: Configuration, seed: int) -> None:
        if self._sharing.parallel not in (None, grading.plan.parallel):
            grading.plan = replace(grading.plan, parallel=self._sharing.parallel)
        grading.under_way.add((configuration.id, seed))
        running = {(each, *key) for each in self.open for key in each.under_way}
        if len(running) > 1:
            self.crowded |= running
        work = partial(self._engine.train, grading, configuration, seed)

        def end(future: Future[Run]) -> None:
            grading.under_way.remove((configuration.id, seed))
            grading.something_ended()
            key = (grading, configuration.id, seed)
            is_repeated = self.again.pop(key, None) is not None
            was_crowded = key in self.crowded
            self.crowded.discard(key)
            with self._costing_only(grading):
                self._trained(grading, configuration, future.result(), was_crowded and not is_repeated)

        self._jobs.start(work, end)

    def _trained(self, grading: Grading, configuration: Configuration, run: Run, may_have_lacked_memory: bool) -> None:
        """Note a training that has ended, unless it must be repeated."""
        # A CPU's memory is not shared: each worker has its own limit.
        on_gpu = grading.plan.device == "cuda"
        if on_gpu and may_have_lacked_memory and lacked_memory(run):
            self.again[grading, run.configuration, run.seed] = configuration
            return
        grading.journal.add(run)
        grading.finished(run)
        if self._sharing.parallel or (on_gpu and grading.plan.parallel == 1):
            self._sharing.learn(grading.plan, grading.journal.runs.values(), self._trainings_left())

    def _trainings_left(self) -> int | None:
        """Those that have not started or not ended; None if nobody knows it yet."""
        if self._has_more or self._beginning or any(each.parts or each.parts_under_way for each in self.open):
            return None
        return sum(len(each.missing) for each in self.open if each not in self.broken)
