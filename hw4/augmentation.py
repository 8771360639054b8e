"""An augmentation that keeps the whole face in view (Q1-5)."""

from collections.abc import Callable

from PIL import Image
from torch import Tensor


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
    raise NotImplementedError("Q1-5: face_train_transform")


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    """The evaluation transform: deterministic, centred, colours as they are (Q1-5).

    Args:
        size: height and width of the result, in pixels.

    Returns:
        A function from an RGB image of any aspect, shorter side at least 64 pixels, to a float32 tensor
        (3, size, size), normalised with ImageNet's mean and standard deviation.
    """
    raise NotImplementedError("Q1-5: face_eval_transform")
