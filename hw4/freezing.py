"""Freezing parameters, so that a pretrained network can serve as a feature extractor (Q1-1)."""

from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    """Stop every parameter of `module` from collecting gradients (Q1-1).

    In place and idempotent. Values, buffers and train/eval mode stay as they are, and gradient still flows
    *through* the module to its input.

    Args:
        module: any module; its parameters may be shared or already frozen.

    Returns:
        The same object.
    """
    raise NotImplementedError("Q1-1: freeze")


def unfreeze(module: nn.Module) -> nn.Module:
    """Let every parameter of `module` collect gradients again: the reverse of `freeze` (Q1-1).

    In place and idempotent. Values, buffers and train/eval mode stay as they are.

    Args:
        module: any module.

    Returns:
        The same object.
    """
    raise NotImplementedError("Q1-1: unfreeze")


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    """List what an optimizer should get: the parameters with `requires_grad` (Q1-1).

    Args:
        module: any module; parameters may be shared between its submodules.

    Returns:
        Each such parameter object once, in the order of `module.parameters()`; an empty list where all are
        frozen.
    """
    raise NotImplementedError("Q1-1: trainable_parameters")
