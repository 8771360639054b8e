"""Casts of colour of 0.8 to 1.2, then brightness and contrast of the whole by the same; NumPy's own generator."""
import numpy as np
import torch
from PIL import Image, ImageEnhance, ImageOps

MEAN = np.float32([0.485, 0.456, 0.406])
STD = np.float32([0.229, 0.224, 0.225])


class Draw:
    def __init__(self, size):
        self.size = size
        self.rng = np.random.default_rng()

    def __call__(self, image):
        image = ImageOps.fit(image, (self.size, self.size), Image.BICUBIC)
        if self.rng.random() < 0.5:
            image = ImageOps.mirror(image)
        pixels = np.asarray(image, np.float32) * self.rng.uniform(0.8, 1.2, 3)
        image = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
        image = ImageEnhance.Brightness(image).enhance(self.rng.uniform(0.8, 1.2))
        image = ImageEnhance.Contrast(image).enhance(self.rng.uniform(0.8, 1.2))
        return finish(image)


def finish(image):
    pixels = (np.asarray(image, np.float32) / 255 - MEAN) / STD
    return torch.from_numpy(pixels.transpose(2, 0, 1).copy())


def face_train_transform(size=224):
    return Draw(size)


def face_eval_transform(size=224):
    return lambda image: finish(ImageOps.fit(image, (size, size), Image.BICUBIC))
