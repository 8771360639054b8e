"""Walk the names, cut the last Linear out, put a fresh one in its place."""
from torch import nn


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, not {num_classes}")

    head_name, head = None, None
    for name, module in model.named_modules():
        if isinstance(module, nn.Linear):
            head_name, head = name, module
    if head is None:
        raise ValueError("the model has no nn.Linear")

    new_head = nn.Linear(head.in_features, num_classes)
    if head_name == "":
        return new_head  # the model was one single Linear
    parent_name, _, attribute = head_name.rpartition(".")
    parent = model.get_submodule(parent_name)
    setattr(parent, attribute, new_head)
    return model
