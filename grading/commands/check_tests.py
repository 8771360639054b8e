"""Check the tests of the student API on right and wrong modules: `python -m grading check_tests`.

Every wheat in `tests/checker/wheats/` must pass. Every chaff in `tests/checker/chaffs/` must fail, in a test of its
question, with the hint that names its bug. They are tested as submissions are, by pytest, but not in a sandbox: the
catalogue belongs to this project. With `--seeds`, only wheats are tested, on random seeds of hypothesis: a student gets
the same inputs every time, and whether a correct solution passes must not depend on which.
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

from grading.assignment.files import write_whole
from grading.assignment.test_ids import listed_tests
from grading.checker.catalogue import CatalogueError, Chaff, Wheat, chaffs, wheats
from grading.checker.outcomes import HEADINGS, Row, SpecimenOutcome, outcome_of, row
from grading.checker.trials import Task, prepare, run_all, test_file
from grading.commands.exits import as_command, refuse
from grading.commands.help import new_parser
from grading.protocol.submission import MODULES
from grading.reporting.markdown import table_of
from grading.reporting.tables import Column, table_lines

LIMIT_S = 180.0

# The reference's transfer.py builds on these modules, so its tests say something about them too.
ALSO_TESTED = {"freezing": ("transfer",), "heads": ("transfer",)}


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the tests tell right from wrong and say why, 1 they do not, 2 bad usage, 4 the grader broke."""
    options = parse(arguments)
    try:
        catalogue: list[Wheat | Chaff] = [*wheats(), *(() if options.seeds else chaffs())]
    except CatalogueError as error:
        return refuse(error)
    specimens = [specimen for specimen in catalogue if fnmatch.fnmatch(specimen.name, options.only)]
    if not specimens:
        print(f"error: --only {options.only}: no such wheat or chaff", file=sys.stderr)
        return 2
    seeds: list[int | None] = [random.SystemRandom().randrange(2**32) for _ in range(options.seeds)]
    by_name = {specimen.name: specimen for specimen in specimens}
    tasks = list(tasks_of(specimens, seeds or [None], lessons_only=options.lessons_only))
    console = Console(highlight=False)
    prepare()
    outcomes: list[SpecimenOutcome] = []
    with Progress(console=console, transient=True, disable=not sys.stdout.isatty()) as bar:
        for trial in bar.track(run_all(tasks, options.jobs, LIMIT_S), total=len(tasks), description="trials"):
            outcomes.append(outcome_of(by_name[trial.task.name], trial))
    rows = rows_of(outcomes)
    show(console, rows, outcomes)
    write(options.out, rows, outcomes)
    return int(any(outcome.problem for outcome in outcomes))


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """Read the command line."""
    parser = new_parser("python -m grading check_tests", __doc__)
    parser.add_argument(
        "--only", metavar="GLOB", default="*", help="only specimens whose MODULE/ID matches, such as 'metrics/*'"
    )
    parser.add_argument("--seeds", metavar="N", type=int, default=0, help="test only wheats, on N random seeds")
    parser.add_argument(
        "--lessons-only",
        action="store_true",
        help="on a chaff, only the tests of its lesson: half the time, but whether they fail first is not seen",
    )
    parser.add_argument("-j", "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes at a time")
    parser.add_argument("--out", metavar="DIR", type=Path, default=Path("runs/checker"), help="default: %(default)s")
    options = parser.parse_args(arguments)
    if options.jobs < 1 or options.seeds < 0:
        parser.error("-j takes at least 1, --seeds at least 0")
    return options


def tasks_of(
    specimens: Sequence[Wheat | Chaff], seeds: Sequence[int | None], *, lessons_only: bool = False
) -> Iterator[Task]:
    """One run of the module's tests for a chaff; for a wheat one for each seed, with the tests of ALSO_TESTED.

    Args:
        lessons_only: on a chaff, run only the tests of its lesson.
    """
    for specimen in specimens:
        name, module, source = specimen.name, specimen.module, specimen.source
        if isinstance(specimen, Wheat):
            for seed in seeds:
                modules = (module, *(() if seed is not None else ALSO_TESTED.get(module, ())))
                yield Task(name, module, source, tuple(map(test_file, modules)), seed=seed)
        elif lessons_only:
            yield Task(name, module, source, tuple(filter(specimen.lesson.test_matches, listed_tests())))
        else:
            yield Task(name, module, source, (test_file(module),), specimen.question)


def rows_of(outcomes: Sequence[SpecimenOutcome]) -> list[Row]:
    """A row for each module that was tested, and one for all."""
    rows = []
    for module in MODULES:
        of_module = [outcome for outcome in outcomes if outcome.specimen.module == module]
        if of_module:
            rows.append(row(module, of_module))
    return [*rows, row("all", outcomes)]


def show(console: Console, rows: Sequence[Row], outcomes: Sequence[SpecimenOutcome]) -> None:
    """Print the problems, each with what a student would read, then the table."""
    for outcome in outcomes:
        if not outcome.problem:
            continue
        seed = "" if outcome.trial.task.seed is None else f" with --hypothesis-seed={outcome.trial.task.seed}"
        console.print(f"{outcome.specimen.name}{seed}: {outcome.problem}", style="bold", markup=False, soft_wrap=True)
        if isinstance(outcome.specimen, Chaff):
            console.print(f"  bug: {outcome.specimen.description}", markup=False, soft_wrap=True)
        if outcome.trial.failure:
            message = outcome.trial.failure.message[:1500].replace("\n", "\n  ")
            console.print(f"  {message}", markup=False, soft_wrap=True)
    cells = list(zip(*(row_of_module.cells for row_of_module in rows), strict=True))
    dispensable = dict(zip(HEADINGS[3:], (1, 2, 3), strict=True))
    columns = [Column(name, of, dispensable=dispensable.get(name, 0)) for name, of in zip(HEADINGS, cells, strict=True)]
    for line in table_lines(columns, console.width):
        console.print(line, soft_wrap=True)


def write(out: Path, rows: Sequence[Row], outcomes: Sequence[SpecimenOutcome]) -> None:
    """Write `checker.json`, which holds every trial, and `checker.md`, the table."""
    trials = [
        {
            "name": outcome.specimen.name,
            "kind": type(outcome.specimen).__name__.lower(),
            "problem": outcome.problem,
            "seed": outcome.trial.task.seed,
            "ended": outcome.trial.ended,
            "passed": outcome.trial.passed,
            "failure": outcome.trial.failure and asdict(outcome.trial.failure),
            "seconds": round(outcome.trial.seconds, 2),
        }
        for outcome in outcomes
    ]
    out.mkdir(parents=True, exist_ok=True)
    document = {"modules": [asdict(row_of_module) for row_of_module in rows], "trials": trials}
    write_whole(out / "checker.json", json.dumps(document, indent=1) + "\n")
    write_whole(out / "checker.md", table_of(HEADINGS, (row_of_module.cells for row_of_module in rows)))
