"""Backbones at full and mini size, from files of weights."""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torchvision import models

from grading.backbones.encoders import mini_vgg_encoder, vgg16_encoder
from grading.backbones.mini import mini_classifier
from grading.backbones.proxy import NUM_OUTPUTS


def load_classifier(profile: str, name: str, weights: str | None, *, pretrained: bool) -> nn.Module:
    """Build a torchvision classifier at the size of the profile.

    Args:
        profile: `"report"` for the real network, `"mini"` for its thin version.
        name: the torchvision name.
        weights: the file that `grading.backbones.weights.provide` made; used where `pretrained`.

    Raises:
        ValueError: torchvision has no such classifier, or no weights were prepared for it.
    """
    if pretrained and weights is None:
        raise ValueError(f"no pretrained weights were prepared for {name!r}")
    if profile == "mini":
        model = mini_classifier(name, NUM_OUTPUTS)
    elif name in ("googlenet", "inception_v3"):
        # Their auxiliary heads would turn the output into a tuple in train mode.
        model = models.get_model(name, weights=None, aux_logits=pretrained, init_weights=not pretrained)
    else:
        model = models.get_model(name, weights=None)
    if pretrained:
        assert weights is not None
        model.load_state_dict(read_weights(Path(weights)))
    if hasattr(model, "aux_logits"):
        model.aux_logits = False  # type: ignore[assignment]
    return model


def load_encoder(profile: str, weights: str) -> nn.Module:
    """Build the pretrained VGG encoder at the size of the profile; weights of other layers are left out."""
    encoder = mini_vgg_encoder() if profile == "mini" else vgg16_encoder()
    own = encoder.state_dict()
    given = read_weights(Path(weights))
    encoder.load_state_dict({name: tensor for name, tensor in given.items() if name in own})
    return encoder


def read_weights(path: Path) -> dict[str, Tensor]:
    """A state dict from `.safetensors` or torch's own format, floating point as float32."""
    if path.suffix == ".safetensors":
        state = load_file(path)
    else:
        state = torch.load(path, map_location="cpu", weights_only=True)
    return {name: tensor.float() if tensor.is_floating_point() else tensor for name, tensor in state.items()}
