"""Questions put to a student's code: plain data in, plain data out.

The modules of this package are the only code that touches a student's objects. A probe builds what the question needs
from a plain specification, calls the student, and returns what it saw. It never judges.
"""

import importlib
import os
import traceback
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from grading.submissions import MODULES, Submission, load, module
from grading.workers.wire import Plain, WireError, check_plain


class StudentRaised(Exception):
    """The student's code raised, or returned something of another type than its signature says.

    Attributes:
        kinds: names of the exception's classes, most specific first.
        message: its text.
        frames: where it happened in the student's own files, outermost first.
    """

    def __init__(self, kinds: list[str], message: str, frames: list[str]) -> None:
        super().__init__(kinds, message, frames)
        self.kinds = kinds
        self.message = message
        self.frames = frames

    def __str__(self) -> str:
        return "\n".join([f"{self.kinds[0]}: {self.message}", *self.frames])


# Where frames of a traceback are not the student's: this package, Python's own library, what has no file.
NOT_THEIRS = (str(Path(__file__).resolve().parents[1]), str(Path(os.__file__).parent), "<frozen")

# The function that a probe is about, where its arguments do not name it.
_FUNCTIONS = {
    "freezing.trainable": "trainable_parameters",
    "heads.replace": "replace_head",
    "heads.replace_torchvision": "replace_head",
    "heads.replace_twice": "replace_head",
    "transfer.case": "build_case",
    "transfer.shared": "build_case",
    "transfer.challenger": "build_challenger",
    "transfer.backbone_names": "build_challenger",
    "classes.reduce": "reduce_classes",
}


def function_of(probe: str, data: Mapping[str, Plain]) -> str:
    """The name of the student's function or class that a probe calls."""
    named = data.get("function") or data.get("metric") or _FUNCTIONS.get(probe, "FCN8s")
    return str(named)


class Student:
    """Answers probes with the code of one submission, in this process."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self.loaded = False  # whether any of the submission's code has run

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question.

        Args:
            probe: `"module.question"`, a function of `grading.probes`.
            data: its arguments, plain data.

        Returns:
            What the probe saw, plain data.

        Raises:
            StudentRaised: the student's code raised.
        """
        room, _, question = probe.partition(".")
        if room not in MODULES:
            raise ValueError(f"no such probe: {probe}")
        import torch  # here, so that what asks nothing starts without it

        ask = getattr(importlib.import_module(f"grading.probes.{room}"), question)
        try:
            with torch.enable_grad():  # and afterwards as before, whatever the student's code has switched
                return check_plain(ask(self.room(room), **check_plain(data)))
        except WireError as error:
            raise StudentRaised(["TypeError"], f"answered with {error}", []) from None

    def room(self, room: str) -> Any:
        """Import one module of the submission.

        Raises:
            StudentRaised: it cannot be imported.
        """
        if not self.loaded:
            self.loaded = True
            call(load, self._submission)
        return call(module, self._submission, room)


def call(function: Callable[..., Any], *args: Any, gives: type | None = None, **kwargs: Any) -> Any:
    """Call student code.

    Args:
        function: theirs.
        gives: the type that its signature promises.

    Raises:
        StudentRaised: it raised anything, or gave something else.
    """
    try:
        result = function(*args, **kwargs)
    except (Exception, SystemExit) as error:
        raise raised(error) from None
    if gives is not None and not isinstance(result, gives):
        name = getattr(function, "__name__", type(function).__name__)
        raise StudentRaised(["TypeError"], f"{name} returned {_described(result)} in place of a {gives.__name__}", [])
    return result


def attribute(owner: Any, name: str) -> Any:
    """Look up a student's function or class.

    Raises:
        StudentRaised: there is none of that name.
    """
    if not hasattr(owner, name):
        raise StudentRaised(["AttributeError"], f"there is no {name} in {owner.__name__}", [])
    return getattr(owner, name)


def raised(error: BaseException) -> StudentRaised:
    """What there is to say of an error: its classes, its text, and where in the student's own files it happened."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    frames = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(NOT_THEIRS) and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError):
        frames.append(f"  {error.filename}:{error.lineno}: {(error.text or '').strip()}")
    return StudentRaised(kinds, str(error), frames)


def _described(result: Any) -> str:
    return "None" if result is None else f"a {type(result).__name__}"
