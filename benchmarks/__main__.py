"""`python -m benchmarks NAME`: the list of benchmarks, each imported only when it is run."""

import os
import sys
from argparse import ArgumentParser, RawDescriptionHelpFormatter
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from benchmarks.machine import NoGPU, machine
from benchmarks.options import Options, add_options, options_of
from benchmarks.tables import Table, show, write_json
from grading.data.arrays import DataError
from grading.protocol.allocator import KEEP_MEMORY

BENCHMARKS = {
    "harness": "a training: the network alone, the harness, and a notebook",
    "overhead": "what the harness costs beside the network: batches, predictions, the wire, scores",
    "metrics": "confusion matrices, metrics and merged classes, beside torchmetrics and loops over classes",
    "student": "what students and graders wait for: pytest, --help, --list, one probe",
    "gpu": "a check of at most eight minutes for a machine with a GPU",
}
"""What each benchmark measures. It is `run` in the module of its name."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a benchmark and print its tables.

    Returns:
        0; 1 if a part of it failed; 2 if it cannot run here.
    """
    width = max(map(len, BENCHMARKS))
    lines = [f"  {name:<{width}}  {what}" for name, what in BENCHMARKS.items()]
    parser = ArgumentParser(
        prog="python -m benchmarks",
        description="\n".join(["benchmarks:", *lines]),
        formatter_class=RawDescriptionHelpFormatter,
    )
    parser.add_argument("name", choices=BENCHMARKS, metavar="NAME", help="one of the above")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the tables to a file too")
    add_options(parser)
    given = parser.parse_args(arguments)
    options = options_of(given)
    try:
        tables = run(given.name, options)
    except (NoGPU, DataError) as error:
        print(error, file=sys.stderr)
        return 2
    described = machine(options.device)
    show(tables, described)
    if given.json:
        write_json(given.json, given.name, tables, described)
    return 1 if any(table.failed for table in tables) else 0


def run(name: str, options: Options) -> list[Table]:
    """The tables of one benchmark."""
    tables: list[Table] = import_module(f"benchmarks.{name}").run(options)
    return tables


if __name__ == "__main__":
    if not KEEP_MEMORY.keys() <= os.environ.keys():  # as in a worker; it must be known when a process starts
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks", *sys.argv[1:]], os.environ | KEEP_MEMORY)
    sys.exit(main())
