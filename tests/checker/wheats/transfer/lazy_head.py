"""A lazy layer as the head: its in_features come from the first images."""
import torch
from torch import nn

from .freezing import freeze, unfreeze
from .heads import replace_head

PRETRAINED = {"feature_extractor": True, "finetuned": True, "scratch": False}


def build_case(case, alexnet, num_classes=2):
    if case not in PRETRAINED:
        raise ValueError(f"unknown case {case!r}")
    model = alexnet(PRETRAINED[case])
    if case == "feature_extractor":
        freeze(model)
    return replace_head(model, num_classes)


def build_challenger(load, num_classes=2):
    model = load("resnet50", True)
    unfreeze(model)
    model.fc = nn.LazyLinear(num_classes)
    return model, torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
