"""Batches that are made beside the training, by forked processes that work ahead of it.

Nothing but pipes and memory that the processes share is needed: a sandbox may have no shared-memory files, and a
container few of them. Batch b is made by process b modulo their number, so the order is fixed.
"""

import ctypes
import mmap
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection

import torch
from torch import Tensor

from grading.protocol.questions import StudentRaised
from grading.worker.training.views import Batch, Views

SLOTS = 4  # batches that a process may be ahead
DIE_WITH_PARENT = 1  # PR_SET_PDEATHSIG, see prctl(2)


def batches_of_views(views: Views, batches: Sequence[Batch], processes: int) -> "InLine | Ahead":
    """Make batches in this process if `processes` is 0, else ahead in as many others."""
    return Ahead(views, batches, processes) if processes else InLine(views, batches)


class InLine:
    """Batches that are made when they are asked for."""

    def __init__(self, views: Views, batches: Sequence[Batch]) -> None:
        self._views = views
        self._batches = iter(batches)

    def next(self) -> Tensor:
        """The pictures of the next batch."""
        return self._views.batch(next(self._batches))

    def close(self) -> None:
        """Nothing works beside the training."""


class Ahead:
    """Batches that forked processes make.

    Args:
        batches: all that will be asked for, in order.
    """

    def __init__(self, views: Views, batches: Sequence[Batch], processes: int) -> None:
        largest = max(len(batch.indices) for batch in batches)
        self._rings = [_Ring(views, largest) for _ in range(processes)]
        context = get_context("fork")
        self._processes = []
        self._ends: list[Connection] = []
        for number, ring in enumerate(self._rings):
            ours, theirs = context.Pipe()
            arguments = (views, batches[number::processes], ring, theirs)
            process = context.Process(target=_work, args=arguments, daemon=True)
            process.start()
            theirs.close()
            self._processes.append(process)
            self._ends.append(ours)
        self._asked = 0
        self._sizes = [len(batch.indices) for batch in batches]

    def next(self) -> Tensor:
        """The pictures of the next batch, valid until another batch is asked for.

        Raises:
            StudentRaised: the transform raised, or ended its process.
        """
        if self._asked:
            with suppress(ConnectionError):  # its last batches are made
                self._ends[(self._asked - 1) % len(self._ends)].send(None)
        turn, number = divmod(self._asked, len(self._rings))
        size, self._asked = self._sizes[self._asked], self._asked + 1
        try:
            raised = self._ends[number].recv()
        except (EOFError, ConnectionError):
            raise StudentRaised(["RuntimeError"], "the transform ended its process", []) from None
        if raised is not None:
            raise StudentRaised(*raised)
        return self._rings[number].slot(turn)[:size]

    def close(self) -> None:
        """End the processes."""
        for process in self._processes:
            process.kill()
            process.join()
        for end in self._ends:
            end.close()


class _Ring:
    """Memory for a few batches, which a process and its children share."""

    def __init__(self, views: Views, largest: int) -> None:
        shape = (SLOTS, largest, *views.shape)
        size = torch.Size(shape).numel() * views.dtype.itemsize
        self._slots = torch.frombuffer(mmap.mmap(-1, size), dtype=views.dtype).reshape(shape)

    def slot(self, turn: int) -> Tensor:
        """The place of the batch that its process makes as number `turn`."""
        return self._slots[turn % SLOTS]


def _work(views: Views, batches: Sequence[Batch], ring: _Ring, end: Connection) -> None:
    """In a forked process: make batches, at most SLOTS ahead of what has been taken."""
    _alone(end)
    for turn, batch in enumerate(batches):
        if turn >= SLOTS:
            end.recv()
        try:
            views.batch(batch, ring.slot(turn)[: len(batch.indices)])
        except StudentRaised as error:
            end.send((error.kinds, error.message, error.frames))
            return
        end.send(None)


def _alone(end: Connection) -> None:
    """Keep nothing open of the process that this one was forked from, die with it, and compute on one core."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(DIE_WITH_PARENT, signal.SIGKILL)
    first = end.fileno()
    os.closerange(3, first)
    os.closerange(first + 1, os.sysconf("SC_OPEN_MAX"))
    torch.set_num_threads(1)  # a fork of a process with threads hangs if it starts some itself
