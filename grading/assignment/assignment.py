"""The homework and its report as frozen dataclasses, read from assignment.toml."""

import dataclasses
import json
import math
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from grading.assignment.tasks import TASKS

CONTROL = "-control"  # ends the id of a configuration that is trained under a secret rule
OBEYED, MISTAKEN = "obeyed", "mistaken"  # the metrics of a control
FILE = Path(__file__).with_name("assignment.toml")


class AssignmentError(Exception):
    """assignment.toml does not hold together; one line for the instructor who changed it."""


T = TypeVar("T")


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
        required_tests: regular expressions over the ids of the student API's tests: what they see exactly needs no
            training. Where one of these tests fails, so does the configuration.
        trains: `"head"` or `"all"`.
        pretrained: whether it starts from pretrained weights.
        required: what the assignment itself asks the best epoch to exceed.
        sds, most_seeds: in place of the gate's, for a configuration that is cheap and varies much.
        free: the modules whose design is the student's and changes the metric.
        control: some of the training labels follow a secret rule; see `grading.scoring.control`.
    """

    id: str
    question: str
    title: str
    task: str
    network: Mapping[str, Any]
    metric: str
    published: Mapping[str, Mapping[str, float]]
    protocols: Mapping[str, Mapping[str, Any]]
    required_tests: tuple[str, ...]
    trains: str
    pretrained: bool
    augmentation: str | None = None
    classes: Classes | None = None
    required: float | None = None
    control: bool = False
    free: tuple[str, ...] = ()
    sds: float | None = None
    most_seeds: int | None = None

    @property
    def base(self) -> str:
        """The id of the configuration that a control is made from; its own for any other."""
        return self.id.removesuffix(CONTROL)

    @property
    def num_classes(self) -> int:
        """Number of classes that the network tells apart."""
        return TASKS[self.task].num_classes or len(self.classes.names if self.classes else ())

    @property
    def mapping(self) -> tuple[tuple[int, int], ...]:
        """Rules from the data's labels to classes; empty if the labels are the classes."""
        return self.classes.mapping if self.classes else ()

    @property
    def network_key(self) -> str:
        """Equal for configurations that ask for the same network."""
        return json.dumps(dict(self.network), sort_keys=True)

    @property
    def as_control(self) -> "Configuration":
        """The same training under a secret rule; see `grading.scoring.control`."""
        return replace(self, id=self.id + CONTROL, control=True, metric=OBEYED)

    @property
    def kind(self) -> str:
        """The row of the cost table."""
        return str(self.network.get("case", self.network["build"]))


@dataclass(frozen=True)
class Relation:
    """A conclusion of the report: one configuration is better than another, in its own metric.

    Attributes:
        gated: half the published difference is asked for.
    """

    id: str
    question: str
    better: str
    worse: str
    gated: bool = False


@dataclass(frozen=True)
class Profile:
    """The scale of a run; counts of generated pictures are None if the data are given.

    Attributes:
        margin: how far below the published best epoch the tail may lie where the profile is not calibrated.
        secret_faces, secret_streets: pictures that the last epochs are measured on; see `grading.running.validation`.
    """

    margin: float
    train_faces: int
    validation_faces: int
    train_streets: int | None = None
    validation_streets: int | None = None
    secret_faces: int | None = None
    secret_streets: int | None = None


@dataclass(frozen=True)
class GateRule:
    """The constants of the rule in `grading.verdicts.gate`.

    Attributes:
        odds: how much likelier one side must be than the other.
        clip: the most that one training may add to the logarithm of the odds.
        most_seeds: the trainings after which an undecided configuration is left to a person.
        least_sd: no calibrated standard deviation counts as smaller.
        sds: the margin, in standard deviations, at least.
        margin: by task, the margin at least.
        coverage, confidence: of the tolerance bound over right submissions of other designs.
    """

    odds: float
    clip: float
    most_seeds: int
    least_sd: float
    sds: float
    margin: Mapping[str, float] = field(hash=False)
    coverage: float
    confidence: float

    @property
    def fewest_seeds(self) -> int:
        """How many trainings a verdict rests on at least."""
        return math.ceil(math.log(self.odds) / self.clip)


@dataclass(frozen=True)
class Control:
    """The constants of `grading.scoring.control`.

    Attributes:
        share: of the pictures at either end of a scale of lightness, which the rule is about.
        regions: classes of streets whose pixels the rule is about: large ones.
        least_gap: what right submissions must show at least, for a control to be of use.
    """

    share: float
    regions: tuple[int, ...]
    least_gap: float


@dataclass(frozen=True)
class Assignment:
    """Everything that assignment.toml says."""

    title: str
    questions: tuple[Question, ...]
    configurations: tuple[Configuration, ...]
    relations: tuple[Relation, ...]
    profiles: Mapping[str, Profile]
    gate: GateRule
    control: Control
    gflop: Mapping[str, float]
    throughput: Mapping[str, float]
    limits: Mapping[str, float]

    def question(self, id: str) -> Question:
        return next(question for question in self.questions if question.id == id)

    def configuration(self, id: str) -> Configuration:
        """The configuration or the control of this id."""
        found = next(c for c in self.configurations if c.id == id.removesuffix(CONTROL))
        return found if found.id == id else found.as_control

    def possible_points(self, configuration: Configuration) -> float:
        """What a configuration can earn: those of a question share its training points equally."""
        siblings = [c for c in self.configurations if c.question == configuration.question]
        return self.question(configuration.question).training_points / len(siblings)


@cache
def read_assignment(path: Path = FILE) -> Assignment:
    """Read the table of facts.

    Raises:
        AssignmentError: an entry is missing, one that nobody reads is there, or they do not fit together.
    """
    from grading.assignment.checks import problems

    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        assignment = _assignment(table)
        problem = next(problems(assignment), None)
    except KeyError as error:
        problem = f"there is no {error}"
    except (OSError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        problem = " ".join(str(error).split())
    if problem is not None:
        raise AssignmentError(f"{path.name}: {problem}")
    return assignment


def _assignment(table: Mapping[str, Any]) -> Assignment:
    classes = {name: _classes(name, entry) for name, entry in table["classes"].items()}
    configurations = tuple(_configuration(entry, table, classes) for entry in table["configurations"])
    control = {**table["control"], "regions": tuple(table["control"]["regions"])}
    return Assignment(
        title=table["title"],
        questions=tuple(_made(Question, f"question {entry.get('id')}", entry) for entry in table["questions"]),
        configurations=configurations,
        relations=tuple(_made(Relation, f"relation {entry.get('id')}", entry) for entry in table["relations"]),
        profiles={name: _made(Profile, f"profile {name}", entry) for name, entry in table["profiles"].items()},
        gate=_made(GateRule, "gate", table["gate"]),
        control=_made(Control, "control", control),
        gflop=table["cost"]["gflop"],
        throughput=table["cost"]["throughput"],
        limits=table["limits"],
    )


def _classes(name: str, entry: Mapping[str, Any]) -> Classes:
    pairs = tuple((old, new) for old, new in entry["mapping"])
    return _made(Classes, f"classes {name}", {**entry, "names": tuple(entry["names"]), "mapping": pairs})


def _configuration(entry: Mapping[str, Any], table: Mapping[str, Any], classes: Mapping[str, Classes]) -> Configuration:
    """One configuration, with what its entry names in place of the names."""
    where = f"configuration {entry.get('id')}"
    fields = {name: value for name, value in entry.items() if name != "protocol"}
    fields["protocols"] = _named(entry.get("protocol"), table["protocols"], f"{where}: protocol")
    fields["required_tests"] = tuple(
        _named(name, table["required_tests"], f"{where}: required_tests") for name in entry.get("required_tests", ())
    )
    fields["free"] = tuple(entry.get("free", ()))
    if "classes" in entry:
        fields["classes"] = _named(entry["classes"], classes, f"{where}: classes")
    return _made(Configuration, where, fields)


def _named(name: Any, known: Mapping[str, T], where: str) -> T:
    if name not in known:
        raise ValueError(f"{where} {name!r} is none of {', '.join(known)}")
    return known[name]


def _made(kind: type[T], where: str, fields: Mapping[str, Any]) -> T:
    """A dataclass from a table that must have its fields and no others."""
    known = dataclasses.fields(kind)  # type: ignore[arg-type]
    if unknown := [name for name in fields if name not in {field.name for field in known}]:
        raise ValueError(f"{where}: nothing reads {unknown[0]!r}")
    needed = [field.name for field in known if field.default is dataclasses.MISSING]
    if missing := [name for name in needed if name not in fields]:
        raise ValueError(f"{where}: {missing[0]!r} is missing")
    return kind(**fields)
