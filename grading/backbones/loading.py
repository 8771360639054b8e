"""Backbones at full and mini size, from weights that are plain arrays."""

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torchvision import models

from grading.backbones.encoders import VGGEncoder, mini_vgg_encoder, vgg16_encoder
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier

Weights = Mapping[str, NDArray[np.generic]]  # a state dict by torchvision's names


def load_classifier(profile: str, name: str, weights: Weights | None, *, pretrained: bool) -> nn.Module:
    """Build a torchvision classifier at the size of the profile.

    Args:
        profile: `"report"` for the real network, `"mini"` for its thin version.
        name: the torchvision name.
        weights: what `grading.backbones.checkpoint.read_weights` gave; used where `pretrained`.

    Raises:
        ValueError: torchvision has no such classifier, or no weights were prepared for it.
    """
    if pretrained and weights is None:
        raise ValueError(f"no pretrained weights were prepared for {name!r}")
    model = _classifier(profile, name, pretrained=pretrained)
    if pretrained:
        assert weights is not None
        state = OrderedDict(_tensors(weights))
        # The versions of its layers, without which MNASNet refuses any.
        state._metadata = model.state_dict()._metadata  # type: ignore[attr-defined]
        model.load_state_dict(state)
    if hasattr(model, "aux_logits"):
        # Without their auxiliary heads, as torchvision gives them.
        model.aux_logits = False  # type: ignore[assignment]
        for head in ("aux1", "aux2", "AuxLogits"):
            if hasattr(model, head):
                setattr(model, head, None)
    return model


def expected_state(profile: str, name: str) -> dict[str, torch.Tensor]:
    """The names, shapes and dtypes that pretrained weights must have; the tensors hold no values.

    Args:
        name: a torchvision classifier, or `"encoder"`.

    Raises:
        ValueError: there is no such classifier in this profile.
    """
    try:
        with torch.device("meta"):
            return _network(profile, name).state_dict()
    except NotImplementedError:  # RegNet computes its widths with tensors
        return _network(profile, name).state_dict()


def load_encoder(profile: str, weights: Weights) -> VGGEncoder:
    """Build the pretrained VGG encoder at the size of the profile; weights of other layers are left out."""
    encoder = _encoder(profile)
    expected = encoder.state_dict()
    encoder.load_state_dict(_tensors({name: array for name, array in weights.items() if name in expected}))
    return encoder


def _network(profile: str, name: str) -> nn.Module:
    return _encoder(profile) if name == "encoder" else _classifier(profile, name, pretrained=True)


def _classifier(profile: str, name: str, *, pretrained: bool) -> nn.Module:
    if profile == "mini":
        return mini_classifier(name, PROXY_OUTPUTS)
    if name in ("googlenet", "inception_v3"):
        # Their auxiliary heads would turn the output into a tuple in train mode.
        return models.get_model(name, weights=None, aux_logits=pretrained, init_weights=not pretrained)
    return models.get_model(name, weights=None)


def _encoder(profile: str) -> VGGEncoder:
    return mini_vgg_encoder() if profile == "mini" else vgg16_encoder()


def _tensors(weights: Weights) -> dict[str, torch.Tensor]:
    return {name: torch.from_numpy(array) for name, array in weights.items()}
