"""Fresh Python processes for tests, in a tenth of the time: forks of one that has imported PyTorch and no more.

Each starts as `python` would, with its own arguments, folder, environment and `PYTHONPATH`. Other variables that an
interpreter reads as it starts, such as `PYTHONHASHSEED`, have no effect. Tests of how processes start take real ones.
"""

import multiprocessing
import os
import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
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
    variables = dict(os.environ if environment is None else environment)
    return start_fork(_python, arguments, folder, variables, out, err)


def start_fork(target: Callable[..., None], *arguments: object, daemon: bool = False) -> BaseProcess:
    """Call a function in a fork of the process that has imported PyTorch. Its end is not waited for.

    Args:
        arguments: what can be pickled; sockets are handed over.
        daemon: it ends with this process, and may not use multiprocessing itself.
    """
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([PRELOADED])
    process = context.Process(target=target, args=arguments, daemon=daemon)
    process.start()
    return process


def _python(arguments: tuple[str, ...], folder: Path, environment: dict[str, str], out: Path, err: Path) -> None:
    for stream, path in ((1, out), (2, err)):
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(descriptor, stream)
        os.close(descriptor)
    run_as_new(arguments, folder, environment, str(folder))


def run_as_new(arguments: Sequence[str], folder: Path, environment: Mapping[str, str], *first: str) -> None:
    """Become a new Python process that has imported nothing of the project.

    Args:
        arguments: `-m MODULE ...`, or `-c PROGRAM ...`.
        first: where it looks for modules before it follows PYTHONPATH.
    """
    from grading.tests.preloaded import SYS_PATH

    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    for name in [name for name in sys.modules if name.partition(".")[0] == __name__.partition(".")[0]]:
        del sys.modules[name]
    sys.path[:] = [*first, *filter(None, environment.get("PYTHONPATH", "").split(os.pathsep)), *SYS_PATH]
    kind, what, *rest = arguments
    sys.argv = [kind, *rest]
    if kind == "-m":
        runpy.run_module(what, run_name="__main__", alter_sys=True)
    else:
        exec(compile(what, "<string>", "exec"), {"__name__": "__main__"})
