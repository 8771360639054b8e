"""Grade a whole class: `python -m grading class SUBMISSIONS --out GRADEBOOK`.

SUBMISSIONS is what a platform exported: a folder of folders or zips, or the export of Gradescope, Canvas or GitHub
Classroom. GRADEBOOK gets a folder for each student, gradebook.csv, canvas.csv, class.html, marks.csv and changes.csv.

The same command goes on where it was stopped. After a submission, a test, a threshold or the grader has changed, it
does anew only what must be done anew. What a person writes into marks.csv counts from the next run on.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

from grading import ROOT
from grading.classroom.class_run import ClassRun
from grading.classroom.gradebook_folder import GradebookFolder
from grading.classroom.no_space import no_space
from grading.commands.exits import BAD_USAGE, PASSED, UNDECIDED, as_command
from grading.commands.options import CANNOT_START, command_line, positive
from grading.commands.stopping import OutOfTime, not_stopped, stop_signals
from grading.data.arrays import DataError
from grading.intake.exports import read_class
from grading.intake.listing import IntakeError
from grading.protocol.submission import Submission, locate
from grading.protocol.text import duration, one_line, printable
from grading.reporting.console import Console
from grading.reporting.gradebook.attention import reasons
from grading.reporting.gradebook.canvas_csv import CanvasError, read_export
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import MarksError, read_marks
from grading.reporting.gradebook.write import MARKS, write_class
from grading.running.engine import Engine
from grading.running.local_engine import LocalEngine
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.running.scheduler import carry_out
from grading.sandbox.locked_folder import remove_stale


def _local(options: Namespace, plan: Plan) -> Engine:
    return LocalEngine(options.jobs, unsafe=options.unsafe)


def _ray(options: Namespace, plan: Plan) -> Engine:
    try:
        from grading.running.ray_engine import RayEngine  # only who uses it has installed Ray
    except ImportError:
        raise UsageError('--engine ray: Ray is not installed: pip install -e ".[ray]"') from None
    return RayEngine(plan, address=options.address, jobs=options.jobs, unsafe=options.unsafe)


# Where tests and trainings run, by the name in `--engine`.
ENGINES: dict[str, Callable[[Namespace, Plan], Engine]] = {"local": _local, "ray": _ray}


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0 every submission was graded and needs nobody, 2 bad usage, missing data or a full disk, 3 a
        person is needed, 4 the grader itself broke.
    """
    options = parse(arguments)
    with stop_signals(options.time_limit):
        try:
            return run(options)
        except Exception as error:
            if (full := no_space(error)) is None:
                raise
            return refuse(f"{full.filename or options.out}: no space left; make some, and give the same command again")


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; argparse exits with 2 on bad usage."""
    parser = command_line("python -m grading class", __doc__, a_class=True)
    add = parser.add_argument
    add("--out", type=Path, metavar="GRADEBOOK", required=True, help="folder of the gradebook")
    add("--engine", choices=sorted(ENGINES), default="local", help="where to run (default: %(default)s)")
    add("--jobs", type=positive, metavar="N", help="tests and trainings at a time (default: one for each core)")
    add("--address", metavar="HOST:PORT", help="a running Ray cluster (default: one on this machine)")
    add("--only-students", metavar="A,B", help="only these students; the results of the others stay as they are")
    add("--rerun", metavar="A,B", help="keep none of the tests and trainings of these students")
    add("--canvas", type=Path, metavar="CSV", help="what Canvas exported: canvas.csv keeps its rows and columns")
    add(
        "--canvas-column", metavar="NAME", default="Homework", help="the column of this homework (default: %(default)s)"
    )
    return parser.parse_args(arguments)


def run(options: Namespace) -> int:
    """Read what was handed in, grade it, and write the gradebook; returns the exit status."""
    console = Console()
    remove_stale()
    try:
        handed_in = read_class(options.submissions)
        students = [hand_in.student for hand_in in handed_in.hand_ins]
        chosen = named(options.only_students, students, "--only-students") or set(students)
        again = named(options.rerun, students, "--rerun")
        export = options.canvas and read_export(options.canvas, options.canvas_column)
        plan = make_plan(options, stubs())
        marks = read_marks(options.out / MARKS, plan.assignment, students)
        engine = ENGINES[options.engine](options, plan)
        try:
            gradebook = GradebookFolder(options.out)
        except BaseException:
            engine.close()
            raise
    except MarksError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return BAD_USAGE
    except (*CANNOT_START, IntakeError, CanvasError) as error:
        return refuse(str(error))
    plan = replace(plan, parallel=engine.trainings_at_a_time(plan))
    for name in handed_in.passed_over:
        console.say(f"passed over: {name}")
    console.say(
        f"{len(chosen)} submissions ({handed_in.platform}), profile {plan.profile_name}, on {plan.device}, "
        f"{engine.slots} tests or trainings at a time; sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})"
    )
    class_run = ClassRun(plan, handed_in.hand_ins, gradebook, marks, options, only=chosen, again=again, say=console.say)
    with gradebook, class_run:
        try:
            provide_weights(plan, options, console)
            carry_out(class_run.beginnings(), engine, over=class_run.over, broke=class_run.broke)
            is_whole = True
        except DataError as error:
            return refuse(str(error))
        except KeyboardInterrupt as stop:
            why = (
                f"stopped by --time-limit {duration(options.time_limit)}" if isinstance(stop, OutOfTime) else "stopped"
            )
            console.say(f"{why}; the same command goes on")
            is_whole = False
        with not_stopped():
            graded = class_run.finish()
            column = options.canvas_column
            notes = write_class(gradebook.path, graded, plan.assignment, gradebook.last, export, column)
            if is_whole:
                gradebook.keep({one.hand_in.student: one.document for one in graded})
    for note in notes:
        console.say(note)
    status = conclude(graded, plan, gradebook.path, console)
    return status if is_whole else UNDECIDED


def stubs() -> Submission:
    """What stands in a plan as long as no submission does."""
    return locate(str(ROOT / "hw4"))


def provide_weights(plan: Plan, options: Namespace, console: Console) -> None:
    """Get the weights that all submissions share, before any begins: if they cannot be had, none can be trained.

    Raises:
        DataError: they cannot be had.
    """
    shared = tuple(c for c in plan.configurations if c.network["build"] != "challenger")
    with_weights(replace(plan, configurations=shared), options.weights, console.say)


def named(names: str | None, students: Collection[str], option: str) -> set[str]:
    """The students whom an option names.

    Raises:
        UsageError: nobody is called so.
    """
    chosen = {name.strip() for name in (names or "").split(",") if name.strip()}
    if unknown := sorted(chosen - set(students)):
        near = [match for name in unknown for match in get_close_matches(name, students, n=3)]
        hint = f"; do you mean {', '.join(near)}?" if near else ""
        raise UsageError(f"{option}: nobody is called {', '.join(unknown)}{hint}")
    return chosen


def conclude(graded: Sequence[Graded], plan: Plan, gradebook: Path, console: Console) -> int:
    """Say who needs a person, and where the files are; returns the exit status."""
    waiting = [one for one in graded if reasons(one)]
    if plan.gives_no_verdict is not None:
        console.say(f"no verdicts: {plan.gives_no_verdict}")
    console.say(f"{len(graded)} submissions; {len(waiting)} of them need a person")
    console.say(f"{gradebook / 'class.html'} shows the class; {gradebook / 'gradebook.csv'} holds the points")
    return UNDECIDED if waiting or plan.gives_no_verdict is not None else PASSED


def refuse(why: str) -> int:
    """Say in one line why the command ends; returns the exit status."""
    print(f"error: {one_line(why)}", file=sys.stderr)
    return BAD_USAGE
