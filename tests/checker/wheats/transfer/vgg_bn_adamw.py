"""VGG-11 with batch normalisation, its last layer exchanged in place; AdamW."""
import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def build_case(case, alexnet, num_classes=2):
    valid = ["feature_extractor", "finetuned", "scratch"]
    if case not in valid:
        raise ValueError("unknown case, expected one of " + str(valid))
    model = replace_head(alexnet(case != "scratch"), num_classes)
    if case == "feature_extractor":
        freeze(model)
        unfreeze(model.classifier[-1])
    return model


def build_challenger(load, num_classes=2):
    vgg = load("vgg11_bn", True)
    vgg.classifier[6] = nn.Linear(vgg.classifier[6].in_features, num_classes)
    for p in vgg.parameters():
        p.requires_grad = True
    return vgg, torch.optim.AdamW(trainable_parameters(vgg), lr=3e-4)
