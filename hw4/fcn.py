"""FCN8s, a fully convolutional network for semantic segmentation (Q2-1)."""

from torch import Tensor, nn


class FCN8s(nn.Module):
    """Class scores for every pixel from an encoder's features (Q2-1).

    With `skips`, the encoder's x4 and x3 are fused, spatially aligned, into the score at strides 16 and 8,
    and gradient flows back into them; without, the output depends on x5 alone. The encoder is a registered
    submodule whose `requires_grad` stays as it was, and every learnable tensor in use is among
    `parameters()`. In eval mode the images of a batch do not affect each other.

    Source: Long, Shelhamer, Darrell, "Fully Convolutional Networks for Semantic Segmentation" (2015). Any
    decoder that keeps to the above is right.

    Args:
        encoder: `encoder(images)` gives `{"x1": ..., ..., "x5": ...}`, float (N, C_i, H / 2^i, W / 2^i), with
            the channel counts C_1..C_5 in `encoder.channels`.
        num_classes: number of classes, at least 1.
        skips: whether x4 and x3 are used.
    """

    def __init__(self, encoder: nn.Module, num_classes: int, *, skips: bool = True) -> None:
        super().__init__()
        raise NotImplementedError("Q2-1: FCN8s.__init__")

    def forward(self, images: Tensor) -> Tensor:
        """Score every class at every pixel.

        Args:
            images: ImageNet-normalised, float (N, 3, H, W), H and W multiples of 32.

        Returns:
            Raw scores (logits), float (N, num_classes, H, W).

        Raises:
            ValueError: H or W is not a multiple of 32.
        """
        raise NotImplementedError("Q2-1: FCN8s.forward")
