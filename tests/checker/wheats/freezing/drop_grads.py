"""Freezing also throws away the gradients that were collected before, so that an optimizer made earlier
cannot take one more step with a stale gradient."""
from torch import nn


def _set_trainable(module: nn.Module, trainable: bool) -> nn.Module:
    for param in module.parameters():
        param.requires_grad_(trainable)
        if not trainable:
            param.grad = None
    return module


def freeze(module: nn.Module) -> nn.Module:
    """Stop the training of `module`."""
    return _set_trainable(module, False)


def unfreeze(module: nn.Module) -> nn.Module:
    """Let `module` train (again)."""
    return _set_trainable(module, True)


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    """What the optimizer gets."""
    return [*(p for p in module.parameters() if p.requires_grad)]
