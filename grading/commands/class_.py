"""Grade a whole class: `python -m grading class SUBMISSIONS --out GRADEBOOK`.

SUBMISSIONS is what a platform exported: a folder of folders or zips, or the export of Gradescope, Canvas or GitHub
Classroom. GRADEBOOK gets a folder for each student, gradebook.csv, canvas.csv, class.html, marks.csv and changes.csv.

The same command goes on where it was stopped. After a submission, a test, a threshold or the grader has changed, it
does anew only what must be done anew. What a person writes into marks.csv counts from the next run on.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Sequence
from pathlib import Path

from grading.classroom.class_run import ClassRun
from grading.classroom.gradebook_folder import GradebookFolder
from grading.classroom.no_space import is_no_space
from grading.commands.exits import BAD_USAGE, PASSED, UNDECIDED, as_command
from grading.commands.options import CANNOT_START, command_line
from grading.commands.stopping import OutOfTime, stop_signals
from grading.intake.exports import read_class
from grading.intake.listing import IntakeError
from grading.protocol.submission import locate
from grading.protocol.text import duration, one_line, printable
from grading.reporting.console import Console
from grading.reporting.gradebook.attention import reasons
from grading.reporting.gradebook.canvas_csv import CanvasError
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import MarksError, read_marks
from grading.reporting.gradebook.write import write_class
from grading.running.engine import Engine
from grading.running.local_engine import LocalEngine
from grading.running.plan import Plan
from grading.running.resolve import UsageError, make_plan
from grading.running.scheduler import carry_out
from grading.sandbox.locked_folder import remove_stale


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0 every submission was graded and needs nobody, 2 bad usage, missing data or a full disk, 3 a
        person is needed, 4 the grader itself broke.
    """
    options = parse(arguments)
    with stop_signals(options.time_limit):
        return run(options)


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; argparse exits with 2 on bad usage."""
    parser = command_line("python -m grading class", __doc__, a_class=True)
    add = parser.add_argument
    add("--out", type=Path, metavar="GRADEBOOK", required=True, help="folder of the gradebook")
    add("--engine", choices=sorted(ENGINES), default="local", help="where to run (default: %(default)s)")
    add("--jobs", type=_positive, metavar="N", help="tests and trainings at a time (default: cores)")
    add("--only-students", metavar="A,B", help="only these students; the results of the others stay as they are")
    add("--rerun", metavar="A,B", help="keep nothing of these students' tests and trainings")
    add("--canvas", type=Path, metavar="CSV", help="the gradebook that Canvas exported: canvas.csv keeps its columns")
    add("--canvas-column", metavar="NAME", help="the column of this homework in --canvas")
    return parser.parse_args(arguments)


def run(options: Namespace) -> int:
    """Read what was handed in, grade it, and write the gradebook; returns the exit status."""
    console = Console()
    remove_stale()
    try:
        handed_in = read_class(options.submissions)
        students = [hand_in.student for hand_in in handed_in.hand_ins]
        only = _chosen(options.only_students, students, "--only-students") or set(students)
        again = _chosen(options.rerun, students, "--rerun")
        plan = base_plan(options)
        gradebook = GradebookFolder(options.out)
        marks = read_marks(gradebook.path / "marks.csv", plan.assignment, students)
        engine = ENGINES[options.engine](options, plan)
    except (*CANNOT_START, IntakeError, MarksError) as error:
        return refuse(error)
    for name in handed_in.passed_over:
        console.say(f"passed over: {name}")
    class_run = ClassRun(
        plan,
        handed_in.hand_ins,
        gradebook,
        weights=options.weights,
        only=only.__contains__,
        again=again.__contains__,
        marks=marks,
        unsafe=options.unsafe,
        say=console.say,
    )
    console.say(f"{len(only)} submissions, profile {plan.profile_name}, {engine.slots} tests or trainings at a time")
    console.say(f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})")
    stopped = None
    try:
        carry_out(class_run.beginnings(), engine, over=class_run.over)
    except KeyboardInterrupt as stop:
        stopped = f"--time-limit {duration(options.time_limit)}" if isinstance(stop, OutOfTime) else "a signal"
    except OSError as error:
        if is_no_space(error):
            return refuse(error, "make space, and give the same command again")
        raise
    try:
        graded = class_run.finish()
        notes = write_class(graded, ...)
    except OSError as error:
        if is_no_space(error):
            return refuse(error, "make space, and give the same command again")
        raise
    return exit_status(graded)
