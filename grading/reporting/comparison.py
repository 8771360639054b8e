"""The report's own tables, filled: what was published beside what this run measured."""

from collections.abc import Iterable
from dataclasses import dataclass

from grading.verdicts.outcome import Outcome

NAMES = {
    "accuracy": "accuracy",
    "miou_reported": "mean IoU, as reported",
    "miou_standard": "mean IoU",
    "accuracy_reported": "pixel accuracy, as reported",
    "accuracy_standard": "pixel accuracy",
}


@dataclass(frozen=True)
class Row:
    """One configuration in one metric.

    Attributes:
        published_epoch: of the published best.
        initial, best, tail: means over the finished trainings; None if there is none.
    """

    id: str
    title: str
    metric: str
    published_initial: float | None
    published_best: float | None
    published_epoch: int | None
    initial: float | None
    best: float | None
    tail: float | None


def comparison(outcomes: Iterable[Outcome], *, every_metric: bool = False) -> list[Row]:
    """A row for each configuration and each metric that was published for it.

    Args:
        every_metric: also those that were not published.
    """
    rows = []
    for outcome in outcomes:
        configuration = outcome.configuration
        measured = set(outcome.finished[0].history[0]) if outcome.finished else set()
        shown = [name for name in NAMES if name in configuration.published or (every_metric and name in measured)]
        for metric in sorted(shown, key=lambda name: name != configuration.metric):
            rows.append(_row(outcome, metric, was_measured=metric in measured))
    return rows


def metric_name(metric: str) -> str:
    """The metric as a person calls it."""
    return NAMES.get(metric, metric)


def _row(outcome: Outcome, metric: str, *, was_measured: bool) -> Row:
    configuration = outcome.configuration
    published = configuration.published.get(metric, {})
    epoch = published.get("epoch")

    def mean(kind: str) -> float | None:
        return outcome.mean(kind, metric) if was_measured else None

    return Row(
        configuration.id,
        configuration.title,
        metric_name(metric),
        published.get("initial"),
        published.get("best"),
        None if epoch is None else int(epoch),
        mean("initial"),
        mean("best"),
        mean("tail"),
    )
