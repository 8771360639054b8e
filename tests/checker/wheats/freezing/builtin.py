"""torch already has the in-place switch: use it."""
from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    return module.requires_grad_(False)


def unfreeze(module: nn.Module) -> nn.Module:
    return module.requires_grad_(True)


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    return list(filter(lambda p: p.requires_grad, module.parameters()))
