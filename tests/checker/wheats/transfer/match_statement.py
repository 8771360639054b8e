"""`match`, and the freezing done after the head is in."""
from collections.abc import Callable

import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def _only_head_trains(backbone: nn.Module, num_classes: int) -> nn.Module:
    pretrained = list(backbone.parameters())
    model = replace_head(backbone, num_classes)
    freeze(model)
    for p in model.parameters():
        p.requires_grad = not any(p is q for q in pretrained)
    return model


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    match case:
        case "feature_extractor":
            return _only_head_trains(alexnet(True), num_classes)
        case "finetuned":
            return unfreeze(replace_head(alexnet(True), num_classes))
        case "scratch":
            return unfreeze(replace_head(alexnet(False), num_classes))
        case other:
            raise ValueError(f"no such case: {other}")


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, torch.optim.Optimizer]:
    model = unfreeze(replace_head(load("efficientnet_b0", True), num_classes))
    # No weight decay on biases and on the scales and shifts of the batch normalisations.
    decayed = [p for p in trainable_parameters(model) if p.ndim > 1]
    others = [p for p in trainable_parameters(model) if p.ndim <= 1]
    optimizer = torch.optim.AdamW(
        [{"params": decayed, "weight_decay": 0.05}, {"params": others, "weight_decay": 0.0}], lr=5e-4
    )
    return model, optimizer
