"""The front door: parse, plan, run, judge, report."""

import signal
import sys
import threading
import time
from argparse import Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import FrameType

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import read_assignment
from grading.commands.exits import BAD_USAGE, FAILED, PASSED, UNDECIDED, as_command
from grading.commands.options import CANNOT_START, command_line, out_folder
from grading.protocol.submission import locate
from grading.protocol.text import duration, one_line
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.write import write_results
from grading.running.api_tests import run_suite
from grading.running.journal import Journal
from grading.running.needed import expectations, needed, without_failed_tests
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import chosen, make_plan
from grading.running.resume import opened_journal
from grading.running.scheduler import carry_out
from grading.running.validation import draw_secret_pictures
from grading.sandbox.locked_folder import remove_stale
from grading.sandbox.staging import set_aside

MARGIN_SECONDS, MARGIN_SHARE = 5.0, 0.03  # of a time limit; workers are gone and results written in 2 s


class OutOfTime(KeyboardInterrupt):
    """The time limit of the run is near; all goes on as after Ctrl-C."""


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0 every gate passed, 1 one failed, 2 bad usage or missing data, 3 one is undecided, 4 the
        grader itself broke.
    """
    options = parse(arguments)
    with stops(options.time_limit):
        return run(options)


@contextmanager
def stops(time_limit: float | None) -> Iterator[None]:
    """Within it, SIGTERM, SIGHUP and a time limit that is near stop the run as Ctrl-C does: once.

    Whatever comes later must not disturb the writing of the results.
    """
    names = [name for name in ("SIGTERM", "SIGHUP", "SIGALRM") if hasattr(signal, name)]
    # A process that is to ignore them, as below nohup, goes on ignoring them. Only the main thread may ask for signals.
    numbers = [number for name in names if signal.getsignal(number := getattr(signal, name)) != signal.SIG_IGN]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {}

    def stop(number: int, _: FrameType | None) -> None:
        for other in numbers:
            signal.signal(other, signal.SIG_IGN)
        raise OutOfTime if signal.Signals(number).name == "SIGALRM" else KeyboardInterrupt

    try:
        for number in numbers:
            before[number] = signal.signal(number, stop)
        if time_limit is not None:
            signal.setitimer(signal.ITIMER_REAL, time_limit - margin(time_limit))
        yield
    finally:
        if time_limit is not None:
            signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


def margin(time_limit: float) -> float:
    """The seconds before the end of a run in which workers are ended and results written."""
    return min(max(MARGIN_SECONDS, MARGIN_SHARE * time_limit), time_limit / 2)


def run(options: Namespace) -> int:
    """Plan, run, judge, report; returns the exit status."""
    console = Console()
    with ExitStack() as stack:
        try:
            if options.list:
                console.list_configurations(chosen(read_assignment(), options.only))
                return PASSED
            remove_stale()
            # A copy: whatever happens to the folder from here on, everything grades the same.
            options.submission = stack.enter_context(set_aside(locate(options.submission))).argument
            plan = make_plan(options)
            out = out_folder(options, plan)
        except CANNOT_START as error:
            return refused(error)
        return graded(plan, out, options, console)


def graded(plan: Plan, out: Path, options: Namespace, console: Console) -> int:
    """Run a plan, judge, report; returns the exit status."""
    start = time.perf_counter()
    suite, runs = NOT_RUN if plan.withheld is not None else Suite(()), {}
    log: Log | None = None
    # A few seconds, while the tests run.
    threading.Thread(target=draw_secret_pictures, args=[plan], name="secret pictures", daemon=True).start()
    try:
        try:
            plan = with_weights(plan, options.weights, console.say)
            journal = opened_journal(out, plan)
        except CANNOT_START as error:
            return refused(error)
        runs, log = journal.runs, Log(out / "worker.log")
        console.say(
            f"{plan.submission.name}: {_how_many(plan, journal)}, profile {plan.profile_name}, on {plan.device}, "
            f"{plan.parallel} at a time; about {duration(plan.estimated_seconds())} for all"
        )
        console.say(f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})")
        start = time.perf_counter()
        if suite.asked_for:
            console.say("running the tests of the student API")
            seconds = plan.assignment.limits["suite_seconds"]
            suite = run_suite(plan.submission, out / "tests.jsonl", seconds=seconds, unsafe=options.unsafe)
        plan_of_trainings = without_failed_tests(plan, suite)
        with console.progress(plan, journal) as progress, log:
            wanted = partial(needed, plan_of_trainings, expected=expectations(plan))
            carry_out(plan_of_trainings, journal, progress.epoch, progress.finished, log, wanted)
    except KeyboardInterrupt as stop:
        if options.resume and not runs:
            raise  # what the run has reached is not read yet: its results stay as they are
        out.mkdir(parents=True, exist_ok=True)
        why = f"stopped by --time-limit {options.time_limit:.0f}" if isinstance(stop, OutOfTime) else "stopped"
        console.say(f"{why}; go on with --resume --out {out}")
    results = results_of(plan, runs, suite, time.perf_counter() - start)
    if log is not None and log.lost is not None:
        results = replace(results, grader_notes=(log.lost,))
    write_results(results, out)
    console.summary(results, out)
    return exit_status(results)


def refused(error: Exception) -> int:
    """Say in one line why nothing was begun; returns the exit status."""
    print(f"error: {one_line(str(error))}", file=sys.stderr)
    return BAD_USAGE


def parse(arguments: Sequence[str] | None) -> Namespace:
    """The command line of contract.md, section 2; argparse exits with 2 on bad usage."""
    return command_line("python grading/run_all.py", __doc__).parse_args(arguments)


def exit_status(results: Results) -> int:
    """0 if all passed, 1 if one failed or a gated relation does not hold, else 3."""
    verdicts = {outcome.verdict for outcome in results.outcomes.values()}
    if "FAIL" in verdicts or not all(relation.holds for relation in results.relations):
        return FAILED
    return PASSED if verdicts == {"PASS"} and not results.undecided_tests else UNDECIDED


def _how_many(plan: Plan, journal: Journal) -> str:
    left = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    return f"at least {left} trainings" if plan.sequential else f"{left} trainings"
