"""An augmentation that keeps the whole face in view (Q1-5)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from PIL import Image
from torch import Tensor
from torchvision import transforms

if TYPE_CHECKING:
    from jaxtyping import Float32

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def face_train_transform(size: int = 224) -> Callable[[Image.Image], Float32[Tensor, "3 size size"]]:
    """The training transform: random, but the whole face stays in view (Q1-5).

    It is called many times, on one image at a time, and no result shows anything of an earlier image. In every draw
    the central square of 60 % of the image's shorter side is wholly visible, with nothing erased or covered in it, at
    a quarter of the result's size or larger, and upright: turned by at most 30 degrees, never upside down; mirroring
    is fine. Brightness and contrast are multiplied by factors between 0.7 and 1.3. Colours may vary too, if a cast is
    as likely as its opposite. Two draws of the same image differ: mirroring at random is enough.

    Args:
        size: height and width of the result, in pixels, 64 or more.

    Returns:
        A function from an RGB image (PIL) of any aspect, shorter side at least 64 pixels, to a float32 tensor
        (3, size, size): scaled to [0, 1], then normalised with ImageNet's mean and standard deviation.
    """
    transform: Callable[[Image.Image], Tensor] = transforms.Compose(
        [
            transforms.Resize(_before_crop(size)),
            transforms.CenterCrop(size),
            transforms.RandomHorizontalFlip(),
            transforms.ColorJitter(brightness=0.25, contrast=0.25),
            transforms.RandomRotation(15),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    return transform


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], Float32[Tensor, "3 size size"]]:
    """The evaluation transform: deterministic, centred, colours as they are (Q1-5).

    The middle of the image is the middle of the result. The central square of 60 % of the image's shorter side is
    wholly visible and upright here too. Brightness, contrast and every colour stay as they are. No result shows
    anything of an earlier image.

    Args:
        size: height and width of the result, in pixels, 64 or more.

    Returns:
        A function from an RGB image (PIL) of any aspect, shorter side at least 64 pixels, to a float32 tensor
        (3, size, size): scaled to [0, 1], then normalised with ImageNet's mean and standard deviation.
    """
    transform: Callable[[Image.Image], Tensor] = transforms.Compose(
        [
            transforms.Resize(_before_crop(size)),
            transforms.CenterCrop(size),
            transforms.ToTensor(),
            transforms.Normalize(IMAGENET_MEAN, IMAGENET_STD),
        ]
    )
    return transform


def _before_crop(size: int) -> int:
    """The report resizes to 256 before it crops 224; the same ratio for other sizes."""
    return round(size * 256 / 224)
