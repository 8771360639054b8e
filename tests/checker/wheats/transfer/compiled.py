"""Both networks go through torch.compile."""
import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head

PRETRAINED = {"feature_extractor": True, "finetuned": True, "scratch": False}


def build_case(case, alexnet, num_classes=2):
    if case not in PRETRAINED:
        raise ValueError(f"unknown case {case!r}")
    model = alexnet(PRETRAINED[case])
    if case == "feature_extractor":
        freeze(model)
    return torch.compile(replace_head(model, num_classes))


def build_challenger(load, num_classes=2):
    model = unfreeze(replace_head(load("mobilenet_v2", True), num_classes))
    model = torch.compile(model)
    return model, torch.optim.AdamW(trainable_parameters(model), lr=1e-4)
