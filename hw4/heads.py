"""A new last layer for a pretrained classifier (Q1-1)."""

from torch import nn


def replace_head(model: nn.Module, num_classes: int) -> nn.Module:
    """Replace the last `nn.Linear` of `model` by a fresh one with `num_classes` outputs (Q1-1).

    The new layer takes the old one's place, and everything else stays: layers before the head, dropout included, and
    layers behind it, such as an activation, with the same tensors, the same values, the same `requires_grad` and the
    same train/eval mode. The new layer's weight and bias are the only new parameters, and they are trainable
    whether or not the rest is.

    Args:
        model: a network whose last `nn.Linear`, in the order of `model.modules()`, is its head, whatever it is called
            and however deep it is nested: torchvision's AlexNet, VGG, MobileNetV2, ResNet, DenseNet, and others. It may
            also be an `nn.Linear` itself: the new one is then the result. It may be changed in place or wrapped.
        num_classes: number of outputs, at least 1.

    Returns:
        A model that turns the inputs of `model` into raw scores, float (N, num_classes).

    Raises:
        ValueError: `num_classes` is below 1, or `model` has no `nn.Linear`.
    """
    raise NotImplementedError("Q1-1: replace_head")
