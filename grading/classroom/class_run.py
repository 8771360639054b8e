"""Grades what a class has handed in, submission by submission."""

import json
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from threading import Lock
from typing import Any

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import Configuration
from grading.classroom.gradebook_folder import GradebookFolder
from grading.classroom.no_space import is_no_space
from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.protocol.submission import SubmissionError
from grading.protocol.text import duration, one_line
from grading.reporting.collect import results_of
from grading.reporting.fault import fault_document, write_fault
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import Marks
from grading.reporting.gradescope import results_json
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.write import write_results
from grading.running.api_tests import ApiTests
from grading.running.grading import Grading
from grading.running.needed import Runs, expectations, needed_tests, ready
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resume import journal_of_this, set_journal_aside
from grading.running.scheduler import Begin
from grading.sandbox.locked_folder import LockedFolder
from grading.sandbox.staging import copy_submission

Say = Callable[[str], None]


@dataclass
class Begun:
    """A submission whose grading has begun.

    Attributes:
        log: what its workers print.
        resources: its temporary folders.
        start: in seconds of `time.perf_counter`.
    """

    hand_in: HandIn
    log: Log
    resources: ExitStack
    start: float


class ClassRun:
    """Grades hand-ins, each as `run_all` would. What goes wrong with one costs that one alone.

    Args:
        plan: of every submission; which one is open.
        weights: the folder of pretrained weights that the user has given.
        only: the students who are graded; the results of all others stay as they are.
        again: those of whom nothing is kept.
        marks: of people.
        unsafe: run submissions unconfined if no sandbox works.
        say: prints a line; several threads call it.

    Attributes:
        graded: what is known, by student.
    """

    def __init__(
        self,
        plan: Plan,
        hand_ins: Iterable[HandIn],
        gradebook: GradebookFolder,
        *,
        weights: Path | None,
        only: Callable[[str], bool],
        again: Callable[[str], bool],
        marks: Marks,
        unsafe: bool,
        say: Say,
    ) -> None:
        self.graded: dict[str, Graded] = {}
        self._plan = plan
        self._hand_ins = list(hand_ins)
        self._gradebook = gradebook
        self._weights = weights
        self._only = only
        self._again = again
        self._marks = marks
        self._unsafe = unsafe
        self._say = say
        self._lock = Lock()
        self._pretraining = Lock()
        self._begun: dict[Grading, Begun] = {}
        self._count = sum(map(only, (hand_in.student for hand_in in self._hand_ins)))

    def beginnings(self) -> Iterator[Begin]:
        """What begins each grading, in the order of the students."""
        for hand_in in self._hand_ins:
            if self._only(hand_in.student):
                yield partial(self._begin, hand_in)

    def over(self, grading: Grading) -> None:
        """Judge a submission by what is known, and write its results."""
        with self._lock:
            begun = self._begun.pop(grading)
        try:
            with begun.log, begun.resources:
                self._report(grading, begun)
        except Exception as error:
            self._failed(begun.hand_in, error)

    def finish(self) -> list[Graded]:
        """Judge what has begun and is not over, and take in what was known of all others; in the order of students."""
        for grading in list(self._begun):
            self.over(grading)
        for hand_in in self._hand_ins:
            if hand_in.student not in self.graded:
                self.graded[hand_in.student] = self._known_before(hand_in)
        return [self.graded[hand_in.student] for hand_in in self._hand_ins]

    def _begin(self, hand_in: HandIn) -> Grading | None:
        """Unpack a submission and open its journal; None if it cannot be graded."""
        resources = ExitStack()
        try:
            return self._opened(hand_in, resources)
        except SubmissionError as error:
            resources.close()
            self._refused(hand_in, str(error), by_grader=False)
        except Exception as error:
            resources.close()
            self._failed(hand_in, error)
        return None

    def _opened(self, hand_in: HandIn, resources: ExitStack) -> Grading:
        folder = self._gradebook.of(hand_in.student)
        unpacked = unpack(hand_in, resources.enter_context(LockedFolder()))
        # A copy, from which everything is graded, whatever happens to a folder that was handed in.
        submission = copy_submission(unpacked, resources.enter_context(LockedFolder()))
        plan = replace(self._plan, submission=submission)
        with self._pretraining:  # of two submissions that need the same network, one pretrains it
            plan = with_weights(plan, self._weights, self._say)
        if self._again(hand_in.student):
            set_journal_aside(folder)
            (folder / "tests.jsonl").unlink(missing_ok=True)
        journal = journal_of_this(folder, plan)
        log = Log(folder / "worker.log")
        tests = None
        if plan.withheld is None:
            tests = ApiTests(
                submission,
                folder / "tests.jsonl",
                listed=needed_tests(plan),
                most_parts=None if self._count == 1 else 1,
                seconds=plan.assignment.limits["suite_seconds"],
                unsafe=self._unsafe,
            )
        expected = expectations(plan)

        def wanted(runs: Runs) -> list[tuple[Configuration, int]]:
            return ready(plan, NOT_RUN if tests is None else tests.suite, runs, expected)

        grading = Grading(plan, journal, log, wanted, tests=tests)
        with self._lock:
            self._begun[grading] = Begun(hand_in, log, resources, time.perf_counter())
        return grading

    def _report(self, grading: Grading, begun: Begun) -> None:
        student = begun.hand_in.student
        suite = NOT_RUN if grading.tests is None else grading.tests.suite
        seconds = time.perf_counter() - begun.start
        results = results_of(grading.plan, grading.journal.runs, suite, seconds)
        results = replace(results, marks=self._marks.of(student))
        if begun.log.lost is not None:
            results = replace(results, grader_notes=(begun.log.lost,))
        write_results(results, self._gradebook.of(student))
        self._note(Graded(begun.hand_in, json.loads(results_json(results)), _failed_tests(suite)), _in_words(results))

    def _failed(self, hand_in: HandIn, error: Exception) -> None:
        """Note that the grader could not grade a submission. A full disk is not this submission's alone."""
        if is_no_space(error):
            raise error
        last = traceback.extract_tb(error.__traceback__)[-1]
        place = f"{Path(last.filename).name}, line {last.lineno}"
        self._refused(hand_in, f"the grader failed: {type(error).__name__}: {error} ({place})", by_grader=True)

    def _refused(self, hand_in: HandIn, why: str, *, by_grader: bool) -> None:
        fault = one_line(why)
        document = fault_document(self._plan, hand_in.student, fault, by_grader=by_grader)
        write_fault(document, self._gradebook.of(hand_in.student))
        self._note(Graded(hand_in, document, fault=fault), fault)

    def _note(self, graded: Graded, what: str) -> None:
        with self._lock:
            self.graded[graded.hand_in.student] = graded
            done = len(self.graded)
        self._say(f"[{done}/{self._count}] {graded.hand_in.student}: {what}")

    def _known_before(self, hand_in: HandIn) -> Graded:
        """What an earlier run wrote of a student whom this one did not grade."""
        document = self._gradebook.document(hand_in.student)
        if document is not None:
            return Graded(hand_in, document, fault=document["extra_data"].get("fault"))
        fault = "not graded yet"
        return Graded(hand_in, fault_document(self._plan, hand_in.student, fault, by_grader=True), fault=fault)


def _failed_tests(suite: Suite) -> tuple[Any, ...]:
    return tuple(test for test in suite.tests if test.outcome != "PASS")


def _in_words(results: Results) -> str:
    earned, possible = results.score
    verdicts: Mapping[str, int] = {}
    for outcome in results.outcomes.values():
        verdicts = {**verdicts, outcome.verdict: verdicts.get(outcome.verdict, 0) + 1}
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return f"{earned:g} of {possible:g} points ({counts}; {duration(results.seconds)})"
