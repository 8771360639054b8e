"""The report's conclusions, checked on the trainings of a run: is one configuration better than another?"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from statistics import fmean, stdev

import numpy as np

from grading.assignment.assignment import Assignment, Relation
from grading.assignment.calibration import Calibration
from grading.assignment.training_record import Run
from grading.scoring.metrics import METRICS, ImageCounts
from grading.verdicts.outcome import Outcome

BOOTSTRAP_DRAWS = 2000
BOOTSTRAP_SEED = 0  # the same trainings give the same interval


@dataclass(frozen=True)
class RelationOutcome:
    """What the trainings of a run say about one conclusion.

    Attributes:
        verdict: `supported`, `undetermined` or `contradicted`.
        difference: of the mean tails, in the better configuration's metric; None if one of them was not trained.
        interval: of `difference`, 95 %, over images and seeds; None as above.
        required: the difference that a gated relation must still be able to have; None if it is not gated.
        holds: False if a gated relation is refuted with 99 % confidence.
    """

    relation: Relation
    verdict: str
    difference: float | None
    interval: tuple[float, float] | None
    required: float | None = None
    holds: bool = True


def relate_all(
    assignment: Assignment, outcomes: Mapping[str, Outcome], calibration: Calibration | None, *, gated: bool = True
) -> list[RelationOutcome]:
    """Check every conclusion of the report whose two configurations are part of the run.

    Args:
        outcomes: by configuration id.
        gated: False in a trial, in which no relation is gated.
    """
    related = []
    for relation in assignment.relations:
        if relation.better in outcomes and relation.worse in outcomes:
            relation = replace(relation, gated=relation.gated and gated)
            related.append(relate(relation, outcomes[relation.better], outcomes[relation.worse], calibration))
    return related


def relate(relation: Relation, better: Outcome, worse: Outcome, calibration: Calibration | None) -> RelationOutcome:
    """Check one conclusion in the better configuration's metric.

    Both configurations are measured on the same validation images, so the bootstrap draws images for both at once. The
    spread over seeds is the calibrated one if there is one: two or three seeds say little about their own spread.
    """
    if not better.finished or not worse.finished:
        return RelationOutcome(relation, "undetermined", None, None)
    metric = better.configuration.metric
    difference = fmean(run.tail(metric) for run in better.finished) - fmean(run.tail(metric) for run in worse.finished)
    draws = difference + _errors(better, worse, metric, calibration)
    low, high, highest = (float(value) for value in np.quantile(draws, [0.025, 0.975, 0.995]))
    verdict = "supported" if low > 0 else "contradicted" if high < 0 else "undetermined"
    required = required_difference(relation, better, worse, calibration)
    holds = required is None or highest >= required
    return RelationOutcome(relation, verdict, difference, (low, high), required, holds)


def required_difference(
    relation: Relation, better: Outcome, worse: Outcome, calibration: Calibration | None
) -> float | None:
    """Half the published difference; None if the relation is not gated, or if the reference does not reach so much."""
    if not relation.gated or calibration is None or not {relation.better, relation.worse} <= set(calibration):
        return None
    metric = better.configuration.metric
    published = better.configuration.published[metric]["best"] - worse.configuration.published[metric]["best"]
    measured_better, measured_worse = (calibration[id].metrics[metric] for id in (relation.better, relation.worse))
    measured = measured_better.tail_mean - measured_worse.tail_mean
    return published / 2 if measured >= published / 2 else None


def _errors(better: Outcome, worse: Outcome, metric: str, calibration: Calibration | None) -> np.ndarray:
    """Draws of the error of the difference, by the choice of images and of seeds; float64 (BOOTSTRAP_DRAWS,)."""
    generator = np.random.default_rng(BOOTSTRAP_SEED)
    errors = _errors_by_images(better, worse, metric, generator)
    for outcome in (better, worse):
        sd = _sd_over_seeds(outcome, metric, calibration)
        errors += generator.normal(0, sd / math.sqrt(len(outcome.finished)), BOOTSTRAP_DRAWS)
    return errors


def _errors_by_images(better: Outcome, worse: Outcome, metric: str, generator: np.random.Generator) -> np.ndarray:
    """Draws of the error by the choice of images alone: a paired bootstrap."""
    better_counts, worse_counts = _mean_counts(better.finished), _mean_counts(worse.finished)
    images = len(better_counts.right)
    assert images == len(worse_counts.right), "both configurations are measured on the same images"
    choices = generator.integers(images, size=(BOOTSTRAP_DRAWS, images))
    return _deviations(better_counts, metric, choices) - _deviations(worse_counts, metric, choices)


def _deviations(counts: ImageCounts, metric: str, choices: np.ndarray) -> np.ndarray:
    """How much the metric of each choice of images differs from the metric of all images.

    Args:
        choices: int64 (D, N), indices of images.

    Returns:
        float64 (D,).
    """
    value = METRICS[metric]
    of_all_images = value(counts)
    return np.array([value(counts.of_images(choice)) - of_all_images for choice in choices])


def _sd_over_seeds(outcome: Outcome, metric: str, calibration: Calibration | None) -> float:
    """The standard deviation of a tail over seeds; 0 if it is not known."""
    measured = None if calibration is None else calibration.get(outcome.configuration.id)
    if measured is not None and metric in measured.metrics:
        return measured.metrics[metric].tail_sd
    tails = [run.tail(metric) for run in outcome.finished]
    return stdev(tails) if len(tails) > 1 else 0.0


def _mean_counts(runs: tuple[Run, ...]) -> ImageCounts:
    """The counts by image, each the mean over seeds."""
    by_seed = [run.counts_by_image for run in runs if run.counts_by_image is not None]
    names = [field.name for field in fields(ImageCounts)]
    return ImageCounts(**{name: np.mean([counts[name] for counts in by_seed], axis=0) for name in names})
