"""Streets with CamVid's labels, or a choice of them (part 2)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from grading.assignment.assignment import Configuration, Control, Profile
from grading.assignment.tasks import SEGMENTATION
from grading.data import generated
from grading.data.arrays import DataError, Dataset, Images
from grading.data.camvid import camvid
from grading.data.crops import centre_crop
from grading.protocol.wire import Plain
from grading.scoring.blinding import Blinding
from grading.scoring.control import Rule
from grading.scoring.metrics import reduced_labels
from grading.scoring.street_rule import draw_street_rule
from grading.tasks.task import Labels, Pictures, Task

CROPS = 4  # that people are shown


class Segmentation(Task):
    """One class for each pixel, labels (N, H, W)."""

    facts = SEGMENTATION
    how_to_get = "`python -m grading fetch camvid` brings it"
    answers_pixels = True

    def class_names(self, configuration: Configuration, profile: Profile) -> tuple[str, ...]:
        assert configuration.classes is not None
        return configuration.classes.names

    def generated(self, cache: Path, profile: Profile) -> Dataset:
        assert profile.train_streets is not None
        assert profile.validation_streets is not None
        return generated.streets(cache, profile.train_streets, profile.validation_streets)

    def given(self, folder: Path, cache: Path, profile: Profile) -> Dataset:
        return camvid(folder, cache)

    def downloaded(self, cache: Path) -> Path | None:
        folder = cache / "CamVid"
        return folder if folder.is_dir() else None

    def secret_count(self, profile: Profile) -> int | None:
        return profile.secret_streets

    def secret_pictures(self, count: int, seed: int) -> tuple[NDArray[np.uint8], Labels]:
        return generated.secret_streets(count, seed)

    def check_images(self, configuration: Configuration, protocol: Mapping[str, Any], images: Images) -> None:
        crop = protocol["crop"]
        if images.shapes.min() < crop:
            raise DataError(f"{configuration.id} crops {crop} x {crop}: an image is smaller")

    def labels_for_worker(self, labels: Labels, configuration: Configuration, blinding: Blinding) -> dict[str, Plain]:
        """CamVid's labels, which are public, and the mapping to classes, as reducing them is the student's work."""
        return {"train_labels": labels, "mapping": blinding.mapping(configuration.mapping)}

    def shown(self, images: Pictures, labels: Labels, protocol: Mapping[str, Any]) -> tuple[Pictures, Labels]:
        """The central crops, and CamVid's labels of them."""
        stacked = images if isinstance(images, np.ndarray) else images.stacked()
        return centre_crop(stacked, protocol["crop"]), centre_crop(labels, protocol["crop"])

    def targets(self, labels: Labels, configuration: Configuration) -> Labels:
        return reduced_labels(labels, configuration.mapping)

    def worth_a_look(
        self, labels: Labels, predictions: Labels, confidence: NDArray[np.float32] | None
    ) -> NDArray[np.int64]:
        """The same ones in all configurations, to be laid side by side."""
        return np.unique(np.linspace(0, len(labels) - 1, CROPS).astype(np.int64))

    def to_look_at(self, images: Sequence[NDArray[np.uint8]]) -> NDArray[np.uint8]:
        """Not scaled: each pixel has a class."""
        return np.stack(images)

    def draw_rule(
        self,
        generator: np.random.Generator,
        configuration: Configuration,
        constants: Control,
        images: Pictures,
        labels: Labels,
    ) -> Rule:
        return draw_street_rule(generator, constants, configuration.mapping, images, labels)
