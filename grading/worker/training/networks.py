"""The network and the optimizer of a configuration, built by the student's code from given backbones."""

import inspect
from typing import Any

import torch
from torch import Tensor, nn

from grading.backbones.loading import load_classifier, load_encoder
from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.running import materialise
from grading.worker.student import LocalStudent, attribute, call

OPTIMIZERS: dict[str, Any] = {"SGD": torch.optim.SGD, "Adam": torch.optim.Adam}


def build_network(job: Plain, student: LocalStudent) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Ask the student's code for the network of `job["network"]`, and for its optimizer where that is asked.

    Raises:
        StudentRaised: the student's code raised, or nothing of the network trains.
    """
    weights = job["weights"]

    def load(name: str, pretrained: bool) -> nn.Module:
        return load_classifier(job["profile"], name, weights.get(name) if pretrained else None, pretrained=pretrained)

    network, optimizer = job["network"], None
    match network["build"]:
        case "case":
            build = attribute(student.module("transfer"), "build_case")
            model = call(build, network["case"], lambda pretrained: load("alexnet", pretrained), gives=nn.Module)
        case "challenger":
            build = attribute(student.module("transfer"), "build_challenger")
            model, optimizer = model_and_optimizer(call(build, load, gives=tuple))
        case "fcn8s":
            encoder = load_encoder(job["profile"], weights["encoder"])
            fcn8s = attribute(student.module("fcn"), "FCN8s")
            model = call(fcn8s, encoder, job["num_classes"], skips=network["skips"], gives=nn.Module)
        case other:
            raise ValueError(f"no such network: {other}")
    materialise(model, example(job))
    if optimizer is not None:
        return model, optimizer
    trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
    if not trainable:
        raise StudentRaised(["ValueError"], "no parameter of the network trains: all are frozen", [])
    settings = dict(job["protocol"]["optimizer"])
    # Fused: one pass over a parameter in place of one for each term of its update.
    return model, OPTIMIZERS[settings.pop("name")](trainable, **settings, fused=True)


def model_and_optimizer(answer: Any) -> tuple[nn.Module, torch.optim.Optimizer]:
    """The challenger's two parts.

    Raises:
        StudentRaised: they are something else.
    """
    match answer:
        case (nn.Module() as model, torch.optim.Optimizer() as optimizer):
            pass
        case _:
            raise StudentRaised(["TypeError"], "build_challenger returned no (model, optimizer)", [])
    closure = inspect.signature(optimizer.step).parameters.get("closure")
    if closure is not None and closure.default is inspect.Parameter.empty:
        kind = type(optimizer).__name__
        raise StudentRaised(
            ["TypeError"],
            f"the training calls optimizer.step() without a closure, which {kind} needs: choose another optimizer, "
            "such as SGD or Adam",
            [],
        )
    return model, optimizer


def example(job: Plain) -> Tensor:
    """Two black images of the size that the network is trained on: float32 (2, 3, crop, crop)."""
    crop = job["protocol"]["crop"]
    return torch.zeros(2, 3, crop, crop)


def check_weights(job: Plain) -> None:
    """Load every backbone once, before any of the student's code runs: weights that do not fit are no fault of theirs.

    Raises:
        RuntimeError: weights do not fit.
    """
    for name, weights in job["weights"].items():
        if job["network"]["build"] == "fcn8s":
            load_encoder(job["profile"], weights)
        else:
            load_classifier(job["profile"], name, weights, pretrained=True)


def build_scheduler(optimizer: torch.optim.Optimizer, protocol: Plain) -> torch.optim.lr_scheduler.LRScheduler:
    """The protocol's StepLR, stepped once an epoch; a constant rate where it has none."""
    step = protocol.get("scheduler", {"step_size": protocol["epochs"] + 1, "gamma": 1.0})
    return torch.optim.lr_scheduler.StepLR(optimizer, **step)
