"""What the reference reaches in a profile, as `python -m grading calibrate` measured it: one JSON file per profile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from statistics import median
from typing import Any

FOLDER = Path(__file__).parent / "calibrations"
OUTLIER = 3.0
MAD_TO_SD = 1.4826  # of a normal distribution: standard deviation over median absolute deviation


class CalibrationError(Exception):
    """A calibration cannot be read; one line."""


@dataclass(frozen=True)
class Spread:
    """One metric over seeds.

    Attributes:
        tail_mean, tail_sd: of the tail (last fifth of the epochs).
        tail_sd_upper: the upper bound of 95 % confidence of the standard deviation.
    """

    tail_mean: float
    tail_sd: float
    tail_sd_upper: float
    best_mean: float
    initial_mean: float


@dataclass(frozen=True)
class Measured:
    """One configuration over `seeds` trainings, the fastest of which took `seconds` on one core.

    Attributes:
        tails: of the metric that verdicts rest on, by seed.
        designs: right submissions of other designs, by module and name (`fcn-paper_score`): the tail of one training.
        conditions: what it was measured on; see `grading.running.conditions`.
        made_with: versions of libraries, and the hardware.
        least_progress: the least that the reference or another design gained from its first epoch to its tail; None if
            the first epochs of the other designs were not noted.
        early, design_early: as `tails` and `designs`, over the first fifth of the epochs.
        least_range: the least distance of best and worst epoch before the tail in any of these trainings.
        curve: by epoch, the metric's mean over seeds.
        control_gaps, design_control_gaps: see `grading.scoring.control.gap`, by seed and by design.
    """

    seeds: int
    seconds: float
    metrics: Mapping[str, Spread]
    tails: tuple[float, ...]
    designs: Mapping[str, float]
    conditions: Mapping[str, Any]
    made_with: Mapping[str, str]
    least_progress: float | None = None
    early: tuple[float, ...] = ()
    design_early: Mapping[str, float] = field(default_factory=dict)
    least_range: float | None = None
    curve: tuple[float, ...] = ()
    control_gaps: tuple[float, ...] = ()
    design_control_gaps: Mapping[str, float] = field(default_factory=dict)

    @property
    def typical(self) -> frozenset[str]:
        """The designs that are no outliers below: not more than OUTLIER robust standard deviations below the median."""
        if not self.designs:
            return frozenset()
        middle = median(self.designs.values())
        spread = MAD_TO_SD * median(abs(tail - middle) for tail in self.designs.values())
        return frozenset(name for name, tail in self.designs.items() if tail >= middle - OUTLIER * spread)

    def least_control_gap(self, tail: float) -> float | None:
        """The least gap of the reference's controls and of designs at least as good; None if none was measured.

        Args:
            tail: designs count from here on. A decoder that hardly tells the sky from the road learns no rule about the
                sky either.
        """
        as_good = [gap for name, gap in self.design_control_gaps.items() if self.designs[name] >= tail]
        return min((*self.control_gaps, *as_good), default=None)


Calibration = Mapping[str, Measured]


@cache
def read_calibration(profile: str) -> Calibration | None:
    """By configuration id; None if the profile has not been calibrated.

    Raises:
        CalibrationError: the file cannot be read.
    """
    path = FOLDER / f"{profile}.json"
    if not path.is_file():
        return None
    try:
        table = json.loads(path.read_text(encoding="utf-8"))["configurations"]
        return {id: _measured(entry) for id, entry in table.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise CalibrationError(f"{path}: no calibration ({error}); remove the file, or calibrate anew") from None


def _measured(entry: Mapping[str, Any]) -> Measured:
    return Measured(
        entry["seeds"],
        entry["seconds"],
        {metric: Spread(**spread) for metric, spread in entry["metrics"].items()},
        tuple(entry["tails"]),
        entry["designs"],
        # An older file does not say what it was measured on: it fits nothing.
        entry.get("conditions", {}),
        entry.get("made_with", {}),
        entry.get("least_progress"),
        tuple(entry.get("early", ())),
        entry.get("design_early", {}),
        entry.get("least_range"),
        tuple(entry.get("curve", ())),
        tuple(entry.get("control_gaps", ())),
        entry.get("design_control_gaps", {}),
    )
