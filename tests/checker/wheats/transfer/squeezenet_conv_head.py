"""A challenger whose head is no Linear layer: SqueezeNet classifies with a 1x1 convolution."""
from typing import Callable

import torch
from torch import nn

from .freezing import freeze, unfreeze
from .heads import replace_head


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    builders = {
        "feature_extractor": lambda: freeze(alexnet(True)),
        "finetuned": lambda: unfreeze(alexnet(True)),
        "scratch": lambda: unfreeze(alexnet(False)),
    }
    try:
        builder = builders[case]
    except KeyError:
        raise ValueError(f"unknown case {case!r}") from None
    return replace_head(builder(), num_classes)


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = load("squeezenet1_1", True)
    old = model.classifier[1]
    model.classifier[1] = nn.Conv2d(old.in_channels, num_classes, kernel_size=1)
    model.num_classes = num_classes
    unfreeze(model)
    return model, torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9, nesterov=True)
