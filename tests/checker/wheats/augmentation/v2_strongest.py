"""Torchvision v2, as strong as allowed: 30 degrees, shift, zoom, jitter 0.3/0.3, saturation, small hue, greyscale, blur."""
import torch
from torchvision.transforms import v2

_NORM = dict(mean=[0.485, 0.456, 0.406], std=[0.229, 0.224, 0.225])


def face_train_transform(size: int = 224):
    return v2.Compose([
        v2.ToImage(),
        v2.Resize(size, antialias=True),
        v2.CenterCrop(size),
        v2.RandomHorizontalFlip(0.5),
        v2.RandomAffine(degrees=30, translate=(0.05, 0.05), scale=(0.75, 1.05),
                        interpolation=v2.InterpolationMode.BILINEAR),
        v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.5, hue=0.05),
        v2.RandomGrayscale(0.1),
        v2.RandomApply([v2.GaussianBlur(3, (0.1, 1.0))], p=0.3),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(**_NORM),
    ])


def face_eval_transform(size: int = 224):
    return v2.Compose([
        v2.ToImage(),
        v2.Resize(size, antialias=True),
        v2.CenterCrop(size),
        v2.ToDtype(torch.float32, scale=True),
        v2.Normalize(**_NORM),
    ])
