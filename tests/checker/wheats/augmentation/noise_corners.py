"""The central square, jittered, then turned by up to 18 degrees; noise of any brightness where the picture has left the frame.

Face: the square of the shorter side turned by 18 degrees holds its central 60 %: 0.3 * (cos 18 + sin 18) = 0.38 < 0.5."""
import torch
from torch import nn
from torchvision import transforms as T
from torchvision.transforms import functional as TF


class Square(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.size = size

    def forward(self, image):
        square = TF.center_crop(TF.to_tensor(image), min(image.size))
        return TF.resize(square, [self.size, self.size], antialias=True)


class TurnOnNoise(nn.Module):
    def forward(self, picture):
        angle = float(torch.empty(()).uniform_(-18, 18))
        both = torch.cat([picture, torch.ones_like(picture[:1])])
        both = TF.rotate(both, angle, interpolation=T.InterpolationMode.BILINEAR)
        return both[:3] + (1 - both[3:]) * torch.rand_like(picture)


def face_train_transform(size=224):
    return nn.Sequential(
        Square(size),
        T.ColorJitter(brightness=0.3, contrast=0.3),
        T.RandomHorizontalFlip(),
        TurnOnNoise(),
        T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]),
    )


def face_eval_transform(size=224):
    return nn.Sequential(Square(size), T.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
