"""Ends all processes of a user, and deletes all that they left: `python reaper.py USER [FOLDER ...]`.

It runs as root beside a worker that has a user of its own. It waits until its standard input ends, either because the
grader closes it or because the grader is gone.

It uses only the standard library: it must start at once, and run with nothing that the submission can reach.
"""

import ctypes
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path

IPC_RMID = 0


def main(user: int, folders: Sequence[str]) -> None:
    """Wait, then kill, then delete.

    Args:
        user: the number of the user.
        folders: the folders in which everybody may write.
    """
    while os.read(0, 1):
        pass
    while _has_processes(user):
        _kill_processes(user)
        time.sleep(0.005)
    _remove_ipc(user)
    leftovers = [path for folder in folders for path in _leftovers(user, folder)]
    for start in range(0, len(leftovers), 100):
        # rm copes with folders of any depth.
        subprocess.run(["rm", "-rf", "--one-file-system", "--", *leftovers[start : start + 100]], check=False)


def _kill_processes(user: int) -> None:
    """Kill the user's processes from a child that has become this user.

    There, kill(-1) reaches all of them at once, so none can fork away from it.
    """
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(user)
        os.setuid(user)
        with suppress(OSError):
            os.kill(-1, 9)
        os._exit(0)
    os.waitpid(child, 0)


def _has_processes(user: int) -> bool:
    """Whether a process of the user is alive."""
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # the process has just ended
            status = (process / "status").read_text(encoding="utf-8", errors="replace")
            real = int(status.partition("\nUid:")[2].split()[0])
            if real == user and status.partition("\nState:")[2].split()[0] not in ("Z", "X"):
                return True
    return False


def _remove_ipc(user: int) -> None:
    """Delete the System V segments, queues and semaphores that the user made or owns."""
    libc = ctypes.CDLL(None)
    for kind in ("shm", "msg", "sem"):
        with suppress(OSError):  # a kernel without them
            lines = Path(f"/proc/sysvipc/{kind}").read_text(encoding="ascii").splitlines()
            names, *rows = map(str.split, lines)
            for row in rows:
                values = dict(zip(names, map(int, row), strict=False))
                if user not in (values["uid"], values["cuid"]):
                    continue
                match kind:
                    case "shm":
                        libc.shmctl(int(row[1]), IPC_RMID, None)
                    case "msg":
                        libc.msgctl(int(row[1]), IPC_RMID, None)
                    case "sem":
                        libc.semctl(int(row[1]), 0, IPC_RMID)


def _leftovers(user: int, folder: str) -> Iterator[bytes]:
    """What belongs to the user in a folder in which everybody may write, and in such folders below it."""
    unvisited = [(os.fsencode(folder), True)]
    while unvisited:
        path, is_open = unvisited.pop()
        with suppress(OSError), os.scandir(path) as entries:
            for entry in entries:
                with suppress(OSError):
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if not is_folder and not is_open:
                        continue
                    status = entry.stat(follow_symlinks=False)
                    if status.st_uid == user:
                        yield entry.path
                    elif is_folder and status.st_mode & 0o001:
                        unvisited.append((entry.path, bool(status.st_mode & 0o002)))


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
