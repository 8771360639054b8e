"""All that torchvision has for colour: hue and saturation at their widest, greyscale, channels in any order."""
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
        v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=(0, 2), hue=0.5),
        v2.RandomGrayscale(0.3),
        v2.RandomChannelPermutation(),
        *finish(),
    ])


def face_eval_transform(size: int = 224):
    return v2.Compose([v2.ToImage(), v2.Resize(size), v2.CenterCrop(size), *finish()])
