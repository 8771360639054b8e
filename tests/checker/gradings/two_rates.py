"""The cases written out without the other modules; a challenger with AdamW at two rates."""

from torch import nn, optim


def _with_head(model, num_classes):
    names = [name for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    parent, _, attribute = names[-1].rpartition(".")
    old = model.get_submodule(names[-1])
    head = nn.Linear(old.in_features, num_classes)
    setattr(model.get_submodule(parent), attribute, head)
    return head


def build_case(case, alexnet, num_classes=2):
    if case not in ("feature_extractor", "finetuned", "scratch"):
        raise ValueError(case)
    model = alexnet(case != "scratch")
    for parameter in model.parameters():
        parameter.requires_grad = case != "feature_extractor"
    head = _with_head(model, num_classes)
    for parameter in head.parameters():
        parameter.requires_grad = True
    return model


def build_challenger(load, num_classes=2):
    model = load("mobilenet_v2", True)
    head = _with_head(model, num_classes)
    for parameter in model.parameters():
        parameter.requires_grad = True
    own = {id(parameter) for parameter in head.parameters()}
    body = [parameter for parameter in model.parameters() if id(parameter) not in own]
    return model, optim.AdamW(
        [{"params": body, "lr": 7e-4}, {"params": list(head.parameters()), "lr": 2e-3}], weight_decay=1e-2
    )
