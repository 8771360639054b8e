"""No recursion, no torch helper: an explicit stack of modules, and `named_parameters` with its duplicates."""
from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    stack = [module]
    visited = set()
    while stack:
        current = stack.pop()
        if current in visited:
            continue
        visited.add(current)
        for parameter in current.parameters(recurse=False):
            parameter.requires_grad = False
        stack.extend(current.children())
    return module


def unfreeze(module: nn.Module) -> nn.Module:
    for _, submodule in module.named_modules():
        for _, parameter in submodule.named_parameters(recurse=False):
            parameter.requires_grad = True
    return module


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    result, ids = [], set()
    for _, parameter in module.named_parameters(remove_duplicate=False):
        if not parameter.requires_grad or id(parameter) in ids:
            continue
        ids.add(id(parameter))
        result.append(parameter)
    return result
