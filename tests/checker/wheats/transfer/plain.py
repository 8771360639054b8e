"""Straight from the handout."""
from typing import Callable

import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    if case == "feature_extractor":
        model = alexnet(True)
        freeze(model)
        model = replace_head(model, num_classes)
    elif case == "finetuned":
        model = alexnet(True)
        model = replace_head(model, num_classes)
        unfreeze(model)
    elif case == "scratch":
        model = alexnet(False)
        model = replace_head(model, num_classes)
        unfreeze(model)
    else:
        raise ValueError(f"unknown case: {case!r}")
    return model


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = load("mobilenet_v2", True)
    model = replace_head(model, num_classes)
    unfreeze(model)
    optimizer = torch.optim.Adam(trainable_parameters(model), lr=1e-4)
    return model, optimizer
