"""The engine that runs everything on the nodes of a Ray cluster."""

import logging
import re
import signal
import socket
import threading
import uuid
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.protocol.submission import handed_in
from grading.protocol.text import one_line
from grading.running.api_tests import Part
from grading.running.engine import Engine
from grading.running.evidence import Draws, Shown
from grading.running.grading import Grading
from grading.running.plan import Plan
from grading.running.pytest_server import TestRun
from grading.running.ray_node import NodeRefused, Parcel, Requirements, unpacked
from grading.running.resolve import UsageError
from grading.sandbox.choose import NoSandbox

RETRIES = 3  # of a task whose node is lost
SECONDS_TO_CONNECT = 10.0
HOST_AND_PORT = re.compile(r"\[?([^/]+?)\]?:(\d{1,5})")
SECONDS_TO_CHECK = 300.0  # a node, which imports torch and tries its sandbox


def _train(parcel: Parcel, configuration: Configuration, seed: int) -> tuple[Run, Shown | None, bytes]:
    return unpacked(parcel).train(configuration, seed)


def _draw_faces(parcel: Parcel) -> Draws | None:
    return unpacked(parcel).draw_faces()


def _test(parcel: Parcel, tests: TestRun) -> tuple[int | None, bytes, bytes]:
    return unpacked(parcel).test(tests)


def _check(requirements: Requirements) -> str | None:
    """Why this node may not grade; None if it may."""
    try:
        requirements.check()
    except (NodeRefused, NoSandbox) as error:
        return str(error)
    return None


class RayEngine(Engine):
    """Tests and trainings are tasks of Ray, which repeats those of a lost node elsewhere.

    Args:
        plan: of every submission.
        address: of a running cluster; None starts one on this machine.
        jobs: tasks at a time, at most.

    Raises:
        UsageError: there is no cluster, or one of its nodes may not grade.
    """

    def __init__(
        self, plan: Plan, *, address: str | None = None, jobs: int | None = None, unsafe: bool = False
    ) -> None:
        self._jobs = jobs
        self._on_gpu = plan.device == "cuda"
        self._requirements = Requirements.here(plan.sandbox, unsafe=unsafe)
        self._lock = threading.Lock()
        self._sent: dict[str, Any] = {}  # references by name: data and weights are sent once
        self._parcels: dict[Grading, Any] = {}
        self._running: set[Any] = set()
        self._is_ours = not ray.is_initialized()
        if self._is_ours:
            _connect(address)
        resources: Mapping[str, float] = {"num_gpus": 1, "num_cpus": 2} if self._on_gpu else {"num_cpus": plan.threads}
        again = {"max_retries": RETRIES, "retry_exceptions": [NodeRefused]}
        self._train_task = ray.remote(_train).options(**resources, **again)
        self._test_task = ray.remote(_test).options(num_cpus=1, **again)
        self._faces_task = ray.remote(_draw_faces).options(num_cpus=1, **again)
        try:
            self._check_nodes()
        except BaseException:
            self.close()
            raise

    @property
    def slots(self) -> int:  # type: ignore[override]
        """As many as the cluster has cores now: nodes may come and go."""
        cores = max(1, int(ray.cluster_resources().get("CPU", 1)))
        return min(cores, self._jobs or cores)

    def trainings_at_a_time(self, plan: Plan) -> int:
        """How many trainings the cluster has room for."""
        resources = ray.cluster_resources()
        room = resources.get("GPU", 0) if self._on_gpu else resources.get("CPU", 1) // plan.threads
        return max(1, int(room))

    def test(self, grading: Grading, part: Part) -> tuple[Checked, ...]:
        def pytest(tests: TestRun) -> int | None:
            # A path of the driver's means nothing on a node.
            sent = replace(tests, records=Path("records"), log=Path("log"))
            try:
                status, records, printed = self._result(self._test_task.remote, grading, sent)
            except RayError as error:
                status, records, printed = -signal.SIGKILL, b"", one_line(str(error)).encode()
            tests.records.write_bytes(records)
            tests.log.write_bytes(printed)
            return status

        return part.outcomes(pytest)

    def train(self, grading: Grading, configuration: Configuration, seed: int) -> Run:
        try:
            run, shown, printed = self._result(self._train_task.remote, grading, configuration, seed)
        except RayError as error:
            why = f"Ray could not run it: {one_line(str(error))}"
            return Run(configuration.id, seed, (), 0.0, "GRADER_ERROR", why)
        grading.log.write(printed)
        if shown is not None:
            grading.evidence.keep(configuration.id, shown)
        return run

    def draw_faces(self, grading: Grading) -> Draws | None:
        try:
            draws: Draws | None = self._result(self._faces_task.remote, grading)
        except RayError:
            return None
        return draws

    def release(self, grading: Grading) -> None:
        with self._lock:
            self._parcels.pop(grading, None)

    def close(self) -> None:
        with self._lock:
            running = list(self._running)
        for reference in running:
            with suppress(RayError, ValueError):
                ray.cancel(reference, force=True)
        if self._is_ours:
            ray.shutdown()

    def _result(self, start: Callable[..., Any], grading: Grading, *arguments: object) -> Any:
        """Start a task, and wait for its result."""
        with self._lock:
            if grading not in self._parcels:
                self._parcels[grading] = ray.put(self._parcel(grading.plan))
            reference = start(self._parcels[grading], *arguments)
            self._running.add(reference)
        try:
            return ray.get(reference)
        finally:
            with self._lock:
                self._running.discard(reference)

    def _parcel(self, plan: Plan) -> Parcel:
        return Parcel(
            id=uuid.uuid4().hex,
            requirements=self._requirements,
            plan=replace(plan, datasets={}, weights={}),
            submission=plan.submission,
            files=tuple(handed_in(plan.submission)),
            data={task: (data.folder.name, self._files(data.folder)) for task, data in plan.datasets.items()},
            weights={name: (Path(file).name, self._files(Path(file))) for name, file in plan.weights.items()},
        )

    def _files(self, path: Path) -> Any:
        """Ray's reference to the content of a file, or of all files in a folder."""
        if str(path) not in self._sent:
            files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
            base = path if path.is_dir() else path.parent
            self._sent[str(path)] = ray.put({str(file.relative_to(base)): file.read_bytes() for file in files})
        return self._sent[str(path)]

    def _check_nodes(self) -> None:
        """Check every node.

        Raises:
            UsageError: one of them may not grade.
        """
        check = ray.remote(_check)
        nodes = {node["NodeID"]: node["NodeName"] for node in ray.nodes() if node["Alive"]}
        checks = {
            check.options(num_cpus=0, scheduling_strategy=NodeAffinitySchedulingStrategy(id, soft=False)).remote(
                self._requirements
            ): name
            for id, name in nodes.items()
        }
        problems = []
        for reference, name in checks.items():
            try:
                problem = ray.get(reference, timeout=SECONDS_TO_CHECK)
            except RayError as error:
                problem = f"{name}: {one_line(str(error))}"
            problems += [problem] if problem else []
        if problems:
            raise UsageError(f"--engine ray: {'; '.join(problems)}")


def _connect(address: str | None) -> None:
    """Connect to a cluster, or start one on this machine.

    Raises:
        UsageError: there is none at the address.
    """
    if address is not None and (place := HOST_AND_PORT.fullmatch(address)):
        try:  # Ray itself tries for minutes
            socket.create_connection((place[1], int(place[2])), timeout=SECONDS_TO_CONNECT).close()
        except OSError as error:
            raise UsageError(f"--engine ray: nobody answers at {address} ({error.strerror or error})") from None
    handlers = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        ray.init(
            address=address,
            include_dashboard=False if address is None else None,
            log_to_driver=False,
            logging_level=logging.ERROR,
        )
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise UsageError(f"--engine ray: {one_line(str(error))}") from None
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in handlers.items():
                signal.signal(number, handler)
