"""Check the tests of the student API on right and wrong modules: `python -m grading check_tests`.

Every wheat in `tests/checker/wheats/` must pass; every chaff in `tests/checker/chaffs/` must fail, in a test of its own
question, with the hint that names its bug. Each is tested as a submission is, by pytest, but not in the sandbox: the
catalogue is this project's own. With `--seeds`, wheats are tested only, on random seeds of hypothesis: a student gets
the same inputs every time, and no correct solution may depend on which.
"""

import argparse
import fnmatch
import json
import os
import random
import sys
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from grading.assignment.files import write_whole
from grading.checker.catalogue import Chaff, Wheat, chaffs, wheats
from grading.checker.outcomes import HEADINGS, Row, SpecimenOutcome, outcome_of, row
from grading.checker.trials import Task, prepare, run_all
from grading.commands.exits import as_command
from grading.protocol.submission import MODULES
from grading.reporting.markdown import table_of

LIMIT_S = 180.0

# The reference's transfer.py builds on these modules, so its tests say something about them too.
ALSO_TESTED = {"freezing": ("transfer",), "heads": ("transfer",)}


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the tests tell right from wrong and say why, 1 they do not, 2 bad usage, 4 the grader broke."""
    options = parse(arguments)
    catalogue: list[Wheat | Chaff] = [*wheats(), *(() if options.seeds else chaffs())]
    specimens = [specimen for specimen in catalogue if fnmatch.fnmatch(specimen.name, options.only)]
    if not specimens:
        print(f"error: --only {options.only}: no such wheat or chaff", file=sys.stderr)
        return 2
    seeds: list[int | None] = [random.SystemRandom().randrange(2**32) for _ in range(options.seeds)]
    named = {specimen.name: specimen for specimen in specimens}
    tasks = list(tasks_of(specimens, seeds or [None]))
    console = Console(highlight=False)
    prepare()
    found: list[SpecimenOutcome] = []
    with Progress(console=console, transient=True) as bar:
        for trial in bar.track(run_all(tasks, options.jobs, LIMIT_S), total=len(tasks), description="trials"):
            found.append(outcome_of(named[trial.task.name], trial))
    rows = [row(module, own) for module in MODULES if (own := [one for one in found if one.specimen.module == module])]
    rows.append(row("all", found))
    show(console, rows, found)
    write(options.out, rows, found)
    return int(any(one.problem for one in found))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m grading check_tests", description=__doc__.splitlines()[0])
    parser.add_argument("--only", metavar="GLOB", default="*", help="of MODULE/ID, such as 'metrics/*'")
    parser.add_argument("--seeds", metavar="N", type=int, default=0, help="test wheats only, on N random seeds")
    parser.add_argument("-j", "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("runs/checker"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.seeds < 0:
        parser.error("-j takes at least 1, --seeds at least 0")
    return options


def tasks_of(specimens: Sequence[Wheat | Chaff], seeds: Sequence[int | None]) -> Iterator[Task]:
    """A chaff needs one run of its module's tests, a wheat one for each seed, of all that its module has a part in."""
    for specimen in specimens:
        if isinstance(specimen, Chaff):
            yield Task(specimen.name, specimen.module, specimen.source, (specimen.module,), specimen.question)
            continue
        for seed in seeds:
            modules = (specimen.module, *(() if seed is not None else ALSO_TESTED.get(specimen.module, ())))
            yield Task(specimen.name, specimen.module, specimen.source, modules, seed=seed)


def show(console: Console, rows: Sequence[Row], found: Sequence[SpecimenOutcome]) -> None:
    """Print what is wrong, with what a student would read, then the table."""
    for one in found:
        if one.problem:
            seed = "" if one.trial.task.seed is None else f" with --hypothesis-seed={one.trial.task.seed}"
            console.print(f"{one.specimen.name}{seed}: {one.problem}", style="bold", markup=False, soft_wrap=True)
            if isinstance(one.specimen, Chaff):
                console.print(f"  bug: {one.specimen.description}", markup=False, soft_wrap=True)
            if one.trial.failure:
                console.print(
                    "  " + one.trial.failure.message[:1500].replace("\n", "\n  "), markup=False, soft_wrap=True
                )
    table = Table(*HEADINGS)
    for one_row in rows:
        table.add_row(*one_row.cells)
    console.print(table)


def write(out: Path, rows: Sequence[Row], found: Sequence[SpecimenOutcome]) -> None:
    """Write `checker.json`, every trial, and `checker.md`, the table."""
    trials = [
        {
            "name": one.specimen.name,
            "kind": type(one.specimen).__name__.lower(),
            "problem": one.problem,
            "seed": one.trial.task.seed,
            "ended": one.trial.ended,
            "passed": one.trial.passed,
            "failure": one.trial.failure and asdict(one.trial.failure),
            "seconds": round(one.trial.seconds, 2),
        }
        for one in found
    ]
    out.mkdir(parents=True, exist_ok=True)
    document = {"modules": [asdict(one_row) for one_row in rows], "trials": trials}
    write_whole(out / "checker.json", json.dumps(document, indent=1) + "\n")
    write_whole(out / "checker.md", table_of(HEADINGS, (one_row.cells for one_row in rows)))
