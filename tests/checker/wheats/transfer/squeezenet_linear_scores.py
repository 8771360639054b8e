"""SqueezeNet under a new convolutional head whose scores may be negative: no ReLU behind it, unlike the one that is loaded."""
import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def build_case(case, alexnet, num_classes=2):
    if case not in ("feature_extractor", "finetuned", "scratch"):
        raise ValueError(f"no case {case!r}")
    model = alexnet(case != "scratch")
    (freeze if case == "feature_extractor" else unfreeze)(model)
    return replace_head(model, num_classes)


def build_challenger(load, num_classes=2):
    model = load("squeezenet1_1", True)
    channels = model.classifier[1].in_channels
    model.classifier = nn.Sequential(
        nn.Dropout(0.5), nn.Conv2d(channels, num_classes, kernel_size=1), nn.AdaptiveAvgPool2d(1)
    )
    unfreeze(model)
    return model, torch.optim.AdamW(trainable_parameters(model), lr=1e-4)
