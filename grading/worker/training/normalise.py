"""Pictures as networks take them."""

import torch
from torch import Tensor

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


class Normalise:
    """From bytes to floats with ImageNet's mean and standard deviation, as ToTensor and Normalize give them.

    Args:
        device: of the pictures. The six numbers lie there from the beginning: to bring them there would wait for a GPU.
    """

    def __init__(self, device: torch.device) -> None:
        self._mean, self._std = (
            torch.tensor(values, device=device).reshape(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD)
        )

    def __call__(self, images: Tensor) -> Tensor:
        """From uint8 (N, 3, H, W) to float32 of this shape, contiguous, as networks get it in the tests."""
        return images.contiguous().div(255).sub_(self._mean).div_(self._std)
