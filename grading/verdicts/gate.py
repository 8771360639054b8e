"""The rule that turns the tails of several trainings into a verdict, or asks for one more.

A sequential test: each training adds to the logarithm of the odds that the submission lies above a boundary rather than
below it, clipped, so that no single training decides.

A submission passes where it lies above `threshold`, and fails where it lies below `floor`. Where every right submission
trains the same network on the same pictures the two are one number. Where the contract leaves a design to the student,
right submissions differ by more than chance: `threshold` is what the weakest design that was measured reaches, `floor`
what nearly all designs will, and what lies between is for a person to decide.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist, fmean, stdev

from grading.assignment.assignment import GateRule

SIMULATED = 2000  # gradings, for the rate of one verdict


@dataclass(frozen=True)
class Gate:
    """One configuration's gate.

    Attributes:
        threshold: a submission passes above it; a metric in [0, 1].
        floor: a submission fails below it, at most `threshold`; None if nothing is known about other designs, and a
            submission is passed or left to a person.
        sd: standard deviation of a tail over seeds.
        margin: how far apart the two hypotheses lie, which are `boundary` plus and minus half of it.
        most_seeds: the trainings after which a person decides.
    """

    threshold: float
    floor: float | None
    sd: float
    margin: float
    rule: GateRule
    most_seeds: int

    @property
    def needed_odds(self) -> float:
        """The logarithm of the odds that decide."""
        return math.log(self.rule.odds)

    def passing_mean(self, seeds: int) -> float:
        """The mean tail of so many trainings that passes, if none of them adds more than the clip."""
        return self.threshold + self.needed_odds * self.sd**2 / (self.margin * seeds)

    def failing_mean(self, seeds: int) -> float | None:
        """The mean tail of so many trainings that fails; None if none does."""
        return None if self.floor is None else self.floor - self.needed_odds * self.sd**2 / (self.margin * seeds)

    def evidence(self, tail: float, boundary: float) -> float:
        """What one training adds to the logarithm of the odds; NaN counts as 0."""
        added = self.margin / self.sd**2 * ((0.0 if math.isnan(tail) else tail) - boundary)
        return max(-self.rule.clip, min(self.rule.clip, added))

    def decide(self, tails: Sequence[float | None]) -> "Decision":
        """The verdict by the first trainings that suffice.

        Args:
            tails: by seed; None for a training that repeats an earlier one in every metric, which says nothing new.
        """
        above = below = 0.0
        for number, tail in enumerate(tails, start=1):
            if tail is not None:
                above += self.evidence(tail, self.threshold)
                below += self.evidence(tail, self.floor) if self.floor is not None else 0.0
            if above >= self.needed_odds:
                return Decision("PASS", number, above)
            if below <= -self.needed_odds:
                return Decision("FAIL", number, below)
        return Decision(None, len(tails), above)


def pass_rate(gate: Gate, mean: float, sd: float) -> float:
    """How often a submission passes whose tails are normal with this mean and standard deviation, by simulation."""
    draws = random.Random(0)
    decisions = (gate.decide([draws.gauss(mean, sd) for _ in range(gate.most_seeds)]) for _ in range(SIMULATED))
    return sum(decision.verdict == "PASS" for decision in decisions) / SIMULATED


@dataclass(frozen=True)
class Decision:
    """`PASS`, `FAIL` or None for undecided; the number of trainings it rests on; the logarithm of the odds."""

    verdict: str | None
    seeds: int
    evidence: float


def tolerance_bound(values: Sequence[float], coverage: float, confidence: float) -> float:
    """What a share of `coverage` of a normal population exceeds, with this confidence, by a sample of it.

    The one-sided tolerance limit mean - k * sd with Natrella's approximation of k (NBS Handbook 91, 1963, section 2-4).

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
