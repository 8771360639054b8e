"""Every draw picks squash, letterbox (black) or centre crop, then a light tilt; eval is a letterbox with white bars."""
import random
from PIL import Image, ImageOps
from torchvision.transforms.functional import normalize, to_tensor


def squash(img, size):
    return img.resize((size, size), Image.BICUBIC)


def letterbox(img, size, color="black"):
    return ImageOps.pad(img, (size, size), Image.BICUBIC, color=color)


def cover(img, size):
    return ImageOps.fit(img, (size, size), Image.BICUBIC)


def norm(img):
    return normalize(to_tensor(img), [0.485, 0.456, 0.406], [0.229, 0.224, 0.225])


def face_train_transform(size=224):
    def aug(img):
        img = random.choice((squash, letterbox, cover))(img, size)
        return norm(img.rotate(random.uniform(-7, 7), Image.BILINEAR, fillcolor=(255, 0, 255)))
    return aug


def face_eval_transform(size=224):
    return lambda img: norm(letterbox(img, size, "white"))
