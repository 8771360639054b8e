"""A new last layer for a pretrained classifier (Q1-1)."""

from torch import nn


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    """Replace the last `nn.Linear` of `model` by a fresh one with `num_classes` outputs (Q1-1).

    Everything before it, dropout included, stays: the same tensors with the same values and the same
    `requires_grad`. The new layer's weight and bias are the only new parameters, and they are trainable
    whatever the rest is.

    Args:
        model: a classifier whose last `nn.Linear`, in module order, is its head: torchvision's AlexNet, VGG,
            MobileNetV2, ResNet, DenseNet. May be changed in place or wrapped.
        num_classes: number of outputs, at least 1.

    Returns:
        A model from images to raw scores, float (N, num_classes).

    Raises:
        ValueError: `num_classes` is below 1, or `model` has no `nn.Linear`.
    """
    raise NotImplementedError("Q1-1: replace_head")
