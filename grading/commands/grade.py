"""The front door: parse, plan, run, judge, report."""

import hashlib
import os
import re
import signal
import sys
import threading
import time
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import datetime
from functools import partial
from pathlib import Path
from types import FrameType

from grading.assignment.assignment import MISTAKEN, OBEYED, AssignmentError, read_assignment
from grading.assignment.calibration import CalibrationError
from grading.data.arrays import DataError
from grading.commands.exits import BAD_USAGE, FAILED, PASSED, UNDECIDED, as_command
from grading.running.journal import Journal, JournalError, Run
from grading.reporting.collect import expectations, judged, needed, without_broken
from grading.running.plan import Plan, UsageError, chosen, make_plan, with_weights
from grading.reporting import Results, write_results
from grading.reporting.console import Console
from grading.running.training import carry_out
from grading.reporting.streams import Log
from grading.protocol.submission import SubmissionError, locate
from grading.running.api_tests import NOT_RUN, Suite, run_suite
from grading.protocol.text import duration, one_line
from grading.running.validation import draw_secret_pictures
from grading.sandbox.worker import GraderError
from grading.sandbox.staging import remove_stale, set_aside
from grading.sandbox.choose import NoSandbox

# What ends a command before it has begun, each in one line: OSError is a full disk, or a folder that is closed.
CANNOT_START = (
    AssignmentError,
    CalibrationError,
    UsageError,
    SubmissionError,
    DataError,
    JournalError,
    NoSandbox,
    GraderError,
    OSError,
)
MARGIN_SECONDS, MARGIN_SHARE = 5.0, 0.03  # of a time limit; workers are gone and results written in 2 s
MOST_SECONDS = 30 * 24 * 3600
NAME_BYTES = 120  # of a submission, in the name of its folder of results


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
        plan_of_trainings = without_broken(plan, suite)
        with console.progress(plan, journal) as progress, log:
            wanted = partial(needed, plan_of_trainings, expected=expectations(plan))
            carry_out(plan_of_trainings, journal, progress.epoch, progress.finished, log, wanted)
    except KeyboardInterrupt as stop:
        if options.resume and not runs:
            raise  # what the run has reached is not read yet: its results stay as they are
        out.mkdir(parents=True, exist_ok=True)
        why = f"stopped by --time-limit {options.time_limit:.0f}" if isinstance(stop, OutOfTime) else "stopped"
        console.say(f"{why}; go on with --resume --out {out}")
    results = judged(plan, runs, suite, time.perf_counter() - start)
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


def command_line(program: str, about: str | None) -> ArgumentParser:
    """The options of a command that trains."""
    parser = ArgumentParser(prog=program, description=about)
    add = parser.add_argument
    add("submission", nargs="?", default="solutions", help="a package or a folder (default: %(default)s)")
    add("--profile", choices=["auto", "mini", "report"], default="auto", help="scale (default: %(default)s)")
    add("--only", metavar="Q1-1,Q2-1", help="only these questions or configurations")
    add("--seeds", type=_positive, metavar="N", help="trainings of each configuration")
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: %(default)s")
    add("--faces", type=Path, metavar="DIR", help="an image folder, or CelebA as published")
    add("--camvid", type=Path, metavar="DIR", help="CamVid as SegNet released it")
    add("--weights", type=Path, metavar="DIR", help="pretrained weights, in torchvision's names")
    add(
        "--out",
        type=Path,
        metavar="DIR",
        help="folder of the results (default: runs/<time>-<submission>-<profile>)",
    )
    add(
        "--resume",
        action="store_true",
        help="go on with a run that was stopped: that of --out, or the newest",
    )
    add("--list", action="store_true", help="list the configurations and end")
    add("--epochs", type=_positive, metavar="N", help="a trial of N epochs; withholds the verdict")
    add(
        "--time-limit",
        type=_seconds,
        metavar="9m",
        help="write results before this time; what is missing is INCOMPLETE",
    )
    add("--unsafe", action="store_true", help="where no sandbox works: run the submission unconfined, unverified")
    add("--limit", type=_positive, metavar="N", help="a trial with N training images; withholds the verdict")
    return parser


def out_folder(options: Namespace, plan: Plan) -> Path:
    """Where the results go.

    Raises:
        UsageError: there is nothing to resume, or results that `--resume` was not given for.
    """
    name = f"{_short(plan.submission.name)}-{plan.profile_name}"
    if options.out is not None:
        out = Path(options.out)
        # Not Path's own questions: they raise where a name is too long.
        holds_a_run = os.path.isfile(out / "journal.jsonl")
        if os.path.exists(out) and not os.path.isdir(out):
            raise UsageError(f"--out {out}: not a folder")
        if options.resume and not holds_a_run:
            raise UsageError(f"--resume: no run in {out}")
        if not options.resume and holds_a_run:
            raise UsageError(f"--out {out} holds a run already; give --resume to go on with it, or another folder")
        return out
    if options.resume:
        own = re.compile(r"\d{8}-\d{6}-" + re.escape(name))
        folders = sorted(Path("runs").iterdir()) if Path("runs").is_dir() else []
        stopped = [path for path in folders if own.fullmatch(path.name) and (path / "journal.jsonl").is_file()]
        if not stopped:
            raise UsageError(f"--resume: no run of {plan.submission.name} in runs/")
        return stopped[-1]
    return Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{name}"


def opened_journal(out: Path, plan: Plan) -> Journal:
    """The journal of a folder of results, which is made where it is missing.

    Raises:
        UsageError: nothing can be written there.
        JournalError: it belongs to another run, is damaged, or another grader is at work on it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        journal = Journal(out / "journal.jsonl", plan.identity())
    except OSError as error:
        raise UsageError(
            f"{out}: cannot be written ({error.strerror or error}); give another folder as --out"
        ) from None
    if not all(_fits(plan, run) for run in journal.runs.values()) or not _of_the_same_images(plan, journal):
        raise JournalError(f"{out / 'journal.jsonl'}: damaged (trainings of no such assignment); choose another --out")
    return journal


def _fits(plan: Plan, run: Run) -> bool:
    """Whether a training is one of a configuration that there is, with its metrics and epochs."""
    every = (each for c in plan.assignment.configurations for each in (c, c.as_control))
    for configuration in (c for c in every if c.id == run.configuration):
        whole = run.failure is not None or len(run.history) == plan.protocol(configuration)["epochs"]
        metrics = {OBEYED, MISTAKEN} if configuration.control else {configuration.metric, *configuration.published}
        return whole and all(metrics <= set(epoch) for epoch in run.history)
    return False


def _of_the_same_images(plan: Plan, journal: Journal) -> bool:
    """Whether the trainings of a task answered for as many images, those of a configuration for as many classes."""
    images: dict[str, set[int]] = {}
    classes: dict[str, set[int]] = {}
    for run in journal.runs.values():
        if run.images is not None:
            right = run.images["right"]
            images.setdefault(plan.assignment.configuration(run.configuration).task, set()).add(len(right))
            classes.setdefault(run.configuration, set()).add(len(right[0]))
    return all(len(sizes) == 1 for sizes in (*images.values(), *classes.values()))


def exit_status(results: Results) -> int:
    """0 where all passed, 1 where one failed or a gated relation does not hold, else 3."""
    verdicts = {outcome.verdict for outcome in results.outcomes.values()}
    if "FAIL" in verdicts or not all(relation.holds for relation in results.relations):
        return FAILED
    return PASSED if verdicts == {"PASS"} and not results.undecided_tests else UNDECIDED


def _short(name: str) -> str:
    """A name that file systems take as a part of another: the end of a long one is replaced by a checksum."""
    encoded = name.encode()
    if len(encoded) <= NAME_BYTES:
        return name
    return f"{encoded[:NAME_BYTES].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def _seconds(text: str) -> float:
    """The seconds of a time such as 90, 90s, 9m or 1h30m."""
    units = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    hours, minutes, seconds = (int(part or 0) for part in units.groups()) if units else (0, 0, 0)
    if not 0 < (total := 3600 * hours + 60 * minutes + seconds) <= MOST_SECONDS:
        raise ArgumentTypeError(f"{text}: give a time such as 90s, 9m or 1h30m")
    return float(total)


def _how_many(plan: Plan, journal: Journal) -> str:
    left = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    return f"at least {left} trainings" if plan.sequential else f"{left} trainings"
