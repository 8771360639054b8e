"""What the reference reaches in a profile, as `python -m grading.calibrate` measured it: one JSON file per profile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent


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
    """One configuration over `seeds` trainings of `seconds` each, on one core.

    Attributes:
        tails: of the metric that verdicts rest on, by seed.
        designs: right submissions of other designs, by module and name (`fcn-paper_score`): the tail of one training.
    """

    seeds: int
    seconds: float
    metrics: Mapping[str, Spread]
    tails: tuple[float, ...]
    designs: Mapping[str, float]


Calibration = Mapping[str, Measured]


@cache
def read_calibration(profile: str) -> Calibration | None:
    """By configuration id; None where the profile has not been calibrated."""
    path = FOLDER / f"{profile}.json"
    if not path.is_file():
        return None
    table = json.loads(path.read_text(encoding="utf-8"))["configurations"]
    return {
        id: Measured(
            entry["seeds"],
            entry["seconds"],
            {metric: Spread(**spread) for metric, spread in entry["metrics"].items()},
            tuple(entry["tails"]),
            entry["designs"],
        )
        for id, entry in table.items()
    }
