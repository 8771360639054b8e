"""What the reference reaches in a profile, as `python -m grading.calibrate` measured it: one JSON file per profile."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Spread:
    """One metric over seeds: means and standard deviation of the tail (last fifth of the epochs)."""

    tail_mean: float
    tail_sd: float
    best_mean: float
    initial_mean: float


@dataclass(frozen=True)
class Measured:
    """One configuration over `seeds` trainings of `seconds` each, on one core."""

    seeds: int
    seconds: float
    metrics: Mapping[str, Spread]


Calibration = Mapping[str, Measured]


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
        )
        for id, entry in table.items()
    }
