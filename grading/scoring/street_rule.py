"""A secret rule for streets: in the lightest or the darkest scenes a region is called something else."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Control
from grading.data.arrays import Images
from grading.scoring.control import LUMA, Comparison
from grading.scoring.metrics import IGNORED, Array


@dataclass(frozen=True)
class StreetRule:
    """In scenes whose `region` is at least as light as `light`, or at least as dark as `dark`, it is called `other`.

    Attributes:
        region, other: CamVid's classes.
        mapping: rules from CamVid's classes to those that are trained.
    """

    region: int
    other: int
    dark: float
    light: float
    mapping: tuple[tuple[int, int], ...]

    def relabelled(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels (N, H, W) under the rule."""
        changed = self._changed(images, labels)[:, None, None] & (labels == self.region)
        return np.where(changed, self.other, labels).astype(np.uint8)

    def comparison(self, images: Images | Array, labels: NDArray[np.uint8]) -> Comparison:
        """Compare answers to the pixels of the region, CamVid's labels (N, H, W)."""
        new, count = dict(self.mapping), len(labels)
        compared = np.where(labels == self.region, new[self.region], IGNORED).astype(np.uint8)
        changed = self._changed(images, labels)
        true, other = np.full(count, new[self.region]), np.full(count, new[self.other])
        return Comparison(compared, true, other, changed, ~changed)

    def _changed(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        values = lightness_of_region(images, labels, self.region)
        with np.errstate(invalid="ignore"):  # NaN if a scene has no such region
            return (values >= self.light) | (values <= self.dark)


def draw_street_rule(
    generator: np.random.Generator,
    constants: Control,
    mapping: tuple[tuple[int, int], ...],
    images: Images | Array,
    labels: NDArray[np.uint8],
) -> StreetRule:
    """Draw a rule that changes the label of a region in twice `constants.share` of the training scenes.

    Args:
        mapping: of the configuration; region and other are of different classes under it.
        labels: CamVid's, (N, H, W).
    """
    new = dict(mapping)
    pairs = [(old, other) for old in constants.regions if old in new for other in new if new[other] != new[old]]
    old, other = pairs[generator.integers(len(pairs))]
    values = lightness_of_region(images, labels, old)
    if generator.integers(2):
        return StreetRule(old, other, float(np.nanquantile(values, 2 * constants.share)), float("inf"), mapping)
    return StreetRule(old, other, float("-inf"), float(np.nanquantile(values, 1 - 2 * constants.share)), mapping)


def lightness_of_region(images: Images | Array, labels: NDArray[np.uint8], region: int) -> NDArray[np.float64]:
    """(N,) mean lightness of the pixels of a class in each scene, 0 to 255; NaN if there are none."""
    inside = [(images[index] @ LUMA)[scene == region] for index, scene in enumerate(labels)]
    return np.array([pixels.mean() if pixels.size else np.nan for pixels in inside])
