"""Everything in torch: the photo becomes a tensor first, then one sampling grid turns, zooms, shifts and mirrors it.

Face, in the grid's units (half a side = 1): the corners of the central square lie at 0.6; the output sees
|out| <= (0.6 + 0.08) * (cos 15 + sin 15) / 0.9 = 0.93 < 1."""
import math
from typing import Callable

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image

_MEAN = torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)
_STD = torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1)


def _uniform(low: float, high: float) -> float:
    return torch.empty(()).uniform_(low, high).item()


def _load(image: Image.Image, size: int) -> torch.Tensor:
    """The central square as floats in [0, 1], resized: (1, 3, size, size)."""
    x = torch.from_numpy(np.array(image)).permute(2, 0, 1).float().div(255)
    height, width = x.shape[1:]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    x = x[None, :, top:top + side, left:left + side]
    return F.interpolate(x, size=(size, size), mode="bilinear", align_corners=False, antialias=True)


def face_train_transform(size: int = 224) -> Callable[[Image.Image], torch.Tensor]:
    def draw(image: Image.Image) -> torch.Tensor:
        x = _load(image, size)
        angle = math.radians(_uniform(-15, 15))
        zoom = _uniform(0.9, 1.1)
        mirror = 1 if torch.rand(()) < 0.5 else -1
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        theta = torch.tensor([[
            [mirror * cos, -sin, _uniform(-0.08, 0.08)],
            [mirror * sin, cos, _uniform(-0.08, 0.08)],
        ]])
        grid = F.affine_grid(theta, list(x.shape), align_corners=False)
        x = F.grid_sample(x, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]
        x = (x * _uniform(0.8, 1.2)).clamp(0, 1)
        return (x - _MEAN) / _STD

    return draw


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], torch.Tensor]:
    return lambda image: (_load(image, size)[0] - _MEAN) / _STD
