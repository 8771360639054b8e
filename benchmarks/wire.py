"""The way of an epoch's answer from a worker to the grader: a process that sends it, and a session that receives it."""

import socket
import time
from multiprocessing import get_context
from typing import cast

from grading.protocol.limits import Limits
from grading.protocol.wire import Plain, Stream, receive, send
from grading.sandbox.session import Session


class Wire:
    """A process that sends one event whenever it is asked.

    Args:
        event: of an epoch, with all that it holds.
        limits: of the session.
    """

    def __init__(self, event: Plain, limits: Limits) -> None:
        ours, theirs = socket.socketpair()
        self._session = Session(ours, limits)
        self._process = get_context("fork").Process(target=_send_events, args=(ours, theirs, event), daemon=True)
        self._process.start()
        theirs.close()

    def ask(self) -> Plain:
        """The event, as it arrives."""
        deadline = time.monotonic() + 60
        self._session.send({"train": None}, deadline)
        return self._session.receive(deadline)["event"]

    def close(self) -> None:
        """Hang up, and wait for the process."""
        self._session.close()
        self._process.join()


def _send_events(theirs: socket.socket, ours: socket.socket, event: Plain) -> None:
    theirs.close()
    stream = cast(Stream, ours.makefile("rwb"))
    while True:
        try:
            receive(stream)
        except EOFError:
            return
        send(stream, {"event": event})
