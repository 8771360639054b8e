"""Write what students get: `python -m grading handout OUT`.

Stubs, tests, what these need of the grader, and a README; without the reference, calibrations and the grader's own
tests. Before anything is written, it is searched for solutions, installed into an empty environment, and run there: no
test may pass on the stubs.
"""

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from grading import ROOT
from grading.assignment.assignment import AssignmentError, read_assignment
from grading.commands.exits import PASSED, as_command, refuse
from grading.commands.help import new_parser
from grading.platforms.handout.files import handout_files
from grading.platforms.handout.leaks import Reference
from grading.platforms.handout.rehearsal import HandoutError, rehearse, write_files
from grading.protocol.submission import MODULES
from grading.running.resolve import UsageError


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the handout is written, 2 bad usage or it must not be given out, 4 this command broke."""
    parser = new_parser("python -m grading handout", __doc__)
    parser.add_argument("out", type=Path, metavar="OUT", help="a folder that is empty, or that there is not yet")
    out: Path = parser.parse_args(arguments).out
    try:
        check_folder(out)
        files = handout_files(ROOT)
        check_leaks(files)
        rehearse(files, [question.id for question in read_assignment().questions if question.test_points])
        write_whole_folder(files, out)
    except (AssignmentError, UsageError, HandoutError, OSError) as error:
        return refuse(error)
    size = sum(map(len, files.values()))
    print(f"{out}: {len(files)} files, {size / 2**20:.1f} MiB; no solution is in it, and its stubs pass no test")
    print(f"for GitHub Classroom: `python -m grading package github --out {out}` adds the workflow")
    return PASSED


def check_folder(out: Path) -> None:
    """Check that a handout can be written there.

    Raises:
        UsageError: something is there already.
    """
    if os.path.lexists(out) and not (out.is_dir() and not any(out.iterdir())):
        raise UsageError(f"{out}: is there already, and is no empty folder")


def check_leaks(files: dict[str, bytes]) -> None:
    """Search a handout for the reference.

    Raises:
        HandoutError: something of it is there.
    """
    solutions = {module: (ROOT / "solutions" / f"{module}.py").read_text(encoding="utf-8") for module in MODULES}
    stubs = [(ROOT / "hw4" / f"{module}.py").read_text(encoding="utf-8") for module in MODULES]
    if leaks := Reference(solutions, stubs).leaks(files):
        raise HandoutError(f"not written: {'; '.join(map(str, leaks))}")


def write_whole_folder(files: dict[str, bytes], out: Path) -> None:
    """Write the folder whole or not at all.

    Raises:
        OSError: it cannot be written.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    aside = out.resolve().with_name(f".{out.resolve().name}.part")
    shutil.rmtree(aside, ignore_errors=True)  # of a command that was killed
    try:
        write_files(files, aside)
        if out.is_dir():
            out.rmdir()  # Windows renames onto no folder
        aside.replace(out.resolve())
    except BaseException:
        shutil.rmtree(aside, ignore_errors=True)
        raise
