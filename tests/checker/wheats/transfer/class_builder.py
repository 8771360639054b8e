"""A small builder class; a group per parameter tensor, with rates that grow towards the head."""
import torch
from torch import nn

from . import freezing, heads


class _Builder:
    def __init__(self, alexnet, num_classes):
        self.alexnet = alexnet
        self.num_classes = num_classes

    def feature_extractor(self):
        model = self.alexnet(True)
        freezing.freeze(model)
        return heads.replace_head(model, self.num_classes)

    def finetuned(self):
        model = heads.replace_head(self.alexnet(True), self.num_classes)
        freezing.unfreeze(model)
        return model

    def scratch(self):
        model = heads.replace_head(self.alexnet(False), self.num_classes)
        freezing.unfreeze(model)
        return model


def build_case(case, alexnet, num_classes=2):
    builder = _Builder(alexnet, num_classes)
    if case == "feature_extractor":
        return builder.feature_extractor()
    if case == "finetuned":
        return builder.finetuned()
    if case == "scratch":
        return builder.scratch()
    raise ValueError("unknown case " + repr(case))


def build_challenger(load, num_classes=2):
    model = load("resnet50", True)
    model = heads.replace_head(model, num_classes)
    freezing.unfreeze(model)
    parameters = freezing.trainable_parameters(model)
    count = len(parameters)
    groups = [{"params": [p], "lr": 1e-3 * 0.97 ** (count - i)} for i, p in enumerate(parameters)]
    optimizer = torch.optim.Adam(groups, lr=1e-3)
    return model, optimizer
