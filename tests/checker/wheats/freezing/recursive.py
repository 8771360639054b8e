"""Recursion over the module tree; own parameters first, then the children's."""
from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(False)
    for child in module.children():
        freeze(child)
    return module


def unfreeze(module: nn.Module) -> nn.Module:
    for parameter in module.parameters(recurse=False):
        parameter.requires_grad_(True)
    for child in module.children():
        unfreeze(child)
    return module


def _collect(module: nn.Module, seen: set[int], found: list[nn.Parameter]) -> None:
    for parameter in module.parameters(recurse=False):
        if id(parameter) not in seen:
            seen.add(id(parameter))
            if parameter.requires_grad:
                found.append(parameter)
    for child in module.children():
        _collect(child, seen, found)


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    found: list[nn.Parameter] = []
    _collect(module, set(), found)
    return found
