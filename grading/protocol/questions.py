"""The questions that may be put to a submission, which of its functions each one calls, and how a question fails."""

from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from grading.protocol.wire import Plain

Functions = Callable[[Mapping[str, Plain]], Sequence[str]]


def _calls(*functions: str) -> Functions:
    return lambda data: functions


QUESTIONS: Mapping[str, Functions] = {
    "augmentation.draws": lambda data: [data["function"]],
    "augmentation.pictures": _calls("face_train_transform"),
    "classes.reduce": _calls("reduce_classes"),
    "fcn.forward": _calls("FCN8s"),
    "fcn.forward_amplified": _calls("FCN8s"),
    "fcn.backward": _calls("FCN8s"),
    "fcn.response": _calls("FCN8s"),
    "freezing.change": lambda data: [data["function"]],
    "freezing.in_turn": _calls("freeze", "unfreeze", "trainable_parameters"),
    "freezing.trainable": _calls("trainable_parameters"),
    "heads.replace": _calls("replace_head"),
    "heads.replace_torchvision": _calls("replace_head"),
    "heads.replace_again": _calls("replace_head"),
    "heads.replace_twice": _calls("replace_head"),
    "metrics.measure": lambda data: [data["metric"]],
    "metrics.count_many": _calls("confusion_matrix"),
    "transfer.case": _calls("build_case"),
    "transfer.shared": lambda data: ["build_case" if data["cases"] else "build_challenger"],
    "transfer.challenger": _calls("build_challenger"),
    "transfer.step": _calls("build_challenger"),
    "transfer.backbone_names": _calls("build_challenger"),
}
"""The student's functions or classes that a probe calls, by probe: `"module.function"` of `grading.worker.probes`."""


class Student(Protocol):
    """What answers questions: a submission in this process, in a sandbox, or behind a check of its answers."""

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question.

        Args:
            probe: one of QUESTIONS.
            data: its arguments, plain data.

        Returns:
            What the probe saw, plain data.

        Raises:
            StudentRaised: the student's code raised.
        """


class StudentRaised(Exception):
    """The student's code raised, or returned something of another type than its signature promises.

    Attributes:
        kinds: names of the exception's classes, the most specific one first.
        message: the exception's text.
        frames: where it happened in the student's files, the outermost call first.
        hint: what is probably wrong, if whoever asked the question knows; empty if not.
    """

    hint = ""

    def __init__(self, kinds: list[str], message: str, frames: list[str]) -> None:
        super().__init__(kinds, message, frames)
        self.kinds = kinds
        self.message = message
        self.frames = frames

    def __str__(self) -> str:
        return "\n".join([f"{self.kinds[0]}: {self.message}", *self.frames])


def functions_of(probe: str, data: Mapping[str, Plain]) -> tuple[str, ...]:
    """The names of the student's functions or classes that a probe calls.

    Raises:
        ValueError: there is no such probe.
    """
    if probe not in QUESTIONS:
        raise ValueError(f"no such probe: {probe}")
    return tuple(QUESTIONS[probe](data))
