"""What students and graders wait for: the tests of the student API, the first lines of a command, one probe."""

import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import numpy as np

from benchmarks.options import Options
from benchmarks.tables import Cell, Table
from benchmarks.timing import timed_in_turn
from grading import ROOT
from grading.protocol.submission import locate
from grading.sandbox.choose import choose
from grading.sandbox.worker import Worker

PYTEST = ("-m", "pytest", "--impl", "solutions")
COMMANDS = {
    "pytest --impl solutions": PYTEST,
    "pytest --impl solutions -m q2_3": (*PYTEST, "-m", "q2_3"),
    "python grading/run_all.py --help": ("grading/run_all.py", "--help"),
    "python grading/run_all.py --list": ("grading/run_all.py", "--list"),
}
SMALLEST = "python grading/run_all.py --help"
QUESTION = {"labels": np.arange(3, dtype=np.uint8), "mapping": [[0, 1], [1, 0]]}
PROBES = 20  # for each run of a command: a probe takes milliseconds


def run(options: Options) -> list[Table]:
    """A table of commands, and one of probes in the best sandbox of this machine."""
    commands = {SMALLEST: COMMANDS[SMALLEST]} if options.smallest else COMMANDS
    return [_commands(commands, options), _probes(options)]


def _commands(commands: Mapping[str, Sequence[str]], options: Options) -> Table:
    work: dict[str, Callable[[], object]] = {name: partial(_run, command) for name, command in commands.items()}
    times = timed_in_turn(work, options.runs, warm_up=not options.smallest)
    rows = [(name, timing.wall, timing.processor) for name, timing in times.items()]
    return Table("Commands, each a process of its own", ("command", "wall time", "processor time"), rows)


def _run(command: Sequence[str]) -> None:
    """Run a command of Python's to its end.

    Raises:
        subprocess.CalledProcessError: it failed.
    """
    subprocess.run([sys.executable, *command], cwd=ROOT, stdout=subprocess.DEVNULL, check=True)


def _probes(options: Options) -> Table:
    sandbox = choose(unsafe=True)
    submission = locate("solutions")

    def first() -> None:
        with Worker(submission, sandbox) as worker:
            ask(worker)

    def ask(worker: Worker) -> None:
        worker.ask("classes.reduce", **QUESTION)

    rows: list[tuple[Cell, ...]] = []
    if not options.smallest:
        started = timed_in_turn({"": first}, options.runs)
        rows.append(("the first, with the start and the end of a sandbox", started[""].wall))
    with Worker(submission, sandbox) as worker:
        ask(worker)
        asked = timed_in_turn({"": partial(ask, worker)}, options.runs * PROBES)
    rows.append(("each later one", asked[""].wall))
    return Table(f"One probe (classes.reduce) in a sandbox: {sandbox.tier}", ("probe", "wall time"), rows)
