"""Temporary folders that are known to be in use, so that those of killed graders can be deleted."""

import os
import shutil
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from grading.sandbox.file_lock import lock

PREFIX = "hw4-worker-"
LOCK_FILE = ".lock"  # in the folder on Windows, where a folder itself cannot be locked


class LockedFolder:
    """A temporary folder, closed to other users.

    This process holds a lock on it. The lock ends with the process, however that ends, so `remove_stale` finds the
    folders that nobody uses any more.

    Attributes:
        path: where it is.
    """

    def __init__(self) -> None:
        while True:
            self.path = Path(tempfile.mkdtemp(prefix=PREFIX))
            # As long as it is not locked, another grader may take it for a stale one and delete it: then try again.
            with suppress(FileNotFoundError, BlockingIOError):
                self._lock = _locked(self.path, os.O_CREAT)
                if os.fstat(self._lock).st_nlink and self.path.is_dir():
                    return
                os.close(self._lock)

    def remove(self) -> None:
        """Delete it with all that lies in it. Does nothing the second time."""
        if self._lock >= 0:
            _remove(self.path, self._lock)
            self._lock = -1

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()


def remove_stale() -> None:
    """Delete the temporary folders that killed graders of this user left; those of living graders are locked."""
    for path in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with suppress(OSError):
            descriptor = _locked(path)
            if _is_ours(descriptor):
                _remove(path, descriptor)
            else:
                os.close(descriptor)


def _locked(folder: Path, create: int = 0) -> int:
    """A descriptor that holds the lock of a folder.

    Args:
        create: O_CREAT if the folder is new.

    Raises:
        BlockingIOError: another grader holds the lock.
        OSError: there is no such folder, or none that was ever locked.
    """
    if sys.platform == "win32":
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | create)
    else:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _is_ours(descriptor: int) -> bool:
    """Whether a folder belongs to this user, as all do in the temporary folder of a user of Windows."""
    return sys.platform == "win32" or os.fstat(descriptor).st_uid == os.getuid()


def _remove(folder: Path, descriptor: int) -> None:
    """Delete a folder whose lock this process holds, and release the lock."""
    if sys.platform == "win32":
        os.close(descriptor)  # a file that is open cannot be deleted
        shutil.rmtree(folder, ignore_errors=True)
    else:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)
