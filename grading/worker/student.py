"""A submission whose code runs in this process."""

import importlib
import os
import traceback
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grading import PACKAGE
from grading.protocol.importing import load_module, load_package
from grading.protocol.questions import QUESTIONS, StudentRaised
from grading.protocol.submission import Submission
from grading.protocol.wire import Plain, WireError, check_plain

if TYPE_CHECKING:
    from grading.worker.probes.process_state import ProcessState

# Where frames of a traceback are not the student's: this package, Python's own library, what has no file.
NOT_THEIRS = (str(PACKAGE), str(Path(os.__file__).parent), "<frozen")


def _probe(name: str) -> Callable[..., Plain]:
    if name not in QUESTIONS:
        raise ValueError(f"no such probe: {name}")
    module_name, _, question = name.partition(".")
    probe: Callable[..., Plain] = getattr(importlib.import_module(f"grading.worker.probes.{module_name}"), question)
    return probe


class LocalStudent:
    """Answers probes with the code of one submission, in this process."""

    def __init__(self, submission: Submission) -> None:
        self._submission = submission
        self._state: ProcessState | None = None
        self._imported: dict[str, ModuleType | StudentRaised | None] = {}

    @property
    def state(self) -> "ProcessState":
        """The state of the process before any of the submission's code ran."""
        # Imported late: what asks nothing starts without torch.
        from grading.worker.probes.process_state import ProcessState

        if self._state is None:
            # torch.compile gives back what it is given: these networks are too small, and trained too shortly, to gain.
            self._state = ProcessState(TORCHDYNAMO_DISABLE="1")
        return self._state

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question. Each finds the process in the same state, and leaves it as it was.

        Args:
            probe: `"module.question"`, one of `grading.protocol.questions.QUESTIONS`.
            data: its arguments, plain data.

        Returns:
            What the probe saw, plain data.

        Raises:
            StudentRaised: the student's code raised.
        """
        from grading.worker.probes.process_state import inside

        ask = _probe(probe)
        try:
            with inside(self.state):
                return check_plain(ask(self.module(probe.partition(".")[0]), **check_plain(data)))
        except WireError as error:
            raise StudentRaised(["TypeError"], f"answered with {error}", []) from None

    def module(self, name: str) -> Any:
        """Import one module of the submission. What it sets for the whole process is set back.

        Raises:
            StudentRaised: it cannot be imported, now or when it was first tried.
        """
        self._once("", load_package, self._submission)
        return self._once(name, load_module, self._submission, name)

    def _once(self, what: str, import_it: Callable[..., Any], *arguments: Any) -> Any:
        """A module as it was imported the first time: a second try finds what the first one left half made."""
        if what not in self._imported:
            from grading.worker.probes.process_state import inside

            state = self.state
            self._imported[what] = None  # from here on, code of the submission has run
            try:
                with inside(state):
                    self._imported[what] = call(import_it, *arguments)
            except StudentRaised as error:
                self._imported[what] = error
        imported = self._imported[what]
        if isinstance(imported, StudentRaised):
            raise StudentRaised(imported.kinds, imported.message, imported.frames)
        return imported


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
