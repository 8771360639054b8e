"""A head of two layers with batch normalisation between them, behind global pooling."""
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
    model = load("densenet121", True)
    features = model.classifier.in_features
    model.classifier = nn.Sequential(
        nn.Linear(features, 64, bias=False),
        nn.BatchNorm1d(64),
        nn.ReLU(inplace=True),
        nn.Dropout(0.3),
        nn.Linear(64, num_classes),
    )
    unfreeze(model)
    return model, torch.optim.Adam(trainable_parameters(model), lr=3e-4)
