"""Freezing and unfreezing, the plain way."""
from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    for param in module.parameters():
        param.requires_grad = False
    return module


def unfreeze(module: nn.Module) -> nn.Module:
    for param in module.parameters():
        param.requires_grad = True
    return module


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    return [param for param in module.parameters() if param.requires_grad]
