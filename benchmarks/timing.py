"""Times of several variants of the same work, each run in turn, so that a slower minute meets all of them."""

import os
import time
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TypeVar

Name = TypeVar("Name", bound=Hashable)


@dataclass(frozen=True)
class Seconds:
    """The same work, run several times."""

    runs: tuple[float, ...]

    @property
    def median(self) -> float:
        return median(self.runs)

    @property
    def quartiles(self) -> tuple[float, float]:
        """The first and the third; the extremes if there are fewer than four runs."""
        if len(self.runs) < 4:
            return min(self.runs), max(self.runs)
        first, _, third = quantiles(self.runs, method="inclusive")
        return first, third

    def times(self, other: "Seconds") -> float:
        """How many times as long as another variant: the median of the ratios of runs that came in turn."""
        return median(ours / theirs for ours, theirs in zip(self.runs, other.runs, strict=True))


@dataclass(frozen=True)
class Timing:
    """Wall time, and the processor time of this process and of its children that have ended."""

    wall: Seconds
    processor: Seconds


def timed_in_turn(
    variants: Mapping[Name, Callable[[], object]], runs: int, *, warm_up: bool = True, device: str = "cpu"
) -> dict[Name, Timing]:
    """Run each variant once, then again, until all have run `runs` times.

    Args:
        warm_up: whether each runs once more, before the clock runs.
        device: `"cuda"` if a variant leaves work to a GPU, which is then waited for.
    """
    wait = _wait_for_gpu if device == "cuda" else _nothing
    if warm_up:
        for work in variants.values():
            work()
    times: dict[Name, list[tuple[float, float]]] = {name: [] for name in variants}
    for _ in range(runs):
        for name, work in variants.items():
            wait()
            start, processor = time.perf_counter(), _processor_seconds()
            work()
            wait()
            times[name].append((time.perf_counter() - start, _processor_seconds() - processor))
    return {name: Timing(*(Seconds(part) for part in zip(*pairs, strict=True))) for name, pairs in times.items()}


def _processor_seconds() -> float:
    return sum(os.times()[:4])


def _wait_for_gpu() -> None:
    import torch

    torch.cuda.synchronize()


def _nothing() -> None:
    """A processor has done its work when a function returns."""
