"""transforms.v2: a light change of the point of view, tensor first and jitter on floats.

Face: RandomPerspective pulls the corners of the square inwards, so all of the square stays in the picture; a corner moves
by at most 7.5 % of the side, which turns an edge by less than 6 degrees."""
import torch
from torchvision.transforms import v2

NORMALIZE = v2.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))


def face_train_transform(size=224):
    steps = [
        v2.PILToTensor(),
        v2.Resize(size, antialias=True),
        v2.CenterCrop(size),
        v2.RandomPerspective(distortion_scale=0.15, p=1.0, fill=128),
        v2.ToDtype(torch.float32, scale=True),
        v2.ColorJitter(brightness=(0.75, 1.25)),
        NORMALIZE,
    ]
    return v2.Compose(steps)


def face_eval_transform(size=224):
    # The usual recipe: 256 to 224, seven eighths of the shorter side.
    steps = [
        v2.Resize(int(round(size * 8 / 7))),
        v2.CenterCrop(size),
        v2.PILToTensor(),
        v2.ToDtype(torch.float32, scale=True),
        NORMALIZE,
    ]
    return v2.Compose(steps)
