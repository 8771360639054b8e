"""Grade a submission: run the tests and the trainings, judge, and report."""

import sys
import threading
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import Configuration, read_assignment
from grading.assignment.training_record import Run
from grading.commands.browser import open_in_browser
from grading.commands.exits import FAILED, PASSED, UNDECIDED, as_command, refuse
from grading.commands.help import RUN_ALL
from grading.commands.options import CANNOT_START, Add, add_output, command_line, out_folder
from grading.commands.resuming import pasted_command, resume_command
from grading.commands.stopping import OutOfTime, stop_signals
from grading.protocol.handed_out import notes_on
from grading.protocol.submission import MODULES, Submission, locate
from grading.protocol.text import duration
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.next_step import next_step
from grading.reporting.progress import TrainingProgress
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.tensorboard import NoTensorBoard, TensorBoard
from grading.reporting.write import write_results
from grading.running.api_tests import ApiTests
from grading.running.evidence import Evidence
from grading.running.grading import Grading, api_tests_of, ready_trainings
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.needed import Runs, expectations, foreseen, needed
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, chosen, make_plan
from grading.running.resume import opened_journal
from grading.running.validation import draw_secret_pictures
from grading.sandbox.locked_folder import remove_stale
from grading.sandbox.staging import set_aside

STATUSES = (
    "exit status: 0 every gate passed, 1 one failed, 2 bad usage or missing data, 3 one is REVIEW or INCOMPLETE, "
    "4 the grader itself broke"
)


@dataclass
class State:
    """What is known when a run ends or is stopped.

    Attributes:
        plan: with weights, as soon as they are there.
        tests: of the student API; None in a trial, which gives no verdict.
        runs: the finished trainings, by configuration and seed.
        log: what workers print; None until there is a folder for it.
        start: of the tests and trainings, in seconds of `time.perf_counter`.
        tensorboard: what TensorBoard shows; None if nobody asked for it.
        is_stopped: whether the run ends before its end.
    """

    plan: Plan
    tests: ApiTests | None
    runs: Runs
    log: Log | None = None
    start: float = field(default_factory=time.perf_counter)
    tensorboard: TensorBoard | None = None
    is_stopped: bool = False

    @property
    def suite(self) -> Suite:
        """What is known of the tests by now."""
        return NOT_RUN if self.tests is None else self.tests.suite


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0 every gate passed, 1 one failed, 2 bad usage or missing data, 3 one is undecided, 4 the
        grader itself broke.
    """
    options = parse(arguments)
    options.arguments = sys.argv[1:] if arguments is None else list(arguments)
    with stop_signals(options.time_limit):
        return run(options)


def run(options: Namespace) -> int:
    """List, or plan and grade; returns the exit status."""
    console = Console(quiet=options.quiet, verbose=options.verbose)
    with ExitStack() as stack:
        try:
            if options.list:
                assignment, profile = read_assignment(), "report" if options.profile == "report" else "mini"
                console.list_configurations(assignment, chosen(assignment, options.only), profile)
                return PASSED
            remove_stale()
            options.named = options.submission
            # A copy: whatever happens to the folder from here on, everything grades the same files.
            submission = stack.enter_context(set_aside(with_notes(locate(options.submission))))
            plan = make_plan(options, submission)
            out = out_folder(options, plan)
            tensorboard = tensorboard_of(options, out)
        except (*CANNOT_START, NoTensorBoard) as error:
            return refuse(error)
        state = State(plan, api_tests_of(plan, out, unsafe=options.unsafe), {}, tensorboard=tensorboard)
        return grade(state, out, options, console)


def tensorboard_of(options: Namespace, out: Path) -> TensorBoard | None:
    """What writes for TensorBoard, if it is asked for.

    Raises:
        UsageError: the folder is a submission.
        NoTensorBoard: it is not installed.
    """
    if options.tensorboard is None:
        return None
    folder = Path(options.tensorboard or out / "tensorboard")
    if any((folder / f"{module}.py").is_file() for module in MODULES):
        raise UsageError(f"--tensorboard {folder}: is a submission; name that first, or give --tensorboard=DIR")
    return TensorBoard(folder)


def grade(state: State, out: Path, options: Namespace, console: Console) -> int:
    """Run a plan, judge, report; returns the exit status."""
    plan = state.plan
    # It takes a few seconds, in which the tests can run.
    threading.Thread(target=draw_secret_pictures, args=[plan], name="secret pictures", daemon=True).start()
    try:
        try:
            state.plan = with_weights(plan, options.weights, console.say)
            journal = opened_journal(out, state.plan)
            state.runs = journal.runs
            if state.tensorboard is not None:
                state.tensorboard.take_in(journal.runs.values())
        except CANNOT_START as error:
            return refuse(error)
        state.log = Log(out / "worker.log")
        announce(state.plan, journal, console)
        run_tests_and_trainings(state, journal, out, console, unsafe=options.unsafe)
    except KeyboardInterrupt as stop:
        if options.resume and not state.runs:
            raise  # the journal has not been read yet: the results of the stopped run stay as they are
        out.mkdir(parents=True, exist_ok=True)
        state.is_stopped = True
        limit = f" by --time-limit {duration(options.time_limit)}" if isinstance(stop, OutOfTime) else ""
        console.say(f"stopped{limit}")
    return report(state, out, options, console)


def with_notes(submission: Submission) -> Submission:
    """A submission with what a reader should know of the checkout in which it lies, up to two folders above it."""
    folder = submission.folder
    return replace(submission, notes=notes_on(folder, folder.parent.parent))


def announce(plan: Plan, journal: Journal, console: Console) -> None:
    """Say what will be run, for how long, and in which sandbox."""
    missing = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    count = f"{'at least ' if plan.sequential and missing else ''}{missing} trainings"
    console.say(
        f"{plan.submission.name}: {count}, profile {plan.profile_name}, on {plan.device}, "
        f"{plan.parallel} at a time; about {duration(plan.estimated_seconds())} for all"
    )
    console.say(f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})")


def run_tests_and_trainings(state: State, journal: Journal, out: Path, console: Console, *, unsafe: bool) -> None:
    """Run the tests of the student API, and train the configurations whose required tests have passed."""
    state.start = time.perf_counter()
    if state.tests is not None:
        console.say("running the tests of the student API")
    wanted = ready_trainings(state.plan, state.tests)
    expected = expectations(state.plan)

    def missing() -> list[tuple[Configuration, int]]:
        trainings = foreseen(state.plan, state.suite, journal.runs, expected)
        return [(c, seed) for c, seed in trainings if (c.id, seed) not in journal.runs]

    assert state.log is not None
    with console.progress(state.plan, journal, missing) as progress, state.log as log:
        watching = Watching(progress, state.tensorboard)
        grading = Grading(
            state.plan,
            journal,
            log,
            wanted,
            tests=state.tests,
            epoch=watching.epoch,
            finished=watching.finished,
            evidence=Evidence(out),
        )
        carry_out_one(grading, unsafe=unsafe, replanned=progress.replanned)


@dataclass(frozen=True)
class Watching:
    """Whoever is told how trainings come along."""

    progress: TrainingProgress
    tensorboard: TensorBoard | None

    def epoch(self, configuration: Configuration, seed: int, metrics: dict[str, float]) -> None:
        """Note that an epoch has ended."""
        self.progress.epoch(configuration, seed, metrics)
        if self.tensorboard is not None:
            self.tensorboard.epoch(configuration.id, seed, metrics)

    def finished(self, run: Run) -> None:
        """Note that a training has ended."""
        self.progress.finished(run)
        if self.tensorboard is not None:
            self.tensorboard.finished(run)


def report(state: State, out: Path, options: Namespace, console: Console) -> int:
    """Judge what is known, write and show the results; returns the exit status."""
    results = results_of(state.plan, state.runs, state.suite, time.perf_counter() - state.start)
    if state.log is not None and state.log.lost is not None:
        results = replace(results, grader_notes=(state.log.lost,))
    resume = resume_command(program(), options.arguments, out)
    results = replace(results, command=pasted_command(program(), options.arguments), resume=resume)
    write_results(results, out)
    if state.tensorboard is not None:
        from grading.reporting.tensorboard_pictures import pictures_of  # here: only who asks for it waits for it

        state.tensorboard.close(partial(pictures_of, results, out))
        if state.tensorboard.lost is not None:
            console.result(state.tensorboard.lost)
    if options.open and not open_in_browser(out / "report.html"):
        console.say("there is no display to open the report on")
    console.summary(results, out, next_step(results, options.named, resume, is_stopped=state.is_stopped))
    return exit_status(results)


def program() -> tuple[str, ...]:
    """How this command was called, after Python."""
    return (sys.argv[0],) if Path(sys.argv[0]).name == "run_all.py" else ("-m", "grading", "grade")


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; argparse exits with 2 on bad usage."""
    parser = command_line(RUN_ALL, __doc__, ends=STATUSES)
    add_views(add_output(parser))
    return parser.parse_args(arguments)


def add_views(add: Add) -> None:
    """Add the options that show what is not in the terminal."""
    add("--list", action="store_true", help="list the configurations, and do nothing else")
    add("--open", action="store_true", help="open the report in the browser when it is written")
    folder = "curves and pictures for TensorBoard (default: tensorboard/ in the folder of the results)"
    add("--tensorboard", nargs="?", const="", metavar="DIR", help=folder)


def exit_status(results: Results) -> int:
    """0 if all passed, 1 if one failed or a gated relation does not hold, else 3."""
    verdicts = {outcome.verdict for outcome in results.outcomes.values()}
    if "FAIL" in verdicts or not all(relation.holds for relation in results.relations):
        return FAILED
    return PASSED if verdicts == {"PASS"} and not results.undecided_tests else UNDECIDED
