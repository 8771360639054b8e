"""history.csv: one row per configuration, seed and epoch."""

import csv
from io import StringIO
from typing import TYPE_CHECKING

from grading.scoring.metrics import METRICS

if TYPE_CHECKING:
    from grading.reporting.results import Results

HEADER = ["configuration", "seed", "epoch", "loss", *METRICS]


def history_csv(results: "Results") -> str:
    """The file's text. Every number has all its digits; a metric that a task does not have is empty."""
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(HEADER)
    for id, outcome in results.outcomes.items():
        for run in outcome.runs:
            for epoch in run.history:
                values = [epoch.get(metric, "") for metric in METRICS]
                writer.writerow([id, run.seed, epoch["epoch"], epoch["loss"], *values])
    return text.getvalue()
