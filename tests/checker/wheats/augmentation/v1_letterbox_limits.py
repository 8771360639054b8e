"""The whole photo in a black square; turns, brightness and contrast up to the very limits.

Face: the padded side L is at least the shorter side s, so the central square has a half extent of at most 0.3 L; a turn
by 30 degrees makes that 0.3 * (cos 30 + sin 30) = 0.41 L < 0.5 L."""
from typing import Callable

from PIL import Image
from torch import Tensor
from torchvision import transforms as T
from torchvision.transforms import functional as TF


def _pad_to_square(image: Image.Image) -> Image.Image:
    width, height = image.size
    side = max(width, height)
    left, top = (side - width) // 2, (side - height) // 2
    return TF.pad(image, [left, top, side - width - left, side - height - top], fill=0)


_TO_INPUT = T.Compose([
    T.ToTensor(),
    T.Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)),
])


def face_train_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    return T.Compose([
        T.ColorJitter(brightness=0.3, contrast=0.3),
        T.Lambda(_pad_to_square),
        T.Resize((size, size), interpolation=T.InterpolationMode.BICUBIC),
        T.RandomRotation(degrees=30, interpolation=T.InterpolationMode.BILINEAR),
        T.RandomHorizontalFlip(p=0.5),
        _TO_INPUT,
    ])


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    return T.Compose([
        T.Lambda(_pad_to_square),
        T.Resize((size, size), interpolation=T.InterpolationMode.BICUBIC),
        _TO_INPUT,
    ])
