"""One training as a fact."""

from dataclasses import dataclass
from statistics import fmean

MOST_PEAK_BYTES = 2**53  # no GPU has as much


@dataclass(frozen=True)
class Run:
    """One training.

    Attributes:
        history: by epoch, `{"epoch": 1, "loss": ..., metric: value, ...}`.
        seconds: wall time.
        kind: how it ended: `FINISHED`, `FAIL` (an error of the submission's, or answers that cannot be used),
            `TIMEOUT`, `OUT_OF_MEMORY`, `CRASH`, or `GRADER_ERROR`, which says nothing about the submission.
        failure: why it ended early; None if it was finished.
        counts_by_image: what the tail's metrics are made from; see `grading.scoring.metrics.ImageCounts`. None if the
            training did not reach its last epoch.
        peak_bytes: the most memory of the GPU that it took at a time, a claim of its worker; None if it is not known.
    """

    configuration: str
    seed: int
    history: tuple[dict[str, float], ...]
    seconds: float
    kind: str = "FINISHED"
    failure: str | None = None
    counts_by_image: dict[str, list[list[float]]] | None = None
    peak_bytes: int | None = None

    def values(self, metric: str) -> list[float]:
        """The metric's value after each epoch."""
        return [epoch[metric] for epoch in self.history]

    def initial(self, metric: str) -> float:
        """After the first epoch."""
        return self.values(metric)[0]

    def early(self, metric: str) -> float:
        """Mean over the first fifth of the epochs, at least one."""
        return fmean(self.values(metric)[: tail_length(len(self.history))])

    def best(self, metric: str) -> float:
        """After the best epoch."""
        return max(self.values(metric))

    def tail(self, metric: str) -> float:
        """Mean over the last fifth of the epochs, at least one: unlike the best epoch, not biased upwards."""
        values = self.values(metric)
        last = values[-tail_length(len(values)) :]
        return sum(last) / len(last)


def tail_length(epochs: int) -> int:
    """How many epochs a fifth of them is, at least one."""
    return max(1, epochs // 5)
