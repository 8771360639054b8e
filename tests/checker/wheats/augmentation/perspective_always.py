"""RandomPerspective in every draw, bilinear, on white; the whole photo squashed into the square before it."""
import torch
from torchvision.transforms import v2

NORMALIZE = v2.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
START = [v2.ToImage(), v2.ToDtype(torch.float32, scale=True)]


def face_train_transform(size=224):
    return v2.Compose([*START, v2.Resize((size, size)), v2.RandomPerspective(p=1.0, fill=1.0), NORMALIZE])


def face_eval_transform(size=224):
    return v2.Compose([*START, v2.Resize((size, size)), NORMALIZE])
