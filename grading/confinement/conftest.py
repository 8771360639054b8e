"""The same fixtures as the other tests of the grader."""

from grading.tests.conftest import pytest_report_header, quick_weights

__all__ = ["pytest_report_header", "quick_weights"]
