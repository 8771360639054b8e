"""A watch over the memory of all processes of a worker together, which no limit of the operating system covers.

Some memory belongs to no process: System V segments that nobody has attached, files in memory that are on their way
through a socket, page tables. The machine says only how much of it there is in all. If it has grown by more than the
limit, the watch takes it for the worker's. If the end of the worker frees it, that is proven.
"""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

INTERVAL = 0.2  # seconds; a process writes less than its own limit in that time
SECONDS_TO_FREE = 5.0
OWNERLESS = ("Shmem", "PageTables", "SecPageTables", "SUnreclaim", "KernelStack")  # rows of /proc/meminfo


class MemoryWatch:
    """Calls a function once, from a thread of its own, when the processes hold more than `limit` bytes.

    Args:
        members: lists the processes that are alive.
        limit: the most memory of all of them together, in bytes.
        exceeded: the function that is called.

    Attributes:
        limit: as above; it may be changed.
        proven: whether it was the worker that held the memory. It is known once `stop` has returned.
    """

    def __init__(
        self, members: Callable[[], Iterator[psutil.Process]], limit: int, exceeded: Callable[[], None]
    ) -> None:
        self.limit = limit
        self.proven = True
        self._ownerless_before = ownerless_bytes()
        self._members = members
        self._exceeded = exceeded
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="memory watch", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread."""
        self._stopped.set()
        if threading.current_thread() is not self._thread:
            self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            ownerless = ownerless_bytes()
            # To count shared pages once takes milliseconds per process, so it is done only if the fast count exceeds.
            resident = all(resident_bytes(self._members(), shared_once=once) > self.limit for once in (False, True))
            if self._stopped.is_set() or not (resident or ownerless > self._ownerless_before + self.limit):
                continue
            self._stopped.set()
            self._exceeded()
            self.proven = resident or _falls_below(ownerless - self.limit / 2)


def _falls_below(most: float) -> bool:
    """Whether the memory that belongs to no process falls below `most` bytes within SECONDS_TO_FREE."""
    deadline = time.monotonic() + SECONDS_TO_FREE
    while ownerless_bytes() >= most:
        if time.monotonic() > deadline:
            return False
        time.sleep(INTERVAL)
    return True


def ownerless_bytes() -> int:
    """The memory of this machine that files in memory and the kernel hold.

    All memory that is in use and belongs to no process is more. But it varies by hundreds of MiB on a busy machine, as
    it counts huge pages that a process has given back in part.
    """
    try:
        lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    except OSError:
        return 0  # not Linux: nothing is promised there
    kib = {name: int(value.split()[0]) for name, _, value in (line.partition(":") for line in lines)}
    return 1024 * sum(kib.get(name, 0) for name in OWNERLESS)


def resident_bytes(processes: Iterator[psutil.Process], *, shared_once: bool) -> int:
    """The memory that the processes hold together, including files in memory that they have open.

    Args:
        shared_once: whether a page that several processes share is counted once, not once for each of them.
    """
    total = 0
    memory_files: dict[tuple[int, int], int] = {}
    for process in processes:
        with suppress(psutil.Error, OSError):
            total += process.memory_full_info().pss if shared_once else process.memory_info().rss
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()).startswith("/memfd:"):
                        status = link.stat()
                        memory_files[status.st_dev, status.st_ino] = status.st_blocks * 512
    return total + sum(memory_files.values())
