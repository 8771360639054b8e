"""A lock on an open file, which the operating system releases with its process, however that ends."""

import os
import sys

if sys.platform == "win32":
    import msvcrt
else:
    import fcntl

# On Windows nobody else can read the bytes that are locked, so it is one that no file reaches.
LOCKED_BYTE = 2**30


def lock(descriptor: int) -> None:
    """Lock the file for this descriptor alone, without waiting. To close the descriptor releases the lock.

    Args:
        descriptor: of a file; on other systems than Windows of a folder, too.

    Raises:
        BlockingIOError: another process, or another descriptor of this one, has locked it.
        OSError: the file system knows no locks.
    """
    if sys.platform == "win32":
        place = os.lseek(descriptor, 0, os.SEEK_CUR)
        os.lseek(descriptor, LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except PermissionError as error:
            raise BlockingIOError(*error.args) from None
        finally:
            os.lseek(descriptor, place, os.SEEK_SET)
    else:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
