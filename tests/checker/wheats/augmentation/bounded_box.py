"""Random crops whose position is bounded by the face: a square box of 80 to 100 % of the shorter side, inside the photo, that
always holds the central square of 60 % with a margin. No turning, no mirroring."""
import random

import torch
from PIL import Image
from torchvision.transforms import functional as TF

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
FACE = 0.64  # 60 % and a little air


def _finish(image, size, box):
    small = image.resize((size, size), Image.Resampling.BICUBIC, box=box)
    return TF.normalize(TF.to_tensor(small), MEAN, STD)


class _BoundedCrop:
    def __init__(self, size):
        self.size = size
        self.random = random.Random()

    def __call__(self, image):
        width, height = image.size
        short = min(width, height)
        side = short * self.random.uniform(0.8, 1.0)
        play = (side - FACE * short) / 2  # how far the box may move before it touches the face
        play_x = min(play, (width - side) / 2)
        play_y = min(play, (height - side) / 2)
        left = (width - side) / 2 + self.random.uniform(-play_x, play_x)
        top = (height - side) / 2 + self.random.uniform(-play_y, play_y)
        left, top = max(left, 0.0), max(top, 0.0)
        box = (left, top, min(left + side, width), min(top + side, height))
        image = TF.adjust_contrast(image, self.random.uniform(0.8, 1.2))
        return _finish(image, self.size, box)


def face_train_transform(size=224):
    return _BoundedCrop(size)


def face_eval_transform(size=224):
    def centre(image):
        width, height = image.size
        side = min(width, height)
        left, top = (width - side) / 2, (height - side) / 2
        return _finish(image, size, (left, top, left + side, top + side))

    return centre
