"""The worker's side: `python -m grading.worker.serve DESCRIPTOR` answers for one submission inside the sandbox.

This process imports torch and computes nothing. For each session, a training or a run of probes, it forks a child that
loads the submission and talks to the grader over a connection of its own: so a session starts at once, in the same
state every time, and takes nobody with it when it dies. Nothing here is trusted: the grader treats all that
comes out of the sandbox as written by the submission.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

import torch

from grading.protocol.limits import Limits
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import Submission
from grading.protocol.text import LETTERS
from grading.protocol.wire import EXIT_CODE, FRAMES, START, STATUS, Plain, Stream, receive, send
from grading.worker.probes.process_state import inside
from grading.worker.student import LocalStudent, raised
from grading.worker.training.loop import train
from grading.worker.training.networks import check_weights

SECONDS_TO_DIE = 0.5


def main(descriptor: int) -> None:
    """Serve until the grader closes the connection.

    START comes with the descriptor of a connection: fork a session that speaks over it. STATUS asks how the last
    session ended.
    """
    control = socket.socket(fileno=descriptor)
    torch.set_num_threads(1)
    child, ended = 0, 0
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if child:
            child, ended = 0, _end(child)
        if command == START:
            child = os.fork()
            if child == 0:
                control.close()
                _session(socket.socket(fileno=descriptors[0]))
            os.close(descriptors[0])
        elif command == STATUS:
            control.send(EXIT_CODE.pack(ended))
        else:
            return


def _end(child: int) -> int:
    """The exit code of a session; one that has not ended by itself is killed."""
    deadline = time.monotonic() + SECONDS_TO_DIE
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _session(connection: socket.socket) -> NoReturn:
    """Answer the grader's requests until it hangs up; see `grading.sandbox.worker`.

    What comes before "train", "load" and probes runs no code of the submission, and waits for the grader's next
    request: only there the grader believes that a fault is its own.
    """
    status = 1
    try:
        stream = cast(Stream, connection.makefile("rwb"))
        about = receive(stream)
        name, folder, package = about["submission"]
        student = LocalStudent(Submission(name, Path(folder), package))
        job: Plain = None
        send(stream, _or_fault(Limits(**about["limits"]).apply))
        while True:
            try:
                request = receive(stream)
            except EOFError:
                break
            if "prepare" in request:
                job = request["prepare"]
                send(stream, _or_fault(partial(_prepare, student, job)))
                continue
            if "train" in request:
                answer = partial(_train, student, job, stream)
            elif "load" in request:
                answer = partial(_load, student, request["load"])
            else:
                answer = partial(student.ask, request["probe"], **request["data"])
            send(stream, _reply(answer))
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        # No handler that the submission registered runs, and none of the parent's.
        os._exit(status)


def _prepare(student: LocalStudent, job: Plain) -> None:
    torch.set_num_threads(job["threads"])  # first: it is a part of the state that is kept
    with inside(student.state):
        check_weights(job)


def _load(student: LocalStudent, module: str) -> None:
    student.module(module)


def _train(student: LocalStudent, job: Plain, stream: Stream) -> None:
    for event in train(job, student):
        send(stream, {"event": event})


def _or_fault(step: Callable[[], object]) -> Plain:
    """The reply to a request that runs none of the submission's code."""
    try:
        step()
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {error}"[:LETTERS]}
    return {"answer": None}


def _reply(answer: Callable[[], Plain]) -> Plain:
    """An answer, or what was raised in its place, cut so that a frame takes it."""
    try:
        return {"answer": answer()}
    except StudentRaised as error:
        reason = error
    except Exception as error:
        reason = raised(error)
    frames = [frame[: LETTERS + 1] for frame in reason.frames[-FRAMES:]]
    return {"raised": [reason.kinds[:FRAMES], reason.message[: LETTERS + 1], frames]}


if __name__ == "__main__":
    main(int(sys.argv[1]))
