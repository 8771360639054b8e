"""Freezing parameters, so that a pretrained network can serve as a feature extractor (Q1-1)."""

from torch import nn


def freeze(module: nn.Module) -> nn.Module:
    """Stop every parameter of `module` from collecting gradients (Q1-1).

    It works in place and is idempotent, whatever was frozen or unfrozen before, by these functions or by hand. Values,
    buffers and the train/eval mode of every submodule stay as they are, and gradient still flows *through* the module
    to its input.

    Args:
        module: any module, also a single layer, or one without parameters. Its layers may be of any kind and name,
            nested or not. Its parameters may be of any shape, sit beside submodules, be shared or already frozen.

    Returns:
        The same object.
    """
    raise NotImplementedError("Q1-1: freeze")


def unfreeze(module: nn.Module) -> nn.Module:
    """Let every parameter of `module` collect gradients again: the reverse of `freeze` (Q1-1).

    It works in place and is idempotent, whatever was frozen or unfrozen before, by these functions or by hand:
    afterwards every parameter trains. Values, buffers and the train/eval mode of every submodule stay as they are.

    Args:
        module: any module, as for `freeze`.

    Returns:
        The same object.
    """
    raise NotImplementedError("Q1-1: unfreeze")


def trainable_parameters(module: nn.Module) -> list[nn.Parameter]:
    """List what an optimizer should get: the parameters with `requires_grad` (Q1-1).

    Args:
        module: any module, as for `freeze`; parameters may be shared between its submodules.

    Returns:
        Every parameter object that has `requires_grad` at the time of the call, whether or not it holds a gradient:
        each once, in the order of `module.parameters()`. An empty list if there is none.
    """
    raise NotImplementedError("Q1-1: trainable_parameters")
