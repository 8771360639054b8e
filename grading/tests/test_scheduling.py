"""Parts of the tests and trainings run at the same time, and none of them where it may not."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from grading.assignment.api_test_record import Checked, Suite
from grading.assignment.assignment import Configuration
from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.limits import MIB
from grading.protocol.submission import locate
from grading.protocol.wire import Plain
from grading.running.api_tests import SECONDS, ApiTests, run_suite, split
from grading.running.gpu_memory import fitting_trainings, lacked_memory
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.needed import needed, ready
from grading.running.plan import Plan
from grading.running.pytest_server import PytestServer, TestRun
from grading.running.resolve import make_plan
from grading.running.training import peak_claimed_in
from grading.sandbox.worker import Worker

pytestmark = pytest.mark.slow

SECONDS_TO_WAIT = 20.0


@pytest.mark.parametrize("most", [1, 2, 3, 7, 64])
def test_every_listed_test_is_in_exactly_one_part(most: int) -> None:
    listed = listed_tests()
    parts = split(listed, most)
    assert sorted(id for part in parts for id in part) == sorted(listed)
    assert all(part == {id: listed[id] for id in listed if id in part} for part in parts), "in the order of the list"
    files = [{id.partition("::")[0] for id in part} for part in parts]
    assert sum(map(len, files)) == len(set().union(*files)), "the tests of a file stay together"
    assert len(parts) == min(most, len(set().union(*files)))


def test_a_new_file_of_tests_is_in_a_part() -> None:
    listed = {**listed_tests(), "tests/test_new.py::test_new": "Q2-1"}
    assert sum("tests/test_new.py::test_new" in part for part in split(listed, 3)) == 1


def test_the_times_of_files_that_do_not_exist_are_not_kept() -> None:
    assert set(SECONDS) == {id.partition("::")[0] for id in listed_tests()}


# --- Parts: a program in place of pytest ---------------------------------------------------------------------------

LISTED = {
    "tests/test_quick.py::test_a": "Q1-1",
    "tests/test_quick.py::test_b": "Q1-2",
    "tests/test_slow.py::test_c": "Q2-1",
}

# It does what FAKE_PARTS says about its file: {"waits_for": file, "fails": [tests], "dies": whether}.
PROGRAM = """
import json, os, sys, time
from pathlib import Path
records, tests, behaviour = Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])
with records.open("w") as file:
    for test, question in tests.items():
        print(json.dumps({"test": test, "question": question}), file=file, flush=True)
    while not Path(behaviour.get("waits_for", "/")).exists():
        time.sleep(0.02)
    if behaviour.get("dies"):
        os.kill(os.getpid(), 9)
    for test in tests:
        failed = {"outcome": "FAIL", "finding": {"title": "wrong"}}
        outcome = failed if test in behaviour.get("fails", []) else {"outcome": "PASS"}
        print(json.dumps({"test": test, **outcome}), file=file)
print("the end of", *{test.partition("::")[0] for test in tests})
"""

Behave = Callable[..., None]


class Programs(PytestServer):
    """A server that runs PROGRAM in place of pytest."""

    def __init__(self, behaviour: dict[str, dict[str, Any]]) -> None:
        super().__init__()
        self._behaviour = behaviour
        self._processes: list[subprocess.Popen[bytes]] = []

    def run(self, tests: TestRun) -> int | None:
        (file,) = tests.files
        listed = {id: question for id, question in LISTED.items() if id.partition("::")[0] == file}
        behaviour = self._behaviour.get(file.removeprefix("tests/test_").removesuffix(".py"), {})
        arguments = [str(tests.records), json.dumps(listed), json.dumps(behaviour)]
        with tests.log.open("wb") as output:
            process = subprocess.Popen([sys.executable, "-S", "-c", PROGRAM, *arguments], stdout=output, stderr=output)
        self._processes.append(process)
        try:
            return process.wait(tests.seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            return None

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.wait()


@pytest.fixture
def behave(monkeypatch: pytest.MonkeyPatch) -> Behave:
    """Sets what the parts do: `behave(slow={"waits_for": ...})`. There are two, one for each file of LISTED."""

    def behave(**behaviour: dict[str, Any]) -> None:
        for user in ("api_tests", "local_engine"):
            monkeypatch.setattr(f"grading.running.{user}.PytestServer", lambda **_: Programs(behaviour))

    monkeypatch.setattr("grading.running.api_tests.listed_tests", lambda: LISTED)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    behave()
    return behave


def outcomes(suite: Suite) -> str:
    """The first letter of the outcome of each listed test."""
    assert [test.id for test in suite.tests] == list(LISTED)
    return "".join(test.outcome[0] for test in suite.tests)


def test_all_parts_together_make_the_suite(behave: Behave, tmp_path: Path) -> None:
    behave(quick={"fails": ["tests/test_quick.py::test_b"]})
    suite = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True)
    assert outcomes(suite) == "PFP"
    assert not suite.awaited
    assert {path.name for path in tmp_path.iterdir()} == {"tests.jsonl", "tests.log"}
    conditions, *entries = [json.loads(line) for line in (tmp_path / "tests.jsonl").read_text().splitlines()]
    assert set(conditions) == {"conditions"}
    assert [entry["test"] for entry in entries] == [*LISTED, *LISTED]
    printed = (tmp_path / "tests.log").read_text()
    assert "the end of tests/test_quick.py" in printed
    assert "the end of tests/test_slow.py" in printed


def test_a_part_that_dies_costs_its_own_tests_only(behave: Behave, tmp_path: Path) -> None:
    behave(slow={"dies": True})
    suite = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True)
    assert outcomes(suite) == "PPG"
    assert "killed by signal 9" in suite.tests[2].message


def test_a_part_that_is_too_slow_costs_its_own_tests_only(behave: Behave, tmp_path: Path) -> None:
    behave(slow={"waits_for": str(tmp_path / "never")})
    suite = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True, seconds=2)
    assert outcomes(suite) == "PPG"
    assert "the tests took more than 2 s" in suite.tests[2].message


def test_nothing_of_a_stopped_run_is_taken_for_this_run(behave: Behave, tmp_path: Path) -> None:
    (tmp_path / "tests.parts").mkdir()
    for file in ("tests.jsonl", "tests.parts/0.jsonl", "tests.parts/9.jsonl"):
        (tmp_path / file).write_text("".join(json.dumps({"test": id, "outcome": "PASS"}) + "\n" for id in LISTED))
    behave(quick={"dies": True}, slow={"dies": True})
    assert outcomes(run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=True)) == "GGG"
    assert {path.name for path in tmp_path.iterdir()} == {"tests.jsonl", "tests.log"}
    assert "outcome" not in (tmp_path / "tests.jsonl").read_text()


# --- Trainings beside parts, and beside each other: a function in place of a training -----------------------------


class IdleWorker:
    """A worker that is never asked."""

    def __init__(self, *_: object, **__: object) -> None: ...

    def close(self) -> None: ...


@dataclass
class Trainings:
    """Trainings that do what a test says.

    Attributes:
        train: called for each, in its thread; what it returns replaces fields of the Run.
        started: configuration and seed of each, in the order of their starts.
        most: how many ran at a time, by the start of each.
    """

    train: Callable[[str, int], dict[str, Any] | None] = lambda id, seed: None
    started: list[tuple[str, int]] = field(default_factory=list)
    most: list[int] = field(default_factory=list)
    _running: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(
        self, plan: Plan, configuration: Configuration, seed: int, worker: Worker, progress: object, keep: object
    ) -> Run:
        with self._lock:
            self._running += 1
            self.started.append((configuration.id, seed))
            self.most.append(self._running)
        changes = self.train(configuration.id, seed) or {}
        with self._lock:
            self._running -= 1
        return replace(Run(configuration.id, seed, (), 1.0, "FAIL", "not trained"), **changes)


@pytest.fixture
def trainings(monkeypatch: pytest.MonkeyPatch) -> Trainings:
    trainings = Trainings()
    monkeypatch.setattr("grading.running.local_engine.train_and_score", trainings)
    monkeypatch.setattr("grading.running.local_engine.open_worker", IdleWorker)
    return trainings


@pytest.fixture(scope="module")
def every_plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q2-1-skips,Q2-3-merged"]))


@pytest.fixture
def plan(every_plan: Plan) -> Plan:
    """Q1-1 requires the quick tests, Q2-1 the slow one."""
    required = {"Q1-1": ("quick",), "Q2-1-skips": ("test_c",)}
    configurations = tuple(
        replace(c, required_tests=required[c.id]) for c in every_plan.configurations if c.id in required
    )
    return replace(every_plan, configurations=configurations, seeds=1, sequential=False, parallel=2)


def run(plan: Plan, tests: ApiTests, folder: Path, finished: Callable[[Run], None] = lambda run: None) -> Journal:
    """Tests and trainings, without controls."""

    def wanted(runs: Any) -> list[tuple[Configuration, int]]:
        return [(c, seed) for c, seed in ready(plan, tests.suite, runs) if not c.control]

    journal = Journal(folder / "journal.jsonl", {})
    with (folder / "log").open("wb") as log:
        carry_out_one(Grading(plan, journal, log, wanted, tests=tests, finished=finished))
    return journal


def api_tests_in(folder: Path) -> ApiTests:
    return ApiTests(locate("solutions"), folder / "tests.jsonl", unsafe=True)


def test_a_training_starts_while_other_tests_run(
    plan: Plan, behave: Behave, trainings: Trainings, tmp_path: Path
) -> None:
    behave(slow={"waits_for": str(tmp_path / "trained")})
    tests = api_tests_in(tmp_path)
    known = []

    def train(id: str, seed: int) -> None:
        known.append((id, outcomes(tests.suite)))
        (tmp_path / "trained").touch()

    trainings.train = train
    assert set(run(plan, tests, tmp_path).runs) == {("Q1-1", 0), ("Q2-1-skips", 0)}
    assert known == [("Q1-1", "PPG"), ("Q2-1-skips", "PPP")]


@pytest.mark.parametrize("wrong", ["test_a", "test_b"])
def test_after_a_failed_test_a_configuration_is_not_trained(
    wrong: str, plan: Plan, behave: Behave, trainings: Trainings, tmp_path: Path
) -> None:
    behave(quick={"fails": [f"tests/test_quick.py::{wrong}"]})
    assert set(run(plan, api_tests_in(tmp_path), tmp_path).runs) == {("Q2-1-skips", 0)}


@pytest.mark.parametrize("part", ["quick", "slow"])
def test_after_a_part_has_died_its_configurations_are_not_trained(
    part: str, plan: Plan, behave: Behave, trainings: Trainings, tmp_path: Path
) -> None:
    behave(**{part: {"dies": True}})
    trained = {"quick": ("Q2-1-skips", 0), "slow": ("Q1-1", 0)}
    assert set(run(plan, api_tests_in(tmp_path), tmp_path).runs) == {trained[part]}


def test_one_at_a_time_waits_for_all_tests(plan: Plan, behave: Behave, trainings: Trainings, tmp_path: Path) -> None:
    """The part that ends first makes no room for a training if the plan has room for one thing only."""
    tests, folder = api_tests_in(tmp_path), tmp_path
    behave(slow={"waits_for": str(folder / "go on")})
    timer = threading.Timer(0.5, (folder / "go on").touch)
    timer.start()
    known = []
    trainings.train = lambda id, seed: known.append(len(tests.suite.awaited))
    run(replace(plan, parallel=1), tests, folder)
    assert known == [0, 0]
    assert trainings.most == [1, 1]


def test_an_interrupt_keeps_what_has_ended(plan: Plan, behave: Behave, trainings: Trainings, tmp_path: Path) -> None:
    """What has not ended is an error of the grader's, never a pass, and leaves no process and no folder."""
    behave(slow={"waits_for": str(tmp_path / "never")})
    tests = api_tests_in(tmp_path)

    def interrupt(run: Run) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run(plan, tests, tmp_path, interrupt)
    assert outcomes(tests.suite) == "PPG"
    assert tests.suite.first_failure(["test_c"]) is not None
    assert tests.suite.first_failure(["test_a"]) is None
    assert not [child for child in psutil.Process().children() if str(tmp_path) in " ".join(child.cmdline())]
    assert {path.name for path in tmp_path.iterdir()} == {"journal.jsonl", "log", "tests.jsonl", "tests.log"}
    assert (tmp_path / "tests.jsonl").read_text().count("outcome") == 2


def suite_without(file: str, *, awaited: bool) -> Suite:
    """All tests have passed but those of one file."""
    missing = {id for id in listed_tests() if file in id}
    tests = [Checked(id, q, "GRADER_ERROR" if id in missing else "PASS") for id, q in listed_tests().items()]
    return Suite(tuple(tests), awaited=frozenset(missing if awaited else ()))


@pytest.mark.parametrize("key", range(8))
def test_no_control_is_trained_that_another_one_may_replace(key: int, every_plan: Plan) -> None:
    plan = replace(every_plan, key=bytes([key]))
    (first,) = [c.base for c, _ in needed(plan, {}) if c.control and c.task == "segmentation"]

    def ready_ids(awaited: bool) -> set[str]:
        suite = suite_without("test_classes", awaited=awaited)
        return {c.id for c, _ in ready(plan, suite, {}) if c.task == "segmentation"}

    assert ready_ids(awaited=False) == {"Q2-1-skips", "Q2-1-skips-control"}
    replaceable = set() if first == "Q2-1-skips" else {"Q2-1-skips-control"}
    assert ready_ids(awaited=True) == ready_ids(awaited=False) - replaceable


# --- Several trainings on one GPU ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("peak", "free", "cores", "count"),
    [
        (1000 * MIB, 10_000 * MIB, 64, 8),
        (1000 * MIB, 10_000 * MIB, 7, 3),
        (1000 * MIB, 1249 * MIB, 64, 1),
        (10_000 * MIB, 1000 * MIB, 64, 1),
        (1000 * MIB, 10_000 * MIB, 1, 1),
        (256 * MIB, 3200 * MIB, 64, 10),
        (0, 3200 * MIB, 64, 10),  # a claim that is too small
        (2**52, 3200 * MIB, 64, 1),
    ],
)
def test_how_many_trainings_fit(peak: int, free: int, cores: int, count: int) -> None:
    assert fitting_trainings(peak, free, cores) == count


class GpuRun:
    """Seven trainings of Q1-1 on a GPU whose memory holds three.

    Attributes:
        journal: of the run.
        plans: the plans that were announced.
        finished: the seeds that were reported, in the order of their ends.
    """

    def __init__(self, plan: Plan, folder: Path, seeds: int = 7) -> None:
        configuration = plan.assignment.configuration("Q1-1")
        self.plan = replace(plan, configurations=(configuration,), device="cuda", parallel=1)
        self.journal = Journal(folder / "journal.jsonl", {})
        self.plans: list[Plan] = []
        self.finished: list[int] = []
        self._wanted = [(configuration, seed) for seed in range(seeds)]
        self._log = folder / "log"

    def carry_out(self) -> None:
        def finished(run: Run) -> None:
            self.finished.append(run.seed)

        with self._log.open("wb") as log:
            grading = Grading(self.plan, self.journal, log, lambda _: self._wanted, finished=finished)
            carry_out_one(grading, replanned=self.plans.append)


@pytest.fixture
def gpu_run(every_plan: Plan, trainings: Trainings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> GpuRun:
    monkeypatch.setattr("grading.running.scheduler.free_bytes", lambda: 4000 * MIB)
    monkeypatch.setattr("os.cpu_count", lambda: 16)
    return GpuRun(every_plan, tmp_path)


def test_after_the_first_training_as_many_run_as_fit(gpu_run: GpuRun, trainings: Trainings) -> None:
    three = threading.Barrier(3)

    def train(_: str, seed: int) -> dict[str, Any]:
        if seed:
            three.wait(SECONDS_TO_WAIT)
        return {"peak_bytes": 1000 * MIB}

    trainings.train = train
    gpu_run.carry_out()
    assert trainings.most[:2] == [1, 1]
    assert max(trainings.most) == 3
    (plan,) = gpu_run.plans
    assert plan.parallel == 3
    assert plan.estimated_seconds() < gpu_run.plan.estimated_seconds()
    configuration = plan.configurations[0]
    assert plan.seconds_allowed(configuration) > gpu_run.plan.seconds_allowed(configuration)


def test_as_long_as_no_peak_is_known_one_trains_at_a_time(gpu_run: GpuRun, trainings: Trainings) -> None:
    gpu_run.carry_out()
    assert trainings.most == [1] * 7
    assert gpu_run.plans == []


def test_no_more_run_at_a_time_than_are_left(
    every_plan: Plan, gpu_run: GpuRun, trainings: Trainings, tmp_path: Path
) -> None:
    del gpu_run.journal
    run = GpuRun(every_plan, tmp_path, seeds=3)
    trainings.train = lambda id, seed: {"peak_bytes": 1000 * MIB}
    run.carry_out()
    assert [plan.parallel for plan in run.plans] == [2]


def test_a_larger_peak_leaves_room_for_fewer(gpu_run: GpuRun, trainings: Trainings) -> None:
    peaks = {0: 1000 * MIB, 1: 3000 * MIB}
    trainings.train = lambda id, seed: {"peak_bytes": peaks.get(seed, 1)}
    gpu_run.carry_out()
    assert [plan.parallel for plan in gpu_run.plans] == [3, 1]
    assert set(trainings.most[-3:]) == {1}


def test_what_lacked_memory_beside_others_is_trained_again_alone(gpu_run: GpuRun, trainings: Trainings) -> None:
    three = threading.Barrier(3)

    def train(_: str, seed: int) -> dict[str, Any]:
        again = trainings.started.count(("Q1-1", seed)) > 1
        if seed in (1, 2, 3) and not again:
            three.wait(SECONDS_TO_WAIT)
        if seed == 2 and not again:
            return {"kind": "FAIL", "failure": "OutOfMemoryError: CUDA out of memory. Tried to allocate 2 GiB"}
        time.sleep(0.05)
        return {"peak_bytes": 1000 * MIB, "failure": "trained again" if again else None}

    trainings.train = train
    gpu_run.carry_out()
    assert sorted(seed for _, seed in trainings.started) == [0, 1, 2, 2, 3, 4, 5, 6]
    again = len(trainings.started) - 1 - trainings.started[::-1].index(("Q1-1", 2))
    assert trainings.most[again : again + 2] == [1, 1], "alone to its end"
    assert sorted(gpu_run.finished) == list(range(7))
    assert gpu_run.journal.runs["Q1-1", 2].failure == "trained again"


def test_what_lacks_memory_alone_is_not_trained_again(gpu_run: GpuRun, trainings: Trainings) -> None:
    """Neither the first training, nor one that has been repeated."""
    trainings.train = lambda id, seed: {"kind": "OUT_OF_MEMORY", "peak_bytes": 1000 * MIB}
    gpu_run.carry_out()
    times = [trainings.started.count(("Q1-1", seed)) for seed in range(7)]
    assert times[0] == 1
    assert max(times) == 2
    assert sorted(gpu_run.finished) == list(range(7))


def test_on_a_cpu_nothing_is_trained_again(gpu_run: GpuRun, trainings: Trainings) -> None:
    gpu_run.plan = replace(gpu_run.plan, device="cpu", parallel=3)
    trainings.train = lambda id, seed: {"kind": "OUT_OF_MEMORY", "peak_bytes": 1}
    gpu_run.carry_out()
    assert len(trainings.started) == 7
    assert gpu_run.plans == []


@pytest.mark.parametrize(
    ("kind", "failure", "lacked"),
    [
        ("OUT_OF_MEMORY", "took more than 2 GiB", True),
        ("FAIL", "OutOfMemoryError: CUDA out of memory. Tried", True),
        ("FAIL", "RuntimeError: CUDA error: out of memory", True),
        ("FAIL", "NaN", False),
        ("FINISHED", None, False),
    ],
)
def test_what_lacks_memory(kind: str, failure: str | None, lacked: bool) -> None:
    assert lacked_memory(Run("Q1-1", 0, (), 1.0, kind, failure)) == lacked


@pytest.mark.parametrize(
    ("claim", "peak"),
    [(0, None), (5 * 2**30, 5 * 2**30), (-1, None), (2**60, None), (1.5, None), ("much", None), (True, None)],
)
def test_only_a_plausible_peak_counts(claim: Plain, peak: int | None) -> None:
    assert peak_claimed_in({"trained": {}, "peak_bytes": claim}) == peak
