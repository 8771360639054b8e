"""ResNet-50 with dropout before its new fc; Adam with weight decay."""
import torch
import torch.nn as nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def build_case(case, alexnet, num_classes=2):
    if case == "feature_extractor":
        backbone = freeze(alexnet(True))
    elif case == "finetuned":
        backbone = unfreeze(alexnet(True))
    elif case == "scratch":
        backbone = unfreeze(alexnet(False))
    else:
        raise ValueError(f"build_case does not know {case!r}")
    return replace_head(backbone, num_classes)


def build_challenger(load, num_classes=2):
    resnet = load("resnet50", True)
    resnet.fc = nn.Sequential(nn.Dropout(p=0.2), nn.Linear(resnet.fc.in_features, num_classes))
    unfreeze(resnet)
    return resnet, torch.optim.Adam(trainable_parameters(resnet), lr=5e-4, weight_decay=1e-4)
