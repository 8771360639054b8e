"""What a run will do: which trainings, on which data, with which weights, and about how long."""

import os
from argparse import Namespace
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Assignment, Configuration, Profile, read_assignment
from grading.assignment.checks import check_tests
from grading.backbones.challengers import known_challengers, times_the_reference, too_long, too_many
from grading.backbones.checkpoint import read_weights
from grading.backbones.weights import ENCODER, NoWeights, how_to_mend, mini_file, provide
from grading.assignment.calibration import read_calibration
from grading.scoring.control import secret_order
from grading.data.arrays import DataError, Dataset, Images, cache_folder, fingerprint, writable
from grading.scoring.blinding import site_key
from grading.assignment.test_ids import listed_tests
from grading.worker.student import StudentRaised
from grading.running.sources import sources
from grading.protocol.submission import Submission, locate
from grading.sandbox.worker import GraderError, Worker, WorkerStopped
from grading.sandbox.tiers import Sandbox
from grading.sandbox.choose import choose
from grading.protocol.wire import Plain


class UsageError(Exception):
    """The options do not fit together; one line."""


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        seeds: trainings of each configuration, at most.
        sequential: whether a configuration that is decided earlier is trained no more.
        withheld: why no verdict will be given; None where one will.
        limit: use only so many training images.
        parallel: trainings at a time, each with `threads` threads.
        sandbox: what holds the submission.
        key: the machine's secret, see `grading.scoring.blinding`.
        pictures_by_seed: measure each seed on secret pictures of its own: for a calibration.
        unavailable: why a configuration cannot be trained here, by its id, which is no fault of the submission's.
    """

    assignment: Assignment
    profile_name: str
    submission: Submission
    configurations: tuple[Configuration, ...]
    seeds: int
    sequential: bool
    device: str
    datasets: dict[str, Dataset]
    weights: dict[str, str]
    epochs: int | None
    limit: int | None
    withheld: str | None
    parallel: int
    threads: int
    sandbox: Sandbox
    key: bytes
    pictures_by_seed: bool = False
    unavailable: Mapping[str, str] = field(default_factory=dict)

    @property
    def trained(self) -> tuple[Configuration, ...]:
        """The configurations that can be trained."""
        return tuple(c for c in self.configurations if c.id not in self.unavailable)

    @property
    def profile(self) -> Profile:
        return self.assignment.profiles[self.profile_name]

    @cached_property
    def fingerprint(self) -> str:
        """The submission's, read once: each training, and each choice of the next one, asks for it."""
        return self.submission.fingerprint()

    @property
    def controls(self) -> tuple[Configuration, ...]:
        """The controls of what is trained, in a secret order; none in a trial, which gives no verdict."""
        if self.withheld:
            return ()
        return tuple(c.as_control for c in secret_order(self.key, self.fingerprint, self.trained))

    def most_seeds(self, configuration: Configuration) -> int:
        """The trainings of a configuration, at most."""
        if not self.sequential:
            return self.seeds
        return min(self.seeds, configuration.most_seeds or self.assignment.gate.most_seeds)

    def trainings(self, controls: Collection[Configuration] = ()) -> Iterator[tuple[Configuration, int]]:
        """Every training, seed by seed, the longest first, so that workers end together. A control has one seed."""
        for seed in range(self.seeds):
            every = self.trained if seed else (*self.trained, *controls)
            for configuration in sorted(every, key=lambda c: -self._cost(c)):
                yield configuration, seed

    def expected_trainings(self) -> int:
        """How many trainings there will be; in a sequential run, as many as a right submission needs."""
        seeds = min(self.seeds, self.assignment.gate.fewest_seeds) if self.sequential else self.seeds
        return seeds * len(self.trained) + len({control.task for control in self.controls})

    def protocol(self, configuration: Configuration) -> dict[str, Any]:
        """How the configuration is trained, with this run's number of epochs."""
        protocol = dict(configuration.protocols[self.profile_name])
        return {**protocol, "epochs": self.epochs or protocol["epochs"]}

    def training_job(self, configuration: Configuration, seed: int) -> Plain:
        """What a worker needs for one training besides the data; nothing that it must not see."""
        return {
            "task": configuration.task,
            "network": dict(configuration.network),
            "augmentation": configuration.augmentation,
            "num_classes": self.num_classes(configuration),
            "protocol": self.protocol(configuration),
            "profile": self.profile_name,
            "weights": {
                name: _state(name, self.profile_name, self.weights[name]) for name in self.backbones(configuration)
            },
            "seed": seed,
            "device": self.device,
            "channels_last": self.device == "cuda",  # slower on most CPUs
            "threads": self.threads,
        }

    def backbones(self, configuration: Configuration) -> list[str]:
        """Whose pretrained weights a configuration may ask for."""
        match configuration.network["build"]:
            case "case":
                return ["alexnet"]
            case "fcn8s":
                return [ENCODER]
            case _:
                return [name for name in self.weights if name != ENCODER]

    @staticmethod
    def num_classes(configuration: Configuration) -> int:
        return 2 if configuration.classes is None else len(configuration.classes.names)

    def identity(self) -> dict[str, Any]:
        """What two runs must share for one to go on where the other was stopped."""
        return {
            "submission": self.fingerprint,
            "grader": _grader_fingerprint(),
            "torch": version("torch"),
            "profile": self.profile_name,
            "device": self.device,
            "threads": self.threads,
            "epochs": self.epochs,
            "limit": self.limit,
            "protocols": sha256(
                repr([self._trained_as(c) for c in self.assignment.configurations]).encode()
            ).hexdigest(),
            "data": {task: dataset.fingerprint for task, dataset in self.datasets.items()},
            "weights": {name: Path(file).name for name, file in sorted(self.weights.items())},
            "secret": sha256(self.key).hexdigest()[:16],
        }

    def _trained_as(self, configuration: Configuration) -> tuple[object, ...]:
        """Whatever of a configuration decides its history."""
        c = configuration
        return (c.id, c.network, c.augmentation, c.classes, c.trains, c.pretrained, c.protocols[self.profile_name])

    def seconds_allowed(self, configuration: Configuration) -> float:
        """Wall time after which a training is stopped: many times what the reference takes."""
        limits = self.assignment.limits
        return limits["training_seconds"] + limits["training_factor"] * self._cost(configuration)

    def estimated_seconds(self) -> float:
        """Wall time of all trainings: measured in a calibrated profile, computed from the cost table elsewhere.

        A sequential run is counted with the seeds that a right submission needs.
        """
        seeds = min(self.seeds, self.assignment.gate.fewest_seeds) if self.sequential else self.seeds
        first = {control.task: control for control in reversed(self.controls)}
        once = sum(map(self._cost, first.values()))
        return STARTING + (once + seeds * sum(map(self._cost, self.trained))) / self.parallel

    def _cost(self, configuration: Configuration) -> float:
        """Seconds of one training."""
        calibration = read_calibration(self.profile_name) or {}
        protocol = configuration.protocols[self.profile_name]
        whole = self._gflop(configuration, int(protocol["epochs"]), None)
        asked = self._gflop(configuration, int(self.protocol(configuration)["epochs"]), self.limit)
        if configuration.base in calibration:
            chosen_here = self.profile_name == "mini" and configuration.network["build"] == "challenger"
            times = times_the_reference(self.backbones(configuration)) if chosen_here else 1.0
            return calibration[configuration.base].seconds * asked / whole * times
        throughput = self.assignment.throughput
        speed = throughput["cuda"] if self.device == "cuda" else throughput["cpu_core"] * self.threads
        return asked / speed

    def _gflop(self, configuration: Configuration, epochs: int, limit: int | None) -> float:
        """Of one training: in each epoch a step for each training image and a prediction of each validation image.

        Predicting is a third of the step that trains the whole network; no limit makes it less.
        """
        data, gflop = self.datasets[configuration.task], self.assignment.gflop
        images, validation = len(data.train_images), len(data.validation_images)
        whole_network = "finetuned" if configuration.network["build"] == "case" else configuration.kind
        steps = gflop[configuration.kind] * min(images, limit or images)
        return epochs * (steps + gflop[whole_network] / 3 * validation)


@lru_cache(maxsize=8)
def _state(name: str, profile: str, file: str) -> dict[str, NDArray[np.generic]]:
    """The pretrained weights of a backbone, read and checked once for all trainings."""
    return read_weights(name, profile, Path(file), how_to_mend(name, profile))


STARTING = 5.0  # seconds in which the first worker imports torch

# Where a history is made: in the grader, and inside the sandbox.
HISTORY = ("grading.running.training", "grading.worker.serve")


def _grader_fingerprint() -> str:
    """Changes with the code that a history comes from."""
    return fingerprint(sources(*HISTORY))


def make_plan(options: Namespace) -> Plan:
    """Settle what the options leave open and check the data; weights come later, as they may take long.

    Raises:
        AssignmentError, UsageError, SubmissionError, DataError, NoSandbox: one line for the user; nothing has been
            written but caches.
    """
    assignment = read_assignment()
    check_tests(assignment, listed_tests())
    configurations = chosen(assignment, options.only)
    submission = locate(options.submission)
    submission.fingerprint()  # what cannot be read is told now, before anything is written
    tasks = sorted({configuration.task for configuration in configurations})
    profile_name = _profile(options, tasks)
    device = _device(options.device, profile_name)
    profile = assignment.profiles[profile_name]
    cache = writable(cache_folder())
    datasets = {task: _dataset(task, profile_name, profile, options, cache) for task in tasks}
    _check_sizes(configurations, profile_name, datasets)
    _check_batches(datasets, options.limit)
    calibrated = read_calibration(profile_name) is not None
    withheld = _withheld(options)
    sequential = not options.seeds and calibrated and not withheld
    most = max(assignment.gate.most_seeds, *(c.most_seeds or 0 for c in configurations))
    usual = most if sequential else 1
    cores = os.cpu_count() or 1
    many = profile_name == "mini"
    return Plan(
        assignment=assignment,
        profile_name=profile_name,
        submission=submission,
        configurations=configurations,
        seeds=options.seeds or usual,
        sequential=sequential,
        device=device,
        datasets=datasets,
        weights={},
        epochs=options.epochs,
        limit=options.limit,
        withheld=withheld,
        parallel=cores if many else 1,
        threads=1 if many else cores,
        sandbox=choose(unsafe=options.unsafe),
        key=site_key(cache),
    )


def with_weights(plan: Plan, folder: Path | None, say: Callable[[str], None], *, pretraining_seed: int = 0) -> Plan:
    """The plan with a file of weights for each backbone that it needs, each of which has been read and fits.

    The challenger's backbones are the student's choice: if they cannot be had, its configuration is unavailable.

    Raises:
        DataError: other weights are missing and cannot be had, or a file is of no use.
    """
    cache = cache_folder()
    own = _backbones(plan)
    try:
        challengers = _challengers(plan)
        reason = too_many(challengers)
    except GraderError as error:
        challengers, reason = [], f"what build_challenger loads could not be asked: {error}"
    if plan.profile_name == "mini" and reason is None:
        costly = [name for name in challengers if not mini_file(name, cache, pretraining_seed).is_file()]
        reason = next(filter(None, map(too_long, costly)), None)
    # The slowest to pretrain first.
    names = list(dict.fromkeys([*([] if reason else challengers), *own]))
    reasons: Mapping[str, str] = {}
    try:
        files = provide(names, plan.profile_name, folder, cache, say, pretraining_seed)
    except NoWeights as error:
        files, reasons = error.files, error.reasons
    for name, file in files.items():
        try:
            _state(name, plan.profile_name, file)
        except DataError as error:
            reasons = {**reasons, name: str(error)}
    if missing := [name for name in own if name in reasons]:
        raise DataError(reasons[missing[0]])
    reason = reason or next(iter(reasons.values()), None)
    unavailable = {c.id: reason for c in plan.configurations if reason and c.network["build"] == "challenger"}
    for id, why in unavailable.items():
        say(f"{id} is not trained: {why}")
    usable = {name: file for name, file in files.items() if name not in reasons}
    return replace(plan, weights=usable, unavailable=unavailable)


def chosen(assignment: Assignment, only: str | None) -> tuple[Configuration, ...]:
    """The configurations that `--only` names, by question or by id.

    Raises:
        UsageError: a name fits none.
    """
    if only is None:
        return assignment.configurations
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {name for c in assignment.configurations for name in (c.id, c.question)}
    if not names or set(names) - known:
        raise UsageError(f"--only {only}: choose from {', '.join(sorted(known))}")
    return tuple(c for c in assignment.configurations if c.id in names or c.question in names)


def _profile(options: Namespace, tasks: list[str]) -> str:
    wanted = {"classification": options.faces, "segmentation": options.camvid}
    if options.profile != "auto":
        return str(options.profile)
    return "report" if all(wanted[task] for task in tasks) and _has_gpu() else "mini"


def _device(wanted: str, profile_name: str) -> str:
    if wanted == "cuda" and not _has_gpu():
        raise UsageError("--device cuda: torch sees no GPU on this machine")
    if wanted == "auto":
        # The mini profile is calibrated on CPUs, and too small to gain from a GPU.
        return "cuda" if profile_name == "report" and _has_gpu() else "cpu"
    return wanted


def _has_gpu() -> bool:
    # Imported late: torch takes seconds, and only this question needs it here.
    import torch

    return torch.cuda.is_available()


def _dataset(task: str, profile_name: str, profile: Profile, options: Namespace, cache: Path) -> Dataset:
    if profile_name == "mini":
        from grading.data import generated

        if task == "classification":
            return generated.faces(cache, profile.train_faces, profile.validation_faces)
        assert profile.train_streets is not None
        assert profile.validation_streets is not None
        return generated.streets(cache, profile.train_streets, profile.validation_streets)
    if task == "classification":
        from grading.data.faces import faces

        if options.faces is None:
            raise UsageError("the report profile needs --faces DIR: an image folder, or CelebA as published")
        return faces(
            options.faces,
            cache,
            train_count=profile.train_faces,
            validation_count=profile.validation_faces,
        )
    from grading.data.camvid import camvid

    folder = options.camvid or cache / "CamVid"
    if options.camvid is None and not folder.is_dir():
        raise UsageError("the report profile needs --camvid DIR; `python -m grading fetch camvid` brings it")
    return camvid(folder, cache)


def _check_sizes(configurations: tuple[Configuration, ...], profile_name: str, datasets: dict[str, Dataset]) -> None:
    """Every crop must fit into every picture before any training starts."""
    for configuration in configurations:
        if configuration.task == "segmentation":
            crop = configuration.protocols[profile_name]["crop"]
            images: Images = datasets["segmentation"].train_images
            if images.shapes.min() < crop:
                raise DataError(f"{configuration.id} crops {crop} x {crop}: an image is smaller")


def _check_batches(datasets: dict[str, Dataset], limit: int | None) -> None:
    """A training batch has at least two images, as batch normalisation needs them; see `training/batches.py`."""
    if limit == 1:
        raise UsageError("--limit 1: a training needs at least two images")
    for task, dataset in datasets.items():
        if len(dataset.train_images) < 2:
            raise DataError(f"{task}: a training needs at least two images")


def _withheld(options: Namespace) -> str | None:
    limits = [f"--{name} {getattr(options, name)}" for name in ("epochs", "limit") if getattr(options, name)]
    return f"a trial with {' '.join(limits)}" if limits else None


def _backbones(plan: Plan) -> list[str]:
    """The backbones that the assignment itself needs."""
    builds = {configuration.network["build"] for configuration in plan.configurations}
    return [name for build, name in (("case", "alexnet"), ("fcn8s", ENCODER)) if build in builds]


def _challengers(plan: Plan) -> list[str]:
    """The backbones that the student's challenger asks for."""
    if all(configuration.network["build"] != "challenger" for configuration in plan.configurations):
        return []
    try:
        with Worker(plan.submission, plan.sandbox) as worker:
            return known_challengers(worker.ask("transfer.backbone_names"))
    except (StudentRaised, WorkerStopped):
        return []  # its training will fail with the same error, and say so in the results
