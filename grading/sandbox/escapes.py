"""Runs inside a sandbox: tries what must not be possible there, and prints as JSON which escapes are possible.

It tries to write files too. Only the grader can tell whether a write arrives: there may be other files of the same name
inside.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path


def main(secret: str, assignment: str, port: str, name: str, *new_files: str) -> None:
    """Try all escapes.

    Args:
        secret: a file of the grader's.
        assignment: its assignment.toml.
        port: a TCP port of the host.
        name: of a Unix socket of the host, and of an environment variable of the grader's.
        new_files: files that do not exist.
    """
    status = Path("/proc/self/status").read_text(encoding="utf-8", errors="replace")
    possible = {
        "is root": os.getuid() == 0,
        "has capabilities": int(status.split("CapEff:")[1].split()[0], 16) != 0,
        "reads files of the grader": is_possible(Path(secret).read_bytes),
        "reads assignment.toml": is_possible(Path(assignment).read_bytes),
        "sees the grader's environment": name.encode() in environments(),
        "reaches the network": is_possible(lambda: connect(socket.AF_INET, ("127.0.0.1", int(port)))),
        "reaches sockets of the host": is_possible(lambda: connect(socket.AF_UNIX, f"\0{name}")),
    }
    print(json.dumps(possible))
    for file in (secret, *new_files):
        is_possible(partial(Path(file).write_text, "written"))


def is_possible(action: Callable[[], object]) -> bool:
    """Whether the operating system allows an action, which is tried."""
    try:
        action()
    except OSError:
        return False
    return True


def connect(family: int, address: tuple[str, int] | str) -> None:
    """Open a connection, and close it.

    Raises:
        OSError: it cannot be opened.
    """
    with socket.socket(family) as connection:
        connection.settimeout(2)
        connection.connect(address)


def environments() -> bytes:
    """The environments of this process and of all others that can be read."""
    readable = b""
    for process in Path("/proc").glob("[0-9]*"):
        if is_possible((process / "environ").read_bytes):
            readable += (process / "environ").read_bytes()
    return readable


if __name__ == "__main__":
    main(*sys.argv[1:])
