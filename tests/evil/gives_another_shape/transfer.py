"""Gives one number for each image, in place of one for each class."""

from torch import nn


def answer(model, inputs, logits):
    return logits if model.training else logits[:, :1]


def build_case(case, alexnet, num_classes=2):
    model = alexnet(True).requires_grad_(False)
    model.classifier[-1] = nn.Linear(model.classifier[-1].in_features, num_classes)
    model.register_forward_hook(answer)
    return model
