"""What a gate can tell apart: how often it passes a submission that learned less than the reference."""

from dataclasses import dataclass

from grading.assignment.calibration import Measured
from grading.verdicts.gate import Gate, pass_rate

WEAK = 0.01  # a gate says little if it passes more than this share of submissions that stopped after one epoch


@dataclass(frozen=True)
class Power:
    """Pass rates, simulated with the reference's spread over seeds.

    Attributes:
        first_epoch: the reference's metric after its first epoch.
        at_first_epoch: the pass rate of submissions whose tail is `first_epoch`.
        half_way: the middle between the reference's first epoch and its tail.
        at_half_way: the pass rate of submissions whose tail is `half_way`.
        least_gain: what a submission must also gain from its own first epoch to its tail; None if nothing.
    """

    first_epoch: float
    at_first_epoch: float
    half_way: float
    at_half_way: float
    least_gain: float | None = None

    @property
    def is_weak(self) -> bool:
        """Whether the threshold alone would pass a submission that learned nothing after one epoch."""
        return self.at_first_epoch > WEAK

    def __str__(self) -> str:
        sentences = (
            f"A submission that stops at what the reference knows after one epoch ({self.first_epoch:.4f}) passes the "
            f"threshold in {self.at_first_epoch:.0%} of gradings, one that gets half as far as the reference "
            f"({self.half_way:.4f}) in {self.at_half_way:.0%}."
        )
        if self.is_weak:
            sentences += " This threshold says little: the tests of the student API decide."
        if self.least_gain is not None:
            sentences += f" To pass, its tail must also lie {self.least_gain:.4f} above its own first epoch."
        return sentences


def power_of(gate: Gate, measured: Measured, metric: str) -> Power:
    """The power of a gate that rests on a calibration."""
    spread = measured.metrics[metric]
    half_way = (spread.initial_mean + spread.tail_mean) / 2
    at_first_epoch = pass_rate(gate, spread.initial_mean, gate.sd)
    at_half_way = pass_rate(gate, half_way, gate.sd)
    least_gain = None
    if at_first_epoch > WEAK and measured.least_progress is not None and measured.least_progress > 0:
        least_gain = measured.least_progress / 2
    return Power(spread.initial_mean, at_first_epoch, half_way, at_half_way, least_gain)
