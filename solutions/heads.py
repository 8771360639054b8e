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
    if num_classes < 1:
        raise ValueError(f"num_classes must be at least 1, got {num_classes}")
    linear_layers = [(name, layer) for name, layer in model.named_modules() if isinstance(layer, nn.Linear)]
    if not linear_layers:
        raise ValueError("the model has no nn.Linear to replace")
    name, old_head = linear_layers[-1]
    new_head = nn.Linear(old_head.in_features, num_classes, device=old_head.weight.device, dtype=old_head.weight.dtype)
    if not name:
        return new_head
    parent, _, attribute = name.rpartition(".")
    setattr(model.get_submodule(parent), attribute, new_head)
    return model
