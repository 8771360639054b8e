"""The cases of transfer learning that the homework compares (Q1-1, Q1-2, Q1-3, Q1-8)."""

from collections.abc import Callable

import torch
from torch import nn


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    """Build the network of one case of part 1 (Q1-1, Q1-2, Q1-3).

    Args:
        case: `"feature_extractor"` (Q1-1): pretrained, only the new head trains. `"finetuned"` (Q1-2):
            pretrained, everything trains. `"scratch"` (Q1-3): not pretrained, everything trains.
        alexnet: `alexnet(pretrained)` builds the backbone, with ImageNet weights or freshly initialised.
        num_classes: number of outputs, at least 1.

    Returns:
        A model from ImageNet-normalised images, float (N, 3, H, W), to raw scores, float (N, num_classes).

    Raises:
        ValueError: any other `case`.
    """
    raise NotImplementedError("Q1-1, Q1-2, Q1-3: build_case")


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Build a CNN that beats AlexNet, and the optimizer that trains it (Q1-8).

    Args:
        load: `load(name, pretrained)` builds a torchvision classifier by its torchvision name, such as
            `"vgg16"`. Choose any CNN but `alexnet` and `resnet18`, pretrained.
        num_classes: number of outputs, at least 1.

    Returns:
        The model, with a new head and all of it trainable, from ImageNet-normalised images, float
        (N, 3, H, W), to raw scores, float (N, num_classes); and an optimizer over exactly the model's
        trainable parameters.
    """
    raise NotImplementedError("Q1-8: build_challenger")
