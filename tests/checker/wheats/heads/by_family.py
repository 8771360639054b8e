"""The torchvision families by their attributes, anything else by search; Xavier weights, zero bias."""
import torch
from torch import nn


def _fresh(old: nn.Linear, num_classes: int) -> nn.Linear:
    head = nn.Linear(old.in_features, num_classes).to(old.weight)
    with torch.no_grad():
        nn.init.xavier_uniform_(head.weight)
        head.bias.zero_()
    return head


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    if num_classes < 1:
        raise ValueError("num_classes should be >= 1")
    old = None
    for old in (m for m in model.modules() if isinstance(m, nn.Linear)):
        pass
    if old is None:
        raise ValueError("no nn.Linear in this model")
    head = _fresh(old, num_classes)

    fc = getattr(model, "fc", None)
    classifier = getattr(model, "classifier", None)
    if fc is old:  # ResNet
        model.fc = head
    elif classifier is old:  # DenseNet
        model.classifier = head
    elif isinstance(classifier, nn.Sequential) and len(classifier) and classifier[-1] is old:  # AlexNet, VGG, MobileNetV2
        classifier[-1] = head
    elif model is old:
        model = head
    else:
        name = [n for n, m in model.named_modules() if m is old][0]
        model.set_submodule(name, head)
    return model
