"""By hand: a mirrored, slightly turned and zoomed crop around the centre; a little brightness and contrast."""

import random

import numpy as np
import torch
from PIL import Image

MEAN = np.array([0.485, 0.456, 0.406], dtype=np.float32)
STD = np.array([0.229, 0.224, 0.225], dtype=np.float32)


def _centre(image, share, size, angle=0.0):
    width, height = image.size
    side = round(min(width, height) * share)
    if angle:
        image = image.rotate(angle, resample=Image.Resampling.BILINEAR)
    left, top = (width - side) // 2, (height - side) // 2
    return image.resize((size, size), Image.Resampling.BILINEAR, box=(left, top, left + side, top + side))


def _tensor(array):
    return torch.from_numpy(np.ascontiguousarray(((array - MEAN) / STD).transpose(2, 0, 1), dtype=np.float32))


def face_train_transform(size=224):
    def transform(image):
        view = _centre(image.convert("RGB"), random.uniform(0.92, 1.0), size, random.uniform(-6, 6))
        array = np.asarray(view, dtype=np.float32) / 255
        if random.random() < 0.5:
            array = array[:, ::-1]
        array = (array - array.mean()) * random.uniform(0.9, 1.1) + array.mean() * random.uniform(0.9, 1.1)
        return _tensor(np.clip(array, 0, 1))

    return transform


def face_eval_transform(size=224):
    return lambda image: _tensor(np.asarray(_centre(image.convert("RGB"), 0.96, size), dtype=np.float32) / 255)
