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

# Frames of a traceback in these files are not the student's: this package, Python's library, and what has no file.
FOREIGN_FILES = (str(PACKAGE), str(Path(os.__file__).parent), "<frozen")


def _probe(name: str) -> Callable[..., Plain]:
    """The function of `grading.worker.probes` that puts a question."""
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
        self._imports: dict[str, ModuleType | StudentRaised | None] = {}

    @property
    def state(self) -> "ProcessState":
        """The state of the process before any of the submission's code ran."""
        # Imported late: a command that asks nothing starts without torch.
        from grading.worker.probes.process_state import ProcessState

        if self._state is None:
            # torch.compile then returns its argument: compiling costs these small networks more than it gains.
            self._state = ProcessState(TORCHDYNAMO_DISABLE="1")
        return self._state

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question. It finds the process in the same state as every other question, and leaves it as it was.

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
        """Import one module of the submission. Settings of the whole process that it changes are restored.

        Raises:
            StudentRaised: it cannot be imported, or could not be when it was first tried.
        """
        self._import_once("", load_package, self._submission)
        return self._import_once(name, load_module, self._submission, name)

    def _import_once(self, name: str, load: Callable[..., Any], *arguments: Any) -> Any:
        """What the first import gave or raised. A second try would find what a failed first one has left behind."""
        if name not in self._imports:
            from grading.worker.probes.process_state import inside

            state = self.state
            self._imports[name] = None  # even if the import ends this process or is interrupted, it is not repeated
            try:
                with inside(state):
                    self._imports[name] = call(load, *arguments)
            except StudentRaised as error:
                self._imports[name] = error
        imported = self._imports[name]
        if isinstance(imported, StudentRaised):
            raise StudentRaised(imported.kinds, imported.message, imported.frames)
        return imported


def call(function: Callable[..., Any], *args: Any, gives: type | None = None, **kwargs: Any) -> Any:
    """Call student code.

    Args:
        function: the student's.
        gives: the type that its signature promises; None if any will do.

    Raises:
        StudentRaised: it raised anything, or returned something else than `gives`.
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
        StudentRaised: there is nothing of that name.
    """
    if not hasattr(owner, name):
        raise StudentRaised(["AttributeError"], f"there is no {name} in {owner.__name__}", [])
    return getattr(owner, name)


def raised(error: BaseException) -> StudentRaised:
    """An error as plain data: its classes, its text, and where in the student's files it happened."""
    kinds = [kind.__name__ for kind in type(error).__mro__ if issubclass(kind, BaseException)]
    frames = [
        f"  {frame.filename}:{frame.lineno} in {frame.name}: {frame.line}"
        for frame in traceback.extract_tb(error.__traceback__)
        if not frame.filename.startswith(FOREIGN_FILES) and "site-packages" not in frame.filename
    ]
    if isinstance(error, SyntaxError):
        frames.append(f"  {error.filename}:{error.lineno}: {(error.text or '').strip()}")
    return StudentRaised(kinds, str(error), frames)


def _described(result: Any) -> str:
    return "None" if result is None else f"a {type(result).__name__}"
