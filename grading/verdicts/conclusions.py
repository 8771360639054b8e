"""The report's conclusions, checked on the trainings of a run: one configuration is better than another."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from statistics import fmean, stdev

import numpy as np

from grading.assignment.assignment import Assignment, Relation
from grading.assignment.calibration import Calibration
from grading.assignment.training_record import Run
from grading.scoring.metrics import METRICS, ImageCounts
from grading.verdicts.outcome import Outcome

DRAWS = 2000
SEED = 0  # of the bootstrap: the same trainings give the same interval


@dataclass(frozen=True)
class RelationOutcome:
    """One conclusion: supported, undetermined or contradicted.

    Attributes:
        difference: of the mean tails, in the better configuration's metric.
        interval: of 95 %, over images and seeds.
        required: what the difference must be able to reach; None if the relation is not gated.
        holds: False where a gated relation is refuted with 99 % confidence.
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
    """Every conclusion of the report whose two configurations were run; in a trial none is `gated`."""
    return [
        relate(
            replace(relation, gated=relation.gated and gated),
            outcomes[relation.better],
            outcomes[relation.worse],
            calibration,
        )
        for relation in assignment.relations
        if relation.better in outcomes and relation.worse in outcomes
    ]


def relate(relation: Relation, better: Outcome, worse: Outcome, calibration: Calibration | None) -> RelationOutcome:
    """Check one conclusion in the better configuration's metric.

    Both configurations answer for the same validation images, so these are drawn for both at once (paired bootstrap).
    The spread over seeds is the calibrated one if there is one: two or three seeds say little about their own.
    """
    if not better.finished or not worse.finished:
        return RelationOutcome(relation, "undetermined", None, None)
    metric = better.configuration.metric
    difference = fmean(run.tail(metric) for run in better.finished) - fmean(run.tail(metric) for run in worse.finished)
    drawn = difference + _errors(better, worse, metric, calibration)
    low, high, highest = (float(value) for value in np.quantile(drawn, [0.025, 0.975, 0.995]))
    verdict = "supported" if low > 0 else "contradicted" if high < 0 else "undetermined"
    required = required_difference(relation, better, worse, calibration)
    return RelationOutcome(
        relation, verdict, difference, (low, high), required, required is None or highest >= required
    )


def required_difference(
    relation: Relation, better: Outcome, worse: Outcome, calibration: Calibration | None
) -> float | None:
    """Half the published difference, where the relation is gated and the reference reproduces as much."""
    if not relation.gated or calibration is None or not {relation.better, relation.worse} <= set(calibration):
        return None
    metric = better.configuration.metric
    published, measured = (
        [side(outcome) for outcome in (better, worse)]
        for side in (
            lambda outcome: outcome.configuration.published[metric]["best"],
            lambda outcome: calibration[outcome.configuration.id].metrics[metric].tail_mean,
        )
    )
    half = (published[0] - published[1]) / 2
    return half if measured[0] - measured[1] >= half else None


def _errors(better: Outcome, worse: Outcome, metric: str, calibration: Calibration | None) -> np.ndarray:
    """Draws of what the difference is off by, from the choice of images and of seeds."""
    generator = np.random.default_rng(SEED)
    errors = np.zeros(DRAWS)
    sides = [(_mean_counts(outcome.finished), sign) for outcome, sign in ((better, 1), (worse, -1))]
    images = {len(counts.right) for counts, _ in sides}
    count = images.pop()
    assert not images, "both configurations answer for the same images"
    choices = generator.integers(count, size=(DRAWS, count))
    value = METRICS[metric]
    for counts, sign in sides:
        whole = value(counts)
        errors += [sign * (value(counts.of_images(choice)) - whole) for choice in choices]
    for outcome in (better, worse):
        sd = _sd(outcome, metric, calibration)
        errors += generator.normal(0, sd / math.sqrt(len(outcome.finished)), DRAWS)
    return errors


def _sd(outcome: Outcome, metric: str, calibration: Calibration | None) -> float:
    """Over seeds; 0 if it is not known."""
    if calibration is not None and outcome.configuration.id in calibration:
        return calibration[outcome.configuration.id].metrics[metric].tail_sd
    tails = [run.tail(metric) for run in outcome.finished]
    return stdev(tails) if len(tails) > 1 else 0.0


def _mean_counts(runs: tuple[Run, ...]) -> ImageCounts:
    """The mean over seeds."""
    every = [run.counts_by_image for run in runs if run.counts_by_image is not None]
    names = ("right", "union", "ignored")
    return ImageCounts(*(np.mean([np.array(counts[name]) for counts in every], axis=0) for name in names))
