"""The self-test of a sandbox: what must not be possible inside is tried from inside."""

import json
import os
import shutil
import socket
import subprocess
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from grading import PACKAGE
from grading.assignment.assignment import FILE as ASSIGNMENT_FILE
from grading.sandbox.locked_folder import LockedFolder
from grading.sandbox.tiers import Sandbox

SECONDS = 20.0
SECRET = b"secret"
ESCAPES = Path(__file__).with_name("escapes.py")


@dataclass(frozen=True)
class Targets:
    """What the escapes try to reach.

    Attributes:
        secret: a file that holds SECRET, in a folder that is closed to others.
        port: a TCP port of this machine on which this process listens.
        name: of a Unix socket on which this process listens, and of an environment variable of this process.
        new_files: files that do not exist, in folders in which only the grader may write.
    """

    secret: Path
    port: int
    name: str
    new_files: tuple[Path, ...]


def self_test(sandbox: Sandbox) -> str:
    """Try all escapes from inside a sandbox.

    Returns:
        In one line, the escapes that are possible though the sandbox does not allow them, or why it does not start;
        empty if it passes.
    """
    with LockedFolder() as workspace, _targets() as targets:
        _stage_escapes(workspace)
        try:
            possible = _run_escapes(sandbox, targets, workspace)
            possible |= _arrived_writes(targets)
        except (OSError, ValueError, subprocess.SubprocessError) as error:
            return f"does not start ({' '.join(str(error).split())[:300]})"
    return ", ".join(escape for escape in possible if possible[escape] and escape not in sandbox.allows)


@contextmanager
def _targets() -> Iterator[Targets]:
    """Put up the targets, and take them down afterwards."""
    name = f"HW4_{uuid.uuid4().hex}"
    new_files = (PACKAGE / name, Path(os.__file__).parent / name)
    with LockedFolder() as closed_folder, socket.socket() as internet, socket.socket(socket.AF_UNIX) as unix:
        secret = closed_folder / "secret"
        secret.write_bytes(SECRET)
        internet.bind(("127.0.0.1", 0))
        internet.listen()
        unix.bind(f"\0{name}")
        unix.listen()
        os.environ[name] = "1"
        try:
            yield Targets(secret, internet.getsockname()[1], name, new_files)
        finally:
            del os.environ[name]
            for file in new_files:
                with suppress(OSError):  # a read-only file system refuses even if there is no such file
                    file.unlink()


def _stage_escapes(workspace: Path) -> None:
    """Copy escapes.py to where code lies in a sandbox."""
    code = workspace / "code"
    code.mkdir()
    shutil.copy(ESCAPES, code / "escapes.py")
    for path in (code, code / "escapes.py"):
        path.chmod(0o755)


def _run_escapes(sandbox: Sandbox, targets: Targets, workspace: Path) -> dict[str, bool]:
    """Which escapes are possible, as escapes.py sees it.

    Raises:
        OSError, ValueError, subprocess.SubprocessError: the sandbox does not start, or escapes.py does not end well.
    """
    arguments = [targets.secret, ASSIGNMENT_FILE, targets.port, targets.name, *targets.new_files]
    with open(os.devnull, "rb") as keep:
        command = ["-m", "escapes", *map(str, arguments)]
        confined = sandbox.start(command, workspace, keep=keep.fileno(), output=subprocess.PIPE)
        try:
            output, _ = confined.process.communicate(timeout=SECONDS)
        finally:
            confined.end()
    if confined.process.returncode != 0:
        raise ValueError(output.decode(errors="replace") or f"status {confined.process.returncode}")
    return dict(json.loads(output))


def _arrived_writes(targets: Targets) -> dict[str, bool]:
    """Which writes of escapes.py have reached the grader's files: inside, there may be other files of the same name."""
    arrived = {"writes files of the grader": targets.secret.read_bytes() != SECRET}
    for file in targets.new_files:
        arrived[f"writes into {file.parent}"] = file.exists()
    return arrived
