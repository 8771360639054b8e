"""The tier `own-user`: each worker runs as a user that nobody else is."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO, Any

import psutil

from grading.sandbox.confined import Confined, environment_of, python_command, start_process
from grading.sandbox.tiers import Sandbox

USERS = range(50_000, 60_000)
SETPRIV = "/usr/bin/setpriv"
REAPER = Path(__file__).with_name("reaper.py")
# File systems that hold no files of this machine, or on which root has no more rights than others.
FOREIGN = ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "debugfs", "tracefs", "nfs", "nfs4", "cifs", "fuse", "9p")
ENTERABLE, WRITABLE = 0o001, 0o003  # by everybody: bits of the mode of a folder


class OwnUser(Sandbox):
    """As a user that nobody else is."""

    tier = "own-user"
    promise = "reduced sandbox: a user of its own; network open, other processes visible"
    allows = frozenset({"reaches the network", "reaches sockets of the host"})

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        user = _free_user()
        # Closed to the users of other workers. It stays root's, so it outlives what this user leaves.
        os.chown(workspace, 0, user)
        workspace.chmod(0o750)
        identity = {"user": user, "group": user, "extra_groups": [], "umask": 0o077}
        # The reaper starts first: whenever the grader dies, no process is left.
        reaper = subprocess.Popen(_reaper_command(user), env={}, cwd="/", stdin=subprocess.PIPE, start_new_session=True)
        # Without new privileges, no program that runs as another user, such as crontab, leaves anything for this user.
        command = [SETPRIV, "--no-new-privs", *python_command(arguments)]
        try:
            process = start_process(command, environment_of(workspace), keep, output, **identity)
        except BaseException:
            reaper.communicate()
            raise
        return ConfinedUser(process, user, reaper)


class ConfinedUser(Confined):
    """A process that runs as a user of its own, and all processes of this user.

    Args:
        reaper: see `grading.sandbox.reaper`.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", user: int, reaper: "subprocess.Popen[bytes]") -> None:
        super().__init__(process)
        self._user = user
        self._reaper = reaper

    def members(self) -> Iterator[psutil.Process]:
        for process in psutil.process_iter(["uids"]):
            if process.info["uids"] and process.info["uids"].real == self._user:
                yield process

    def end(self) -> None:
        super().end()
        assert self._reaper.stdin is not None
        self._reaper.stdin.close()
        if self._reaper.wait() != 0:  # somebody has killed it
            subprocess.run(_reaper_command(self._user), env={}, cwd="/", stdin=subprocess.DEVNULL, check=True)


def _free_user() -> int:
    """A user that no process runs as, drawn at random: graders that run side by side must not take the same one."""
    taken = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
    return random.SystemRandom().choice([uid for uid in USERS if uid not in taken])


def _reaper_command(user: int) -> list[str]:
    """The command that ends a user's processes when its standard input ends."""
    return [sys.executable, "-I", "-S", str(REAPER), str(user), *_open_folders()]


@cache
def _open_folders() -> list[str]:
    """The folders of this machine in which everybody may write, without those that others cannot reach.

    The reaper looks into their subfolders too, which may be younger than this list.
    """
    foreign = _foreign_mounts()
    open_folders, unvisited = [], ["/"]
    while unvisited:
        with suppress(OSError), os.scandir(unvisited.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False) or entry.path in foreign:
                        continue
                    mode = entry.stat(follow_symlinks=False).st_mode
                    if mode & WRITABLE == WRITABLE:
                        open_folders.append(entry.path)
                    if mode & ENTERABLE:
                        unvisited.append(entry.path)
    return open_folders


def _foreign_mounts() -> set[str]:
    """Where file systems are mounted that the reaper has no business in."""
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    mounts = set()
    for line in lines:
        _, folder, kind, *_ = line.split()
        if kind.partition(".")[0] in FOREIGN:
            mounts.add(folder)
    return mounts
