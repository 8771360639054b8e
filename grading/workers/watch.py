"""Watching the memory of a worker's processes together, which no limit of the operating system covers."""

import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

INTERVAL = 0.2  # seconds; a process writes less than its own limit in that time


class MemoryWatch:
    """Calls `exceeded` once, from a thread of its own, when the processes hold more than `limit` bytes.

    Args:
        members: lists the processes at this moment.
    """

    def __init__(
        self, members: Callable[[], Iterator[psutil.Process]], limit: int, exceeded: Callable[[], None]
    ) -> None:
        self.limit = limit
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
            # Counting shared pages once takes milliseconds a process, so it waits until there is a reason.
            if any(resident_bytes(self._members(), shared_once=once) <= self.limit for once in (False, True)):
                continue
            if not self._stopped.is_set():
                self._stopped.set()
                self._exceeded()


def resident_bytes(processes: Iterator[psutil.Process], *, shared_once: bool) -> int:
    """Memory that the processes hold together, files that lie in memory included.

    Args:
        shared_once: count pages that several share once, in place of once for each.
    """
    total = 0
    files: dict[tuple[int, int], int] = {}
    for process in processes:
        with suppress(psutil.Error, OSError):
            total += process.memory_full_info().pss if shared_once else process.memory_info().rss
            for link in Path(f"/proc/{process.pid}/fd").iterdir():
                with suppress(OSError):
                    if str(link.readlink()).startswith("/memfd:"):
                        status = link.stat()
                        files[status.st_dev, status.st_ino] = status.st_blocks * 512
    return total + sum(files.values())
