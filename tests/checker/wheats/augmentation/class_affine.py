"""One class for both transforms; PIL's affine transform takes the square straight out of the (resized) photo.

Face: the output sees half a side of 0.5 * zoom >= 0.46 of the shorter side; turned by at most 8 degrees and shifted by at most
0.03 the central square needs (0.3 + 0.03) * (cos 8 + sin 8) = 0.373."""
import math
import random

import numpy as np
import torch
from PIL import Image


class FacePreparation:
    mean = (0.485, 0.456, 0.406)
    std = (0.229, 0.224, 0.225)

    def __init__(self, size: int, train: bool):
        self.size = size
        self.train = train

    def __call__(self, image: Image.Image) -> torch.Tensor:
        if self.train:
            angle = math.radians(random.uniform(-8, 8))
            zoom = random.uniform(0.92, 1.08)
            shift = random.uniform(-0.03, 0.03), random.uniform(-0.03, 0.03)
            gain = random.uniform(0.85, 1.15)
        else:
            angle, zoom, shift, gain = 0.0, 1.0, (0.0, 0.0), 1.0
        factor = self.size / min(image.size)
        image = image.resize(
            (max(self.size, round(image.width * factor)), max(self.size, round(image.height * factor))),
            Image.Resampling.BILINEAR,
        )
        cos, sin = zoom * math.cos(angle), zoom * math.sin(angle)
        half = self.size / 2
        x0 = image.width / 2 + shift[0] * self.size
        y0 = image.height / 2 + shift[1] * self.size
        # PIL asks for the map from the output's pixels to the input's.
        matrix = (cos, -sin, x0 - cos * half + sin * half, sin, cos, y0 - sin * half - cos * half)
        image = image.transform(
            (self.size, self.size), Image.Transform.AFFINE, matrix, Image.Resampling.BILINEAR, fillcolor=(124, 116, 104)
        )
        array = np.array(image, dtype=np.float32) / 255
        tensor = torch.from_numpy(array).permute(2, 0, 1)
        tensor = (tensor * gain).clamp(0, 1)
        channels = [(c - m) / s for c, m, s in zip(tensor, self.mean, self.std)]
        return torch.stack(channels)


def face_train_transform(size: int = 224) -> FacePreparation:
    return FacePreparation(size, train=True)


def face_eval_transform(size: int = 224) -> FacePreparation:
    return FacePreparation(size, train=False)
