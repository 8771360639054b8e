"""The same fixtures as the other tests of the grader."""

from grading.tests.conftest import quick_weights

__all__ = ["quick_weights"]
