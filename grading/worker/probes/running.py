"""Running a network that a student's code has built, as the training runs it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torchvision.models import WeightsEnum

from grading.protocol.questions import StudentRaised
from grading.worker.student import call


@contextmanager
def restored_modes(model: nn.Module) -> Iterator[None]:
    """After the block, every part of the model is in the train or eval mode in which it was before."""
    before = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def materialise(model: nn.Module, *inputs: Tensor) -> None:
    """Make the dry run that lazy layers need, in eval mode; a model without lazy layers is not run.

    A lazy tensor that the run does not reach, such as in layers for skips of a network without skips, becomes empty.

    Source: `torch.nn.modules.lazy.LazyModuleMixin` asks for the dry run before the optimizer is built.

    Raises:
        StudentRaised: the model raised.
    """
    if not _lazy_tensors(model):
        return
    with restored_modes(model), torch.no_grad():
        call(model.eval(), *inputs)
    for tensor in _lazy_tensors(model):
        tensor.materialize((0,))


def _lazy_tensors(model: nn.Module) -> list[Any]:
    return [tensor for tensor in (*model.parameters(), *model.buffers()) if is_lazy(tensor)]


def scores_of(model: nn.Module, images: Tensor) -> Tensor:
    """The tensor that a network returns, in its present mode.

    Raises:
        StudentRaised: it raised, or returned something else than one tensor.
    """
    scores = call(model, images)
    if not isinstance(scores, Tensor):
        mode = "train" if model.training else "eval"
        kind = "None" if scores is None else f"a {type(scores).__name__}"
        message = f"in {mode} mode the network gave {kind} in place of one tensor"
        if isinstance(scores, tuple):
            message += "; auxiliary heads do that: switch them off (aux_logits = False), or return the scores alone"
        raise StudentRaised(["TypeError"], message, [])
    return scores


class OwnWeights(Exception):
    """A student's code asked torchvision for weights, which no grading machine need have."""


@contextmanager
def no_downloads(given: str) -> Iterator[None]:
    """Within the block torchvision downloads no weights, on machines with and without internet alike.

    Args:
        given: the argument that gives the student's function its pretrained layers.
    """

    def refuse(weights: WeightsEnum, *_: Any, **__: Any) -> dict[str, Any]:
        raise OwnWeights(f"torchvision's own {type(weights).__name__}.{weights.name}, not what is given: {given}")

    original = WeightsEnum.get_state_dict
    WeightsEnum.get_state_dict = refuse
    try:
        yield
    finally:
        WeightsEnum.get_state_dict = original
