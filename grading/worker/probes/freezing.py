"""Probes of freezing.py."""

from typing import Any

import torch
from torch import nn

from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, build, flags, modes, seed_draws, state
from grading.worker.student import attribute, call


def change(module: object, *, function: str, net: Plain, inputs: Plain, times: int = 1) -> Plain:
    """Call `freeze` or `unfreeze` on a network `times` times, then run it forward and backward.

    Returns:
        The network after the calls (`requires_grad`, `state`, `modes`, by name). After the backward pass,
        `collected`: which parameters hold a gradient, and `input_gradient`.
    """
    model = build(net)
    before = list(model.parameters())
    results = [call(attribute(module, function), model, gives=nn.Module) for _ in range(times)]
    seen: dict[str, Any] = {
        "returned_the_same_object": all(result is model for result in results),
        "kept_its_parameters": list(map(id, model.parameters())) == list(map(id, before)),
        "requires_grad": flags(model),
        "state": state(model),
        "modes": modes(model),
    }
    batch = torch.from_numpy(inputs).requires_grad_()
    seed_draws(net["seed"])
    scores = call(model, batch, gives=torch.Tensor)
    if scores.requires_grad:
        call(torch.autograd.backward, scores, torch.cos(scores.detach()))
    return {
        **seen,
        "collected": {name: p.grad is not None for name, p in model.named_parameters()},
        "input_gradient": None if batch.grad is None else array(batch.grad),
    }


def in_turn(module: object, *, functions: Plain, net: Plain) -> Plain:
    """Call `freeze` and `unfreeze` on one network, one after another.

    Args:
        functions: the names of what is called; `"by hand"` flips `requires_grad` of the first parameter instead.

    Returns:
        After each, `requires_grad` by name, and what `trainable` gives.
    """
    model = build(net)
    first = next(model.parameters())
    seen = []
    for function in functions:
        if function == "by hand":
            first.requires_grad_(not first.requires_grad)
        else:
            call(attribute(module, function), model, gives=nn.Module)
        seen.append({"requires_grad": flags(model), "trainable": _listed(module, model)})
    return seen


def trainable(module: object, *, net: Plain, after_a_step: bool = False) -> Plain:
    """What `trainable_parameters` returns, as positions in `parameters()`; -1 for anything else.

    Args:
        after_a_step: whether all parameters hold a gradient, as after a training step in which less was frozen.
    """
    model = build(net)
    if after_a_step:
        for parameter in model.parameters():
            parameter.grad = torch.ones_like(parameter)
    return _listed(module, model)


def _listed(module: object, model: nn.Module) -> list[int]:
    parameters = list(model.parameters())
    positions = {id(parameter): position for position, parameter in enumerate(parameters)}
    listed = call(attribute(module, "trainable_parameters"), model, gives=list)
    return [positions.get(id(parameter), -1) for parameter in listed]
