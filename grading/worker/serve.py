"""The fork server: `python -m grading.worker.serve DESCRIPTOR MODULE...` answers for one submission inside the sandbox.

This process imports torch and the modules that it is told, and computes nothing. For each session, which is a training
or a run of probes, it forks a child that loads the submission and talks to the grader over a connection of its own. So
a session starts at once and always in the same state, and if it dies, no other one does. Nothing here is trusted: the
grader treats all that comes out of the sandbox as written by the submission.
"""

import os
import signal
import socket
import sys
import time
from collections.abc import Callable
from functools import partial
from importlib import import_module
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

SECONDS_TO_DIE = 0.5


def main(descriptor: int) -> None:
    """Serve until the grader closes the connection.

    The command START comes with the descriptor of a connection, for a new session. STATUS asks for the exit code of the
    last session.

    Args:
        descriptor: of the connection over which the commands come.
    """
    control = socket.socket(fileno=descriptor)
    torch.set_num_threads(1)
    child, exit_code = 0, 0
    while True:
        command, descriptors, _, _ = socket.recv_fds(control, 1, 1)
        if child:
            child, exit_code = 0, _end(child)
        if command == START:
            child = os.fork()
            if child == 0:
                control.close()
                _session(socket.socket(fileno=descriptors[0]))
            os.close(descriptors[0])
        elif command == STATUS:
            control.send(EXIT_CODE.pack(exit_code))
        else:
            return


def _end(child: int) -> int:
    """The exit code of a session. It is killed if it does not end by itself within SECONDS_TO_DIE."""
    deadline = time.monotonic() + SECONDS_TO_DIE
    while True:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
        time.sleep(0.002)


def _session(connection: socket.socket) -> NoReturn:
    """Answer the grader's requests until it hangs up, then end this process."""
    status = 1
    try:
        _answer_requests(cast(Stream, connection.makefile("rwb")))
        status = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stderr.flush()
        # No handler that the submission or the parent process registered runs.
        os._exit(status)


def _answer_requests(stream: Stream) -> None:
    """Answer each request; see `grading.sandbox.worker`.

    The first frame and "prepare" run no code of the submission, and after each of them the grader waits for the reply
    before it sends anything else. Only there it believes that a fault is its own.
    """
    greeting = receive(stream)
    name, folder, package = greeting["submission"]
    student = LocalStudent(Submission(name, Path(folder), package))
    send(stream, _or_fault(Limits(**greeting["limits"]).apply))
    job: Plain = None
    while True:
        try:
            request = receive(stream)
        except EOFError:
            return
        if "prepare" in request:
            job = request["prepare"]
            reply = _or_fault(partial(_prepare, student, job))
        elif "train" in request:
            reply = _or_raised(partial(_train, student, job, stream))
        elif "load" in request:
            reply = _or_raised(partial(_load, student, request["load"]))
        else:
            reply = _or_raised(partial(student.ask, request["probe"], **request["data"]))
        send(stream, reply)


def _prepare(student: LocalStudent, job: Plain) -> None:
    # Here, as below: torchvision takes as long as torch, and not every probe needs it.
    from grading.worker.training.networks import check_weights

    torch.set_num_threads(job["threads"])  # before `student.state` is read, of which it is a part
    with inside(student.state):
        check_weights(job)


def _load(student: LocalStudent, module: str) -> None:
    student.module(module)


def _train(student: LocalStudent, job: Plain, stream: Stream) -> None:
    from grading.worker.training.loop import train

    for event in train(job, student):
        send(stream, {"event": event})


def _or_fault(step: Callable[[], object]) -> Plain:
    """The reply to a request that runs none of the submission's code: an empty answer, or why the step failed."""
    try:
        step()
    except Exception as error:
        return {"fault": f"{type(error).__name__}: {error}"[:LETTERS]}
    return {"answer": None}


def _or_raised(answer: Callable[[], Plain]) -> Plain:
    """The reply to a request: the answer, or what was raised in its place, cut so that it fits into a frame."""
    try:
        return {"answer": answer()}
    except StudentRaised as error:
        student_raised = error
    except Exception as error:
        student_raised = raised(error)
    frames = [frame[: LETTERS + 1] for frame in student_raised.frames[-FRAMES:]]
    return {"raised": [student_raised.kinds[:FRAMES], student_raised.message[: LETTERS + 1], frames]}


if __name__ == "__main__":
    for module in sys.argv[2:]:
        import_module(module)
    main(int(sys.argv[1]))
