"""The grader: trains every configuration of the homework with a submission's code and judges the results."""

from pathlib import Path

PACKAGE = Path(__file__).resolve().parent
ROOT = PACKAGE.parent
"""The repository: `hw4/`, `solutions/`, `tests/` and this package."""
