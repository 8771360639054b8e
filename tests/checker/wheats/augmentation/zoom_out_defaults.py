"""Torchvision v2's RandomZoomOut as it comes: the picture at a quarter to the whole of the canvas's side, on black."""

import torch
from torchvision.transforms import v2


def finish():
    return [v2.ToDtype(torch.float32, scale=True), v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])]


def face_train_transform(size: int = 224):
    return v2.Compose([
        v2.ToImage(),
        v2.Resize(size),
        v2.CenterCrop(size),
        v2.RandomHorizontalFlip(),
        v2.RandomZoomOut(),
        v2.Resize((size, size)),
        v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
        *finish(),
    ])


def face_eval_transform(size: int = 224):
    return v2.Compose([v2.ToImage(), v2.Resize(size), v2.CenterCrop(size), *finish()])
