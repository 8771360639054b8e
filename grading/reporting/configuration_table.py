"""What `--list` shows of configurations."""

from collections.abc import Sequence

from grading.assignment.assignment import Assignment, Configuration
from grading.assignment.calibration import read_calibration
from grading.protocol.text import duration, number
from grading.reporting.tables import Column


def plain_line(configuration: Configuration) -> str:
    """Id, title and published figure, for a script."""
    best = configuration.published[configuration.metric]["best"]
    return f"{configuration.id:17} {configuration.title} (published {configuration.metric}: {best:.4f})"


def columns_of(assignment: Assignment, configurations: Sequence[Configuration], profile: str) -> list[Column]:
    """The table that a person reads.

    Args:
        profile: whose epochs and times are shown; no time if nobody has measured it.
    """
    calibration = read_calibration(profile) or {}
    times = [duration(calibration[c.id].seconds) if c.id in calibration else "-" for c in configurations]
    return [
        Column("configuration", [c.id for c in configurations]),
        Column("question", [c.question for c in configurations]),
        Column("what", [c.title for c in configurations], below=True),
        Column("points", [number(assignment.possible_points(c)) for c in configurations], is_number=True),
        Column("metric", [c.metric for c in configurations]),
        Column("published", [f"{c.published[c.metric]['best']:.4f}" for c in configurations], is_number=True),
        Column("epochs", [str(c.protocols[profile]["epochs"]) for c in configurations], is_number=True, dispensable=1),
        Column("time", times, is_number=True, dispensable=2),
    ]


def points_line(assignment: Assignment, configurations: Sequence[Configuration], profile: str) -> str:
    """What the points and times in the table are of."""
    asked = {c.question for c in configurations}
    tests = sum(question.test_points for question in assignment.questions if question.id in asked)
    times = f"Profile {profile}; times are of one training"
    return f"{times}. The tests of these questions earn {number(tests)} points more."
