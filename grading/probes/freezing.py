"""Probes of freezing.py."""

import torch
from torch import nn

from grading.probes import attribute, call
from grading.probes.nets import array, build, state
from grading.workers.wire import Plain


def change(room: object, *, function: str, net: Plain, inputs: Plain, times: int = 1) -> Plain:
    """Call `freeze` or `unfreeze` on a network `times` times, then run it forward and backward."""
    model = build(net)
    before = state(model)
    modes = [part.training for part in model.modules()]
    results = [call(attribute(room, function), model, gives=nn.Module) for _ in range(times)]
    after, modes_after = state(model), [part.training for part in model.modules()]
    images = torch.from_numpy(inputs).requires_grad_()
    torch.manual_seed(net["seed"])
    scores = call(model, images, gives=torch.Tensor)
    if scores.requires_grad:
        call(torch.autograd.backward, scores, torch.cos(scores.detach()))
    return {
        "returned_the_same_object": all(result is model for result in results),
        "requires_grad": {name: p.requires_grad for name, p in model.named_parameters()},
        "collected": {name: p.grad is not None for name, p in model.named_parameters()},
        "input_gradient": None if images.grad is None else array(images.grad),
        "state_kept": before == after,
        "modes_kept": modes == modes_after,
    }


def trainable(room: object, *, net: Plain) -> Plain:
    """List the positions, in `parameters()`, of what `trainable_parameters` returns; -1 is none of them."""
    model = build(net)
    positions = {id(parameter): position for position, parameter in enumerate(model.parameters())}
    listed = call(attribute(room, "trainable_parameters"), model, gives=list)
    return [positions.get(id(parameter), -1) for parameter in listed]
