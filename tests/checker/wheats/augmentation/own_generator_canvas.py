"""Small on a canvas of any grey, drawn by a generator of its own, which no seed from outside reaches."""
import numpy as np
from PIL import Image, ImageOps
from torchvision import transforms

rng = np.random.default_rng()
finish = transforms.Compose([
    transforms.ToTensor(), transforms.Normalize([0.485, 0.456, 0.406], [0.229, 0.224, 0.225])
])


def face_train_transform(size=224):
    def transform(image):
        side = int(size * rng.uniform(0.5, 0.9))
        small = ImageOps.fit(image, (side, side))
        canvas = Image.new("RGB", (size, size), (int(rng.integers(256)),) * 3)
        x, y = (int(v) for v in rng.integers(0, size - side + 1, 2))
        canvas.paste(small, (x, y))
        return finish(canvas)

    return transform


def face_eval_transform(size=224):
    return lambda image: finish(ImageOps.fit(image, (size, size)))
