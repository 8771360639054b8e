"""The first challenger of several that can be built at this size; one Linear in place of its classifier of several."""
import torch
from torch import nn

from .freezing import freeze, trainable_parameters, unfreeze
from .heads import replace_head

CANDIDATES = ("inception_v3", "vgg11")


def build_case(case, alexnet, num_classes=2):
    pretrained, frozen = {
        "feature_extractor": (True, True),
        "finetuned": (True, False),
        "scratch": (False, False),
    }.get(case, (None, None))
    if pretrained is None:
        raise ValueError(f"no such case: {case}")
    model = alexnet(pretrained)
    return replace_head((freeze if frozen else unfreeze)(model), num_classes)


def _first(load):
    for name in CANDIDATES:
        try:
            return load(name, True)
        except ValueError:
            continue
    raise RuntimeError(f"none of {CANDIDATES} can be built")


def build_challenger(load, num_classes=2):
    model = _first(load)
    features = next(part for part in model.classifier if isinstance(part, nn.Linear)).in_features
    model.classifier = nn.Linear(features, num_classes)
    unfreeze(model)
    return model, torch.optim.SGD(trainable_parameters(model), lr=1e-3, momentum=0.9)
