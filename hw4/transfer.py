"""The cases of transfer learning that the homework compares (Q1-1, Q1-2, Q1-3, Q1-8).

Import what the other modules define relatively: `from .freezing import freeze`, `from .heads import replace_head`.
"""

from collections.abc import Callable

import torch
from torch import nn


def build_case(case: str, alexnet: Callable[[bool], nn.Module], num_classes: int = 2) -> nn.Module:
    """Build the network of one case of part 1 (Q1-1, Q1-2, Q1-3).

    The head is a single new layer, as in `replace_head`. All other layers keep what was loaded.

    Args:
        case: `"feature_extractor"` (Q1-1): pretrained, only the new head trains. `"finetuned"` (Q1-2):
            pretrained, everything trains. `"scratch"` (Q1-3): not pretrained, everything trains.
        alexnet: `alexnet(pretrained)` builds the backbone, with ImageNet weights (True) or freshly initialised (False).
            Each case loads a backbone of its own. The tests and the mini profile give a thin AlexNet: read widths such
            as `in_features` from its layers.
        num_classes: number of outputs, at least 1.

    Returns:
        A model that turns ImageNet-normalised images, float32 (N, 3, H, W), into raw scores, float32 (N, num_classes):
        one tensor, in train mode too. In train mode N is at least 2.

    Raises:
        ValueError: any other `case`.
    """
    raise NotImplementedError("Q1-1, Q1-2, Q1-3: build_case")


def build_challenger(
    load: Callable[[str, bool], nn.Module], num_classes: int = 2
) -> tuple[nn.Module, torch.optim.Optimizer]:
    """Build a CNN that beats AlexNet, and the optimizer that trains it (Q1-8).

    The new head may be one layer or several, in place of the last layer or of all Linear layers at the end. All
    other layers keep what was loaded. `torch.compile` is allowed and has no effect.

    Args:
        load: `load(name, pretrained)` builds a torchvision classifier by its torchvision name, such as
            `"vgg16"`. Choose any CNN but `alexnet` and `resnet18`, pretrained (True), that takes images of 64 x 64;
            `inception_v3` does not. Each call loads a network of its own. The tests and the mini profile give thin
            networks: read widths such as `in_features` from their layers.
        num_classes: number of outputs, at least 1.

    Returns:
        The model, with a new head and all of it trainable: it turns ImageNet-normalised images, float32 (N, 3, H, W), H
        and W at least 64, into raw scores, float32 (N, num_classes): one tensor, in train mode too. In train mode N is
        at least 2. And an optimizer over exactly the model's trainable parameters, each once, whose `step()` needs no
        closure (that of `LBFGS` does).
    """
    raise NotImplementedError("Q1-8: build_challenger")
