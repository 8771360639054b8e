"""Grades what a class has handed in, submission by submission."""

import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from functools import partial
from threading import Lock, RLock

from grading.assignment.training_record import Run
from grading.backbones.weights import stop_pretraining
from grading.classroom.gradebook_folder import GradebookFolder
from grading.classroom.no_space import no_space
from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.protocol.submission import SubmissionError
from grading.protocol.text import duration, number, one_line
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.fault import GRADER, SUBMISSION, Fault, fault_document, write_fault
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import Marks
from grading.reporting.marks import marked
from grading.reporting.progress import training_in_words
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.summary import reasons_of
from grading.reporting.write import write_results
from grading.running.evidence import Evidence
from grading.running.grading import Grading, api_tests_of, ready_trainings
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resume import journal_of_this, set_journal_aside
from grading.running.scheduler import Begin
from grading.running.training import grader_fault
from grading.sandbox.locked_folder import LockedFolder


@dataclass
class Begun:
    """A submission whose grading has begun.

    Attributes:
        log: what its workers print.
        resources: all that it holds, to be closed.
        start: in seconds of `time.perf_counter`.
        error: what the grader raised in it, if it has failed.
    """

    hand_in: HandIn
    log: Log
    resources: ExitStack
    start: float
    error: Exception | None = None


class ClassRun:
    """Grades hand-ins, each as `run_all` would. What goes wrong with one costs that one alone.

    It is used in a `with` block, after which no temporary folder of it is left.

    Args:
        plan: of every submission; which one is open.
        marks: of people.
        options: of the command.
        only: the students who are graded; the results of all others stay as they are.
        again: those of whom nothing is kept.
        console: several threads print on it.

    Attributes:
        graded: what is known, by student.
    """

    def __init__(
        self,
        plan: Plan,
        hand_ins: Sequence[HandIn],
        gradebook: GradebookFolder,
        marks: Marks,
        options: Namespace,
        *,
        only: Collection[str],
        again: Collection[str],
        console: Console,
    ) -> None:
        self.graded: dict[str, Graded] = {}
        self._plan = plan
        self._hand_ins = hand_ins
        self._gradebook = gradebook
        self._marks = marks
        self._options = options
        self._only = only
        self._again = again
        self._console = console
        self._start = time.monotonic()
        self._lock = Lock()
        self._reporting = RLock()  # one submission at a time is judged: this is Python, which runs one thread at a time
        self._begun: dict[Grading, Begun] = {}
        self._is_finished = False

    def __enter__(self) -> "ClassRun":
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            self._is_finished = True
            left = list(self._begun.values())
        with ExitStack() as stack:  # if one cannot be closed, the others are
            for begun in left:
                stack.callback(begun.resources.close)

    def beginnings(self) -> Iterator[Begin]:
        """What begins each grading, in the order of the students."""
        for hand_in in self._hand_ins:
            if hand_in.student in self._only:
                yield partial(self._begin, hand_in)

    def broke(self, grading: Grading, error: Exception) -> None:
        """Note that the grader failed in a grading.

        Raises:
            Exception: the error itself, if it would meet all others, too.
        """
        if no_space(error):
            raise error
        self._begun[grading].error = error

    def over(self, grading: Grading) -> None:
        """Judge a submission by what is known, and write its results."""
        with self._reporting:
            with self._lock:
                begun = self._begun.pop(grading, None)
            if begun is None:
                return  # the run has ended, and judged it already
            try:
                with begun.resources:
                    if begun.error is not None:
                        raise begun.error
                    self._report(grading, begun)
            except Exception as error:
                self._failed(begun.hand_in, error)

    def finish(self) -> list[Graded]:
        """Judge what has begun and is not over, and take in what was known of all others; in the order of students.

        What begins later, in a thread that still runs, is not graded.
        """
        with self._lock:
            self._is_finished = True
        stop_pretraining()
        with self._reporting:
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
        except Exception as error:
            resources.close()
            with self._reporting:
                if self._is_finished:
                    return None  # stopped halfway: that says nothing
                if isinstance(error, SubmissionError):
                    self._refused(hand_in, str(error), SUBMISSION)
                else:
                    self._failed(hand_in, error)
        return None

    def _opened(self, hand_in: HandIn, resources: ExitStack) -> Grading | None:
        folder = self._gradebook.of(hand_in.student)
        submission = unpack(hand_in, resources.enter_context(LockedFolder()))
        plan = replace(self._plan, submission=submission)
        plan = with_weights(plan, self._options.weights, self._console.say)
        if hand_in.student in self._again:
            set_journal_aside(folder)
            (folder / "tests.jsonl").unlink(missing_ok=True)
        journal = resources.enter_context(closing(journal_of_this(folder, plan)))
        log = resources.enter_context(Log(folder / "worker.log"))
        most_parts = None if len(self._only) == 1 else 1
        tests = api_tests_of(plan, folder, most_parts=most_parts, unsafe=self._options.unsafe)
        wanted = ready_trainings(plan, tests)
        finished = partial(self._trained, hand_in.student, plan)
        evidence = Evidence(folder)
        grading = Grading(plan, journal, log, wanted, tests=tests, finished=finished, evidence=evidence)
        resources.enter_context(closing(grading))
        with self._lock:
            if not self._is_finished:
                self._begun[grading] = Begun(hand_in, log, resources, time.perf_counter())
                return grading
        resources.close()
        return None

    def _report(self, grading: Grading, begun: Begun) -> None:
        student = begun.hand_in.student
        seconds = time.perf_counter() - begun.start
        results = results_of(grading.plan, grading.journal.runs, grading.suite, seconds)
        results = marked(results, self._marks.of(student))
        if begun.log.lost is not None:
            results = replace(results, grader_notes=(begun.log.lost,))
        write_results(results, self._gradebook.of(student))
        document = self._gradebook.document(student)
        assert document is not None  # it was written just now
        failed = tuple(test for test in grading.suite.tests if test.outcome != "PASS")
        graded = Graded(begun.hand_in, document, failed)
        self._note(graded, _in_words(results))
        for line in reasons_of(results):
            self._console.tell(f"{student}: {line}")

    def _failed(self, hand_in: HandIn, error: Exception) -> None:
        """Note that the grader could not grade a submission. A full disk is not this submission's alone."""
        if no_space(error):
            raise error
        self._refused(hand_in, f"the grader failed: {grader_fault(error)}", GRADER)

    def _refused(self, hand_in: HandIn, why: str, of: str) -> None:
        graded = self._not_graded(hand_in, one_line(why), of)
        try:
            write_fault(self._fault(hand_in, one_line(why), of), self._gradebook.of(hand_in.student))
        except OSError as error:
            if no_space(error):
                raise
            self._console.result(f"{hand_in.student}: its results cannot be written: {error}")
        self._note(graded, f"not graded: {graded.fault}", print_line=self._console.result)

    def _not_graded(self, hand_in: HandIn, why: str, of: str) -> Graded:
        return Graded(hand_in, fault_document(self._fault(hand_in, why, of)), fault=why)

    def _fault(self, hand_in: HandIn, why: str, of: str) -> Fault:
        plan = self._plan
        return Fault(hand_in.student, plan.profile_name, why, of, plan.assignment, plan.configurations)

    def _note(self, graded: Graded, what: str, print_line: Callable[[str], None] | None = None) -> None:
        with self._lock:
            self.graded[graded.hand_in.student] = graded
            done, seconds = len(self.graded), time.monotonic() - self._start
        left = seconds / done * (len(self._only) - done)  # submissions take about as long, one as the other
        end = f"; about {duration(left)} left" if left else ""
        (print_line or self._console.say)(f"[{done}/{len(self._only)}] {graded.hand_in.student}: {what}{end}")

    def _trained(self, student: str, plan: Plan, run: Run) -> None:
        metric = plan.assignment.configuration(run.configuration).metric
        self._console.tell(f"{student}: {training_in_words(run, metric)} ({duration(run.seconds)})")

    def _known_before(self, hand_in: HandIn) -> Graded:
        """What an earlier run wrote of a student whom this one did not grade."""
        document = self._gradebook.document(hand_in.student)
        if document is None:
            return self._not_graded(hand_in, "no run has come to it yet", GRADER)
        fault = document["extra_data"].get("fault")
        return Graded(hand_in, document, fault=fault and fault["finding"])


def _in_words(results: Results) -> str:
    earned, possible = results.score
    verdicts = Counter(outcome.verdict for outcome in results.outcomes.values())
    counts = ", ".join(f"{count} {verdict}" for verdict, count in verdicts.items())
    return f"{number(earned)} of {number(possible)} points ({counts}; {duration(results.seconds)})"
