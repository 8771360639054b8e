"""Python as on another system, for this project's code: `python other_system.py win32|darwin PYTHON ARGUMENT...`.

What the other system lacks is hidden from this project's modules and from a submission's, and from nobody else:
Python's own library and PyTorch do there by other means what they do here. In a few respects files behave as they do
there. What cannot be shown here: the other system's paths, its consoles, and what its libraries compute.

Args:
    PYTHON: the command that new processes of the project start in place of this interpreter; see `command_of`.
    ARGUMENT: as of `python`: a file, `-m MODULE` or `-c PROGRAM`, and its arguments.
"""

import builtins
import errno
import multiprocessing
import os
import pathlib
import runpy
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from types import ModuleType
from typing import Any

OURS = ("grading", "tests", "hw4", "solutions", "__main__")

MISSING_MODULES = {
    "win32": ("fcntl", "grp", "pty", "pwd", "resource", "syslog", "termios", "tty"),
    "darwin": ("msvcrt", "winreg"),
}

WINDOWS_LACKS = {
    "os": (
        *("chown", "fork", "forkpty", "getegid", "geteuid", "getgid", "getpgid", "getuid", "killpg", "lchown"),
        *("memfd_create", "mkfifo", "nice", "openpty", "pidfd_open", "posix_spawn", "pread", "register_at_fork"),
        *("sched_getaffinity", "setgid", "setgroups", "setpgid", "setsid", "setuid", "statvfs", "sysconf", "wait"),
        *("O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "WNOHANG", "WIFEXITED"),
    ),
    "signal": (
        *("SIGALRM", "SIGCHLD", "SIGHUP", "SIGKILL", "SIGQUIT", "SIGSTOP", "SIGUSR1", "SIGXCPU", "SIGXFSZ"),
        *("ITIMER_REAL", "alarm", "pause", "pthread_kill", "pthread_sigmask", "setitimer", "siginterrupt", "sigwait"),
    ),
    "socket": ("AF_UNIX", "SCM_RIGHTS", "recv_fds", "send_fds"),
}
# There is fork on macOS, but its own libraries crash in the fork of a process with threads.
MACOS_LACKS = {
    "os": ("fork", "forkpty", "memfd_create", "pidfd_open", "sched_getaffinity"),
    "resource": ("prlimit", "RLIMIT_MSGQUEUE"),
    "signal": ("pidfd_send_signal", "sigtimedwait"),
}
WINDOWS_SIGNALS = (signal.SIGABRT, signal.SIGFPE, signal.SIGILL, signal.SIGINT, signal.SIGSEGV, signal.SIGTERM)


class StandIn(ModuleType):
    """A module without some of its names, and with others."""

    def __init__(self, module: ModuleType, lacks: Collection[str], **others: object) -> None:
        super().__init__(module.__name__)
        vars(self).update(_module=module, _lacks=lacks, _others=others)

    def __getattr__(self, name: str) -> Any:
        if name in self._lacks:
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r} on this system")
        return self._others[name] if name in self._others else getattr(self._module, name)

    def __setattr__(self, name: str, value: object) -> None:
        setattr(self._module, name, value)


def stand_ins(system: str, python: str) -> dict[str, ModuleType]:
    """What this project's code gets in place of modules, by name."""
    lacks = WINDOWS_LACKS if system == "win32" else MACOS_LACKS
    # On both systems, names of files are UTF-8 whatever the locale says.
    encoding = {"getfilesystemencoding": lambda: "utf-8"}
    others: dict[str, dict[str, object]] = {"sys": {"platform": system, "executable": python, **encoding}}
    modules: dict[str, ModuleType] = {}
    if system == "win32":
        others |= {
            "os": {
                "name": "nt",
                "supports_dir_fd": frozenset(),
                "supports_fd": frozenset(),
                "open": open_file,
                "rename": if_closed(os.rename),
                "replace": if_closed(os.replace),
                "unlink": if_closed(os.unlink),
            },
            "signal": {"signal": set_handler},
            "shutil": {"rmtree": remove_folder},
            "subprocess": {"Popen": Popen},
            "multiprocessing": {"get_context": get_context},
        }
        modules["msvcrt"] = msvcrt()
    for name in {*lacks, *others}:
        modules[name] = StandIn(__import__(name), lacks.get(name, ()), **others.get(name, {}))
    return modules


def hide(system: str, python: str) -> None:
    """Let imports of this project's code find what there is on the other system."""
    replaced, missing = stand_ins(system, python), MISSING_MODULES[system]
    usual = builtins.__import__

    def find(name: str, globals: Any = None, locals: Any = None, fromlist: Any = (), level: int = 0) -> ModuleType:
        if level == 0 and str((globals or {}).get("__name__", "")).partition(".")[0] in OURS:
            if name in missing:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)
            if name in replaced:
                return replaced[name]
        return usual(name, globals, locals, fromlist, level)

    builtins.__import__ = find
    hide_proc()
    if system == "win32":
        for method in ("rename", "replace", "unlink"):
            setattr(pathlib.Path, method, if_closed(getattr(pathlib.Path, method)))
        pathlib.Path.symlink_to = refuse_link  # type: ignore[method-assign, assignment]


def hide_proc() -> None:
    """There is no /proc for whoever looks for it with pathlib, as this project does."""
    for method in ("glob", "iterdir", "read_bytes", "read_text"):
        usual = getattr(pathlib.Path, method)

        def look(path: Path, *args: Any, usual: Callable[..., Any] = usual, **kwargs: Any) -> Any:
            if path.is_relative_to("/proc"):
                raise FileNotFoundError(errno.ENOENT, "there is no /proc on this system", str(path))
            return usual(path, *args, **kwargs)

        setattr(pathlib.Path, method, look)


def open_files() -> set[str]:
    """The paths of all files that this process has open."""
    paths = set()
    for descriptor in os.listdir("/proc/self/fd"):
        try:
            paths.add(os.readlink(f"/proc/self/fd/{descriptor}"))
        except OSError:  # that of the listing
            continue
    return paths


def if_closed(function: Callable[..., Any]) -> Callable[..., Any]:
    """A function on paths as on Windows, which refuses if one of them is open in this process."""

    def on_closed(*args: Any, **kwargs: Any) -> Any:
        for path in args:
            if isinstance(path, (str, os.PathLike)) and os.path.realpath(path) in open_files():
                raise PermissionError(errno.EACCES, "the process cannot access the file: it is being used", str(path))
        return function(*args, **kwargs)

    return on_closed


def open_file(path: Any, flags: int, mode: int = 0o777, *, dir_fd: int | None = None) -> int:
    if dir_fd is not None:
        raise NotImplementedError("dir_fd unavailable on this platform")
    if os.path.isdir(path):
        raise PermissionError(errno.EACCES, "Permission denied", str(path))
    return os.open(path, flags, mode)


def set_handler(number: int, handler: Any) -> Any:
    if number not in WINDOWS_SIGNALS:
        raise ValueError("invalid signal value")
    return signal.signal(number, handler)


def remove_folder(path: Any, ignore_errors: bool = False, **kwargs: Any) -> None:
    """As `shutil.rmtree`, but for files that are open, and folders that hold them."""
    folder = os.path.realpath(path)
    if not any(file.startswith(f"{folder}{os.sep}") for file in open_files()):
        shutil.rmtree(path, ignore_errors=ignore_errors, **kwargs)
    elif not ignore_errors:
        raise PermissionError(errno.EACCES, "a file in it is being used", str(path))


def refuse_link(path: Path, target: object, target_is_directory: bool = False) -> None:
    raise OSError(errno.EPERM, "A required privilege is not held by the client", str(path))


def get_context(method: str | None = None) -> Any:
    if method not in (None, "spawn"):
        raise ValueError(f"cannot find context for {method!r}")
    return multiprocessing.get_context("spawn")


class Popen(subprocess.Popen[Any]):
    """Windows knows none of these arguments."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        for name in ("group", "pass_fds", "preexec_fn", "umask", "user"):
            assert not kwargs.get(name), f"{name} not supported on Windows."
        super().__init__(*args, **kwargs)


def msvcrt() -> ModuleType:
    """Its locks, which end with the process, too."""
    import fcntl

    def locking(descriptor: int, mode: int, count: int) -> None:
        assert mode == 2
        assert count > 0
        assert not os.path.isdir(f"/proc/self/fd/{descriptor}")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise PermissionError(errno.EACCES, "Permission denied") from None

    module = ModuleType("msvcrt")
    vars(module).update(locking=locking, LK_NBLCK=2)
    return module


def command_of(system: str, folder: Path) -> str:
    """A command that runs Python as on another system; it is written into a folder."""
    script = folder / f"python-{system}"
    script.write_text(f'#!/bin/sh\nexec {sys.executable} {__file__} {system} "$0" "$@"\n', encoding="utf-8")
    script.chmod(0o755)
    return str(script)


def main(system: str, python: str, *arguments: str) -> None:
    """Become Python as on the other system."""
    kind, *rest = arguments
    hide(system, python)
    if kind == "-c":
        sys.argv[:], sys.path[0] = ["-c", *rest[1:]], ""
        exec(compile(rest[0], "<string>", "exec"), {"__name__": "__main__", "__builtins__": builtins})
    elif kind == "-m":
        sys.argv[:], sys.path[0] = ["-m", *rest[1:]], os.getcwd()
        runpy.run_module(rest[0], run_name="__main__", alter_sys=True)
    else:
        sys.argv[:], sys.path[0] = list(arguments), os.path.dirname(os.path.abspath(kind))
        runpy.run_path(kind, run_name="__main__")


if __name__ == "__main__":
    main(*sys.argv[1:])
