"""The homework and its report as frozen dataclasses, read from report.toml."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

REPORT = Path(__file__).with_name("report.toml")


@dataclass(frozen=True)
class Question:
    """One question of the homework; `test_points` of its `points` are earned by the tests of the student API."""

    id: str
    title: str
    points: float
    test_points: float = 0.0
    discussion: bool = False

    @property
    def training_points(self) -> float:
        """What the trained configurations of the question earn."""
        return 0.0 if self.discussion else self.points - self.test_points


@dataclass(frozen=True)
class Classes:
    """A choice of classes: names, and rules from CamVid's labels to new ones."""

    names: tuple[str, ...]
    mapping: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Configuration:
    """One training of the report.

    Attributes:
        task: `"classification"` or `"segmentation"`.
        network: what to ask the student's code for.
        metric: the metric that the verdict rests on.
        published: by metric, the report's figures (`initial`, `best`, `epoch`).
        protocols: by profile, how it is trained: epochs, batch_size, sizes, optimizer, scheduler.
        augmentation: `"default"` or `"face"` for classification.
        classes: the classes for segmentation.
        structure: regular expressions over the ids of the student API's tests: what they see exactly needs no
            training. Where one of these tests fails, so does the configuration.
        required: what the assignment itself asks the best epoch to exceed.
    """

    id: str
    question: str
    title: str
    task: str
    network: Mapping[str, Any]
    metric: str
    published: Mapping[str, Mapping[str, float]]
    protocols: Mapping[str, Mapping[str, Any]]
    structure: tuple[str, ...]
    augmentation: str | None = None
    classes: Classes | None = None
    required: float | None = None

    @property
    def kind(self) -> str:
        """The row of the cost table."""
        return str(self.network.get("case", self.network["build"]))


@dataclass(frozen=True)
class Relation:
    """A conclusion of the report: one configuration is better than another, in the latter's metric."""

    id: str
    question: str
    better: str
    worse: str


@dataclass(frozen=True)
class Profile:
    """The scale of a run; counts of generated pictures are None where the data are given.

    Attributes:
        seeds: trainings of each configuration, unless `--seeds` says otherwise.
        margin: how far below the expected value the tail may lie.
    """

    seeds: int
    margin: float
    train_faces: int
    validation_faces: int
    train_streets: int | None = None
    validation_streets: int | None = None


@dataclass(frozen=True)
class Assignment:
    """Everything that report.toml says."""

    title: str
    questions: tuple[Question, ...]
    configurations: tuple[Configuration, ...]
    relations: tuple[Relation, ...]
    profiles: Mapping[str, Profile]
    gflop: Mapping[str, float]
    throughput: Mapping[str, float]
    limits: Mapping[str, float]

    def question(self, id: str) -> Question:
        return next(question for question in self.questions if question.id == id)

    def configuration(self, id: str) -> Configuration:
        return next(configuration for configuration in self.configurations if configuration.id == id)


@cache
def read_assignment(path: Path = REPORT) -> Assignment:
    """Read the table of facts.

    Raises:
        KeyError, TypeError: an entry is missing, or one that nobody reads is there.
    """
    table = tomllib.loads(path.read_text(encoding="utf-8"))
    classes = {
        name: Classes(tuple(entry["names"]), tuple((old, new) for old, new in entry["mapping"]))
        for name, entry in table["classes"].items()
    }
    configurations = tuple(
        Configuration(
            protocols=table["protocols"][entry.pop("protocol")],
            classes=classes[entry.pop("classes")] if "classes" in entry else None,
            structure=tuple(table["structures"][name] for name in entry.pop("structure")),
            **entry,
        )
        for entry in table["configurations"]
    )
    return Assignment(
        title=table["title"],
        questions=tuple(Question(**entry) for entry in table["questions"]),
        configurations=configurations,
        relations=tuple(Relation(**entry) for entry in table["relations"]),
        profiles={name: Profile(**entry) for name, entry in table["profiles"].items()},
        gflop=table["cost"]["gflop"],
        throughput=table["cost"]["throughput"],
        limits=table["limits"],
    )
