"""The worker's side: answer probes and run trainings of one submission, over standard input and output.

Each training runs in a process forked from this one, which has imported torch but computed nothing: so it starts at
once, in the same state every time, and takes nobody with it when it dies.
"""

import os
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import BinaryIO

import torch

from grading.probes import Student, StudentRaised
from grading.submissions import Submission
from grading.training.loop import train
from grading.workers.wire import Plain, receive, send


def main() -> None:
    """Serve until standard input is closed."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    # What the student's code prints must not end up between the frames.
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    about = receive(requests)
    submission = Submission(about["name"], Path(about["folder"]), about["package"])
    torch.set_num_threads(1)
    student = Student(submission)
    while True:
        try:
            request = receive(requests)
        except EOFError:
            return
        if "train" in request:
            _in_a_child(replies, partial(_train, submission, request["train"], replies))
        else:
            _reply(replies, partial(student.ask, request["probe"], **request["data"]))


def _train(submission: Submission, job: Plain, replies: BinaryIO) -> None:
    for epoch in train(job, submission):
        send(replies, {"epoch": epoch})


def _reply(replies: BinaryIO, answer: Callable[[], Plain]) -> None:
    try:
        send(replies, {"answer": answer()})
    except StudentRaised as error:
        send(replies, {"raised": [error.kinds, error.message, error.frames]})


def _in_a_child(replies: BinaryIO, work: Callable[[], Plain]) -> None:
    child = os.fork()
    if child == 0:
        status = 1
        try:
            _reply(replies, work)
            status = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            sys.stderr.flush()
            os._exit(status)
    _, status = os.waitpid(child, 0)
    # Always, whatever the status: a student's os._exit(0) leaves no other reply.
    send(replies, {"ended": os.waitstatus_to_exitcode(status)})


if __name__ == "__main__":
    main()
