"""A worker for whatever holds the submission."""

from collections.abc import Iterator, Sequence
from typing import IO, Protocol, Self

from grading.protocol.limits import Limits
from grading.protocol.submission import Submission
from grading.protocol.wire import Plain
from grading.sandbox.own_process import OwnProcessWorker
from grading.sandbox.tiers import Sandbox, Tier
from grading.sandbox.worker import Worker


class AnyWorker(Protocol):
    """Answers probes and runs trainings for one submission; see `Worker`."""

    def ask(self, probe: str, **data: Plain) -> Plain: ...

    def train(self, job: Plain, limits: Limits) -> Iterator[Plain]: ...

    def close(self) -> None: ...

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def open_worker(
    submission: Submission, tier: Tier, *, imported: Sequence[str] = (), log: IO[bytes] | None = None
) -> AnyWorker:
    """A worker for a submission: in a process of its own if the tier is a sandbox, else in this one.

    Args:
        imported, log: of a worker in a process of its own; see `Worker`.

    Raises:
        SubmissionError: the submission is too large.
    """
    if isinstance(tier, Sandbox):
        return Worker(submission, tier, imported=imported, log=log)
    return OwnProcessWorker(submission)
