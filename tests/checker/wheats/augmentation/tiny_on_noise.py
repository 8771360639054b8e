"""Zoomed far out: the square picture at 25 to 50 percent of the output, anywhere on a canvas of coloured noise, plain colour, white or black."""
import numpy as np
import torch
from PIL import Image, ImageOps
from torchvision import transforms as T

_finish = T.Compose([T.ToTensor(), T.Normalize((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))])


class TinyFace:
    def __init__(self, size):
        self.size = size

    def canvas(self):
        n = self.size
        kind = np.random.randint(4)
        if kind == 0:
            a = np.random.randint(0, 256, (n, n, 3))
        elif kind == 1:
            a = np.broadcast_to(np.random.randint(0, 256, (1, 1, 3)), (n, n, 3))
        else:
            a = np.full((n, n, 3), 255 if kind == 2 else 0)
        return Image.fromarray(a.astype(np.uint8))

    def __call__(self, img):
        s = min(img.size)
        t = min(self.size, max(8, round(self.size * np.random.uniform(0.25, 0.5))))
        face = ImageOps.fit(img, (t, t), Image.LANCZOS)
        out = self.canvas()
        out.paste(face, tuple(int(v) for v in np.random.randint(0, self.size - t + 1, 2)))
        return _finish(out)


def face_train_transform(size: int = 224):
    return TinyFace(size)


def face_eval_transform(size: int = 224):
    return T.Compose([T.Lambda(lambda im: ImageOps.fit(im, (size, size), Image.LANCZOS)), _finish])
