"""What a classifier must compute after its head was replaced: the old model with the new weight and bias.

The tests build the old model themselves and put into it what they saw of the student's new head.
"""

import numpy as np
import torch
from torch import nn

from grading.worker.probes.nets import seed_draws

Layer = nn.Linear | nn.Conv2d


def head_of(model: nn.Module) -> Layer:
    """The last Linear in module order; if there is none, as in SqueezeNet, the last convolution."""
    layers = [part for part in model.modules() if isinstance(part, Layer)]
    return next((part for part in reversed(layers) if isinstance(part, nn.Linear)), layers[-1])


def name_of(part: nn.Module, model: nn.Module) -> str:
    """The dotted name of a submodule; empty if it is the model itself."""
    names: dict[int, str] = {id(other): name for name, other in model.named_modules()}
    return names[id(part)]


def linear_head_of(model: nn.Module) -> nn.Linear:
    """The head of a model that has a Linear."""
    head = head_of(model)
    assert isinstance(head, nn.Linear)
    return head


def swap_head(model: nn.Module, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
    """Put a Linear with these values in the place of the head, which is a Linear, and in the same mode.

    Args:
        weight: (num_classes, in_features).
        bias: (num_classes,).

    Returns:
        `model` in float64; if the model is itself a Linear, the new one.
    """
    old = linear_head_of(model)
    new = nn.Linear(weight.shape[1], len(weight))
    new.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    new.train(old.training)
    name = name_of(old, model)
    if not name:
        return new.double()
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)
    return model.double()


def logits_of(model: nn.Module, inputs: np.ndarray, seed: int) -> np.ndarray:
    """The logits of a float64 model, (N, classes) float64; `seed` fixes the draws of dropout."""
    seed_draws(seed)
    with torch.no_grad():
        logits: np.ndarray = model(torch.from_numpy(inputs).double()).numpy()
    return logits
