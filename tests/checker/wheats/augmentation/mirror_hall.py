"""Zoomed out with a symmetric-reflection border: the background holds mirrored (also upside-down) copies around the one upright picture."""
import numpy as np
import torch
from torchvision.transforms import functional as F


def _end(a):
    x = torch.from_numpy(np.ascontiguousarray(a)).permute(2, 0, 1).float().div(255)
    return F.normalize(x, [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def _fit(img, side):
    return np.asarray(F.resize(F.center_crop(img, [min(img.size)] * 2), [side, side]))


def face_train_transform(size: int = 224):
    def draw(img):
        t = max(1, int(size * np.random.uniform(0.55, 0.8)))
        a = _fit(img, t)
        gap = size - t
        x, y = np.random.randint(0, gap + 1, 2)
        a = np.pad(a, ((y, gap - y), (x, gap - x), (0, 0)), mode="symmetric")
        return _end(a)

    return draw


def face_eval_transform(size: int = 224):
    return lambda img: _end(_fit(img, size))
