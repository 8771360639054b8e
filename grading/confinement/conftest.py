"""The same fixtures as the other tests of the grader."""

import pytest

from grading.tests.conftest import pytest_report_header, quick_weights

__all__ = ["pytest_report_header", "quick_weights"]


@pytest.fixture
def few_pictures() -> None:
    """All pictures: hostile submissions know them."""
