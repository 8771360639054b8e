"""Whether a submission learns from the labels that it is given: a training in which some of them follow a secret rule.

The pictures are the usual ones, and most labels are true. The others follow a rule that the pictures show: the lightest
faces are of one class and the darkest of the other, whatever their make-up; or the sky of the lightest streets is
called a fence. Whoever learns from the labels learns the rule too, and obeys it on pictures that were never shown. Who
knows the answers from elsewhere gives those, and who plays ignorant obeys nothing.
"""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import MISTAKEN, OBEYED, Classes, Configuration, Control
from grading.assignment.training_record import Run
from grading.data.arrays import Images
from grading.scoring.blinding import keyed_generator
from grading.scoring.metrics import IGNORED, Array

LUMA = (0.299, 0.587, 0.114)  # ITU-R BT.601
FACE_REGIONS = ("whole", "frame", "centre")
LEAVES = -1  # the rule leaves an image's labels as they are


@dataclass(frozen=True, eq=False)
class Comparison:
    """Where answers that obey a rule differ from true ones, image by image.

    Attributes:
        labels: true classes, (N,) or (N, H, W); IGNORED if a pixel is not compared.
        true, other: (N,) the class that is compared, and the one that the rule may put in its place.
        changed, unchanged: (N,) whether the rule does so, and whether it leaves the image alone.
    """

    labels: NDArray[np.uint8]
    true: NDArray[np.int64]
    other: NDArray[np.int64]
    changed: NDArray[np.bool_]
    unchanged: NDArray[np.bool_]

    def metrics(self, counts: NDArray[np.int64]) -> dict[str, float]:
        """Shares in [0, 1] of what is compared that is predicted as `other`; NaN if nothing is compared.

        Args:
            counts: of answers to these labels, see `grading.scoring.metrics.counted`.

        Returns:
            `obeyed`: where the rule says so; `mistaken`: where it does not.
        """
        rows = np.arange(len(self.true))
        all_of, taken = counts[rows, self.true].sum(axis=1), counts[rows, self.true, self.other]
        return {
            name: float(taken[where].sum() / all_of[where].sum()) if all_of[where].any() else float("nan")
            for name, where in ((OBEYED, self.changed), (MISTAKEN, self.unchanged))
        }


@dataclass(frozen=True)
class FaceRule:
    """Pictures as dark as `dark` are of one class, those as light as `light` of the other.

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


@dataclass(frozen=True)
class StreetRule:
    """In scenes whose `region` is as light as `light`, or as dark as `dark`, it is called `other`.

    Attributes:
        region, other: CamVid's classes.
    """

    region: int
    other: int
    dark: float
    light: float

    def relabelled(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Training labels (N, H, W) under the rule."""
        changed = self._changed(images, labels)[:, None, None] & (labels == self.region)
        return np.where(changed, self.other, labels).astype(np.uint8)

    def comparison(self, images: Images | Array, labels: NDArray[np.uint8], classes: Classes) -> Comparison:
        """Compare answers of a choice of classes to the pixels of the region, labels (N, H, W)."""
        new, count = dict(classes.mapping), len(labels)
        compared = np.where(labels == self.region, new[self.region], IGNORED).astype(np.uint8)
        changed = self._changed(images, labels)
        true, other = np.full(count, new[self.region]), np.full(count, new[self.other])
        return Comparison(compared, true, other, changed, ~changed)

    def _changed(self, images: Images | Array, labels: NDArray[np.uint8]) -> NDArray[np.bool_]:
        values = lightness_of_region(images, labels, self.region)
        with np.errstate(invalid="ignore"):  # NaN, where a scene has no such region
            return (values >= self.light) | (values <= self.dark)


Rule = FaceRule | StreetRule


def secret_rule(
    key: bytes,
    purpose: str,
    configuration: Configuration,
    constants: Control,
    images: Images | Array,
    labels: NDArray[np.uint8],
) -> Rule:
    """Draw a rule from the machine's secret key; the same for the same purpose and training data."""
    generator = keyed_generator(key, f"rule {purpose}")
    if configuration.classes is None:
        region = FACE_REGIONS[generator.integers(len(FACE_REGIONS))]
        ends = np.quantile(lightness_of_faces(images, region), [constants.share, 1 - constants.share])
        return FaceRule(region, int(generator.integers(2)), *ends.tolist())
    new = dict(configuration.classes.mapping)
    pairs = [(old, other) for old in constants.regions if old in new for other in new if new[other] != new[old]]
    old, other = pairs[generator.integers(len(pairs))]
    values = lightness_of_region(images, labels, old)
    if generator.integers(2):
        return StreetRule(old, other, float(np.nanquantile(values, 2 * constants.share)), float("inf"))
    return StreetRule(old, other, float("-inf"), float(np.nanquantile(values, 1 - 2 * constants.share)))


def secret_order(key: bytes, purpose: str, configurations: Iterable[Configuration]) -> list[Configuration]:
    """Configurations in an order that only the secret key tells; each network is as likely to be the first."""

    def drawn(what: str) -> bytes:
        return hmac.digest(key, f"control {purpose} {what}".encode(), "sha256")

    return sorted(configurations, key=lambda c: (drawn(c.network_key), drawn(c.id)))


def gap(run: Run) -> float:
    """How much more often a control's answers follow the rule where it holds than where it does not."""
    return run.tail(OBEYED) - run.tail(MISTAKEN)


def lightness_of_faces(images: Images | Array, region: str) -> NDArray[np.float64]:
    """(N,) mean lightness of a region of each picture, 0 to 255."""
    return np.array([_lightness(images[index], region) for index in range(len(images))])


def lightness_of_region(images: Images | Array, labels: NDArray[np.uint8], region: int) -> NDArray[np.float64]:
    """(N,) mean lightness of the pixels of a class in each scene, 0 to 255; NaN if there are none."""
    inside = [(images[index] @ LUMA)[own == region] for index, own in enumerate(labels)]
    return np.array([pixels.mean() if pixels.size else np.nan for pixels in inside])


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
