"""The workflow that GitHub Classroom runs in each student's repository."""

import shlex
from collections.abc import Sequence
from pathlib import Path

from grading.assignment.assignment import Assignment, Configuration
from grading.platforms.settings import marked, pins, tested

TEMPLATE = Path(__file__).with_name("templates") / "classroom.yml"
PLACE = Path(".github/workflows/classroom.yml")
SETTING_UP = 15  # minutes, for packages and networks


def workflow(
    arguments: Sequence[str],
    assignment: Assignment,
    configurations: Sequence[Configuration],
    *,
    trains: bool,
    seconds: int,
) -> str:
    """The text of the workflow.

    Args:
        arguments: of `grading/run_all.py`, besides the submission and `--out`.
        trains: train the student's networks too, not only test.
        seconds: the time limit of the grading.
    """
    releases = {name: release for name, release in pins("mini", configurations).items() if name.startswith("torch")}
    torch = [f"{name}=={releases[name]}" if name in releases else name for name in ("torch", "torchvision")]
    questions = tested(assignment, configurations)
    text = TEMPLATE.read_text(encoding="utf-8")
    for token, value in {
        "@TRAINS@": str(trains).lower(),
        "@MINUTES@": str(SETTING_UP + -(-seconds // 60)),
        "@TORCH@": " ".join(torch),
        "@TORCH_KEY@": "-".join(releases.values()) or "any",
        "@QUESTIONS@": shlex.join(questions),
        "@MARKED@": shlex.quote(marked(questions)),
        "@ARGUMENTS@": shlex.join([*arguments, "--time-limit", f"{seconds}s"]),
    }.items():
        text = text.replace(token, value)
    return text
