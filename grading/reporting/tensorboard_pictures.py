"""The pictures that TensorBoard shows of a run: those of its report, as pixels and without words."""

from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import ImageColor

from grading.reporting.pictures.checked import UnusableEvidence, read_answers, read_draws
from grading.reporting.pictures.theme import VOID, class_colours
from grading.reporting.results import Results
from grading.tasks.registry import task_of
from grading.verdicts.outcome import Outcome

Pictures = NDArray[np.uint8]  # (n, H, W, 3)


def pictures_of(results: Results, folder: Path) -> dict[str, Pictures]:
    """By name, the pictures of a run. What is missing or damaged is left out.

    Args:
        folder: of the results.
    """
    pictures: dict[str, Pictures] = {}
    for id, outcome in results.outcomes.items():
        if outcome.finished:  # else what lies there is of an earlier run
            with suppress(UnusableEvidence):
                pictures |= _answers(id, outcome, results, folder)
    with suppress(UnusableEvidence):
        pictures |= _draws(folder)
    return {name: shown for name, shown in pictures.items() if len(shown)}


def _answers(id: str, outcome: Outcome, results: Results, folder: Path) -> dict[str, Pictures]:
    """Each street beside its true and its predicted classes, or the faces on which the network was wrong and sure."""
    task = task_of(outcome.configuration)
    names = task.class_names(outcome.configuration, results.plan.profile)
    answers = read_answers(folder, id, len(names), by_pixel=task.answers_pixels)
    if answers is None:
        return {}
    if not task.answers_pixels:
        return {f"mistakes/{id}": answers.images}
    classes = [_coloured(labels, names) for labels in (answers.labels, answers.predictions)]
    return {f"answers/{id}": np.concatenate([answers.images, *classes], axis=2)}


def _draws(folder: Path) -> dict[str, Pictures]:
    """For each face a row of its draws."""
    draws = read_draws(folder)
    if draws is None:
        return {}
    by_name = {"default": draws.default, "submission": draws.submission}
    return {f"augmentation/{name}": _rows(drawn) for name, drawn in by_name.items() if len(drawn)}


def _rows(drawn: NDArray[np.uint8]) -> Pictures:
    """From (n, draws, H, W, 3) to (n, H, draws * W, 3)."""
    faces, count, height, width, channels = drawn.shape
    return drawn.transpose(0, 2, 1, 3, 4).reshape(faces, height, count * width, channels)


def _coloured(labels: NDArray[np.uint8], names: Sequence[str]) -> Pictures:
    colours = [ImageColor.getrgb(colour)[:3] for colour in (*class_colours(names), VOID)]
    return np.array(colours, np.uint8)[np.minimum(labels, len(names))]
