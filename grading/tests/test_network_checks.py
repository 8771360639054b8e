"""Exact checks of a network before and after its training: mistakes that its accuracy may hide."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import nn

from grading.assignment.assignment import read_assignment
from grading.scoring.network_checks import NetworkCheckFailed, check_built, check_trained
from grading.worker.training.observed import Observed

Build = Callable[[nn.Sequential], nn.Sequential]
Train = Callable[[nn.Sequential], object]

ASSIGNMENT = read_assignment()
HEAD = 2 * (4 + 1)


def network() -> nn.Sequential:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv2d(3, 4, 3), nn.Conv2d(4, 4, 3), nn.Flatten(), nn.Linear(4, 2))


def weights(model: nn.Module) -> dict[str, dict[str, np.ndarray]]:
    return {"alexnet": {name: tensor.numpy().copy() for name, tensor in model.state_dict().items()}}


def freeze_body(model: nn.Sequential) -> nn.Sequential:
    model[:-1].requires_grad_(False)
    return model


def reinitialise(model: nn.Sequential) -> nn.Sequential:
    for layer in model[:2]:
        assert isinstance(layer, nn.Conv2d)
        layer.reset_parameters()
    return model


def complaint_of(id: str, build: Build, train: Train) -> str:
    """The error about a pretrained network that is built and trained in this way, or an empty text."""
    configuration = ASSIGNMENT.configuration(id)
    model = network()
    given = weights(model)
    observed = Observed(build(model), given)
    try:
        check_built(configuration, observed.built(), HEAD)
        train(model)
        check_trained(configuration, observed.trained())
    except NetworkCheckFailed as error:
        return str(error)
    return ""


def step(model: nn.Module, *, only: str = "", rate: float = 0.1) -> None:
    for name, parameter in model.named_parameters():
        if parameter.requires_grad and name.startswith(only):
            parameter.data += rate


@pytest.mark.parametrize(
    ("id", "build"),
    [
        ("Q1-1", freeze_body),
        ("Q1-2", lambda m: m),
        ("Q1-3", reinitialise),
        ("Q1-8", lambda m: m),
        ("Q2-1-skips", lambda m: m),
    ],
)
def test_the_networks_of_the_assignment_pass(id: str, build: Build) -> None:
    assert complaint_of(id, build, step) == ""


@pytest.mark.parametrize(
    ("id", "build", "train", "message"),
    [
        ("Q1-1", lambda m: m, step, "only the new head trains: 10 parameters"),
        ("Q1-1", lambda m: m.requires_grad_(False), step, "0 trainable parameters"),
        ("Q1-1", lambda m: freeze_body(reinitialise(m)), step, "0% of the pretrained convolution weights"),
        ("Q1-1", freeze_body, lambda m: m[0].weight.data.add_(1), "every parameter has the value"),
        ("Q1-2", freeze_body, step, "all 270 parameters train"),
        ("Q1-2", reinitialise, step, "starts from the pretrained weights"),
        ("Q1-2", lambda m: m, lambda m: step(m, only="3"), "pretrained layers are trained too"),
        ("Q1-2", lambda m: m, lambda m: step(m, rate=0.0), "learning rate 0"),
        ("Q1-3", lambda m: m, step, "starts from random weights"),
        ("Q2-1-skips", lambda m: m, lambda m: step(m, only="3"), "detach or no_grad"),
    ],
)
def test_a_mistake_is_named(id: str, build: Build, train: Train, message: str) -> None:
    assert message in complaint_of(id, build, train)


def test_a_frozen_backbone_that_changes_is_named() -> None:
    def train(model: nn.Module) -> None:
        step(model)
        next(model.parameters()).data += 1

    assert "frozen backbone keeps its weights" in complaint_of("Q1-1", freeze_body, train)


@pytest.mark.parametrize("account", [None, {}, {"parameters": "many"}, {"trained": float("nan"), "moved": 1.0}])
def test_a_missing_account_does_not_pass(account: object) -> None:
    with pytest.raises(NetworkCheckFailed):
        check_built(ASSIGNMENT.configuration("Q1-2"), account, HEAD)
    with pytest.raises(NetworkCheckFailed):
        check_trained(ASSIGNMENT.configuration("Q1-2"), account)
