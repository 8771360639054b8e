"""The command that goes on with a run, ready to be pasted."""

import os
import shlex
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path


def resume_command(program: Sequence[str], arguments: Sequence[str], out: Path) -> str:
    """The same command, with `--resume` and the folder of its results.

    Args:
        program: after Python, such as `grading/run_all.py`.
        arguments: of the command that ran.
    """
    again = [*_python(), *program, *arguments]
    names = {argument.partition("=")[0] for argument in arguments}
    if "--out" not in names:
        again += ["--out", str(out)]
    if "--resume" not in names:
        again.append("--resume")
    return subprocess.list2cmdline(again) if os.name == "nt" else shlex.join(again)


def _python() -> list[str]:
    """This Python: `python` if a shell would find this one by that name."""
    for name in ("python", "python3"):
        path = shutil.which(name)
        if path is not None and os.path.abspath(path) == os.path.abspath(sys.executable):
            return [name]
    return [sys.executable]
