"""Grade a whole class: `python -m grading class SUBMISSIONS --out GRADEBOOK`.

SUBMISSIONS is what a platform exported: a folder of folders or zips, or the export of Gradescope, Canvas or GitHub
Classroom. GRADEBOOK gets a folder for each student, gradebook.csv, canvas.csv, class.html, marks.csv and changes.csv.

The same command goes on where it was stopped. After a submission, a test, a threshold or the grader has changed, it
does anew only what must be done anew. What a person writes into marks.csv counts from the next run on.
"""

import sys
from argparse import Namespace
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from unicodedata import normalize

from grading import ROOT
from grading.classroom.class_run import ClassRun
from grading.classroom.gradebook_folder import GradebookFolder
from grading.classroom.no_space import no_space
from grading.commands.exits import BAD_USAGE, PASSED, UNDECIDED, as_command, refuse
from grading.commands.options import CANNOT_START, add_output, command_line, positive
from grading.commands.stopping import OutOfTime, not_stopped, stop_signals
from grading.data.arrays import DataError
from grading.intake.exports import ClassFolder, read_class
from grading.intake.listing import IntakeError
from grading.protocol.submission import Submission, locate
from grading.protocol.text import duration, printable
from grading.reporting.console import Console
from grading.reporting.gradebook.attention import reasons
from grading.reporting.gradebook.canvas_csv import CanvasError, CanvasExport, read_export
from grading.reporting.gradebook.graded import Graded
from grading.reporting.gradebook.marks_table import Marks, MarksError, read_marks
from grading.reporting.gradebook.write import MARKS, write_class
from grading.running.engine import Engine
from grading.running.local_engine import LocalEngine
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.running.scheduler import carry_out
from grading.sandbox.locked_folder import remove_stale

STATUSES = (
    "exit status: 0 all are graded and need nobody, 2 bad usage, missing data or a full disk, 3 a person is needed, "
    "4 the grader itself broke"
)
SHOWN = 10  # names, if one is unknown


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
    parser = command_line("python -m grading class", __doc__, a_class=True, ends=STATUSES)
    add_output(parser)
    add = parser.add_argument_group("the class").add_argument
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


@dataclass(frozen=True)
class Prepared:
    """What is known before anything is graded.

    Attributes:
        chosen: the students who are graded.
        again: those of whose earlier tests and trainings nothing is kept.
        export: what Canvas exported; None if it is not given.
    """

    handed_in: ClassFolder
    chosen: Collection[str]
    again: Collection[str]
    export: CanvasExport | None
    plan: Plan
    marks: Marks
    engine: Engine
    gradebook: GradebookFolder


def run(options: Namespace) -> int:
    """Read what was handed in, grade it, and write the gradebook; returns the exit status."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    remove_stale()
    try:
        prepared = prepare(options)
    except MarksError as error:
        print(f"error: {printable(str(error))}", file=sys.stderr)
        return BAD_USAGE
    except (*CANNOT_START, IntakeError, CanvasError) as error:
        return refuse(error)
    announce(prepared, console)
    class_run = ClassRun(
        prepared.plan,
        prepared.handed_in.hand_ins,
        prepared.gradebook,
        prepared.marks,
        options,
        only=prepared.chosen,
        again=prepared.again,
        console=console,
    )
    with prepared.gradebook, class_run:
        try:
            is_whole = grade(prepared, class_run, options, console)
        except DataError as error:
            return refuse(error)
        with not_stopped():
            return conclude(prepared, class_run.finish(), options, console, is_whole=is_whole)


def prepare(options: Namespace) -> Prepared:
    """Settle all that the options say. The folder of the gradebook is made last.

    Raises:
        Exception: one of CANNOT_START, MarksError, IntakeError or CanvasError.
    """
    if options.out.resolve().is_relative_to(options.submissions.resolve()):
        raise UsageError(f"--out {options.out} lies in SUBMISSIONS: give a folder of its own")
    if options.address is not None and options.engine != "ray":
        raise UsageError("--address: give --engine ray, too")
    handed_in = read_class(options.submissions)
    students = [hand_in.student for hand_in in handed_in.hand_ins]
    chosen = named(options.only_students, students, "--only-students") or set(students)
    again = named(options.rerun, students, "--rerun")
    export = options.canvas and read_export(options.canvas, options.canvas_column)
    plan = make_plan(options, stubs())
    marks = read_marks(options.out / MARKS, plan.assignment, students)
    engine = ENGINES[options.engine](options, plan)
    plan = replace(plan, parallel=engine.trainings_at_a_time(plan))
    try:
        gradebook = GradebookFolder(options.out)
    except BaseException:
        engine.close()
        raise
    return Prepared(handed_in, chosen, again, export, plan, marks, engine, gradebook)


def announce(prepared: Prepared, console: Console) -> None:
    """Say what will be graded, and where."""
    plan = prepared.plan
    for name in prepared.handed_in.passed_over:
        console.say(f"passed over: {name}")
    console.say(
        f"{len(prepared.chosen)} submissions ({prepared.handed_in.platform}), profile {plan.profile_name}, on "
        f"{plan.device}, {prepared.engine.slots} tests or trainings at a time; "
        f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})"
    )


def grade(prepared: Prepared, class_run: ClassRun, options: Namespace, console: Console) -> bool:
    """Run tests and trainings; returns whether nothing stopped that.

    Raises:
        DataError: weights that all submissions share cannot be had.
    """
    try:
        provide_weights(prepared.plan, options, console)
        carry_out(class_run.beginnings(), prepared.engine, over=class_run.over, broke=class_run.broke)
    except KeyboardInterrupt as stop:
        why = f"stopped by --time-limit {duration(options.time_limit)}" if isinstance(stop, OutOfTime) else "stopped"
        console.say(why)
        return False
    return True


def next_step(waiting: Sequence[Graded], *, is_whole: bool) -> str:
    """What a person does next, as the end of a line; empty if nothing."""
    if not is_whole:
        return "; next: give the same command again, it goes on"
    if not waiting:
        return ""
    who = waiting[0].hand_in.student if len(waiting) == 1 else f"each of {len(waiting)} submissions"
    return f"; next: see there why {who} needs a person, and write points into {MARKS}"


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
    """The students whom an option names, in whatever case and spelling of accents.

    Raises:
        UsageError: nobody is called so.
    """
    by_folded = {_folded(student): student for student in students}
    asked = [name.strip() for name in (names or "").split(",") if name.strip()]
    if unknown := [name for name in asked if _folded(name) not in by_folded]:
        near = [match for name in unknown for match in get_close_matches(name, students, n=3)]
        known = f"do you mean {', '.join(near)}?" if near else f"there are {', '.join(sorted(students)[:SHOWN])}, ..."
        raise UsageError(f"{option}: nobody is called {', '.join(unknown)}; {known}")
    return {by_folded[_folded(name)] for name in asked}


def _folded(name: str) -> str:
    return normalize("NFC", name).casefold()


def conclude(
    prepared: Prepared, graded: Sequence[Graded], options: Namespace, console: Console, *, is_whole: bool
) -> int:
    """Write the gradebook, and say who needs a person; returns the exit status.

    Args:
        is_whole: whether nothing stopped the run.
    """
    plan, folder = prepared.plan, prepared.gradebook.path
    column = options.canvas_column
    notes = write_class(folder, graded, plan.assignment, prepared.gradebook.last, prepared.export, column)
    if is_whole:
        prepared.gradebook.keep({one.hand_in.student: one.document for one in graded})
    waiting = [one for one in graded if reasons(one)]
    if plan.gives_no_verdict is not None:
        notes.append(f"no verdicts: {plan.gives_no_verdict}")
    for note in notes:
        console.result(note)
    for one in waiting:
        console.tell(f"{one.hand_in.student}: {'; '.join(reason.text for reason in reasons(one))}")
    verb = "needs" if len(waiting) == 1 else "need"
    console.result(f"{len(graded)} submissions; {len(waiting)} of them {verb} a person")
    console.say(f"{folder / 'gradebook.csv'} holds the points")
    console.result(f"report: {folder / 'class.html'}{next_step(waiting, is_whole=is_whole)}", is_prose=False)
    return PASSED if is_whole and not waiting and plan.gives_no_verdict is None else UNDECIDED
