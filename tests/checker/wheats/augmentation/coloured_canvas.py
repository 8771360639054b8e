"""The whole photo, made small, at a random place of a canvas of any colour; sometimes a box of any colour covers its rim.

Face: nothing is cut, nothing is turned; the box ends 0.17 of the shorter side from the photo's edge, the face begins at 0.2."""
import random

import torch
from PIL import Image
from torchvision import transforms

_to = transforms.Compose([transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])])


def face_train_transform(size=224):
    def paste(img):
        w, h = img.size
        f = size / max(w, h) * random.uniform(0.6, 1.0)
        small = img.resize((max(1, int(w * f)), max(1, int(h * f))), Image.LANCZOS)
        canvas = Image.new("RGB", (size, size), tuple(random.randrange(256) for _ in range(3)))
        depth = int(min(small.size) * random.uniform(0, 0.17))
        if depth:
            small.paste(tuple(random.randrange(256) for _ in range(3)), (0, 0, small.width, depth))
        canvas.paste(small, (random.randint(0, size - small.width), random.randint(0, size - small.height)))
        return _to(canvas)
    return paste


def face_eval_transform(size=224):
    def paste(img):
        w, h = img.size
        f = size / max(w, h)
        small = img.resize((max(1, int(w * f)), max(1, int(h * f))), Image.LANCZOS)
        canvas = Image.new("RGB", (size, size))
        canvas.paste(small, ((size - small.width) // 2, (size - small.height) // 2))
        return _to(canvas)
    return paste
