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
def modes_kept(model: nn.Module) -> Iterator[None]:
    """Afterwards every part of the model is in the train or eval mode that it was in before."""
    before = [(part, part.training) for part in model.modules()]
    try:
        yield
    finally:
        for part, training in before:
            part.training = training


def materialise(model: nn.Module, *inputs: Tensor) -> None:
    """Make the dry run that lazy layers ask for, in eval mode; a model without lazy layers is not run.

    What the run does not reach, such as layers for skips in a network without them, is empty afterwards.

    Source: `torch.nn.modules.lazy.LazyModuleMixin`, which asks for it before the optimizer is built.

    Raises:
        StudentRaised: the model raised.
    """
    if not _lazy_tensors(model):
        return
    with modes_kept(model), torch.no_grad():
        call(model.eval(), *inputs)
    for tensor in _lazy_tensors(model):
        tensor.materialize((0,))


def _lazy_tensors(model: nn.Module) -> list[Any]:
    return [tensor for tensor in (*model.parameters(), *model.buffers()) if is_lazy(tensor)]


def scores_of(model: nn.Module, images: Tensor) -> Tensor:
    """What a network gives, in the mode that it is in.

    Raises:
        StudentRaised: it raised, or gave something else than one tensor.
    """
    scores = call(model, images)
    if not isinstance(scores, Tensor):
        mode = "train" if model.training else "eval"
        what = "None" if scores is None else f"a {type(scores).__name__}"
        told = f"in {mode} mode the network gave {what} in place of one tensor"
        if isinstance(scores, tuple):
            told += "; auxiliary heads do that: switch them off (aux_logits = False), or return the scores alone"
        raise StudentRaised(["TypeError"], told, [])
    return scores


class OwnWeights(Exception):
    """A student's code asked torchvision for weights, which no grading machine need have."""


@contextmanager
def given_only(given: str) -> Iterator[None]:
    """Refuse to download torchvision's weights, on machines with and without internet alike.

    Args:
        given: what the student's function is given to build on.
    """

    def refuse(weights: WeightsEnum, *_: Any, **__: Any) -> dict[str, Any]:
        raise OwnWeights(f"torchvision's own {type(weights).__name__}.{weights.name}, not what is given: {given}")

    original = WeightsEnum.get_state_dict
    WeightsEnum.get_state_dict = refuse
    try:
        yield
    finally:
        WeightsEnum.get_state_dict = original
