"""Every figure of a run, from its results and the evidence in their folder."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from grading.assignment.assignment import Configuration
from grading.reporting.pictures.augmentation import augmentation_figure
from grading.reporting.pictures.checked import Answered, UnusableEvidence, read_answers, read_draws
from grading.reporting.pictures.conclusions import conclusions_figure
from grading.reporting.pictures.confusion import confusion_figure, iou_figure
from grading.reporting.pictures.curves_chart import curves_figure, student_curves_figure
from grading.reporting.pictures.figure import Figure
from grading.reporting.pictures.mistakes import mistakes_figure
from grading.reporting.pictures.overlays import Segmented, overlays_figure
from grading.reporting.results import Results
from grading.tasks.registry import task_of

T = TypeVar("T")


@dataclass
class Figures:
    """What there is to show of a run; what cannot be drawn is missing.

    Attributes:
        curves, curves_for_student: by configuration id, learning curves; a student's hold nothing but the published
            figures against them.
        mistakes: by configuration id, of classifications.
        confusion: by configuration id.
        iou: by configuration id, of segmentations.
        overlays: streets as the segmentations see them.
        augmentation: training faces under both augmentations.
        conclusions: the intervals of the report's conclusions.
        failures: why something is missing that should be there, one line each.
    """

    curves: dict[str, Figure] = field(default_factory=dict)
    curves_for_student: dict[str, Figure] = field(default_factory=dict)
    mistakes: dict[str, Figure] = field(default_factory=dict)
    confusion: dict[str, Figure] = field(default_factory=dict)
    iou: dict[str, Figure] = field(default_factory=dict)
    overlays: Figure | None = None
    augmentation: Figure | None = None
    conclusions: Figure | None = None
    failures: list[str] = field(default_factory=list)


def figures_of(results: Results, folder: Path) -> Figures:
    """All figures of a run. A figure that cannot be made is left out: no report is lost by one.

    Args:
        folder: of the results; `grading.running.evidence` says what may lie there.
    """
    figures = Figures()
    segmented: dict[str, Segmented] = {}
    for outcome in results.outcomes.values():
        _add_curves(figures, results, outcome.configuration)
        if outcome.finished:  # else what lies there is of an earlier run
            _add_answers(figures, segmented, results, outcome.configuration, folder)
    figures.overlays = _made(figures, "overlays", lambda: overlays_figure(segmented))
    figures.augmentation = _made(figures, "augmentation", lambda: _augmentation(folder))
    figures.conclusions = _made(figures, "conclusions", lambda: conclusions_figure(results.relations))
    return figures


def _add_curves(figures: Figures, results: Results, configuration: Configuration) -> None:
    id = configuration.id
    outcome = results.outcomes[id]
    epochs = results.plan.protocol(configuration)["epochs"]
    _put(figures, figures.curves, id, "curves", lambda: curves_figure(outcome, epochs))
    _put(figures, figures.curves_for_student, id, "student's curves", lambda: student_curves_figure(outcome, epochs))


def _add_answers(
    figures: Figures, segmented: dict[str, Segmented], results: Results, configuration: Configuration, folder: Path
) -> None:
    """The figures of what a configuration answered, and what the overlays need of it."""
    id = configuration.id
    task = task_of(configuration)
    names = task.class_names(configuration, results.plan.profile)

    def read() -> Answered | None:
        return read_answers(folder, id, len(names), by_pixel=task.answers_pixels)

    answers = _made(figures, f"evidence of {id}", read)
    if answers is None:
        return
    counts = answers.confusion
    things = "pixels" if task.answers_pixels else "pictures"
    _put(figures, figures.confusion, id, "confusion matrix", lambda: confusion_figure(id, names, counts, things))
    if task.answers_pixels:
        segmented[id] = Segmented(names, answers)
        _put(figures, figures.iou, id, "IoU", lambda: iou_figure(id, names, counts))
    else:
        _put(figures, figures.mistakes, id, "mistakes", lambda: mistakes_figure(id, names, answers))


def _augmentation(folder: Path) -> Figure | None:
    draws = read_draws(folder)
    return None if draws is None else augmentation_figure(draws)


def _put(figures: Figures, where: dict[str, Figure], id: str, what: str, make: Callable[[], Figure | None]) -> None:
    """Put a configuration's figure there, if there is something to draw."""
    figure = _made(figures, f"{what} of {id}", make)
    if figure is not None:
        where[id] = figure


def _made(figures: Figures, what: str, make: Callable[[], T]) -> T | None:
    """What `make` returns; None, and a line in `failures`, if it raises."""
    try:
        return make()
    except UnusableEvidence as error:
        figures.failures.append(f"{what}: {error}")
    except Exception as error:
        figures.failures.append(f"{what}: {type(error).__name__}: {error}"[:300])
    return None
