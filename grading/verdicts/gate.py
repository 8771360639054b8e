"""The rule that turns the tails of several trainings into a verdict, or asks for one more training.

It is a sequential test. Each training adds to the logarithm of the odds that the submission lies above a boundary, not
below it. What one training adds is clipped, so no single training decides.

A submission passes if it lies above `threshold`, and fails if it lies below `floor`. If every right submission trains
the same network on the same pictures, both are the same number. If the contract leaves a design to the student, right
submissions differ by more than chance: `threshold` is then what the weakest typical design reached, `floor` is what
nearly all designs will reach, and a person decides about what lies between.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import NormalDist, fmean, stdev

from grading.assignment.assignment import GateRule

SIMULATED_GRADINGS = 2000


@dataclass(frozen=True)
class Gate:
    """The gate of one configuration.

    Attributes:
        threshold: a submission passes above it; a metric in [0, 1].
        floor: a submission fails below it; at most `threshold`. None if too little is known about other designs: no
            number fails a submission then.
        sd: standard deviation of a tail over seeds.
        margin: distance of the two hypotheses, which are a boundary plus and minus half of it.
        rule: the constants that all gates share.
        most_seeds: after so many trainings a person decides.
    """

    threshold: float
    floor: float | None
    sd: float
    margin: float
    rule: GateRule
    most_seeds: int

    @property
    def needed_log_odds(self) -> float:
        """The logarithm of the odds that decide."""
        return math.log(self.rule.odds)

    def passing_mean(self, seeds: int) -> float:
        """The mean tail at which `seeds` trainings pass, if no training reaches the clip."""
        return self.threshold + self.needed_log_odds * self.sd**2 / (self.margin * seeds)

    def failing_mean(self, seeds: int) -> float | None:
        """The mean tail at which `seeds` trainings fail, if no training reaches the clip; None if no number fails."""
        return None if self.floor is None else self.floor - self.needed_log_odds * self.sd**2 / (self.margin * seeds)

    def evidence(self, tail: float, boundary: float) -> float:
        """What one training adds to the logarithm of the odds; a tail that is NaN counts as 0."""
        added = self.margin / self.sd**2 * ((0.0 if math.isnan(tail) else tail) - boundary)
        return max(-self.rule.clip, min(self.rule.clip, added))

    def decide(self, tails: Sequence[float | None]) -> "Decision":
        """The verdict by the first trainings that suffice.

        Args:
            tails: by seed; None for a training that repeats an earlier one in every metric and so says nothing new.
        """
        above_threshold = above_floor = 0.0
        for count, tail in enumerate(tails, start=1):
            if tail is not None:
                above_threshold += self.evidence(tail, self.threshold)
                above_floor += self.evidence(tail, self.floor) if self.floor is not None else 0.0
            if above_threshold >= self.needed_log_odds:
                return Decision("PASS", count, above_threshold)
            if above_floor <= -self.needed_log_odds:
                return Decision("FAIL", count, above_floor)
        return Decision(None, len(tails), above_threshold)


@dataclass(frozen=True)
class Decision:
    """What a gate decides.

    Attributes:
        verdict: `PASS` or `FAIL`; None if the trainings do not suffice.
        seeds: how many trainings it rests on.
        log_odds: the logarithm of the odds that the submission lies above the boundary: `floor` for `FAIL`, else
            `threshold`.
    """

    verdict: str | None
    seeds: int
    log_odds: float


@lru_cache(maxsize=256)
def pass_rate(gate: Gate, mean: float, sd: float) -> float:
    """The share of simulated gradings that pass if tails are normal with this mean and standard deviation."""
    generator = random.Random(0)
    passed = 0
    for _ in range(SIMULATED_GRADINGS):
        tails = [generator.gauss(mean, sd) for _ in range(gate.most_seeds)]
        passed += gate.decide(tails).verdict == "PASS"
    return passed / SIMULATED_GRADINGS


def tolerance_bound(values: Sequence[float], coverage: float, confidence: float) -> float:
    """The lower bound that a share of `coverage` of a normal population exceeds, with this confidence.

    It is the one-sided tolerance limit mean - k * sd, with Natrella's approximation of k (NBS Handbook 91, 1963,
    section 2-4).

    Args:
        values: a sample of the population.

    Raises:
        statistics.StatisticsError: fewer than two values.
    """
    z, c = NormalDist().inv_cdf(coverage), NormalDist().inv_cdf(confidence)
    a = 1 - c**2 / (2 * (len(values) - 1))
    b = z**2 - c**2 / len(values)
    return fmean(values) - (z + math.sqrt(max(0.0, z**2 - a * b))) / a * stdev(values)


def sd_upper_bound(sd: float, seeds: int, confidence: float) -> float:
    """The upper confidence bound of a standard deviation that was measured over `seeds` normal values.

    The chi-squared quantile is Wilson and Hilferty's approximation (PNAS 17, 1931).
    """
    freedom = seeds - 1
    z = NormalDist().inv_cdf(1 - confidence)
    quantile = freedom * (1 - 2 / (9 * freedom) + z * math.sqrt(2 / (9 * freedom))) ** 3
    return sd * math.sqrt(freedom / quantile)
