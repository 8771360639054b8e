"""A classifier of the test's own under a head with given weights: what a new head makes of the old body."""

import numpy as np
import torch
from torch import nn

from grading.worker.probes.nets import seed_draws

Layer = nn.Linear | nn.Conv2d


def head_of(model: nn.Module) -> Layer:
    """The last Linear in module order; if there is none, as in SqueezeNet, the last convolution."""
    layers = [part for part in model.modules() if isinstance(part, Layer)]
    return next((part for part in reversed(layers) if isinstance(part, nn.Linear)), layers[-1])


def swapped(model: nn.Module, weight: np.ndarray, bias: np.ndarray) -> nn.Module:
    """`model`, whose head is a Linear, with another one in the same place and mode, in float64."""
    old = head_of(model)
    new = nn.Linear(weight.shape[1], len(weight))
    new.load_state_dict({"weight": torch.tensor(weight), "bias": torch.tensor(bias)})
    new.train(old.training)
    name = next(name for name, part in model.named_modules() if part is old)
    if not name:
        return new.double()
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new)
    return model.double()


def logits_of(model: nn.Module, inputs: np.ndarray, seed: int) -> np.ndarray:
    """What a float64 model says, the random draws of dropout fixed by `seed`."""
    seed_draws(seed)
    with torch.no_grad():
        return model(torch.from_numpy(inputs).double()).numpy()
