"""What a verdict means to a student: words without thresholds."""

from collections.abc import Mapping

MEANINGS: Mapping[str, str] = {
    "PASS": "learns as well as a right solution does",
    "FAIL": "learns less than right solutions do",
    "REVIEW": "the figures do not decide it, a person will; until then the points are {points}",
    "INCOMPLETE": "not decided: not all trainings are finished",
}


def meaning(verdict: str, *, earns: bool) -> str:
    """A clause that says what a verdict means if figures led to it.

    Args:
        earns: whether a REVIEW keeps its points until a person has decided.
    """
    return MEANINGS[verdict].format(points="provisional" if earns else "withheld")
