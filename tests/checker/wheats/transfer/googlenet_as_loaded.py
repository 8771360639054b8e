"""GoogLeNet as it is loaded, under a new fc."""
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
    return replace_head(model, num_classes)


def build_challenger(load, num_classes=2):
    model = load("googlenet", True)
    model.fc = nn.Linear(model.fc.in_features, num_classes)
    for parameter in model.parameters():
        parameter.requires_grad_(True)
    optimizer = torch.optim.SGD(model.parameters(), lr=1e-3, momentum=0.9)
    return model, optimizer
