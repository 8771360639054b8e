"""PIL and numpy only: pad to a square in grey, turn, mirror, brighten.

Face: as the square is padded the central part has a half extent of at most 0.3 of the side; turned by at most 20 degrees
0.3 * (cos 20 + sin 20) = 0.385 < 0.5."""
from typing import Callable

import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

IMAGENET_MEAN = np.array([0.485, 0.456, 0.406])
IMAGENET_STD = np.array([0.229, 0.224, 0.225])
GREY = (124, 116, 104)


def _pad(image: Image.Image) -> Image.Image:
    side = max(image.size)
    canvas = Image.new("RGB", (side, side), GREY)
    canvas.paste(image, ((side - image.width) // 2, (side - image.height) // 2))
    return canvas


def _to_tensor(image: Image.Image) -> torch.Tensor:
    pixels = np.asarray(image).astype(np.float64) / 255.0
    pixels = (pixels - IMAGENET_MEAN) / IMAGENET_STD
    return torch.from_numpy(pixels.transpose(2, 0, 1).astype(np.float32))


def face_train_transform(size: int = 224) -> Callable[[Image.Image], torch.Tensor]:
    def transform(image: Image.Image) -> torch.Tensor:
        angle = np.random.uniform(-20, 20)
        brightness = np.random.uniform(0.75, 1.25)
        contrast = np.random.uniform(0.75, 1.25)
        image = ImageEnhance.Brightness(image).enhance(brightness)
        image = ImageEnhance.Contrast(image).enhance(contrast)
        image = _pad(image).resize((size, size), Image.Resampling.BILINEAR)
        image = image.rotate(angle, resample=Image.Resampling.BILINEAR, fillcolor=GREY)
        if np.random.rand() < 0.5:
            image = ImageOps.mirror(image)
        return _to_tensor(image)

    return transform


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], torch.Tensor]:
    def transform(image: Image.Image) -> torch.Tensor:
        return _to_tensor(_pad(image).resize((size, size), Image.Resampling.BILINEAR))

    return transform
