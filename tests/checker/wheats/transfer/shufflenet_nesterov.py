"""ShuffleNet with its fc replaced by hand; SGD with Nesterov momentum."""
import torch
import torch.nn as nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head


def build_case(case, alexnet, num_classes=2):
    if case == "scratch":
        return replace_head(alexnet(False), num_classes)
    if case == "finetuned":
        return replace_head(alexnet(True), num_classes)
    if case == "feature_extractor":
        net = freeze(alexnet(True))
        return replace_head(net, num_classes)
    raise ValueError("case should be one of: feature_extractor, finetuned, scratch (got %r)" % case)


def build_challenger(load, num_classes=2):
    net = load("shufflenet_v2_x1_0", True)
    net.fc = nn.Linear(net.fc.in_features, num_classes)
    nn.init.normal_(net.fc.weight, std=0.01)
    nn.init.zeros_(net.fc.bias)
    unfreeze(net)
    return net, torch.optim.SGD(trainable_parameters(net), lr=1e-2, momentum=0.9, nesterov=True)
