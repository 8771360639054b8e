"""Backbones at full and mini size, from weights that are plain arrays."""

from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision import models

from grading.backbones.encoders import mini_vgg_encoder, vgg16_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier

Weights = Mapping[str, NDArray[np.generic]]  # a state dict by torchvision's names


def load_classifier(profile: str, name: str, weights: Weights | None, *, pretrained: bool) -> nn.Module:
    """Build a torchvision classifier at the size of the profile.

    Args:
        profile: `"report"` for the real network, `"mini"` for its thin version.
        name: the torchvision name.
        weights: what `grading.backbones.weights.read_weights` gave; used where `pretrained`.

    Raises:
        ValueError: torchvision has no such classifier, or no weights were prepared for it.
    """
    if pretrained and weights is None:
        raise ValueError(f"no pretrained weights were prepared for {name!r}")
    if profile == "mini":
        model = mini_classifier(name, PROXY_OUTPUTS)
    elif name in ("googlenet", "inception_v3"):
        # Their auxiliary heads would turn the output into a tuple in train mode.
        model = models.get_model(name, weights=None, aux_logits=pretrained, init_weights=not pretrained)
    else:
        model = models.get_model(name, weights=None)
    if pretrained:
        assert weights is not None
        model.load_state_dict(_tensors(weights))
    if hasattr(model, "aux_logits"):
        model.aux_logits = False  # type: ignore[assignment]
    return model


def load_encoder(profile: str, weights: Weights) -> nn.Module:
    """Build the pretrained VGG encoder at the size of the profile; weights of other layers are left out."""
    encoder = mini_vgg_encoder() if profile == "mini" else vgg16_encoder()
    own = encoder.state_dict()
    encoder.load_state_dict(_tensors({name: array for name, array in weights.items() if name in own}))
    return encoder


def _tensors(weights: Weights) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in weights.items()}
