"""What an instructor chose when an autograder was packed, and what has to be installed for it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from grading.assignment.assignment import Assignment, Configuration
from grading.assignment.calibration import read_calibration
from grading.assignment.test_ids import marker_of
from grading.backbones.challengers import REFERENCE
from grading.backbones.weights import ENCODER

FILE = "autograder.json"
PINNED = ("torch", "torchvision", "numpy")  # what rounds the numbers of a training


@dataclass(frozen=True)
class Settings:
    """The choices of one package.

    Attributes:
        arguments: of `grading/run_all.py`, besides the submission, `--out` and `--time-limit`.
        configurations: the ids of what is trained.
        time_limit: seconds in which the platform's results must be written.
        challengers: networks of Q1-8 that are pretrained beforehand.
        visibility: when students see the results, in Gradescope's words.
    """

    arguments: tuple[str, ...]
    configurations: tuple[str, ...]
    time_limit: int
    challengers: tuple[str, ...]
    visibility: str

    def text(self) -> str:
        """The content of FILE."""
        return json.dumps(asdict(self), indent=2) + "\n"

    def chosen(self, assignment: Assignment) -> tuple[Configuration, ...]:
        """What is trained."""
        return tuple(c for c in assignment.configurations if c.id in self.configurations)


def read_settings(file: Path) -> Settings:
    """The settings in a file that `Settings.text` filled.

    Raises:
        OSError, ValueError, KeyError: it is missing or damaged.
    """
    entries = json.loads(file.read_text(encoding="utf-8"))
    return Settings(
        arguments=tuple(entries["arguments"]),
        configurations=tuple(entries["configurations"]),
        time_limit=int(entries["time_limit"]),
        challengers=tuple(entries["challengers"]),
        visibility=str(entries["visibility"]),
    )


def pins(profile: str, configurations: Sequence[Configuration]) -> Mapping[str, str]:
    """The versions of the libraries that a profile was calibrated with; empty if it was not, or with several."""
    calibration = read_calibration(profile) or {}
    made_with = [calibration[c.id].made_with for c in configurations if c.id in calibration]
    versions = {name: {entry[name] for entry in made_with if name in entry} for name in PINNED}
    return {name: next(iter(found)) for name, found in versions.items() if len(found) == 1}


def most_points(assignment: Assignment, configurations: Sequence[Configuration]) -> float:
    """The points that can be earned without a person: those of the trainings and of their questions' tests."""
    total = 0.0
    for question in assignment.questions:
        every = [c for c in assignment.configurations if c.question == question.id]
        trained = [c for c in every if c in configurations]
        if trained:
            total += question.test_points + question.training_points * len(trained) / len(every)
    return total


def backbones(configurations: Sequence[Configuration], challengers: Sequence[str]) -> list[str]:
    """The networks that are pretrained for these configurations: the assignment's, the reference's, and challengers."""
    builds = {configuration.network["build"] for configuration in configurations}
    named = {"case": ["alexnet"], "fcn8s": [ENCODER], "challenger": [REFERENCE, *challengers]}
    return list(dict.fromkeys(name for build, names in named.items() if build in builds for name in names))


def tested(assignment: Assignment, configurations: Sequence[Configuration]) -> list[str]:
    """The questions of these configurations that have tests of the student API."""
    asked = {configuration.question for configuration in configurations}
    return [question.id for question in assignment.questions if question.id in asked and question.test_points]


def marked(questions: Sequence[str]) -> str:
    """What `pytest -m` takes for the tests of some questions."""
    return " or ".join(marker_of(question) for question in questions)
