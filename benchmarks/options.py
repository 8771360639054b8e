"""The options that all benchmarks share."""

import os
from argparse import ArgumentParser, Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

RUNS = 5
CPU_IMAGES = 48  # FCN8s on a whole CamVid takes six minutes an epoch on two cores


@dataclass(frozen=True)
class Options:
    """What is measured, and how often.

    Attributes:
        runs: of each variant; their median counts.
        smallest: each variant once, on the least data: for correctness, not for time.
        threads: that PyTorch computes with; None for as many as a grading takes.
        images: training pictures of a data set; None for as many as suit the device.
        camvid: a folder with the real one; None if streets are drawn.
        weights: a folder with pretrained weights, which only the check for a GPU reads.
    """

    runs: int = RUNS
    device: str = "cpu"
    profile: Literal["report", "mini"] = "report"
    smallest: bool = False
    threads: int | None = None
    images: int | None = None
    camvid: Path | None = None
    weights: Path | None = None

    @property
    def computing_threads(self) -> int:
        """In `mini` a grading has a training on each core, else one on all of them."""
        return self.threads or (1 if self.smallest or self.profile == "mini" else os.cpu_count() or 1)

    def count(self, whole: int, smallest: int) -> int:
        """How many of the `whole` training pictures of a data set are used."""
        if self.smallest:
            return smallest
        is_slow = self.device == "cpu" and self.profile == "report"
        return min(whole, self.images or (CPU_IMAGES if is_slow else whole))


def add_options(parser: ArgumentParser) -> None:
    """Add them to a command line."""
    add = parser.add_argument
    add(
        "--runs", type=_positive, default=RUNS, metavar="N", help="runs of each variant, in turn (default: %(default)s)"
    )
    add("--device", choices=["cpu", "cuda"], help="default: cuda for gpu, else cpu")
    add("--profile", choices=["report", "mini"], help="sizes (default: report; mini if --smallest)")
    add("--smallest", action="store_true", help="each variant once, on the least data: shows that it works")
    add("--threads", type=_positive, metavar="N", help="of PyTorch (default: as a grading takes)")
    add(
        "--images",
        type=_positive,
        metavar="N",
        help=f"training pictures (default: {CPU_IMAGES}; all on a GPU or in mini)",
    )
    add("--camvid", type=Path, metavar="DIR", help="the real CamVid, in place of drawn streets")
    add("--weights", type=Path, metavar="DIR", help="pretrained weights, for gpu")


def options_of(given: Namespace) -> Options:
    """The options of a command line."""
    return Options(
        runs=1 if given.smallest else given.runs,
        device=given.device or ("cuda" if given.name == "gpu" else "cpu"),
        profile=given.profile or ("mini" if given.smallest else "report"),
        smallest=given.smallest,
        threads=given.threads,
        images=given.images,
        camvid=given.camvid,
        weights=given.weights,
    )


def _positive(text: str) -> int:
    if (number := int(text)) < 1:
        raise ValueError(text)
    return number
