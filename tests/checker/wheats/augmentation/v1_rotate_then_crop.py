"""torchvision transforms (v1): turn a little, then resize and cut the middle out, with a little play.

Face: the crop keeps 1/1.1 = 91 % of the shorter side and moves by at most 4.5 %; a 10 degree turn takes the half
extent of the central square from 30 % to 35 % of the shorter side, and 35 + 4.5 < 45 %."""
from typing import Callable

from PIL import Image
from torch import Tensor
from torchvision import transforms

MEAN = [0.485, 0.456, 0.406]
STD = [0.229, 0.224, 0.225]


def face_train_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    bigger = round(size * 1.1)
    return transforms.Compose([
        transforms.RandomRotation(10),
        transforms.Resize(bigger),
        transforms.CenterCrop(bigger),
        transforms.RandomCrop(size),
        transforms.RandomHorizontalFlip(),
        transforms.ColorJitter(brightness=0.2, contrast=0.2),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])


def face_eval_transform(size: int = 224) -> Callable[[Image.Image], Tensor]:
    return transforms.Compose([
        transforms.Resize(size),
        transforms.CenterCrop(size),
        transforms.ToTensor(),
        transforms.Normalize(MEAN, STD),
    ])
