"""On a Ray cluster of two nodes the results are those of this machine alone, even if one node is lost."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from grading.assignment.test_ids import listed_tests
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.protocol.submission import locate
from grading.running.api_tests import ApiTests, files_with
from grading.running.engine import Engine
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import LocalEngine
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.running.scheduler import carry_out
from grading.sandbox.bubblewrap import Bubblewrap
from grading.sandbox.own_user import OwnUser
from grading.sandbox.tiers import Unconfined
from grading.tests.conftest import random_weights, with_few_secret_pictures

ray = pytest.importorskip("ray")
cluster_utils = pytest.importorskip("ray.cluster_utils")

from grading.running.ray_engine import RayEngine  # noqa: E402
from grading.running.ray_node import NodeRefused, Requirements  # noqa: E402

pytestmark = pytest.mark.slow

SECONDS_TO_NOTICE = 60.0  # that a node is lost


@pytest.fixture(scope="module")
def cluster() -> Iterator[Any]:
    """A cluster of two nodes on this machine, each with one core; this process is connected to it."""
    cluster = cluster_utils.Cluster(initialize_head=True, head_node_args={"num_cpus": 1})
    try:
        cluster.add_node(num_cpus=1)
        ray.init(address=cluster.address, log_to_driver=False)
        cluster.wait_for_nodes()
        yield cluster
    finally:
        ray.shutdown()
        cluster.shutdown()


@pytest.fixture
def plan(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Plan:
    """Two configurations of one epoch, on four training images."""
    monkeypatch.setattr("grading.running.pretrained.provide", lambda names, *_: random_weights(tmp_path, names))
    options = parse(["--profile", "mini", "--only", "Q2-3", "--epochs", "1", "--limit", "4", "--seeds", "3"])
    return with_few_secret_pictures(with_weights(make_plan(options), None, print))


class Class:
    """Two submissions, one of which raises in its trainings, and what became of them."""

    def __init__(self, plan: Plan, folder: Path) -> None:
        self.runs: list[dict[tuple[str, int], Run]] = []
        self.outcomes: list[list[tuple[str, str]]] = []
        self._gradings = []
        for name in ("solutions", "hw4"):
            place = folder / name
            place.mkdir(parents=True)
            here = replace(plan, submission=locate(name))
            tests = ApiTests(
                here.submission,
                place / "tests.jsonl",
                listed=files_with(listed_tests(), lambda id, _: "test_classes" in id),
                most_parts=1,
                unsafe=False,
            )
            log = (place / "log").open("wb")
            journal = Journal(place / "journal.jsonl", {})
            self._gradings.append(Grading(here, journal, log, tests=tests, finished=self.finished))

    def finished(self, run: Run) -> None:
        """Called after each training."""

    def carry_out(self, engine: Engine) -> None:
        def begin(grading: Grading) -> Any:
            return lambda: grading

        carry_out(map(begin, self._gradings), engine)
        for grading in self._gradings:
            assert grading.tests is not None
            self.runs.append({key: replace(run, seconds=0.0) for key, run in sorted(grading.journal.runs.items())})
            self.outcomes.append([(test.id, test.outcome) for test in grading.tests.suite.tests])


def test_a_lost_node_changes_nothing(plan: Plan, cluster: Any, tmp_path: Path) -> None:
    here = Class(plan, tmp_path / "here")
    here.carry_out(LocalEngine())
    assert {run.kind for run in here.runs[0].values()} == {"FINISHED"}
    assert {run.kind for run in here.runs[1].values()} == {"FAIL"}
    assert {outcome for _, outcome in here.outcomes[0]} == {"PASS"}

    there = Class(plan, tmp_path / "there")
    lost: list[Any] = []

    def finished(run: Run) -> None:
        if not lost:
            lost.append(cluster.list_all_nodes()[-1])
            cluster.remove_node(lost[0], allow_graceful=False)

    for grading in there._gradings:
        grading.finished = finished
    engine = RayEngine(plan)
    assert engine.slots == engine.trainings_at_a_time(plan) == 2
    there.carry_out(engine)
    assert len(lost) == 1
    assert there.runs == here.runs
    assert there.outcomes == here.outcomes
    end = time.monotonic() + SECONDS_TO_NOTICE
    while engine.slots > 1 and time.monotonic() < end:
        time.sleep(0.5)
    assert engine.slots == 1


def test_a_node_with_another_grader_is_refused(plan: Plan) -> None:
    here = Requirements.here(plan.sandbox, unsafe=False)
    here.check()
    with pytest.raises(NodeRefused, match="another grader"):
        replace(here, grader="older").check()


def test_a_node_with_a_weaker_sandbox_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.running.ray_node.choose", lambda **_: OwnUser())
    required = Requirements.here(Bubblewrap("bwrap"), unsafe=False)
    with pytest.raises(NodeRefused, match="weaker sandbox"):
        required.check()
    replace(required, sandbox=OwnUser()).check()
    replace(required, sandbox=Unconfined()).check()


@pytest.mark.parametrize("address", ["127.0.0.1:1", "[::1]:1", "no-such-host.invalid:6379"])
def test_an_address_at_which_nobody_answers(address: str, plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    with pytest.raises(UsageError, match="nobody answers at"):
        RayEngine(plan, address=address)


def test_no_cluster_is_told_in_one_line(plan: Plan, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ray.is_initialized", lambda: False)
    monkeypatch.setattr("ray.init", lambda **_: (_ for _ in ()).throw(ConnectionError("nobody\nanswers")))
    with pytest.raises(UsageError, match="nobody answers"):
        RayEngine(plan, address="auto")
