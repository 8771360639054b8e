"""Probes of heads.py."""

from typing import Any

import torch
from torch import nn

from grading.backbones.mini import mini_classifier
from grading.probes import attribute, call
from grading.probes.nets import array, build, digest
from grading.workers.wire import Plain


def replace(room: object, *, net: Plain, num_classes: int, inputs: Plain) -> Plain:
    """Replace the head of a small network and run the result."""
    return _replaced(room, build(net), num_classes, torch.from_numpy(inputs), net["seed"])


def replace_torchvision(room: object, *, name: str, frozen: bool, num_classes: int, inputs: Plain, seed: int) -> Plain:
    """Replace the head of a thin torchvision classifier and run the result."""
    return _replaced(room, classifier(name, seed, frozen=frozen), num_classes, torch.from_numpy(inputs), seed)


def classifier(name: str, seed: int, *, frozen: bool = False) -> nn.Module:
    """A thin torchvision classifier in eval mode, the same in every process."""
    torch.manual_seed(seed)
    return mini_classifier(name, 10).requires_grad_(not frozen).eval()


def last_linear(model: nn.Module) -> nn.Linear | None:
    """The last `nn.Linear` in module order."""
    linear = [part for part in model.modules() if isinstance(part, nn.Linear)]
    return linear[-1] if linear else None


def _replaced(room: object, model: nn.Module, num_classes: int, images: torch.Tensor, seed: int) -> Plain:
    old_head = last_linear(model)
    head_ids = set() if old_head is None else {id(parameter) for parameter in old_head.parameters()}
    body = [(name, p, digest(p), p.requires_grad) for name, p in model.named_parameters() if id(p) not in head_ids]
    known = {id(parameter) for parameter in model.parameters()}
    result = call(attribute(room, "replace_head"), model, num_classes, gives=nn.Module)
    head = last_linear(result)
    kept = {id(parameter) for parameter in result.parameters()}
    new = [parameter for parameter in result.parameters() if id(parameter) not in known]
    seen: dict[str, Any] = {
        "lost": [name for name, p, _, _ in body if id(p) not in kept],
        "changed": [name for name, p, before, _ in body if digest(p) != before],
        "requires_grad_changed": [name for name, p, _, before in body if p.requires_grad != before],
        "old_head_kept": bool(head_ids & kept),
        "new_shapes": [list(parameter.shape) for parameter in new],
        "new_trainable": [parameter.requires_grad for parameter in new],
        "head": None
        if head is None
        else {
            "weight": array(head.weight),
            "bias": None if head.bias is None else array(head.bias),
        },
    }
    torch.manual_seed(seed)
    with torch.no_grad():
        seen["logits"] = array(call(result.double(), images.double(), gives=torch.Tensor))
    return seen
