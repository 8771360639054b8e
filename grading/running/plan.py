"""What a run will do: which trainings, on which data, with which weights, and about how long."""

import os
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, cached_property, lru_cache
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Assignment, Configuration, Profile
from grading.assignment.calibration import read_calibration
from grading.backbones.challengers import times_the_reference
from grading.backbones.checkpoint import read_weights
from grading.backbones.weights import ENCODER, how_to_mend
from grading.data.arrays import Dataset, fingerprint
from grading.protocol.handed_out import handed_out_seconds, is_handout
from grading.protocol.sources import sources
from grading.protocol.submission import Submission
from grading.protocol.wire import Plain
from grading.sandbox.tiers import Sandbox, Tier
from grading.scoring.control import secret_order


@dataclass(frozen=True)
class Plan:
    """One run.

    Attributes:
        seeds: trainings of each configuration, at most.
        sequential: whether a configuration that is decided earlier is trained no more.
        withheld: why no verdict will be given; None if one will.
        limit: use only so many training images.
        parallel: trainings at a time, each with `threads` threads; see `grading.running.scheduler`.
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
    sandbox: Tier
    key: bytes
    pictures_by_seed: bool = False
    unavailable: Mapping[str, str] = field(default_factory=dict)

    @property
    def trainable(self) -> tuple[Configuration, ...]:
        """The configurations that can be trained."""
        return tuple(c for c in self.configurations if c.id not in self.unavailable)

    @property
    def gives_no_verdict(self) -> str | None:
        """Why no configuration at all will get a verdict, whatever is handed in; None if one may."""
        reasons = {self.unavailable.get(c.id) for c in self.configurations}
        return self.withheld or (reasons.pop() if len(reasons) == 1 and not self.trainable else None)

    @property
    def profile(self) -> Profile:
        return self.assignment.profiles[self.profile_name]

    @cached_property
    def fingerprint(self) -> str:
        """The submission's, read once: each training, and each choice of the next one, asks for it."""
        return self.submission.fingerprint()

    @property
    def controls(self) -> tuple[Configuration, ...]:
        """The controls of what is trained, in a secret order.

        None in a trial, which gives no verdict, and none in a handout: nobody deceives their own machine.
        """
        if self.withheld or is_handout():
            return ()
        return tuple(c.as_control for c in secret_order(self.key, self.fingerprint, self.trainable))

    def most_seeds(self, configuration: Configuration) -> int:
        """The trainings of a configuration, at most."""
        if not self.sequential:
            return self.seeds
        return min(self.seeds, configuration.most_seeds or self.assignment.gate.most_seeds)

    def trainings(self, controls: Collection[Configuration] = ()) -> Iterator[tuple[Configuration, int]]:
        """Every training, seed by seed, the longest first, so that workers end together. A control has one seed."""
        for seed in range(self.seeds):
            every = self.trainable if seed else (*self.trainable, *controls)
            for configuration in sorted(every, key=lambda c: -self.cost(c)):
                yield configuration, seed

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
            "num_classes": configuration.num_classes,
            "protocol": self.protocol(configuration),
            "profile": self.profile_name,
            "weights": {
                name: pretrained_state(name, self.profile_name, self.weights[name])
                for name in self.backbones(configuration)
            },
            "seed": seed,
            "device": self.device,
            "channels_last": self.device == "cuda",  # slower on most CPUs
            "threads": self.threads,
            "transform_processes": self.transform_processes,
        }

    @property
    def transform_processes(self) -> int:
        """Processes that make pictures ahead of each training: one for each core that no training is meant to have.

        Only in a sandbox: what they need is there on Linux alone.
        """
        if not isinstance(self.sandbox, Sandbox):
            return 0
        return max(0, min(MOST_TRANSFORM_PROCESSES, (os.cpu_count() or 1) // self.parallel - 1))

    def backbones(self, configuration: Configuration) -> list[str]:
        """Whose pretrained weights a configuration may ask for."""
        match configuration.network["build"]:
            case "case":
                return ["alexnet"]
            case "fcn8s":
                return [ENCODER]
            case _:
                return [name for name in self.weights if name != ENCODER]

    def identity(self) -> dict[str, Any]:
        """What two runs must share for one to go on where the other was stopped."""
        return {
            "submission": self.fingerprint,
            "grader": history_code(),
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
            "verified": self.sandbox.verified,
        }

    def _trained_as(self, configuration: Configuration) -> tuple[object, ...]:
        """Whatever of a configuration decides its history."""
        c = configuration
        return (c.id, c.network, c.augmentation, c.classes, c.trains, c.pretrained, c.protocols[self.profile_name])

    def seconds_allowed(self, configuration: Configuration) -> float:
        """Wall time after which a training is stopped: many times what the reference takes.

        Those that share a GPU slow each other down.
        """
        limits = self.assignment.limits
        sharing = self.parallel if self.device == "cuda" else 1
        return limits["training_seconds"] + limits["training_factor"] * self.cost(configuration) * sharing

    def estimated_seconds(self) -> float:
        """Wall time of all trainings: measured in a calibrated profile, computed from the cost table elsewhere.

        A sequential run is counted with the seeds that a right submission needs.
        """
        seeds = min(self.seeds, self.assignment.gate.fewest_seeds) if self.sequential else self.seeds
        first = {control.task: control for control in reversed(self.controls)}
        once = sum(map(self.cost, first.values()))
        return STARTING + (once + seeds * sum(map(self.cost, self.trainable))) / self.parallel

    def cost(self, configuration: Configuration) -> float:
        """Seconds of one training."""
        measured = (read_calibration(self.profile_name) or {}).get(configuration.base)
        handed_out = handed_out_seconds(self.profile_name).get(configuration.base)
        seconds = handed_out if measured is None else measured.seconds
        protocol = configuration.protocols[self.profile_name]
        whole = self._gflop(configuration, int(protocol["epochs"]), None)
        asked = self._gflop(configuration, int(self.protocol(configuration)["epochs"]), self.limit)
        if seconds is not None:
            chosen_here = self.profile_name == "mini" and configuration.network["build"] == "challenger"
            times = times_the_reference(self.backbones(configuration)) if chosen_here else 1.0
            return seconds * asked / whole * times
        throughput = self.assignment.throughput
        speed = throughput["cuda"] if self.device == "cuda" else throughput["cpu_core"] * self.threads
        return asked / speed

    def _gflop(self, configuration: Configuration, epochs: int, limit: int | None) -> float:
        """Of one training: in each epoch a step for each training image and a prediction of each validation image.

        Predicting is a third of the step that trains the whole network; `--limit` does not reduce it.
        """
        data, gflop = self.datasets[configuration.task], self.assignment.gflop
        images, validation = len(data.train_images), len(data.validation_images)
        whole_network = "finetuned" if configuration.network["build"] == "case" else configuration.kind
        steps = gflop[configuration.kind] * min(images, limit or images)
        return epochs * (steps + gflop[whole_network] / 3 * validation)


@lru_cache(maxsize=8)
def pretrained_state(name: str, profile: str, file: str) -> dict[str, NDArray[np.generic]]:
    """The pretrained weights of a backbone, read and checked once for all trainings."""
    return read_weights(name, profile, Path(file), how_to_mend(name, profile))


MOST_TRANSFORM_PROCESSES = 8  # as many as feed one GPU
STARTING = 5.0  # seconds in which the first worker imports torch

# Where a history is made: in the grader, and inside the sandbox.
HISTORY = ("grading.running.training", "grading.worker.serve")


@cache
def history_code() -> str:
    """Changes with the code that a history comes from."""
    return fingerprint(sources(*HISTORY))
