"""What a node of a Ray cluster does: it runs tests or a training of a submission that the driver sends.

Whatever decides a result comes from the driver: the plan with the site's key, data, weights and the submission. The
sandbox and the cache are the node's own. So is its copy of the grader, which must be equal to the driver's.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from importlib.metadata import version
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.data.arrays import Dataset, build_once, cache_folder, writable
from grading.protocol.submission import HandedIn, Submission
from grading.running.api_tests import tests_code
from grading.running.evidence import Draws, Shown
from grading.running.faces_shown import draws_of
from grading.running.plan import Plan, history_code
from grading.running.pytest_server import PytestServer, TestRun
from grading.running.training import train_and_score
from grading.sandbox.choose import choose
from grading.sandbox.forkserver import LOG_BYTES
from grading.sandbox.locked_folder import LockedFolder
from grading.sandbox.staging import write_submission
from grading.sandbox.tiers import Tier, is_weaker
from grading.sandbox.worker import TRAINING
from grading.sandbox.workers import AnyWorker, open_worker

Files = Mapping[str, bytes]


class NodeRefused(Exception):
    """This node may not grade: its grader is another one, or its sandbox is weaker than the driver's."""


@dataclass(frozen=True)
class Requirements:
    """What a node must have to grade.

    Attributes:
        sandbox: the driver's; a stronger one will do.
        grader: changes with the grader's code and with PyTorch.
        unsafe: whether no sandbox at all will do, if none works.
    """

    sandbox: Tier
    grader: str
    unsafe: bool

    @classmethod
    def here(cls, sandbox: Tier, *, unsafe: bool) -> "Requirements":
        """Those of the machine that this runs on."""
        return cls(sandbox, f"{history_code()[:12]} {tests_code()[:12]} torch {version('torch')}", unsafe)

    def check(self) -> None:
        """Check this node.

        Raises:
            NodeRefused: it may not grade.
            NoSandbox: no sandbox works here.
        """
        here = Requirements.here(choose(unsafe=self.unsafe), unsafe=self.unsafe)
        if here.grader != self.grader:
            raise NodeRefused(f"{platform.node()} has another grader ({here.grader}, not {self.grader})")
        if is_weaker(here.sandbox, self.sandbox):
            raise NodeRefused(f"{platform.node()} has a weaker sandbox ({here.sandbox.tier}, not {self.sandbox.tier})")


@dataclass(frozen=True)
class Parcel:
    """A submission, and all that its grading needs.

    Attributes:
        id: of this parcel alone.
        plan: whose data, weights and sandbox are the driver's: on a node they lie elsewhere.
        submission: whose folder is the driver's.
        files: of the submission.
        data: by task, the name of the data set in a cache, and Ray's reference to its files.
        weights: by backbone, the name of the file, and Ray's reference to its content.
    """

    id: str
    requirements: Requirements
    plan: Plan
    submission: Submission
    files: tuple[HandedIn, ...]
    data: Mapping[str, tuple[str, Any]]
    weights: Mapping[str, tuple[str, Any]]


@dataclass
class Unpacked:
    """A parcel on this node, in one of Ray's processes.

    Attributes:
        log: what the worker prints.
    """

    parcel: Parcel
    folder: LockedFolder = field(default_factory=LockedFolder)
    log: Any = field(default_factory=TemporaryFile)

    def __post_init__(self) -> None:
        self.submission = write_submission(self.parcel.submission, self.parcel.files, self.folder.path)
        self._worker: AnyWorker | None = None

    def plan(self) -> Plan:
        """The plan, with data, weights and a sandbox of this node."""
        return replace(
            self.parcel.plan,
            submission=self.submission,
            datasets={task: _in_cache(*data) for task, data in self.parcel.data.items()},
            weights={
                name: str(_in_cache(f"{file}-sent", reference).folder / file)
                for name, (file, reference) in self.parcel.weights.items()
            },
            sandbox=choose(unsafe=self.parcel.requirements.unsafe),
        )

    def train(self, configuration: Configuration, seed: int) -> tuple[Run, Shown | None, bytes]:
        """Run a training; returns what people look at of it, and what the worker has printed, too."""
        plan = self.plan()
        shown: list[Shown] = []
        worker = self._worker_of(plan)
        run = train_and_score(plan, configuration, seed, worker, lambda *_: None, lambda _, each: shown.append(each))
        self.log.seek(0)
        return run, shown[0] if shown else None, self.log.read(LOG_BYTES)

    def draw_faces(self) -> Draws | None:
        """Ask the submission for its views of a few training faces."""
        plan = self.plan()
        return draws_of(plan, self._worker_of(plan))

    def _worker_of(self, plan: Plan) -> AnyWorker:
        """The worker of this submission, whose log is empty."""
        self.log.truncate(0)
        self.log.seek(0)
        if self._worker is None:
            self._worker = open_worker(self.submission, plan.sandbox, imported=[TRAINING], log=self.log)
        return self._worker

    def test(self, tests: TestRun) -> tuple[int | None, bytes, bytes]:
        """Run tests.

        Returns:
            The status of `PytestServer.run`, the records, and what pytest has printed.
        """
        with LockedFolder() as folder:
            here = replace(tests, submission=self.submission, records=folder / "records", log=folder / "log")
            status = _pytest(self.parcel.requirements.unsafe).run(here)
            return status, _content(here.records), _content(here.log)

    def close(self) -> None:
        """End the worker, and delete the files."""
        if self._worker is not None:
            self._worker.close()
        self.folder.remove()
        self.log.close()


_unpacked: list[Unpacked] = []  # the last parcel: a process of Ray's often gets several trainings of one submission


def unpacked(parcel: Parcel) -> Unpacked:
    """A parcel on this node, which has been checked.

    Raises:
        NodeRefused, NoSandbox: this node may not grade.
    """
    if not _unpacked or _unpacked[0].parcel.id != parcel.id:
        while _unpacked:
            _unpacked.pop().close()
        parcel.requirements.check()
        _unpacked.append(Unpacked(parcel))
    return _unpacked[0]


def _content(path: Path) -> bytes:
    return path.read_bytes() if path.is_file() else b""


@cache
def _pytest(unsafe: bool) -> PytestServer:
    """One for each of Ray's processes. It ends with the process."""
    return PytestServer(unsafe=unsafe)


def _in_cache(name: str, files: Any) -> Dataset:
    """A folder of files in this node's cache; they are fetched if they are not there.

    Args:
        name: of the folder; equal names hold equal files.
        files: Ray's reference to `Files`.
    """

    def build(folder: Path) -> None:
        import ray

        for place, content in ray.get(files).items():
            (folder / place).parent.mkdir(parents=True, exist_ok=True)
            (folder / place).write_bytes(content)

    return build_once(writable(cache_folder()), name, build)
