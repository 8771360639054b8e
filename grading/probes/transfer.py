"""Probes of transfer.py."""

from typing import Any

import torch
from torch import nn

from grading.probes import StudentRaised, attribute, call
from grading.probes.heads import classifier, last_linear
from grading.probes.nets import array, digest
from grading.workers.wire import Plain

PRETRAINED_SEED, FRESH_SEED = 101, 202


def backbone(name: str, pretrained: bool, *, frozen: bool = False) -> nn.Module:
    """A thin classifier whose values tell whether the pretrained or the fresh one was asked for."""
    return classifier(name, PRETRAINED_SEED if pretrained else FRESH_SEED, frozen=frozen)


def case(room: object, *, case: str, num_classes: int | None, inputs: Plain, frozen: bool = False) -> Plain:
    """Build one case of transfer learning and run it in eval mode.

    `frozen` builds the backbone with all its parameters frozen, as a careless loader might.
    """
    calls: list[bool] = []

    def alexnet(pretrained: bool) -> nn.Module:
        calls.append(bool(pretrained))
        return backbone("alexnet", bool(pretrained), frozen=frozen)

    classes = {} if num_classes is None else {"num_classes": num_classes}
    model = call(attribute(room, "build_case"), case, alexnet, **classes, gives=nn.Module)
    return {"calls": calls, **_seen(model, inputs)}


def challenger(room: object, *, num_classes: int | None, inputs: Plain) -> Plain:
    """Build the challenger and its optimizer and run the model in eval mode."""
    calls: list[Any] = []

    def load(name: str, pretrained: bool) -> nn.Module:
        calls.append([str(name), bool(pretrained)])
        return backbone(name, bool(pretrained))

    classes = {} if num_classes is None else {"num_classes": num_classes}
    answer = call(attribute(room, "build_challenger"), load, **classes, gives=tuple)
    if len(answer) != 2:
        raise StudentRaised(["TypeError"], f"build_challenger returned {len(answer)} values in place of 2", [])
    model, optimizer = answer
    for part, kind in ((model, nn.Module), (optimizer, torch.optim.Optimizer)):
        if not isinstance(part, kind):
            raise StudentRaised(["TypeError"], f"a {type(part).__name__} in place of a {kind.__name__}", [])
    optimized = [id(parameter) for group in optimizer.param_groups for parameter in group["params"]]
    trainable = {id(parameter) for parameter in model.parameters() if parameter.requires_grad}
    return {
        "calls": calls,
        "convolutions": sum(isinstance(part, nn.Conv2d) for part in model.modules()),
        "optimized_twice": len(optimized) - len(set(optimized)),
        "optimized_but_not_trainable": len(set(optimized) - trainable),
        "trainable_but_not_optimized": len(trainable - set(optimized)),
        **_seen(model, inputs),
    }


def backbone_names(room: object) -> Plain:
    """The torchvision names that the challenger loads with pretrained weights."""
    names: list[str] = []

    def load(name: str, pretrained: bool) -> nn.Module:
        if pretrained:
            names.append(str(name))
        return backbone(name, bool(pretrained))

    call(attribute(room, "build_challenger"), load)
    return names


def _seen(model: nn.Module, inputs: Plain) -> dict[str, Plain]:
    head = last_linear(model)
    seen: dict[str, Plain] = {
        "parameters": [[digest(p), list(p.shape), p.requires_grad] for p in model.parameters()],
        "head": None if head is None or head.bias is None else {"weight": array(head.weight), "bias": array(head.bias)},
    }
    with torch.no_grad():
        seen["logits"] = array(call(model.eval(), torch.from_numpy(inputs), gives=torch.Tensor))
    return seen
