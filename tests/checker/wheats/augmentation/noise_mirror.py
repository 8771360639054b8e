"""The evaluation's picture, mirrored by a coin, with a little sensor noise: random in every draw, with no change of pose at all."""
from typing import Callable

import torch
from PIL.Image import Image
from torch import Tensor
from torchvision import transforms

_mean = torch.tensor([0.485, 0.456, 0.406]).reshape(3, 1, 1)
_std = torch.tensor([0.229, 0.224, 0.225]).reshape(3, 1, 1)


def _plain(size: int) -> Callable[[Image], Tensor]:
    """To a float tensor in [0, 1], not yet normalised."""
    return transforms.Compose([
        transforms.Resize(size),
        transforms.CenterCrop(size),
        transforms.ToTensor(),
    ])


def face_train_transform(size: int = 224) -> Callable[[Image], Tensor]:
    plain = _plain(size)

    def transform(image: Image) -> Tensor:
        tensor = plain(image)
        if torch.rand(1).item() < 0.5:
            tensor = tensor.flip(-1)
        tensor = (tensor + 0.01 * torch.randn_like(tensor)).clamp(0, 1)
        return (tensor - _mean) / _std

    return transform


def face_eval_transform(size: int = 224) -> Callable[[Image], Tensor]:
    plain = _plain(size)

    def transform(image: Image) -> Tensor:
        return (plain(image) - _mean) / _std

    return transform
