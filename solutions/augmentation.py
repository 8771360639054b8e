"""An augmentation that keeps the whole face in view (Q1-5)."""

from collections.abc import Callable

from PIL import Image
from torch import Tensor
from torchvision import transforms

IMAGENET_MEAN = (0.485, 0.456, 0.406)
IMAGENET_STD = (0.229, 0.224, 0.225)


def face_train_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    """The training transform: random, but the whole face stays in view (Q1-5).

    In every draw the central square of 60 % of the image's shorter side is wholly visible and upright: turned
    by at most 30 degrees, never upside down; mirroring is fine. Brightness and contrast vary by at most 30 %.
    Two draws of the same image differ.

    Args:
        size: height and width of the result, in pixels.

    Returns:
        A function from an RGB image of any aspect, shorter side at least 64 pixels, to a float32 tensor
        (3, size, size), normalised with ImageNet's mean and standard deviation.
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


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    """The evaluation transform: deterministic, centred, colours as they are (Q1-5).

    Args:
        size: height and width of the result, in pixels.

    Returns:
        A function from an RGB image of any aspect, shorter side at least 64 pixels, to a float32 tensor
        (3, size, size), normalised with ImageNet's mean and standard deviation.
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
