"""Grade a submission: run the tests and the trainings, judge, and report."""

import signal
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import FrameType

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import Configuration, read_assignment
from grading.commands.exits import BAD_USAGE, FAILED, PASSED, UNDECIDED, as_command
from grading.commands.options import CANNOT_START, command_line, out_folder
from grading.protocol.submission import locate
from grading.protocol.text import duration, one_line
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.write import write_results
from grading.running.api_tests import ApiTests
from grading.running.journal import Journal
from grading.running.needed import Runs, expectations, needed, ready
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import chosen, make_plan
from grading.running.resume import opened_journal
from grading.running.scheduler import carry_out
from grading.running.validation import draw_secret_pictures
from grading.sandbox.locked_folder import remove_stale
from grading.sandbox.staging import set_aside

# How long before a time limit a run is stopped: to end workers and write results takes some 2 s.
MARGIN_SECONDS, MARGIN_SHARE = 5.0, 0.03


class OutOfTime(KeyboardInterrupt):
    """The time limit of the run is near. It is handled as Ctrl-C is."""


@dataclass
class Grading:
    """What is known when a run ends or is stopped.

    Attributes:
        plan: with weights, as soon as they are there.
        tests: of the student API; None in a trial, which gives no verdict.
        runs: the finished trainings, by configuration and seed.
        log: what workers print; None until there is a folder for it.
        start: of the tests and trainings, in seconds of `time.perf_counter`.
    """

    plan: Plan
    tests: ApiTests | None
    runs: Runs
    log: Log | None = None
    start: float = field(default_factory=time.perf_counter)

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
    with stop_signals(options.time_limit):
        return run(options)


@contextmanager
def stop_signals(time_limit: float | None) -> Iterator[None]:
    """Within the block, SIGTERM, SIGHUP and a time limit that is near stop the run as Ctrl-C does.

    Only the first one does: a later one must not disturb the writing of the results.

    Args:
        time_limit: in seconds from now; None for none.
    """
    numbers = _stop_signals_in_use()
    handlers_before = {}

    def stop(number: int, _: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise OutOfTime if signal.Signals(number).name == "SIGALRM" else KeyboardInterrupt

    try:
        for number in numbers:
            handlers_before[number] = signal.signal(number, stop)
        if time_limit is not None:
            signal.setitimer(signal.ITIMER_REAL, time_limit - margin(time_limit))
        yield
    finally:
        if time_limit is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in handlers_before.items():
            signal.signal(number, handler)


def _stop_signals_in_use() -> list[signal.Signals]:
    """The signals that stop a run, but for those that this process ignores, as under nohup.

    There are none outside the main thread, which alone may handle signals.
    """
    if threading.current_thread() is not threading.main_thread():
        return []
    names = ("SIGTERM", "SIGHUP", "SIGALRM")
    numbers = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in numbers if signal.getsignal(number) != signal.SIG_IGN]


def margin(time_limit: float) -> float:
    """The seconds before the end of a time limit in which workers are ended and results written."""
    return min(max(MARGIN_SECONDS, MARGIN_SHARE * time_limit), time_limit / 2)


def run(options: Namespace) -> int:
    """List, or plan and grade; returns the exit status."""
    console = Console()
    with ExitStack() as stack:
        try:
            if options.list:
                console.list_configurations(chosen(read_assignment(), options.only))
                return PASSED
            remove_stale()
            # A copy: whatever happens to the folder from here on, everything grades the same files.
            options.submission = stack.enter_context(set_aside(locate(options.submission))).argument
            plan = make_plan(options)
            out = out_folder(options, plan)
        except CANNOT_START as error:
            return refuse(error)
        return grade(plan, out, options, console)


def grade(plan: Plan, out: Path, options: Namespace, console: Console) -> int:
    """Run a plan, judge, report; returns the exit status."""
    grading = Grading(plan, None if plan.withheld is not None else api_tests(plan, out, options), {})
    # It takes a few seconds, in which the tests can run.
    threading.Thread(target=draw_secret_pictures, args=[plan], name="secret pictures", daemon=True).start()
    try:
        try:
            grading.plan = with_weights(plan, options.weights, console.say)
            journal = opened_journal(out, grading.plan)
        except CANNOT_START as error:
            return refuse(error)
        grading.runs = journal.runs
        grading.log = Log(out / "worker.log")
        announce(grading.plan, journal, console)
        run_tests_and_trainings(grading, journal, console)
    except KeyboardInterrupt as stop:
        if options.resume and not grading.runs:
            raise  # the journal has not been read yet: the results of the stopped run stay as they are
        out.mkdir(parents=True, exist_ok=True)
        why = f"stopped by --time-limit {options.time_limit:.0f}" if isinstance(stop, OutOfTime) else "stopped"
        console.say(f"{why}; go on with --resume --out {out}")
    return report(grading, out, console)


def announce(plan: Plan, journal: Journal, console: Console) -> None:
    """Say what will be run, for how long, and in which sandbox."""
    missing = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    count = f"at least {missing} trainings" if plan.sequential else f"{missing} trainings"
    console.say(
        f"{plan.submission.name}: {count}, profile {plan.profile_name}, on {plan.device}, "
        f"{plan.parallel} at a time; about {duration(plan.estimated_seconds())} for all"
    )
    console.say(f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})")


def api_tests(plan: Plan, out: Path, options: Namespace) -> ApiTests:
    """The tests of the student API for a run; they have not started."""
    seconds = plan.assignment.limits["suite_seconds"]
    return ApiTests(plan.submission, out / "tests.jsonl", seconds=seconds, unsafe=options.unsafe)


def run_tests_and_trainings(grading: Grading, journal: Journal, console: Console) -> None:
    """Run the tests of the student API, and train the configurations whose required tests have passed."""
    grading.start = time.perf_counter()
    if grading.tests is not None:
        console.say("running the tests of the student API")
    expected = expectations(grading.plan)

    def wanted(runs: Runs) -> list[tuple[Configuration, int]]:
        return ready(grading.plan, grading.suite, runs, expected)

    assert grading.log is not None
    with console.progress(grading.plan, journal) as progress, grading.log as log:
        carry_out(
            grading.plan,
            journal,
            progress.epoch,
            progress.finished,
            log,
            wanted,
            tests=grading.tests,
            replanned=progress.replanned,
        )


def report(grading: Grading, out: Path, console: Console) -> int:
    """Judge what is known, write and show the results; returns the exit status."""
    results = results_of(grading.plan, grading.runs, grading.suite, time.perf_counter() - grading.start)
    if grading.log is not None and grading.log.lost is not None:
        results = replace(results, grader_notes=(grading.log.lost,))
    write_results(results, out)
    console.summary(results, out)
    return exit_status(results)


def refuse(error: Exception) -> int:
    """Say in one line why nothing was begun; returns the exit status."""
    print(f"error: {one_line(str(error))}", file=sys.stderr)
    return BAD_USAGE


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; argparse exits with 2 on bad usage."""
    return command_line("python grading/run_all.py", __doc__).parse_args(arguments)


def exit_status(results: Results) -> int:
    """0 if all passed, 1 if one failed or a gated relation does not hold, else 3."""
    verdicts = {outcome.verdict for outcome in results.outcomes.values()}
    if "FAIL" in verdicts or not all(relation.holds for relation in results.relations):
        return FAILED
    return PASSED if verdicts == {"PASS"} and not results.undecided_tests else UNDECIDED
