"""Metrics as students may read them: rounded.

An exact metric tells how many validation labels a prediction meets, and a training predicts anew after each epoch. The
exact ones are for the instructor, in history.csv, journal.jsonl and report.html.
"""

import re

from grading.verdicts.outcome import Outcome

DECIMALS = 2
FIGURE = re.compile(r"(?<![\w.])([+-]?)(\d+\.\d{3,}(?:e[+-]?\d+)?)(?!\w|\.\d)")
ODDS = re.compile(r" Here they are \S+ to \S+\.(?!\d)")  # they tell as much as the exact mean


def student_reason(outcome: Outcome) -> str:
    """The reason of a verdict, as a student may read it. What the student's code wrote is not rounded."""
    reason = rounded_text(outcome.reason)
    if reason == outcome.reason or outcome.finished != outcome.runs:
        return outcome.reason
    return f"{reason} (Figures are rounded.)"


def rounded_text(text: str) -> str:
    """The text with its figures rounded, and without odds."""
    return FIGURE.sub(lambda figure: f"{figure[1]}{float(figure[2]):.{DECIMALS}f}", ODDS.sub("", text))


def rounded(metric: float | None) -> float | None:
    """The metric with DECIMALS decimals; None if there is none."""
    return None if metric is None else round(metric, DECIMALS)
