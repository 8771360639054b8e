"""Questions put to a student's code: plain data in, plain data out.

The modules of this package are the only code that touches a student's objects. A probe builds what the question needs
from a plain specification, calls the student, and returns what it saw. It never judges.
"""

import importlib
import os
import traceback
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any

from grading.protocol.submission import MODULES, Submission, load, module
from grading.protocol.wire import Plain, WireError, check_plain

if TYPE_CHECKING:
    from grading.worker.probes.process_state import ProcessState


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

Probe = Callable[..., Plain]
Functions = Callable[[Mapping[str, Plain]], Sequence[str]]


def asks(*functions: str, chosen: Functions | None = None) -> Callable[[Probe], Probe]:
    """Bind a probe to the student's functions or classes that it calls.

    Args:
        functions: their names.
        chosen: gives their names where the probe's arguments choose them.
    """

    def bind(probe: Probe) -> Probe:
        vars(probe)["functions"] = chosen or (lambda data: functions)
        return probe

    return bind


def functions_of(probe: str, data: Mapping[str, Plain]) -> tuple[str, ...]:
    """The names of the student's functions or classes that a probe calls.

    Raises:
        ValueError: there is no such probe.
    """
    functions: Functions = vars(_probe(probe))["functions"]
    return tuple(functions(data))


def _probe(name: str) -> Probe:
    module_name, _, question = name.partition(".")
    if module_name in MODULES:
        probe = getattr(importlib.import_module(f"grading.worker.probes.{module_name}"), question, None)
        if callable(probe) and "functions" in vars(probe):
            return probe
    raise ValueError(f"no such probe: {name}")


class Student:
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
            probe: `"module.question"`, a function of `grading.worker.student`.
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
                return check_plain(ask(self.room(probe.partition(".")[0]), **check_plain(data)))
        except WireError as error:
            raise StudentRaised(["TypeError"], f"answered with {error}", []) from None

    def room(self, room: str) -> Any:
        """Import one module of the submission. What it sets for the whole process is set back.

        Raises:
            StudentRaised: it cannot be imported, now or when it was first tried.
        """
        self._once("", load, self._submission)
        return self._once(room, module, self._submission, room)

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
