"""What must hold of assignment.toml, so that a change to it is refused in one line before anything is trained."""

import re
from collections.abc import Collection, Iterator, Mapping
from typing import Any

from grading.assignment.assignment import Assignment, AssignmentError, Classes, Configuration, Question
from grading.assignment.tasks import TASKS
from grading.assignment.test_ids import UPDATE
from grading.protocol.submission import MODULES

CASES = ("feature_extractor", "finetuned", "scratch")
NETWORK_ENTRIES = {"case": ("case",), "fcn8s": ("skips",)}  # by build, what else its network says
OPTIMIZERS = ("SGD", "Adam")
LABELS = range(256)
MOST_SHARE = 0.25  # of the pictures at either end, in a rule
LEAST = 2  # images of a training batch, see grading/worker/training/batches.py


def check_tests(assignment: Assignment, listed: Mapping[str, str]) -> None:
    """Hold the assignment against the tests of the student API.

    Args:
        listed: from `grading.assignment.test_ids.listed_tests`.

    Raises:
        AssignmentError: points are given for tests that do not exist, or a configuration requires none.
    """
    for question in assignment.questions:
        if question.test_points and question.id not in listed.values():
            raise AssignmentError(
                f"assignment.toml: question {question.id} gives {question.test_points:g} points for tests, "
                f"but tests/ids.txt lists none of it ({UPDATE} writes it)"
            )
    for configuration in assignment.configurations:
        for pattern in configuration.required_tests:
            if not any(re.search(pattern, id) for id in listed):
                raise AssignmentError(
                    f"assignment.toml: configuration {configuration.id}: required_tests {pattern!r} matches no test "
                    f"in tests/ids.txt ({UPDATE} writes it)"
                )


def problems(assignment: Assignment) -> Iterator[str]:
    """What does not hold, one line each."""
    questions = {question.id: question for question in assignment.questions}
    configurations = {configuration.id: configuration for configuration in assignment.configurations}
    yield from _repeated("question", [question.id for question in assignment.questions])
    yield from _repeated("configuration", [configuration.id for configuration in assignment.configurations])
    yield from _repeated("relation", [relation.id for relation in assignment.relations])
    for c in assignment.configurations:
        yield from (f"configuration {c.id}: {problem}" for problem in _of_configuration(c, assignment, questions))
    trained = {configuration.question for configuration in assignment.configurations}
    for question in assignment.questions:
        yield from (f"question {question.id}: {problem}" for problem in _of_question(question, question.id in trained))
    for relation in assignment.relations:
        where = f"relation {relation.id!r}"
        yield from _unknown(f"{where}: question", relation.question, questions)
        yield from _unknown(f"{where}: better", relation.better, configurations)
        yield from _unknown(f"{where}: worse", relation.worse, configurations)
        if relation.better in configurations and relation.worse in configurations:
            sides = configurations[relation.better], configurations[relation.worse]
            if sides[0].task != sides[1].task:
                yield f"{where} compares a {sides[0].task} with a {sides[1].task}"
            if relation.gated and any(sides[0].metric not in side.published for side in sides):
                yield f"{where} is gated, but {sides[0].metric} is not published for both"
    yield from _of_control(assignment)
    gate = assignment.gate
    if not (gate.odds > 1 and gate.clip > 0 and gate.least_sd > 0 and gate.sds > 0):
        yield "gate: odds must be above 1; clip, least_sd and sds above 0"
    elif gate.most_seeds < gate.fewest_seeds:
        yield f"gate: most_seeds {gate.most_seeds} can decide nothing: a verdict takes {gate.fewest_seeds} at least"
    for task in {configuration.task for configuration in assignment.configurations}:
        yield from _unknown("gate: margin of", task, gate.margin)


def _of_control(assignment: Assignment) -> Iterator[str]:
    control = assignment.control
    if not 0 < control.share < MOST_SHARE:
        yield f"control: share {control.share:g} is not between 0 and {MOST_SHARE:g}: most labels stay true"
    for c in assignment.configurations:
        new = dict(c.mapping)
        if new and not any(
            new[region] != other for region in control.regions if region in new for other in new.values()
        ):
            yield f"control: regions {list(control.regions)} leave no rule for the classes of {c.id}"


def _of_question(question: Question, is_trained: bool) -> Iterator[str]:
    if question.points <= 0:
        yield f"points must be above 0, not {question.points:g}"
    if not 0 <= question.test_points <= question.points:
        yield f"test_points {question.test_points:g} of points {question.points:g} do not add up"
    if question.discussion and (question.test_points or is_trained):
        yield "a discussion is marked by a person: it has no test_points and no configuration"
    if question.training_points > 0 and not is_trained:
        yield f"{question.training_points:g} points are for trainings, but no configuration names the question"


def _of_configuration(c: Configuration, assignment: Assignment, questions: Mapping[str, Question]) -> Iterator[str]:
    yield from _unknown("question", c.question, questions)
    yield from _unknown("task", c.task, TASKS)
    if c.task not in TASKS:
        return
    yield from _unknown("metric", c.metric, TASKS[c.task].decisive)
    for metric, figures in c.published.items():
        yield from _unknown("published metric", metric, TASKS[c.task].metrics)
        if "best" not in figures:
            yield f"published {metric} has no best"
    if c.metric not in c.published:
        yield f"metric {c.metric} has no published figure"
    yield from _unknown("trains", c.trains, ("head", "all"))
    for module in c.free:
        yield from _unknown("free", module, MODULES)
    if not c.required_tests:
        yield "required_tests names no tests"
    for pattern in c.required_tests:
        try:
            re.compile(pattern)
        except re.error as error:
            yield f"required_tests {pattern!r} is no regular expression: {error}"
    yield from _of_network(c)
    yield from _unknown("cost.gflop of", c.kind, assignment.gflop)
    for profile in assignment.profiles:
        if profile not in c.protocols:
            yield f"its protocol has no profile {profile}"
            continue
        yield from (f"protocol of {profile}: {problem}" for problem in _of_protocol(c, c.protocols[profile]))
    needs = TASKS[c.task].needs
    if getattr(c, needs) is None:
        yield f"{needs!r} is missing"
    if c.augmentation is not None:
        yield from _unknown("augmentation", c.augmentation, ("default", "face"))
    if c.classes is not None:
        yield from _of_classes(c.classes)


def _of_network(c: Configuration) -> Iterator[str]:
    build = c.network.get("build")
    yield from _unknown("network build", build, TASKS[c.task].builds)
    if build == "case":
        yield from _unknown("network case", c.network.get("case"), CASES)
    if build == "fcn8s" and not isinstance(c.network.get("skips"), bool):
        yield "network skips is true or false"
    known = ("build", *NETWORK_ENTRIES.get(str(build), ()))
    yield from (f"nothing reads {name!r} of its network" for name in c.network if name not in known)


def _of_protocol(c: Configuration, protocol: Mapping[str, Any]) -> Iterator[str]:
    sizes = TASKS[c.task].sizes
    for name in sizes:
        least = LEAST if name == "batch_size" else 1
        if not isinstance(protocol.get(name), int) or protocol[name] < least:
            yield f"{name} is a whole number of at least {least}, not {protocol.get(name)}"
    if c.network.get("build") != "challenger":
        yield from _unknown("optimizer", protocol.get("optimizer", {}).get("name"), OPTIMIZERS)
    elif "optimizer" in protocol:
        yield "the challenger brings its own optimizer"
    if "scheduler" in protocol and set(protocol["scheduler"]) != {"step_size", "gamma"}:
        yield "scheduler has a step_size and a gamma"
    known = (*sizes, "optimizer", "scheduler")
    yield from (f"nothing reads {name!r}" for name in protocol if name not in known)


def _of_classes(classes: Classes) -> Iterator[str]:
    old, new = [pair[0] for pair in classes.mapping], [pair[1] for pair in classes.mapping]
    if not set(old) <= set(LABELS) or len(set(old)) < len(old):
        yield f"classes {', '.join(classes.names)}: each old label stands once in the mapping, between 0 and 255"
    if set(new) != set(range(len(classes.names))):
        yield (
            f"classes {', '.join(classes.names)}: the mapping leads to {sorted(set(new))}, "
            f"not to each of 0 to {len(classes.names) - 1}"
        )


def _unknown(what: str, name: object, known: Collection[str]) -> Iterator[str]:
    if name not in known:
        yield f"{what} {name!r} is none of {', '.join(known)}"


def _repeated(what: str, ids: list[str]) -> Iterator[str]:
    yield from (f"{what} {id} is there twice" for id in dict.fromkeys(ids) if ids.count(id) > 1)
