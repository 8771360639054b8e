"""Find the old head as an object, then put the new one wherever that object sits."""
import torch.nn as nn


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    linears = [m for m in model.modules() if isinstance(m, nn.Linear)]
    if not linears:
        raise ValueError("nothing to replace: no Linear layer in the model")
    if num_classes <= 0:
        raise ValueError("a classifier needs at least one class")
    old = linears[-1]
    # The new head lives where (and in the precision that) the old one did.
    new = nn.Linear(old.in_features, num_classes, device=old.weight.device, dtype=old.weight.dtype)
    if old is model:
        return new
    for owner in list(model.modules()):
        for key, child in owner._modules.items():
            if child is old:
                owner._modules[key] = new
    return model
