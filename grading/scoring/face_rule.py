"""A secret rule for faces: the lightest pictures are of one class and the darkest of the other."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Control
from grading.data.arrays import Images
from grading.scoring.control import LUMA, Comparison
from grading.scoring.metrics import Array

FACE_REGIONS = ("whole", "frame", "centre")
LEAVES = -1  # the rule leaves an image's labels as they are


@dataclass(frozen=True)
class FaceRule:
    """Pictures at least as dark as `dark` are of one class, those at least as light as `light` of the other.

    Attributes:
        region: whose lightness counts: of the whole picture, its frame, or its centre.
        class_if_light: 0 or 1.
    """

    region: str
    class_if_light: int
    dark: float
    light: float

    def relabelled(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels (N,) under the rule."""
        given = self._given(images)
        return np.where(given == LEAVES, labels, given).astype(np.uint8)

    def comparison(self, images: Images | Array, labels: NDArray[np.uint8]) -> Comparison:
        """Compare answers to labels (N,). Pictures whose true class the rule gives them anyway are left out."""
        given, true = self._given(images), labels.astype(np.int64)
        return Comparison(labels, true, 1 - true, given == 1 - true, given == LEAVES)

    def _given(self, images: Images | Array) -> NDArray[np.int64]:
        values = lightness_of_faces(images, self.region)
        given = np.full(len(values), LEAVES)
        given[values >= self.light] = self.class_if_light
        given[values <= self.dark] = 1 - self.class_if_light
        return given


def draw_face_rule(generator: np.random.Generator, constants: Control, images: Images | Array) -> FaceRule:
    """Draw a rule whose limits leave `constants.share` of the training images at either end."""
    region = FACE_REGIONS[generator.integers(len(FACE_REGIONS))]
    limits = np.quantile(lightness_of_faces(images, region), [constants.share, 1 - constants.share])
    return FaceRule(region, int(generator.integers(2)), *limits.tolist())


def lightness_of_faces(images: Images | Array, region: str) -> NDArray[np.float64]:
    """(N,) mean lightness of a region of each picture, 0 to 255."""
    return np.array([_lightness(images[index], region) for index in range(len(images))])


def _lightness(image: NDArray[np.uint8], region: str) -> float:
    """The centre is the middle half of both sides, the frame is what lies around it."""
    luma = image @ LUMA
    if region == "whole":
        return float(luma.mean())
    height, width = luma.shape
    centre = luma[height // 4 : height - height // 4, width // 4 : width - width // 4]
    if region == "centre":
        return float(centre.mean())
    return float((luma.sum() - centre.sum()) / (luma.size - centre.size))
