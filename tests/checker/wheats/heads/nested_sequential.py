"""The head of the report: the old classifier without its last layer, then a new Linear, in a Sequential.

AlexNet's `classifier` becomes Sequential(Sequential(dropout, fc6, relu, dropout, fc7, relu), Linear)."""
from torch import nn


def _last_linear(model):
    found = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    if len(found) == 0:
        raise ValueError("model has no nn.Linear")
    return found[-1]


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    if num_classes < 1:
        raise ValueError("num_classes < 1")
    path, old = _last_linear(model)
    new = nn.Linear(old.in_features, num_classes)
    if not path:
        return new

    *parents, leaf = path.split(".")
    owner = model.get_submodule(".".join(parents))
    if type(owner) is not nn.Sequential:
        setattr(owner, leaf, new)
        return model

    layers = list(owner._modules.values())
    position = [layer is old for layer in layers].index(True)
    body = nn.Sequential(*layers[:position])
    head = nn.Sequential(body, new, *layers[position + 1:])
    body.training = head.training = owner.training
    if not parents:
        return head
    setattr(model.get_submodule(".".join(parents[:-1])), parents[-1], head)
    return model
