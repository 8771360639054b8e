"""What a network is before its training and what has changed after it, as plain numbers.

Seen from within the submission's process, so a submission could forge them: they find mistakes, and nothing is gained
by hiding one. The score is computed elsewhere.
"""

from collections.abc import Mapping
from math import prod

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from grading.protocol.wire import Plain

MOST_LAYERS, MOST_LETTERS = 400, 60  # of a network, for people to look at


class Observed:
    """One network.

    Args:
        model: as the student's code built it, on the CPU.
        pretrained: by backbone, the weights that were given for it.
    """

    def __init__(self, model: nn.Module, pretrained: Mapping[str, Mapping[str, NDArray[np.generic]]]) -> None:
        self._model = model
        self._trainable = {
            name: parameter.detach().clone() for name, parameter in model.named_parameters() if parameter.requires_grad
        }
        shares = [_pretrained_parameters(model, kernels(weights)) for weights in pretrained.values()]
        self._pretrained, self._share = max(shares, key=lambda share: share[1], default=({}, 0.0))

    def built(self) -> Plain:
        """Before the training.

        Returns:
            `parameters` and `trainable`: numbers of elements; `kept`: the share of a backbone's pretrained
            convolution weights that are in the network, of the backbone with the largest.
        """
        return {
            "parameters": sum(parameter.numel() for parameter in self._model.parameters()),
            "trainable": sum(before.numel() for before in self._trainable.values()),
            "kept": self._share,
        }

    def layers(self) -> Plain:
        """The modules that have parameters of their own, at most MOST_LAYERS, for people to look at.

        Returns:
            For each its name, its class, the shape of its largest parameter, and the numbers of elements of its
            parameters and of those that train. Nothing if the student's modules do not allow it.
        """
        try:
            owners = [(name, module) for name, module in self._model.named_modules() if module._parameters]
            return [_layer(name, module) for name, module in owners[:MOST_LAYERS]]
        except Exception:  # a module may have any attributes: that must not cost the training
            return []

    def trained(self) -> Plain:
        """After the training.

        Returns:
            `trained`: the share of what was trainable that has changed, tensor by tensor; `moved`: the same of the
            pretrained convolution weights.
        """
        return {"trained": self._changed(self._trainable), "moved": self._changed(self._pretrained)}

    def _changed(self, before: Mapping[str, Tensor]) -> float:
        after = dict(self._model.named_parameters())
        changed = sum(
            tensor.numel()
            for name, tensor in before.items()
            if name not in after or not torch.equal(after[name].detach().cpu(), tensor)
        )
        return changed / max(1, sum(tensor.numel() for tensor in before.values()))


def _layer(name: str, module: nn.Module) -> Plain:
    own = [parameter for parameter in module._parameters.values() if parameter is not None]
    shape = max((list(parameter.shape) for parameter in own), key=prod, default=[])
    elements = sum(parameter.numel() for parameter in own)
    trains = sum(parameter.numel() for parameter in own if parameter.requires_grad)
    return [name[:MOST_LETTERS], type(module).__name__[:MOST_LETTERS], shape, elements, trains]


def kernels(weights: Mapping[str, NDArray[np.generic]]) -> list[Tensor]:
    """The convolution weights of a state dict, as float32."""
    return [torch.from_numpy(np.asarray(array, dtype=np.float32)) for array in weights.values() if array.ndim == 4]


def _pretrained_parameters(model: nn.Module, pretrained: list[Tensor]) -> tuple[dict[str, Tensor], float]:
    """The parameters of a network that have a pretrained value, and the share of the values that are in the network."""
    matches: dict[str, Tensor] = {}
    elements = 0
    parameters = {name: parameter.detach() for name, parameter in model.named_parameters()}
    for tensor in pretrained:
        same = [name for name, value in parameters.items() if name not in matches and torch.equal(value, tensor)]
        matches |= dict.fromkeys(same, tensor)
        elements += tensor.numel() if same else 0
    return matches, elements / max(1, sum(tensor.numel() for tensor in pretrained))
