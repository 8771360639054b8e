"""FCN8s, a fully convolutional network for semantic segmentation (Q2-1)."""

from __future__ import annotations

from typing import TYPE_CHECKING

from torch import Tensor, nn

if TYPE_CHECKING:
    from jaxtyping import Float32


class FCN8s(nn.Module):
    """Class scores for every pixel from an encoder's features (Q2-1).

    With `skips`, all of the encoder's x4 and x3 is fused, spatially aligned, into the score at strides 16 and 8:
    the parts of x5, x4 and x3 that describe one place of the image meet to within less than a cell of the finer map,
    in square images and in others. Gradient flows back into all three. Without `skips`, the output depends on x5
    alone.

    The encoder is a registered submodule whose parameters and their `requires_grad` stay as they were, and its
    features are not changed in place. Every learnable tensor in use is among `parameters()`, before the first
    forward pass too; in train mode with `skips`, each one in the decoder gets a gradient. In eval mode the images of
    a batch do not affect each other.

    Lazy layers are allowed: there is a first pass in eval mode before the optimizer is built. `torch.compile` is
    allowed and has no effect.

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015). Any
    decoder that keeps to the above is right.

    Args:
        encoder: `encoder(images)` gives `{"x1": ..., ..., "x5": ...}`, float32 (N, C_i, H / 2^i, W / 2^i), with the
            channel counts C_1..C_5, multiples of 16, in `encoder.channels`.
        num_classes: number of classes, at least 1.
        skips: whether x4 and x3 are used.
    """

    def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True) -> None:
        super().__init__()
        raise NotImplementedError("Q2-1: FCN8s.__init__")

    def forward(
        self, images: Float32[Tensor, "images 3 height width"]
    ) -> Float32[Tensor, "images classes height width"]:
        """Score every class at every pixel.

        Args:
            images: ImageNet-normalised, float32 (N, 3, H, W), left unchanged. H and W are multiples of 32, at least
                64, and may differ from call to call. In train mode N is at least 2.

        Returns:
            Raw scores (logits), float32 (N, num_classes, H, W): one tensor, in train mode too.

        Raises:
            ValueError: H or W is not a multiple of 32.
        """
        raise NotImplementedError("Q2-1: FCN8s.forward")
