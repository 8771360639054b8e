"""Only what has to be changed is: a network that is loaded trains as a whole already."""
from torch import optim

from .freezing import freeze
from .heads import replace_head

PRETRAINED = {"feature_extractor": True, "finetuned": True, "scratch": False}


def build_case(case, alexnet, num_classes=2):
    if case not in PRETRAINED:
        raise ValueError(f"{case!r} is none of {', '.join(PRETRAINED)}")
    network = alexnet(PRETRAINED[case])
    if case == "feature_extractor":
        freeze(network)
    return replace_head(network, num_classes)


def build_challenger(load, num_classes=2):
    network = replace_head(load("densenet121", True), num_classes)
    return network, optim.SGD(network.parameters(), lr=0.001, momentum=0.9)
