"""The command of a run, and the one that goes on with it, ready to be pasted."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def pasted_command(program: Sequence[str], arguments: Sequence[str]) -> str:
    """The command, as a shell takes it.

    Args:
        program: after Python, such as `grading/run_all.py`.
        arguments: of the command that ran.
    """
    words = [*_python(), *program, *arguments]
    return subprocess.list2cmdline(words) if os.name == "nt" else shlex.join(words)


def resume_command(program: Sequence[str], arguments: Sequence[str], out: Path) -> str:
    """The same command, with `--resume` and the folder of its results.

    Args:
        program, arguments: see `pasted_command`.
    """
    again = list(arguments)
    names = {argument.partition("=")[0] for argument in arguments}
    if "--out" not in names:
        again += ["--out", str(out)]
    if "--resume" not in names:
        again.append("--resume")
    return pasted_command(program, again)


def _python() -> list[str]:
    """This Python: `python` if a shell would find this one by that name."""
    for name in ("python", "python3"):
        path = shutil.which(name)
        if path is not None and os.path.abspath(path) == os.path.abspath(sys.executable):
            return [name]
    return [sys.executable]
