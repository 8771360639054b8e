"""Fresh Python processes for tests, in a tenth of the time: forks of one that has imported PyTorch and no more.

Each starts as `python` would, with its own arguments, folder, environment and `PYTHONPATH`. Other variables that an
interpreter reads as it starts, such as `PYTHONHASHSEED`, have no effect. Tests of how processes start take real ones.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Mapping
from multiprocessing.process import BaseProcess
from pathlib import Path
from subprocess import CompletedProcess
from tempfile import TemporaryDirectory

PRELOADED = "grading.tests.preloaded"


def run_python(*arguments: str, folder: Path, environment: Mapping[str, str] | None = None) -> CompletedProcess[str]:
    """As `subprocess.run([sys.executable, *arguments], cwd=folder, capture_output=True, text=True)`.

    Args:
        arguments: `-m MODULE ...`, or `-c PROGRAM ...`.
        environment: in place of this process's.
    """
    with TemporaryDirectory() as written:
        out, err = Path(written, "out"), Path(written, "err")
        process = start_python(*arguments, folder=folder, environment=environment, out=out, err=err)
        process.join()
        assert process.exitcode is not None
        return CompletedProcess(arguments, process.exitcode, out.read_text("utf-8"), err.read_text("utf-8"))


def start_python(
    *arguments: str,
    folder: Path,
    environment: Mapping[str, str] | None = None,
    out: Path = Path(os.devnull),
    err: Path = Path(os.devnull),
) -> BaseProcess:
    """A process as in `run_python`, which is not waited for.

    Args:
        out, err: files for what it prints.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    variables = dict(os.environ if environment is None else environment)
    process = context.Process(target=_python, args=(arguments, folder, variables, out, err))
    process.start()
    return process


def _python(arguments: tuple[str, ...], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for stream, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    forget_the_project(str(folder), *environment.get("PYTHONPATH", "").split(os.pathsep))
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})


def forget_the_project(*folders: str) -> None:
    """Leave no module of the project imported, and look for modules as a new process does.

    Args:
        folders: where it looks first.
    """
    from grading.tests.preloaded import SYS_PATH

    for name in [name for name in sys.modules if name.partition(".")[0] == __name__.partition(".")[0]]:
        del sys.modules[name]
    sys.path[:] = [*filter(None, folders), *SYS_PATH]
