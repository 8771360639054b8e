"""An old-style wrapper, which flattens with `view`, around the features of a VGG; Adagrad."""
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


class Challenger(nn.Module):
    def __init__(self, vgg, num_classes):
        super().__init__()
        self.features = vgg.features
        self.pool = vgg.avgpool
        first = next(layer for layer in vgg.classifier if isinstance(layer, nn.Linear))
        self.fc = nn.Sequential(
            nn.Linear(first.in_features, 128), nn.ReLU(True), nn.Dropout(), nn.Linear(128, num_classes)
        )

    def forward(self, x):
        x = self.pool(self.features(x))
        x = x.view(x.size(0), -1)
        return self.fc(x)


def build_challenger(load, num_classes=2):
    model = Challenger(load("vgg13", True), num_classes)
    unfreeze(model)
    return model, torch.optim.Adagrad(trainable_parameters(model), lr=1e-3)
