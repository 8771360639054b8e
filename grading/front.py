"""The front door: parse, plan, run, judge, report."""

import hashlib
import os
import re
import sys
import time
import traceback
from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import datetime
from functools import partial
from pathlib import Path

from grading.assignment import AssignmentError, read_assignment
from grading.calibrated import CalibrationError
from grading.data.arrays import DataError
from grading.journal import Journal, JournalError
from grading.judging import expectations, judged, needed, without_broken
from grading.plan import Plan, UsageError, chosen, make_plan, with_weights
from grading.reporting import Results, write_results
from grading.reporting.console import Console
from grading.runs import carry_out
from grading.streams import guard_streams
from grading.submissions import SubmissionError
from grading.suite import NOT_RUN, Suite, run_suite
from grading.text import duration, one_line
from grading.workers.process import GraderError
from grading.workers.tiers import NoSandbox

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
PASSED, FAILED, BAD_USAGE, UNDECIDED, BROKEN = 0, 1, 2, 3, 4
NAME_BYTES = 120  # of a submission, in the name of its folder of results


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command.

    Returns:
        The exit status: 0 every gate passed, 1 one failed, 2 bad usage or missing data, 3 one is undecided, 4 the
        grader itself broke.
    """
    guard_streams()
    options = parse(arguments)
    try:
        return run(options)
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        return UNDECIDED
    except Exception:
        traceback.print_exc()
        print("error: the grader itself broke: this says nothing about the submission", file=sys.stderr)
        return BROKEN


def run(options: Namespace) -> int:
    """Plan, run, judge, report; returns the exit status."""
    console = Console()
    try:
        if options.list:
            console.list_configurations(chosen(read_assignment(), options.only))
            return PASSED
        plan = make_plan(options)
        out = out_folder(options, plan)
        plan = with_weights(plan, options.weights, console.say)
        journal = opened_journal(out, plan)
    except CANNOT_START as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return BAD_USAGE
    console.say(
        f"{plan.submission.name}: {_how_many(plan, journal)}, profile {plan.profile_name}, on {plan.device}, "
        f"{plan.parallel} at a time; about {duration(plan.estimated_seconds())} for all"
    )
    console.say(f"sandbox: {plan.sandbox.tier} ({plan.sandbox.promise})")
    start = time.perf_counter()
    suite = NOT_RUN if plan.withheld is not None else Suite(())
    try:
        if suite.asked_for:
            console.say("running the tests of the student API")
            suite = run_suite(plan.submission, out / "tests.jsonl", unsafe=options.unsafe)
        plan_of_trainings = without_broken(plan, suite)
        with console.progress(plan, journal) as progress, (out / "worker.log").open("ab") as log:
            wanted = partial(needed, plan_of_trainings, expected=expectations(plan))
            carry_out(plan_of_trainings, journal, progress.epoch, progress.finished, log, wanted)
    except KeyboardInterrupt:
        console.say(f"stopped; go on with --resume --out {out}")
    results = judged(plan, journal.runs, suite, time.perf_counter() - start)
    write_results(results, out)
    console.summary(results, out)
    return exit_status(results)


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
        JournalError: it belongs to another run.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        return Journal(out / "journal.jsonl", plan.identity())
    except OSError as error:
        raise UsageError(
            f"{out}: cannot be written ({error.strerror or error}); give another folder as --out"
        ) from None


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


def _how_many(plan: Plan, journal: Journal) -> str:
    left = sum((c.id, seed) not in journal.runs for c, seed in needed(plan, journal.runs))
    return f"at least {left} trainings" if plan.sequential else f"{left} trainings"
