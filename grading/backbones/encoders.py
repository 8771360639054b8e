"""VGG16's convolutional part as an encoder with five taps, at full and mini size."""

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

# Convolutions and poolings like VGG16's, a tenth as wide and with one convolution a stage in the first three.
MINI_LAYOUT: list[str | int] = [16, "M", 32, "M", 128, "M", 96, "M", 96, "M"]


class VGGEncoder(nn.Module):
    """The output after each of VGG's five max-poolings.

    Args:
        features: torchvision's `features`: convolutions, ReLUs and five max-poolings. Parameters keep its names,
            `features.N.weight`.
        channels: channels of the five taps.
    """

    def __init__(self, features: nn.Sequential, channels: Sequence[int]) -> None:
        super().__init__()
        self.features = features
        self.channels = tuple(channels)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """ImageNet-normalised float (N, 3, H, W) to `{"x1": ..., ..., "x5": ...}` at strides 2, 4, 8, 16, 32."""
        taps: dict[str, Tensor] = {}
        features = images
        for layer in self.features:
            features = layer(features)
            if isinstance(layer, nn.MaxPool2d):
                taps[f"x{len(taps) + 1}"] = features
        return taps


def vgg16_encoder() -> VGGEncoder:
    """VGG16, randomly initialised; channels 64, 128, 256, 512, 512."""
    return _encoder(cfgs["D"])


def mini_vgg_encoder() -> VGGEncoder:
    """A thin VGG, randomly initialised."""
    return _encoder(MINI_LAYOUT)


def _encoder(layout: list[str | int]) -> VGGEncoder:
    channels = [before for before, after in pairwise(layout) if after == "M"]
    encoder = VGGEncoder(make_layers(layout), [int(width) for width in channels])
    for layer in encoder.modules():
        if isinstance(layer, nn.Conv2d):
            nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
            nn.init.zeros_(layer.bias)  # type: ignore[arg-type]
    return encoder
