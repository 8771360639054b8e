"""The scheduler with several submissions: their order, the slots, one that fails, and a GPU that all of them share."""

import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.checker.catalogue import write_submission
from grading.commands.grade import parse
from grading.protocol.limits import MIB
from grading.protocol.submission import locate
from grading.running.api_tests import ApiTests, Part
from grading.running.engine import Engine
from grading.running.evidence import Draws, Evidence, draws_file
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.running.scheduler import MOST_OPEN, carry_out

pytestmark = pytest.mark.slow  # a plan draws the pictures of the mini profile

LISTED = {"tests/test_classes.py::test_a": "Q1-1", "tests/test_fcn.py::test_b": "Q1-1"}
SECONDS_TO_WAIT = 20.0

Do = Callable[[str, str], object]


@dataclass
class FakeEngine(Engine):
    """Does what a test says, and counts.

    Attributes:
        do: called in the thread of each job with the submission and the job, `test` or `train`.
        log: the jobs in the order of their starts.
        most: of all jobs at a time.
        most_trainings: at a time.
        most_open: gradings at a time of which something has begun and which are not released.
    """

    slots: int = 2
    do: Do = lambda name, job: None
    peak_bytes: int | None = None
    log: list[tuple[str, str]] = field(default_factory=list)
    most: int = 0
    most_trainings: int = 0
    released: list[str] = field(default_factory=list)
    closed: bool = False
    running: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=threading.Lock)

    def trainings_at_a_time(self, plan: Plan) -> int:
        return plan.parallel

    def test(self, grading: Grading, part: Part) -> tuple[Checked, ...]:
        self._job(grading, "test")
        return tuple(Checked(id, question, "PASS") for id, question in part.listed.items())

    def train(self, grading: Grading, configuration: Configuration, seed: int) -> Run:
        self._job(grading, "train")
        return Run(configuration.id, seed, (), 1.0, "FAIL", "not trained", peak_bytes=self.peak_bytes)

    def draw_faces(self, grading: Grading) -> Draws | None:
        self._job(grading, "faces")
        return None

    def release(self, grading: Grading) -> None:
        self.released.append(grading.plan.submission.name)

    def close(self) -> None:
        self.closed = True

    def _job(self, grading: Grading, job: str) -> None:
        with self.lock:
            self.log.append((grading.plan.submission.name, job))
            self.running.append(job)
            self.most = max(self.most, len(self.running))
            self.most_trainings = max(self.most_trainings, self.running.count("train"))
        try:
            time.sleep(0.01)
            self.do(grading.plan.submission.name, job)
        finally:
            with self.lock:
                self.running.remove(job)


@pytest.fixture(scope="module")
def plan() -> Plan:
    return replace(
        make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1", "--seeds", "1"])), sequential=False
    )


@dataclass
class Submissions:
    """Gradings of a folder, and what became of them.

    Attributes:
        begun, over: the names of submissions, in order.
        broken: by name, what the grader raised.
        most_open: gradings at a time that had begun and were not over.
    """

    plan: Plan
    folder: Path
    seeds: int = 2
    begun: list[str] = field(default_factory=list)
    over: list[str] = field(default_factory=list)
    broken: dict[str, Exception] = field(default_factory=dict)
    most_open: int = 0
    gradings: dict[str, Grading] = field(default_factory=dict)

    def begin(self, name: str) -> Callable[[], Grading]:
        def begin() -> Grading:
            folder = self.folder / name
            submission = replace(locate(str(write_submission(folder / "code", {}))), name=name)
            plan = replace(self.plan, submission=submission)
            tests = ApiTests(submission, folder / "tests.jsonl", listed=LISTED, most_parts=2, unsafe=True)
            journal = Journal(folder / "journal.jsonl", {})
            (configuration,) = plan.configurations

            def wanted(_: object) -> list[tuple[Configuration, int]]:
                return [] if tests.suite.awaited else [(configuration, seed) for seed in range(self.seeds)]

            log = (folder / "log").open("wb")
            grading = Grading(plan, journal, log, wanted, tests=tests, evidence=Evidence(folder))
            self.gradings[name] = grading
            self.begun.append(name)
            self.most_open = max(self.most_open, len(self.begun) - len(self.over))
            return grading

        return begin

    def carry_out(self, engine: Engine, *names: str, **others: Any) -> None:
        def over(grading: Grading) -> None:
            self.over.append(grading.plan.submission.name)

        def broke(grading: Grading, error: Exception) -> None:
            self.broken[grading.plan.submission.name] = error

        arguments = {"over": over, "broke": broke} | others
        carry_out((self.begin(name) for name in names), engine, **arguments)

    def trained(self, name: str) -> int:
        return len(self.gradings[name].journal.runs)


@pytest.fixture
def submissions(plan: Plan, tmp_path: Path) -> Iterator[Submissions]:
    submissions = Submissions(plan, tmp_path)
    yield submissions
    for grading in submissions.gradings.values():
        grading.journal.close()
        grading.log.close()


NAMES = [f"s{number}" for number in range(6)]


def test_all_are_graded_in_their_order(submissions: Submissions) -> None:
    engine = FakeEngine(1)
    submissions.carry_out(engine, *NAMES)
    assert submissions.over == engine.released == NAMES
    assert [name for name, _ in engine.log] == [name for name in NAMES for _ in range(4)], "with one slot, one by one"
    assert [job for _, job in engine.log[:4]] == ["test", "test", "train", "train"]
    assert engine.closed
    assert not submissions.broken


@pytest.mark.parametrize(("slots", "parallel"), [(1, 1), (2, 1), (3, 2), (4, 4)])
def test_there_are_never_more_jobs_than_slots(
    slots: int, parallel: int, plan: Plan, tmp_path: Path, submissions: Submissions
) -> None:
    submissions.plan = replace(plan, parallel=parallel)
    engine = FakeEngine(slots)
    submissions.carry_out(engine, *NAMES)
    assert sorted(submissions.over) == NAMES
    assert engine.most <= slots
    assert engine.most_trainings <= parallel
    assert submissions.most_open <= MOST_OPEN * slots
    assert [submissions.trained(name) for name in NAMES] == [2] * len(NAMES)


def test_the_slots_are_used(submissions: Submissions) -> None:
    """Three jobs at a time, though each submission alone has two."""
    three = threading.Barrier(3)
    engine = FakeEngine(3, lambda name, job: job == "test" and three.wait(SECONDS_TO_WAIT))
    submissions.carry_out(engine, *NAMES[:3])
    assert engine.most == 3


def test_not_all_are_begun_while_the_first_ones_wait_for_their_trainings(plan: Plan, submissions: Submissions) -> None:
    """One trains at a time. The tests of all others would otherwise run first, and all stay open."""
    submissions.plan = replace(plan, parallel=1)
    names = [f"s{number:02}" for number in range(20)]
    submissions.carry_out(FakeEngine(2), *names)
    assert sorted(submissions.over) == names
    assert submissions.most_open <= 2 * MOST_OPEN


def test_what_cannot_begin_is_left_out(submissions: Submissions) -> None:
    begins = [lambda: None, submissions.begin("a"), lambda: None, lambda: None, submissions.begin("b"), lambda: None]
    over: list[str] = []
    carry_out(begins, FakeEngine(1), over=lambda grading: over.append(grading.plan.submission.name))
    assert over == ["a", "b"]


def test_nothing_to_do() -> None:
    engine = FakeEngine()
    carry_out([], engine)
    assert engine.closed


def test_an_error_of_a_beginning_ends_all(submissions: Submissions) -> None:
    def begin() -> Grading:
        raise OSError("full")

    engine = FakeEngine()
    with pytest.raises(OSError, match="full"):
        carry_out([submissions.begin("a"), begin, submissions.begin("b")], engine)
    assert engine.closed


@pytest.mark.parametrize("job", ["test", "train"])
@pytest.mark.parametrize("slots", [1, 3])
def test_an_error_in_a_job_costs_one_submission(job: str, slots: int, submissions: Submissions) -> None:
    def do(name: str, its_job: str) -> None:
        if (name, its_job) == ("s1", job):
            raise RuntimeError("odd")

    engine = FakeEngine(slots, do)
    submissions.carry_out(engine, *NAMES)
    assert list(submissions.broken) == ["s1"]
    assert str(submissions.broken["s1"]) == "odd"
    assert sorted(submissions.over) == sorted(engine.released) == NAMES
    assert [submissions.trained(name) for name in NAMES] == [2, 0, 2, 2, 2, 2]
    assert not list(submissions.folder.glob("*/*.parts"))


def test_an_error_in_the_choice_of_trainings_costs_one_submission(submissions: Submissions) -> None:
    begin = submissions.begin("s1")

    def wrong() -> Grading:
        def wanted(_: object) -> list[tuple[Configuration, int]]:
            raise RuntimeError("odd")

        return replace_wanted(begin(), wanted)

    over: list[str] = []
    broken: list[str] = []
    carry_out(
        [submissions.begin("s0"), wrong, submissions.begin("s2")],
        FakeEngine(2),
        over=lambda grading: over.append(grading.plan.submission.name),
        broke=lambda grading, error: broken.append(grading.plan.submission.name),
    )
    assert sorted(over) == ["s0", "s1", "s2"]
    assert broken == ["s1"]


def replace_wanted(grading: Grading, wanted: Callable[[Any], list[tuple[Configuration, int]]]) -> Grading:
    grading.wanted = wanted
    return grading


def test_a_broken_submission_is_over_when_nothing_of_it_runs(submissions: Submissions) -> None:
    """One of its two trainings fails while the other one runs."""
    failed, states = threading.Event(), []
    first = threading.Lock()

    def do(name: str, job: str) -> None:
        if (name, job) != ("s0", "train"):
            return
        if first.acquire(blocking=False):
            failed.set()
            raise RuntimeError("odd")
        failed.wait(SECONDS_TO_WAIT)
        time.sleep(0.3)
        states.append(list(submissions.over))

    submissions.plan = replace(submissions.plan, parallel=2)
    submissions.carry_out(FakeEngine(2, do), "s0")
    assert states == [[]], "it was not over while its training ran"
    assert submissions.over == ["s0"]


def test_what_broke_raises_ends_all(submissions: Submissions) -> None:
    def do(name: str, job: str) -> None:
        raise RuntimeError("odd")

    def broke(_: Grading, error: Exception) -> None:
        raise error

    engine = FakeEngine(1, do)
    with pytest.raises(RuntimeError, match="odd"):
        submissions.carry_out(engine, *NAMES, broke=broke)
    assert engine.closed
    assert submissions.over == []
    assert not list(submissions.folder.glob("*/*.parts"))


def test_an_interrupt_closes_what_is_open(submissions: Submissions) -> None:
    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    def begin() -> Grading:
        grading = submissions.begin("s1")()
        grading.finished = interrupt
        return grading

    engine = FakeEngine(2)
    with pytest.raises(KeyboardInterrupt):
        carry_out([submissions.begin("s0"), begin, submissions.begin("s2")], engine)
    assert engine.closed
    assert submissions.trained("s1") == 1, "it had ended"
    assert not list(submissions.folder.glob("*/*.parts"))


def test_what_is_over_is_written_before_an_interrupt_ends_it(submissions: Submissions) -> None:
    written = []

    def over(grading: Grading) -> None:
        time.sleep(0.5)
        written.append(grading.plan.submission.name)

    def begin() -> Grading:
        grading = submissions.begin("s1")()
        grading.finished = interrupt
        return grading

    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        carry_out([submissions.begin("s0"), begin], FakeEngine(1), over=over)
    assert written == ["s0"]


# --- A GPU -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def on_gpu(submissions: Submissions, monkeypatch: pytest.MonkeyPatch) -> Submissions:
    """A GPU whose memory holds three trainings."""
    monkeypatch.setattr("grading.running.scheduler.free_bytes", lambda: 4000 * MIB)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    submissions.plan = replace(submissions.plan, device="cuda", parallel=1)
    return submissions


def test_submissions_share_a_gpu(on_gpu: Submissions) -> None:
    """Once a training has shown what it takes, as many run as fit, although few were ready when it ended."""
    engine = FakeEngine(8, peak_bytes=1000 * MIB)
    on_gpu.carry_out(engine, *NAMES)
    assert 1 < engine.most_trainings <= 3
    assert all(on_gpu.trained(name) == 2 for name in NAMES)


def test_as_long_as_no_peak_is_known_one_submission_trains(on_gpu: Submissions) -> None:
    engine = FakeEngine(8)
    on_gpu.carry_out(engine, *NAMES)
    assert engine.most_trainings == 1
    assert engine.most > 1, "tests run beside it"


def test_what_lacked_memory_in_a_broken_submission_is_not_repeated(on_gpu: Submissions) -> None:
    """The scheduler repeats alone what lacked memory beside others: not so if its submission has been given up."""
    lacked = "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"

    class Lacking(FakeEngine):
        def train(self, grading: Grading, configuration: Configuration, seed: int) -> Run:
            run = super().train(grading, configuration, seed)
            if grading.plan.submission.name != "s1":
                return replace(run, peak_bytes=1000 * MIB)
            if seed:
                raise RuntimeError("odd")
            return replace(run, failure=lacked)

    engine = Lacking(8)
    on_gpu.carry_out(engine, *NAMES)
    assert sorted(on_gpu.over) == NAMES
    assert list(on_gpu.broken) == ["s1"]
    assert engine.log.count(("s1", "train")) <= 3


# --- Views of faces ------------------------------------------------------------------------------------------------


@pytest.fixture
def with_faces(submissions: Submissions) -> Submissions:
    """Submissions whose augmentation is shown."""
    configurations = tuple(replace(c, augmentation="face") for c in submissions.plan.configurations)
    submissions.plan = replace(submissions.plan, configurations=configurations)
    return submissions


def test_faces_are_asked_for_once_when_the_tests_have_ended(with_faces: Submissions) -> None:
    engine = FakeEngine(1)
    with_faces.carry_out(engine, "s0")
    assert [job for _, job in engine.log] == ["test", "test", "faces", "train", "train"]


def test_no_faces_without_an_augmentation(submissions: Submissions) -> None:
    engine = FakeEngine(1)
    submissions.carry_out(engine, "s0")
    assert ("s0", "faces") not in engine.log


def test_faces_are_kept(with_faces: Submissions) -> None:
    draws = Draws(*[np.zeros((1, 1, 2, 2, 3), np.uint8)] * 3)

    class Drawing(FakeEngine):
        def draw_faces(self, grading: Grading) -> Draws:
            super().draw_faces(grading)
            return draws

    with_faces.carry_out(Drawing(2), *NAMES[:2])
    assert all(draws_file(with_faces.folder / name).is_file() for name in NAMES[:2])
    with_faces.gradings["s0"].journal.close()
    engine = Drawing(2)
    with_faces.carry_out(engine, *NAMES[:1])
    assert ("s0", "faces") not in engine.log, "they are there"


@pytest.mark.parametrize("error", [RuntimeError("odd"), OSError(28, "No space left on device"), MemoryError()])
def test_an_error_costs_the_faces_alone(error: Exception, with_faces: Submissions) -> None:
    def fail(name: str, job: str) -> None:
        if job == "faces" and name == "s1":
            raise error

    with_faces.carry_out(FakeEngine(2, fail), *NAMES[:3])
    assert sorted(with_faces.over) == NAMES[:3]
    assert not with_faces.broken
    assert [with_faces.trained(name) for name in NAMES[:3]] == [2, 2, 2]
    with_faces.gradings["s1"].log.flush()
    assert type(error).__name__ in (with_faces.folder / "s1" / "log").read_text()
