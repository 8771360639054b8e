"""transforms.v2: one RandomAffine on the central square.

Face: half extent 0.3 * 1.1 * (cos 12 + sin 12) = 0.39 of the side, plus a shift of 0.05: 0.44 < 0.5."""
from __future__ import annotations

import torch
from torchvision.transforms import v2

_NORMALISE = v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


class CentralSquare:
    """The largest square in the middle of a PIL image."""

    def __call__(self, image):
        width, height = image.size
        side = min(width, height)
        left = (width - side) // 2
        top = (height - side) // 2
        return image.crop((left, top, left + side, top + side))


def face_train_transform(size: int = 224):
    return v2.Compose([
        CentralSquare(),
        v2.ToImage(),
        v2.Resize((size, size), antialias=True),
        v2.RandomAffine(degrees=12, translate=(0.05, 0.05), scale=(0.9, 1.1)),
        v2.RandomHorizontalFlip(0.5),
        v2.ColorJitter(brightness=0.15, contrast=0.15, saturation=0.15, hue=0.01),
        v2.ToDtype(torch.float32, scale=True),
        _NORMALISE,
    ])


def face_eval_transform(size: int = 224):
    return v2.Compose([
        CentralSquare(),
        v2.ToImage(),
        v2.Resize((size, size), antialias=True),
        v2.ToDtype(torch.float32, scale=True),
        _NORMALISE,
    ])
