"""Probes of heads.py."""

from collections.abc import Mapping

import torch
from torch import nn

from grading.backbones.mini import mini_classifier
from grading.protocol.questions import StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, build, default_dtype, digest, seed_draws
from grading.worker.probes.running import materialise
from grading.worker.student import attribute, call


def replace(module: object, *, net: Plain, num_classes: int, inputs: Plain) -> Plain:
    """Replace the head of a small network and run the result."""
    return _replace_and_run(module, build(net), num_classes, torch.from_numpy(inputs), net["seed"])


def replace_torchvision(
    module: object, *, name: str, frozen: bool, training: bool, num_classes: int, inputs: Plain, seed: int
) -> Plain:
    """Replace the head of a thin torchvision classifier and run the result."""
    model = classifier(name, seed, frozen=frozen, training=training)
    return _replace_and_run(module, model, num_classes, torch.from_numpy(inputs), seed)


def classifier(name: str, seed: int, *, frozen: bool = False, training: bool = False) -> nn.Module:
    """A thin torchvision classifier with running statistics as after a training, the same in every process."""
    seed_draws(seed)
    model = mini_classifier(name, 10).requires_grad_(not frozen).train(training)
    for buffer_name, buffer in model.named_buffers():
        if buffer_name.endswith("running_mean"):
            buffer.normal_(std=0.1)
    return model


def replace_again(module: object, *, net: Plain, num_classes: int, inputs: Plain) -> Plain:
    """Replace the head of a small network, then that of the result."""
    with default_dtype(torch.float64):
        replaced = call(attribute(module, "replace_head"), build(net), num_classes + 1, gives=nn.Module)
    return _replace_and_run(module, replaced, num_classes, torch.from_numpy(inputs), net["seed"])


def replace_twice(module: object, *, net: Plain, num_classes: int) -> Plain:
    """Replace the heads of two networks of the same specification, and count the parameters that they then share."""
    models = [call(attribute(module, "replace_head"), build(net), num_classes, gives=nn.Module) for _ in range(2)]
    first, second = ({id(parameter) for parameter in model.parameters()} for model in models)
    return len(first & second)


def _replace_and_run(module: object, model: nn.Module, num_classes: int, inputs: torch.Tensor, seed: int) -> Plain:
    """Replace the head, materialise a lazy one, and run the result forward and backward, all in the model's dtype.

    Returns:
        `parameters`: of every parameter of the result, its position in the `parameters()` that the model had before
        (-1: it is new), digest, `requires_grad`, the values of a new one, and whether it then collects a gradient;
        `buffers`: their digests; `logits`, or the `error` in their place.
    """
    before = list(model.parameters())  # kept alive, so that no new parameter gets the id of one that is gone
    positions = {id(parameter): position for position, parameter in enumerate(before)}
    dtype = next((parameter.dtype for parameter in before), torch.float64)
    with default_dtype(dtype):
        result = call(attribute(module, "replace_head"), model, num_classes, gives=nn.Module)
        materialise(result, inputs.to(dtype))
    parameters = list(result.parameters())
    descriptions = [_described(parameter, positions) for parameter in parameters]
    seen: dict[str, Plain] = {
        "parameters": descriptions,
        "buffers": [digest(buffer) for buffer in result.buffers()],
    }
    seed_draws(seed)
    try:
        with default_dtype(dtype):
            logits = call(result.to(dtype), inputs.to(dtype), gives=torch.Tensor)
    except StudentRaised as error:  # the parameters may say why
        return {**seen, "error": str(error)}
    if logits.requires_grad:
        call(torch.autograd.backward, logits, torch.cos(logits.detach()))
    for description, parameter in zip(descriptions, parameters, strict=True):
        description["collected"] = parameter.grad is not None
    return {**seen, "logits": array(logits)}


def _described(parameter: nn.Parameter, positions: Mapping[int, int]) -> dict[str, Plain]:
    """A parameter of the result, before it is run."""
    return {
        "position": positions.get(id(parameter), -1),
        "digest": digest(parameter),
        "trains": parameter.requires_grad,
        "values": None if id(parameter) in positions else array(parameter),
    }
