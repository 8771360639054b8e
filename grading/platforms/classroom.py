"""Tell GitHub Classroom the points of a run: `python -m grading.platforms.classroom FOLDER QUESTION...`.

FOLDER holds run_all's results.json, or tests.jsonl, pytest's records of the tests of these questions. The step's output
`result` is what the action classroom-resources/autograding-grading-reporter reads: JSON in base64. Classroom counts
whole points, so they are a percentage of what can be earned without a person. The log and the step's summary show them
one by one.
"""

import base64
import json
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from grading.assignment.api_test_record import Suite
from grading.assignment.assignment import read_assignment
from grading.assignment.test_ids import listed_tests
from grading.protocol.text import one_line
from grading.running.api_tests import composed


@dataclass(frozen=True)
class Points:
    """What one part of the homework earned."""

    name: str
    earned: float
    possible: float


def main(folder: Path, questions: Sequence[str]) -> int:
    """Exit status: 0 the points are told, 1 there are none."""
    try:
        points = read_points(folder, questions)
    except (OSError, ValueError, KeyError, TypeError) as error:
        print(f"error: {folder} holds no results that can be read ({one_line(str(error))})", file=sys.stderr)
        return 1
    lines = table(points)
    print("\n".join(lines))
    for variable, text in (
        ("GITHUB_STEP_SUMMARY", "\n".join(["```", *lines, "```"])),
        ("GITHUB_OUTPUT", f"result={encoded(points)}"),
    ):
        if file := os.environ.get(variable):
            with open(file, "a", encoding="utf-8") as stream:
                stream.write(f"{text}\n")
    return 0


def read_points(folder: Path, questions: Sequence[str]) -> list[Points]:
    """The points of each entry of results.json; without it those of the questions' tests.

    Raises:
        OSError, ValueError, KeyError, TypeError: both files are missing, or what is there is damaged.
    """
    file = folder / "results.json"
    if file.is_file():
        entries = json.loads(file.read_text(encoding="utf-8"))["tests"]
        return [Points(entry["name"], entry["score"], entry["max_score"]) for entry in entries if entry["max_score"]]
    records = (folder / "tests.jsonl").read_text(encoding="utf-8")
    return list(_points_of_tests(records, questions))


def _points_of_tests(records: str, questions: Sequence[str]) -> Iterator[Points]:
    suite = Suite(composed(records.splitlines(), listed_tests()))
    for question in read_assignment().questions:
        if question.id in questions:
            earned = suite.share(question.id) * question.test_points
            yield Points(f"{question.id}: tests of the student API", earned, question.test_points)


def percentage(points: list[Points]) -> int:
    """The whole percentage of the possible points that is earned; 100 only if all are."""
    possible = sum(part.possible for part in points)
    return int(100 * sum(part.earned for part in points) / possible + 1e-9) if possible else 0


def table(points: list[Points]) -> list[str]:
    """One line for each part, and the total."""
    lines = [f"{part.earned:6.2f} of {part.possible:6.2f}  {part.name}" for part in points]
    earned, possible = sum(part.earned for part in points), sum(part.possible for part in points)
    return [*lines, f"{earned:6.2f} of {possible:6.2f}  in all: {percentage(points)} of 100 in GitHub Classroom"]


def encoded(points: list[Points]) -> str:
    """What one runner of GitHub Classroom reports, in base64."""
    score = percentage(points)
    status = "pass" if score == 100 else "fail"
    test = {"name": "hw4", "status": status, "score": score, "message": "\n".join(table(points))}
    return base64.b64encode(
        json.dumps({"version": 1, "status": status, "max_score": 100, "tests": [test]}).encode()
    ).decode()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), sys.argv[2:]))
