"""The grader's end of a worker: a sandboxed process that answers for one submission."""

import signal
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
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
TRAINING = "grading.worker.training.loop"


class WorkerStopped(Exception):
    """The submission did not live to answer.

    Attributes:
        kind: `TIMEOUT`, `OUT_OF_MEMORY` or `CRASH`; `GRADER_ERROR` if it was stopped through no fault of its own.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(kind, message)
        self.kind = kind
        self.message = message

    def __str__(self) -> str:
        return f"{self.kind}: {self.message}"


class GraderError(Exception):
    """The grader itself did not work: this is never a grade."""


class Worker:
    """Answers probes, as `grading.worker.student.LocalStudent` does, and runs trainings.

    If a session ends early (a crash, a limit), only the probe that was asked is lost: the next one gets a new session.
    A function that has used up its time or memory is not called again.

    Args:
        submission: the submission whose code runs.
        sandbox: the sandbox in which it runs.
        imported: modules that every session finds imported, such as TRAINING: else each takes the time.
        log: where the first MiB of its standard output and error goes; standard error if None.
        limits: of the sessions that answer probes.

    Raises:
        SubmissionError: the submission is too large.
    """

    def __init__(
        self,
        submission: Submission,
        sandbox: Sandbox,
        *,
        imported: Sequence[str] = (),
        log: IO[bytes] | None = None,
        limits: Limits | None = None,
    ) -> None:
        self._imported = imported
        self._sandbox = sandbox
        self._log = log
        self._limits = limits or Limits()
        self._workspace = Workspace(submission)
        self._beyond_limits: dict[str, WorkerStopped] = {}  # by file, function or probe
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
        for name in (f"{module}.py", probe, *functions):
            if name in self._beyond_limits:
                raise self._beyond_limits[name]
        if self._session is None:
            self._session = self._new_session(self._limits)
        if module not in self._session.loaded:
            self._answer({"load": module}, self._session, f"`{module}.py`", f"{module}.py")
            self._session.loaded.add(module)
        # If a probe calls several functions, nobody knows which one used up the limits: then only the probe is suspect.
        suspect = functions[0] if len(functions) == 1 else probe
        names = ", ".join(f"`{function}`" for function in functions)
        return self._answer({"probe": probe, "data": data}, self._session, names, suspect)

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
        session = self._new_session(limits, job)
        deadline = session.opened + limits.seconds
        try:
            reply = self._exchange(session, {"train": None}, deadline, "the training")
            while set(reply) == {"event"}:
                yield reply["event"]
                reply = self._exchange(session, None, deadline, "the training")
            self._answer_in(reply)
        finally:
            session.close()

    def close(self) -> None:
        """End the worker and everything that it started."""
        self._close_session()
        self._close_forkserver()
        self._workspace.remove()

    def __enter__(self) -> "Worker":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _new_session(self, limits: Limits, job: Plain = None) -> Session:
        """A session in which none of the submission's code has run.

        Args:
            job: of a training; None for a session that answers probes.

        Raises:
            GraderError: the sandbox says that the grader failed. Only a sandbox in which no code of the submission has
                ever run is believed: any other one is replaced by a new one.
            WorkerStopped: the submission ended the process from which its sessions are forked.
        """
        untouched = self._forkserver is None or self._forkserver.untouched
        try:
            return self._start_session(limits, job)
        except GraderError:
            self._close_forkserver()
            if untouched:
                raise
        return self._start_session(limits, job)

    def _start_session(self, limits: Limits, job: Plain) -> Session:
        """A session, of a new fork server if there is none; raises as `_new_session` does, whoever says it."""
        is_first = self._forkserver is None
        # Before the first session torch is imported, perhaps from a cold disk. The others start at once.
        start_seconds = START_SECONDS if is_first else SESSION_SECONDS
        if self._forkserver is None:
            self._forkserver = ForkServer(self._sandbox, self._workspace.folder, self._imported, self._log)
        self._forkserver.watch.limit = limits.resident_bytes
        try:
            session = self._forkserver.session(limits)
            session.send(self._greeting(limits), time.monotonic() + start_seconds)
            _check_ready(session.receive(time.monotonic() + start_seconds))
            session.opened = time.monotonic()
            if job is not None:
                session.send({"prepare": job}, session.opened + limits.seconds)
                _check_ready(session.receive(session.opened + limits.seconds))
        except (OSError, EOFError, WireError):
            # The fork server is gone or does not answer.
            self._close_forkserver()
            if is_first:
                raise GraderError("the sandbox has started, but nobody answers in it") from None
            raise WorkerStopped("CRASH", "the submission ended the process that its sessions start from") from None
        return session

    def _greeting(self, limits: Limits) -> Plain:
        """The first frame of a session: its limits, and where the submission is."""
        submission = self._workspace.submission
        return {
            "limits": asdict(limits),
            "submission": [submission.name, str(submission.folder), submission.package],
        }

    def _answer(self, request: Plain, session: Session, subject: str, suspect: str) -> Plain:
        """Put a request and return the answer.

        Args:
            subject: what is asked, as messages name it.
            suspect: what is not asked again if time or memory does not suffice.
        """
        try:
            deadline = time.monotonic() + self._limits.seconds
            return self._answer_in(self._exchange(session, request, deadline, subject))
        except WorkerStopped as error:
            self._close_session()
            if error.kind != "CRASH":
                self._beyond_limits[suspect] = error
            raise

    def _exchange(self, session: Session, request: Plain | None, deadline: float, subject: str) -> dict[str, Plain]:
        """Send a request, if there is one, and wait for the next frame."""
        assert self._forkserver is not None
        self._forkserver.untouched = False
        try:
            if request is not None:
                session.send(request, deadline)
            reply = session.receive(deadline)
        except TimeoutError:
            raise WorkerStopped("TIMEOUT", f"stopped after {session.limits.seconds:.0f} s in {subject}") from None
        except WireError as error:
            raise WorkerStopped("CRASH", f"{subject} sent {error}") from None
        except (EOFError, ConnectionError):
            raise self._reason_of_the_end(subject) from None
        if not isinstance(reply, dict) or set(reply) not in ({"answer"}, {"raised"}, {"event"}):
            raise WorkerStopped("CRASH", f"{subject} sent a malformed reply")
        return reply

    def _answer_in(self, reply: dict[str, Plain]) -> Plain:
        """The answer in a reply.

        Raises:
            StudentRaised: there is what the student's code raised, in place of an answer.
            WorkerStopped: the student's code ran out of memory, or the reply is malformed.
        """
        match reply:
            case {"answer": answer}:
                return answer
            case {"raised": [[*kinds], str(message), [*frames]]} if kinds and _are_text([*kinds, *frames]):
                pass
            case _:
                raise WorkerStopped("CRASH", "a malformed reply")
        raise failure_of(kinds, message, frames, printable(self._workspace.prefix))

    def _reason_of_the_end(self, subject: str) -> WorkerStopped:
        """Why a session ended without an answer."""
        forkserver = self._forkserver
        assert forkserver is not None
        if forkserver.out_of_memory:
            gib = forkserver.watch.limit / 2**30
            self._close_forkserver()
            if not forkserver.watch.proven:
                return WorkerStopped("GRADER_ERROR", f"others on this machine took {gib:.0f} GiB during {subject}")
            return WorkerStopped("OUT_OF_MEMORY", f"{subject} took more than {gib:.0f} GiB of memory")
        status = forkserver.status()
        if status is None:
            self._close_forkserver()
            return WorkerStopped("CRASH", f"{subject} ended the worker")
        if status == -signal.SIGXCPU:
            return WorkerStopped("TIMEOUT", f"{subject} used up the processor time of its session")
        how = f"was killed by signal {-status}" if status < 0 else f"ended its process with status {status}"
        return WorkerStopped("CRASH", f"{subject} {how}")

    def _close_session(self) -> None:
        if self._session is not None:
            self._session.close()
            self._session = None

    def _close_forkserver(self) -> None:
        if self._forkserver is not None:
            self._forkserver.close()
            self._forkserver = None


def failure_of(kinds: list[str], message: str, frames: list[str], prefix: str) -> StudentRaised | WorkerStopped:
    """What a worker raises if the student's code raised.

    Args:
        kinds, message, frames: of what was raised; see `StudentRaised`.
        prefix: what the paths of the submission's files begin with.
    """
    if "MemoryError" in kinds or "can't allocate memory" in message:
        return WorkerStopped("OUT_OF_MEMORY", message or "MemoryError")
    return StudentRaised(kinds[:FRAMES], message, [frame.replace(prefix, "") for frame in frames[-FRAMES:]])


def _check_ready(reply: Plain) -> None:
    """Check a reply to what comes before any code of the submission runs.

    Raises:
        GraderError: it says that the grader's part failed, or it is malformed.
    """
    match reply:
        case {"answer": None}:
            return
        case {"fault": str(message)}:
            raise GraderError(message)
        case _:
            raise GraderError("the sandbox has started, but gives no answer that was agreed on")


def _are_text(values: list[Any]) -> bool:
    return all(isinstance(value, str) for value in values)
