"""The grader's side of a worker: a submission's answers, from a sandboxed process of its own."""

import time
from collections.abc import Iterator
from dataclasses import asdict
from types import TracebackType
from typing import IO, Any

from grading.protocol.limits import Limits
from grading.protocol.questions import StudentRaised, functions_of
from grading.protocol.submission import Submission
from grading.protocol.text import printable
from grading.protocol.wire import FRAMES, Plain, WireError
from grading.sandbox.forkserver import START_SECONDS, ForkServer
from grading.sandbox.session import Session
from grading.sandbox.staging import Workspace
from grading.sandbox.tiers import Sandbox

SESSION_SECONDS = 10.0


class WorkerStopped(Exception):
    """The submission did not live to answer.

    Attributes:
        kind: `TIMEOUT`, `OUT_OF_MEMORY` or `CRASH`; `GRADER_ERROR` if it had to stop for no fault of its own.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class GraderError(Exception):
    """The grader itself did not work: never a grade."""


class Worker:
    """Answers probes, as `grading.worker.student.LocalStudent` does, and runs trainings.

    What stops a session (a crash, a limit) costs the probe that was asked: the next one gets a new session. A
    function that has used up its time or memory is not asked again.

    Args:
        submission: whose code runs.
        sandbox: what holds it.
        log: where the first MiB of its standard output and error goes.
        limits: of the probes.

    Raises:
        SubmissionError: the submission is too large.
    """

    def __init__(
        self,
        submission: Submission,
        sandbox: Sandbox,
        *,
        log: IO[bytes] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._sandbox = sandbox
        self._log = log
        self._limits = limits or Limits()
        self._workspace = Workspace(submission)
        self._stopped: dict[str, WorkerStopped] = {}
        self._session: Session | None = None
        self._forkserver: ForkServer | None = None

    def ask(self, probe: str, **data: Plain) -> Plain:
        """Put one question; see `grading.worker.student.LocalStudent.ask`.

        Raises:
            StudentRaised: the student's code raised.
            WorkerStopped: the student's code did not survive the question.
            GraderError: the grader's own part of it failed.
        """
        module = probe.partition(".")[0]
        functions = functions_of(probe, data)
        for place in (f"{module}.py", probe, *functions):
            if place in self._stopped:
                raise self._stopped[place]
        session = self._session or self._open(self._limits)
        self._session = session
        if module not in session.loaded:
            self._answer({"load": module}, session, f"`{module}.py`", f"{module}.py")
            session.loaded.add(module)
        # Of several functions, nobody knows which one it was: only this question is not put again.
        guilty = functions[0] if len(functions) == 1 else probe
        told = ", ".join(f"`{function}`" for function in functions)
        return self._answer({"probe": probe, "data": data}, session, told, guilty)

    def train(self, job: Plain, limits: Limits) -> Iterator[Plain]:
        """Run one training in a session of its own; see `grading.worker.training.loop.train`.

        Yields:
            What `train` yields.

        Raises:
            StudentRaised: the student's code raised.
            WorkerStopped: the training did not survive.
            GraderError: the grader's own part of it failed.
        """
        self._close_session()
        session = self._open(limits, job)
        deadline = session.opened + limits.seconds
        try:
            reply = self._exchange(session, {"train": None}, deadline, "the training")
            while set(reply) == {"event"}:
                yield reply["event"]
                reply = self._exchange(session, None, deadline, "the training")
            self._checked(reply)
        finally:
            session.close()

    def close(self) -> None:
        """End the worker and everything that it started."""
        self._close_session()
        self._close_host()
        self._workspace.remove()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _open(self, limits: Limits, job: Plain = None) -> Session:
        """A session in which none of the submission's code has run, with the job of a training if there is one.

        Raises:
            GraderError: it cannot be had. That is said by a sandbox in which no code of the submission has ever run:
                what another one says may be written by the submission.
            WorkerStopped: the submission ended the process that its sessions are forked from.
        """
        untouched = self._forkserver is None or self._forkserver.untouched
        try:
            return self._opened(limits, job)
        except GraderError:
            self._close_host()
            if untouched:
                raise
        return self._opened(limits, job)

    def _opened(self, limits: Limits, job: Plain) -> Session:
        fresh = self._forkserver is None
        # The first session waits for torch to be imported, from a cold disk perhaps; others start at once.
        start_seconds = START_SECONDS if fresh else SESSION_SECONDS
        if self._forkserver is None:
            self._forkserver = ForkServer(self._sandbox, self._workspace.folder, self._log)
        submission = self._workspace.submission
        about = {
            "limits": asdict(limits),
            "submission": [submission.name, str(submission.folder), submission.package],
        }
        self._forkserver.watch.limit = limits.resident_bytes
        try:
            session = self._forkserver.session(limits)
            session.send(about, time.monotonic() + start_seconds)
            _agreed(session.receive(time.monotonic() + start_seconds))
            session.opened = time.monotonic()
            if job is not None:
                session.send({"prepare": job}, session.opened + limits.seconds)
                _agreed(session.receive(session.opened + limits.seconds))
        except (OSError, EOFError, WireError):
            # The process that sessions are forked from is gone or does not answer.
            self._close_host()
            if fresh:
                raise GraderError("the sandbox has started, but nobody answers in it") from None
            raise WorkerStopped("CRASH", "the submission ended the process that its sessions start from") from None
        return session

    def _answer(self, request: Plain, session: Session, what: str, guilty: str) -> Plain:
        """Put a request.

        Args:
            what: what is asked, as messages tell it.
            guilty: what is not asked again if time or memory does not suffice.
        """
        try:
            deadline = time.monotonic() + self._limits.seconds
            return self._checked(self._exchange(session, request, deadline, what))
        except WorkerStopped as error:
            self._close_session()
            if error.kind != "CRASH":
                self._stopped[guilty] = error
            raise

    def _exchange(self, session: Session, request: Plain | None, deadline: float, what: str) -> dict[str, Plain]:
        """Send a request, if there is one, and wait for the next frame."""
        assert self._forkserver is not None
        self._forkserver.untouched = False
        try:
            if request is not None:
                session.send(request, deadline)
            reply = session.receive(deadline)
        except TimeoutError:
            raise WorkerStopped("TIMEOUT", f"stopped after {session.limits.seconds:.0f} s in {what}") from None
        except WireError as error:
            raise WorkerStopped("CRASH", f"{what} sent {error}") from None
        except (EOFError, ConnectionError):
            raise self._epitaph(what) from None
        if not isinstance(reply, dict) or set(reply) not in ({"answer"}, {"raised"}, {"event"}):
            raise WorkerStopped("CRASH", f"{what} sent a malformed reply")
        return reply

    def _checked(self, reply: dict[str, Plain]) -> Plain:
        """The answer in a reply; raises what the student's code raised."""
        match reply:
            case {"answer": answer}:
                return answer
            case {"raised": [[*kinds], str(message), [*frames]]} if kinds and _are_text([*kinds, *frames]):
                pass
            case _:
                raise WorkerStopped("CRASH", "a malformed reply")
        if "MemoryError" in kinds or "can't allocate memory" in message:
            raise WorkerStopped("OUT_OF_MEMORY", message or "MemoryError")
        prefix = printable(self._workspace.prefix)
        raise StudentRaised(kinds[:FRAMES], message, [frame.replace(prefix, "") for frame in frames[-FRAMES:]])

    def _epitaph(self, what: str) -> WorkerStopped:
        """Why a session ended without an answer."""
        forkserver = self._forkserver
        assert forkserver is not None
        if forkserver.out_of_memory:
            used = forkserver.watch.limit / 2**30
            self._close_host()
            if not forkserver.watch.proven:
                return WorkerStopped("GRADER_ERROR", f"others on this machine took {used:.0f} GiB during {what}")
            return WorkerStopped("OUT_OF_MEMORY", f"{what} took more than {used:.0f} GiB of memory")
        status = forkserver.status()
        if status is None:
            self._close_host()
            return WorkerStopped("CRASH", f"{what} ended the worker")
        if status == -24:  # SIGXCPU
            return WorkerStopped("TIMEOUT", f"{what} used up the processor time of its session")
        how = f"was killed by signal {-status}" if status < 0 else f"ended its process with status {status}"
        return WorkerStopped("CRASH", f"{what} {how}")

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _close_host(self) -> None:
        if self._forkserver is not None:
            self._forkserver.close()
            self._forkserver = None


def _agreed(reply: Plain) -> None:
    """Check what is answered before any code of the submission runs."""
    match reply:
        case {"answer": None}:
            return
        case {"fault": str(message)}:
            raise GraderError(message)
        case _:
            raise GraderError("the sandbox has started, but gives no answer that was agreed on")


def _are_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
