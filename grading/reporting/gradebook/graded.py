"""What the pages of a class know of one submission."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from grading.assignment.api_test_record import Checked
from grading.intake.hand_in import HandIn


@dataclass(frozen=True)
class Graded:
    """One student's row.

    Attributes:
        document: the content of the student's results.json.
        failed_tests: the tests of the student API that did not pass.
        fault: why nothing could be graded, in one line; None if it was graded.
    """

    hand_in: HandIn
    document: Mapping[str, Any]
    failed_tests: tuple[Checked, ...] = ()
    fault: str | None = None
