"""Brightness and contrast at the ends of what is allowed in every draw, among them both at once; small on black."""

import random

import torch
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F


class Exposure(torch.nn.Module):
    def forward(self, image):
        steps = [F.adjust_brightness, F.adjust_contrast]
        random.shuffle(steps)
        for step in steps:
            image = step(image, random.choice([0.7, 1.3]))
        return image


def face_train_transform(size: int = 224):
    return v2.Compose([
        v2.ToImage(),
        v2.Resize(size, antialias=True),
        v2.CenterCrop(size),
        v2.RandomAffine(degrees=20, scale=(0.75, 0.9), interpolation=v2.InterpolationMode.BILINEAR),
        Exposure(),
        v2.ColorJitter(saturation=0.4),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ])


def face_eval_transform(size: int = 224):
    return v2.Compose([
        v2.ToImage(),
        v2.Resize(size, antialias=True),
        v2.CenterCrop(size),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225]),
    ])
