"""Right."""

from torch import nn


def build_case(case, alexnet, num_classes=2):
    model = alexnet(case != "scratch").requires_grad_(case != "feature_extractor")
    model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, num_classes)
    return model
