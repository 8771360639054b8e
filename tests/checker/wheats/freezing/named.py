"""Walks the named parameters."""
from __future__ import annotations

import torch.nn as nn


def freeze(module: nn.Module) -> nn.Module:
    for name, tensor in module.named_parameters():
        tensor.requires_grad_(False)
    return module


def unfreeze(module: nn.Module) -> nn.Module:
    for name, tensor in module.named_parameters():
        tensor.requires_grad_(True)
    return module


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    trainable = []
    for name, tensor in module.named_parameters():
        if tensor.requires_grad:
            trainable.append(tensor)
    return trainable
