"""Rotated up to the full 30 degrees with expand=True on white, the whole expanded picture shrunk into the frame; jitter of 0.3 on both."""
import random

from PIL import Image, ImageOps
from torchvision import transforms as T


class _Turn:
    def __call__(self, img):
        return img.rotate(random.uniform(-30, 30), resample=Image.BICUBIC, expand=True, fillcolor=(255, 255, 255))


class _Pad:
    def __init__(self, size, color):
        self.size, self.color = size, color

    def __call__(self, img):
        return ImageOps.pad(img, (self.size, self.size), Image.BILINEAR, color=self.color)


def face_train_transform(size: int = 224):
    return T.Compose([
        _Turn(), _Pad(size, (255, 255, 255)), T.ColorJitter(brightness=0.3, contrast=0.3), T.ToTensor(),
        T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])


def face_eval_transform(size: int = 224):
    return T.Compose([_Pad(size, (124, 116, 104)), T.ToTensor(), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])
