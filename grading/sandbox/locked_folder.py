"""Temporary folders that are known to be in use, so that those of killed graders can be deleted."""

import os
import shutil
import tempfile
from contextlib import suppress
from pathlib import Path

PREFIX = "hw4-worker-"


class LockedFolder:
    """A temporary folder, closed to other users.

    This process holds a lock on it. The lock ends with the process, however that ends, so `remove_stale` finds the
    folders that nobody uses any more.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        import fcntl  # not on Windows, where there are no workers

        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            # As long as it is not locked, another grader may take it for a stale one and delete it: then try again.
            with suppress(FileNotFoundError):
                self._lock = os.open(self.path, os.O_RDONLY)
                fcntl.flock(self._lock, fcntl.LOCK_EX)
                if os.fstat(self._lock).st_nlink and self.path.is_dir():
                    return
                os.close(self._lock)

    def remove(self) -> None:
        """Delete it with all that lies in it. Does nothing the second time."""
        if self._lock >= 0:
            shutil.rmtree(self.path, ignore_errors=True)
            os.close(self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def remove_stale() -> None:
    """Delete the temporary folders that killed graders of this user left; those of living graders are locked."""
    import fcntl  # not on Windows, where there are no workers

    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            lock = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
            try:
                if os.fstat(lock).st_uid == os.getuid():
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(path, ignore_errors=True)
            finally:
                os.close(lock)
