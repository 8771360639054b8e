"""Grade a submission: run the tests and the trainings, judge, and report."""

import threading
import time
from argparse import Namespace
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path

from grading.assignment.api_test_record import NOT_RUN, Suite
from grading.assignment.assignment import read_assignment
from grading.commands.exits import FAILED, PASSED, UNDECIDED, as_command, refuse
from grading.commands.options import CANNOT_START, command_line, out_folder
from grading.commands.stopping import OutOfTime, stop_signals
from grading.protocol.handed_out import notes_on
from grading.protocol.submission import Submission, locate
from grading.protocol.text import duration
from grading.reporting.collect import results_of
from grading.reporting.console import Console
from grading.reporting.results import Results
from grading.reporting.streams import Log
from grading.reporting.write import write_results
from grading.running.api_tests import ApiTests
from grading.running.evidence import Evidence
from grading.running.grading import Grading, api_tests_of, ready_trainings
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.needed import Runs, needed
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import chosen, make_plan
from grading.running.resume import opened_journal
from grading.running.validation import draw_secret_pictures
from grading.sandbox.locked_folder import remove_stale
from grading.sandbox.staging import set_aside


@dataclass
class State:
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
            submission = stack.enter_context(set_aside(with_notes(locate(options.submission))))
            plan = make_plan(options, submission)
            out = out_folder(options, plan)
        except CANNOT_START as error:
            return refuse(error)
        return grade(plan, out, options, console)


def grade(plan: Plan, out: Path, options: Namespace, console: Console) -> int:
    """Run a plan, judge, report; returns the exit status."""
    state = State(plan, api_tests_of(plan, out, unsafe=options.unsafe), {})
    # It takes a few seconds, in which the tests can run.
    threading.Thread(target=draw_secret_pictures, args=[plan], name="secret pictures", daemon=True).start()
    try:
        try:
            state.plan = with_weights(plan, options.weights, console.say)
            journal = opened_journal(out, state.plan)
        except CANNOT_START as error:
            return refuse(error)
        state.runs = journal.runs
        state.log = Log(out / "worker.log")
        announce(state.plan, journal, console)
        run_tests_and_trainings(state, journal, out, console, unsafe=options.unsafe)
    except KeyboardInterrupt as stop:
        if options.resume and not state.runs:
            raise  # the journal has not been read yet: the results of the stopped run stay as they are
        out.mkdir(parents=True, exist_ok=True)
        why = f"stopped by --time-limit {options.time_limit:.0f}" if isinstance(stop, OutOfTime) else "stopped"
        console.say(f"{why}; go on with --resume --out {out}")
    return report(state, out, console)


def with_notes(submission: Submission) -> Submission:
    """A submission with what a reader should know of the checkout in which it lies, up to two folders above it."""
    folder = submission.folder
    return replace(submission, notes=notes_on(folder, folder.parent.parent))


def announce(plan: Plan, journal: Journal, console: Console) -> None:
    """Say what will be run, for how long, and in which sandbox."""
    missing = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    count = f"at least {missing} trainings" if plan.sequential else f"{missing} trainings"
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
    assert state.log is not None
    with console.progress(state.plan, journal) as progress, state.log as log:
        grading = Grading(
            state.plan,
            journal,
            log,
            wanted,
            tests=state.tests,
            epoch=progress.epoch,
            finished=progress.finished,
            evidence=Evidence(out),
        )
        carry_out_one(grading, unsafe=unsafe, replanned=progress.replanned)


def report(state: State, out: Path, console: Console) -> int:
    """Judge what is known, write and show the results; returns the exit status."""
    results = results_of(state.plan, state.runs, state.suite, time.perf_counter() - state.start)
    if state.log is not None and state.log.lost is not None:
        results = replace(results, grader_notes=(state.log.lost,))
    write_results(results, out)
    console.summary(results, out)
    return exit_status(results)


def parse(arguments: Sequence[str] | None) -> Namespace:
    """Read the command line; argparse exits with 2 on bad usage."""
    return command_line("python grading/run_all.py", __doc__).parse_args(arguments)


def exit_status(results: Results) -> int:
    """0 if all passed, 1 if one failed or a gated relation does not hold, else 3."""
    verdicts = {outcome.verdict for outcome in results.outcomes.values()}
    if "FAIL" in verdicts or not all(relation.holds for relation in results.relations):
        return FAILED
    return PASSED if verdicts == {"PASS"} and not results.undecided_tests else UNDECIDED
