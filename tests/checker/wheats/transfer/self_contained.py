"""No sibling modules: the new head is set on AlexNet and DenseNet by their known attributes."""
import torch
import torch.nn as nn


def build_case(case, alexnet, num_classes=2):
    if case not in ("feature_extractor", "finetuned", "scratch"):
        raise ValueError("case must be feature_extractor, finetuned or scratch")
    model = alexnet(case != "scratch")
    for param in model.parameters():
        param.requires_grad = case != "feature_extractor"
    # AlexNet: Dropout, Linear, ReLU, Dropout, Linear, ReLU, Linear
    last = len(model.classifier) - 1
    model.classifier[last] = nn.Linear(model.classifier[last].in_features, num_classes)
    return model


def build_challenger(load, num_classes=2):
    model = load("densenet121", True)
    for param in model.parameters():
        param.requires_grad = True
    model.classifier = nn.Linear(model.classifier.in_features, num_classes)
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=1e-2)
    return model, optimizer
