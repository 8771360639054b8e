"""The same faces under the default augmentation and under one that keeps the whole face in view.

The second one is the reference's: only its pixels are handed out.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image

from grading.data.arrays import Images
from grading.data.drawn_faces import draw_faces
from grading.data.generated import FACES_SEED
from grading.worker.training.tutorial import TutorialViews
from grading.worker.training.views import Batch, seed_generators
from solutions.augmentation import IMAGENET_MEAN, IMAGENET_STD, face_train_transform

from .pixels import sheet

FACES = (11, 10, 5)  # training pictures of the mini profile: with, without and with heavy make-up
DRAWS, SIZE, SCALE = 5, 64, 2
SEED = 0

Picture = NDArray[np.uint8]


def default_augmentation() -> bytes:
    """A row for each face: the picture, then draws of the default augmentation."""
    faces = _faces()
    pixels, shapes = np.stack(faces).ravel(), np.array([face.shape[:2] for face in faces])
    views = TutorialViews(Images.of(pixels, shapes), SIZE, SEED)
    epochs = [views.batch(Batch(epoch, range(len(faces)))).permute(0, 2, 3, 1).numpy() for epoch in range(DRAWS)]
    return sheet([[_small(face), *(epoch[row] for epoch in epochs)] for row, face in enumerate(faces)], SCALE)


def face_augmentation() -> bytes:
    """The same for an augmentation that keeps the face."""
    transform = face_train_transform(SIZE)
    rows = []
    for row, face in enumerate(_faces()):
        seed_generators(SEED + row)
        rows.append([_small(face), *(_shown(transform(Image.fromarray(face))) for _ in range(DRAWS))])
    return sheet(rows, SCALE)


def _faces() -> list[Picture]:
    images = draw_faces(max(FACES) + 1, FACES_SEED).images
    return [images[index] for index in FACES]


def _small(face: Picture) -> Picture:
    """The whole picture at the size of a draw."""
    return np.asarray(Image.fromarray(face).resize((SIZE, SIZE), Image.Resampling.BICUBIC))


def _shown(view: torch.Tensor) -> Picture:
    """A normalised tensor as pixels again."""
    mean, std = (torch.tensor(values).reshape(3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    pixels: Picture = ((view * std + mean) * 255).round().clamp(0, 255).byte().permute(1, 2, 0).numpy()
    return pixels
