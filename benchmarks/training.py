"""One configuration of the assignment, ready to be trained and measured."""

import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import nn

from benchmarks.options import Options
from grading.assignment.assignment import Configuration, read_assignment
from grading.backbones.encoders import mini_vgg_encoder, vgg16_encoder
from grading.backbones.loading import load_classifier
from grading.backbones.weights import ENCODER
from grading.data.arrays import Dataset
from grading.protocol.limits import Limits
from grading.protocol.submission import locate
from grading.protocol.wire import Plain
from grading.running.plan import Plan
from grading.running.training import blinded, training_limits
from grading.sandbox.tiers import Unconfined
from grading.scoring.validation_set import ValidationSet
from grading.worker.student import LocalStudent
from grading.worker.training.memory_format import in_best_format
from grading.worker.training.networks import build_network, example

Optimizer = torch.optim.Optimizer


@dataclass(frozen=True, eq=False)
class Training:
    """A training as a worker gets it, and what the grader keeps.

    Attributes:
        student: `solutions`, in this process.
        limits: of the worker that a grading would start for it.
    """

    job: Plain
    sets: list[ValidationSet]
    limits: Limits
    student: LocalStudent
    device: torch.device

    def network(self) -> tuple[nn.Module, Optimizer]:
        """The network and its optimizer, on the device, as the training loop prepares them."""
        model, optimizer = build_network(self.job, self.student)
        model.to(self.device)
        in_best_format(model, example(self.job).to(self.device), channels_last=self.job["channels_last"])
        return model, optimizer


def prepared(name: str, dataset: Dataset, weights: dict[str, str], epochs: int, options: Options) -> Training:
    """A configuration with the job that a grading would give to a worker.

    Args:
        name: of the configuration.
        weights: files by backbone.
        epochs: that will be asked for.
    """
    torch.set_num_threads(options.computing_threads)
    plan, configuration = _plan(name, dataset, weights, epochs, options)
    sets, job = blinded(plan, configuration, 0)
    student = LocalStudent(plan.submission)
    return Training(job, sets, training_limits(plan, configuration, sets), student, torch.device(options.device))


def random_weights(folder: Path, profile: str, names: Iterable[str]) -> dict[str, str]:
    """Write random weights for each backbone, as a state dict: they take as long as pretrained ones.

    Returns:
        The files by backbone.
    """
    torch.manual_seed(0)
    files = {}
    for name in names:
        files[name] = str(folder / f"{'vgg16_features' if name == ENCODER else name}.safetensors")
        state = _random_network(name, profile).state_dict()
        save_file({key: tensor.contiguous() for key, tensor in state.items()}, files[name])
    return files


def _random_network(name: str, profile: str) -> nn.Module:
    if name == ENCODER:
        return mini_vgg_encoder() if profile == "mini" else vgg16_encoder()
    return load_classifier(profile, name, None, pretrained=False)


def _plan(
    name: str, dataset: Dataset, weights: dict[str, str], epochs: int, options: Options
) -> tuple[Plan, Configuration]:
    """A plan of this configuration alone, which measures every epoch on the data set's validation pictures."""
    assignment = read_assignment()
    configuration = assignment.configuration(name)
    profile = replace(assignment.profiles[options.profile], secret_faces=None, secret_streets=None)
    plan = Plan(
        assignment=replace(assignment, profiles={**assignment.profiles, options.profile: profile}),
        profile_name=options.profile,
        submission=locate("solutions"),
        configurations=(configuration,),
        seeds=1,
        sequential=False,
        device=options.device,
        datasets={configuration.task: dataset},
        weights=weights,
        epochs=epochs,
        limit=None,
        withheld="a benchmark",
        parallel=(os.cpu_count() or 1) if options.profile == "mini" else 1,
        threads=options.computing_threads,
        sandbox=Unconfined(),
        key=b"benchmark",
    )
    return plan, configuration
