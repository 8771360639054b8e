"""RGB shift: up to 20 of 255 are added to each channel, of uint8 pictures; a light turn."""
import random

import numpy as np
from PIL import Image
from torchvision import transforms


def rgb_shift(image, limit=20):
    pixels = np.asarray(image).astype(int)
    pixels = pixels + [random.randint(-limit, limit) for _ in range(3)]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def face_train_transform(size: int = 224):
    return transforms.Compose([
        transforms.Resize((size, size)),
        transforms.RandomRotation(10),
        transforms.Lambda(rgb_shift),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])


def face_eval_transform(size: int = 224):
    return transforms.Compose([
        transforms.Resize((size, size)),
        transforms.ToTensor(),
        transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    ])
