"""The three cases as a table; ResNet-34 with two learning rates as the challenger."""
from __future__ import annotations

from typing import Callable, NamedTuple

import torch
from torch import nn, optim

from . import freezing, heads


class Case(NamedTuple):
    pretrained: bool
    body_trains: bool


CASES = {
    "feature_extractor": Case(pretrained=True, body_trains=False),
    "finetuned": Case(pretrained=True, body_trains=True),
    "scratch": Case(pretrained=False, body_trains=True),
}


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    if case not in CASES:
        raise ValueError(f"case must be one of {', '.join(CASES)}, got {case!r}")
    recipe = CASES[case]
    backbone = alexnet(recipe.pretrained)
    prepare = freezing.unfreeze if recipe.body_trains else freezing.freeze
    return heads.replace_head(prepare(backbone), num_classes)


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, optim.Optimizer]:
    backbone = freezing.unfreeze(load("resnet34", True))
    before = list(backbone.parameters())
    model = heads.replace_head(backbone, num_classes)
    known = {id(p) for p in before}
    body = [p for p in model.parameters() if id(p) in known]
    head = [p for p in model.parameters() if id(p) not in known]
    # The fresh head may move ten times as fast as the pretrained body.
    optimizer = optim.SGD(
        [{"params": body, "lr": 1e-3}, {"params": head, "lr": 1e-2}],
        momentum=0.9,
    )
    return model, optimizer
