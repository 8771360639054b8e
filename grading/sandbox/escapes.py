"""Run inside a sandbox: tries what must not be possible there, and prints as JSON what was.

Whether a write has arrived is for the grader to see: a sandbox may have files of the same name.

Arguments: a file of the grader's, its assignment.toml, a TCP port of the host, the name that a Unix socket and an
environment variable of the grader's both have, and files that do not exist.
"""

import json
import os
import socket
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path


def possible(action: Callable[[], object]) -> bool:
    """Whether the operating system lets it happen."""
    try:
        action()
    except OSError:
        return False
    return True


def connect(family: int, address: tuple[str, int] | str) -> None:
    with socket.socket(family) as connection:
        connection.settimeout(2)
        connection.connect(address)


def environments() -> bytes:
    """Of this process and of all others that can be read."""
    found = b""
    for process in Path("/proc").glob("[0-9]*"):
        if possible((process / "environ").read_bytes):
            found += (process / "environ").read_bytes()
    return found


def main(secret: str, report: str, port: str, name: str, *new: str) -> None:
    status = Path("/proc/self/status").read_text()
    print(
        json.dumps(
            {
                "is root": os.getuid() == 0,
                "has capabilities": int(status.split("CapEff:")[1].split()[0], 16) != 0,
                "reads files of the grader": possible(Path(secret).read_bytes),
                "reads assignment.toml": possible(Path(report).read_bytes),
                "sees the grader's environment": name.encode() in environments(),
                "reaches the network": possible(lambda: connect(socket.AF_INET, ("127.0.0.1", int(port)))),
                "reaches sockets of the host": possible(lambda: connect(socket.AF_UNIX, f"\0{name}")),
            }
        )
    )
    for file in (secret, *new):
        possible(partial(Path(file).write_text, "written"))


if __name__ == "__main__":
    main(*sys.argv[1:])
