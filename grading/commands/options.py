"""The options that commands share."""

import hashlib
import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from grading.assignment.assignment import AssignmentError
from grading.assignment.calibration import CalibrationError
from grading.commands.help import new_parser
from grading.data.arrays import DataError
from grading.protocol.handed_out import is_handout
from grading.protocol.submission import SubmissionError
from grading.running.journal import JournalError
from grading.running.plan import Plan
from grading.running.resolve import UsageError
from grading.sandbox.choose import NoSandbox
from grading.sandbox.worker import GraderError

# What ends a command before it has begun, each with a message of one line. OSError: a full disk, or a closed folder.
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
Add = Callable[..., object]  # `add_argument` of a group of options
DEFAULT_SUBMISSION = "hw4" if is_handout() else "solutions"
MOST_SECONDS = 30 * 24 * 3600
NAME_BYTES = 120  # of a submission's name, in the name of its folder of results


def command_line(program: str, about: str | None, *, a_class: bool = False, ends: str = "") -> ArgumentParser:
    """The parser of a command that trains, with the options that all of them have.

    Args:
        a_class: whether it grades what a class has handed in, not one submission.
        ends: the last paragraph of its help.
    """
    usage = "SUBMISSIONS --out GRADEBOOK [options]" if a_class else "[SUBMISSION] [options]"
    parser = new_parser(program, about, usage=usage, ends=ends)
    graded = parser.add_argument_group("what is graded")
    if a_class:
        graded.add_argument("submissions", type=Path, metavar="SUBMISSIONS", help="what a class has handed in")
    else:
        what = "a package or a folder (default: %(default)s)"
        graded.add_argument("submission", nargs="?", default=DEFAULT_SUBMISSION, metavar="SUBMISSION", help=what)
    _add_what_is_trained(graded.add_argument)
    _add_data(parser.add_argument_group("data").add_argument)
    _add_course_of_the_run(parser.add_argument_group("how it runs").add_argument)
    _add_trials(parser.add_argument_group("trials, which give no verdict").add_argument)
    if not a_class:
        _add_results(parser.add_argument_group("results").add_argument)
    return parser


def _add_what_is_trained(add: Add) -> None:
    add("--only", metavar="Q1-1,Q2-1", help="only these questions or configurations")
    add("--profile", choices=["auto", "mini", "report"], default="auto", help="scale (default: %(default)s)")
    add("--seeds", type=positive, metavar="N", help="trainings of each configuration (default: until it is decided)")


def _add_data(add: Add) -> None:
    add("--faces", type=Path, metavar="DIR", help="an image folder, or CelebA as published")
    add("--camvid", type=Path, metavar="DIR", help="CamVid as SegNet released it")
    add("--weights", type=Path, metavar="DIR", help="pretrained weights, in torchvision's names")


def _add_course_of_the_run(add: Add) -> None:
    tests_only = "run the tests of the student API, and train nothing"
    add("--tests-only", action="store_true", help=tests_only)
    add("--device", choices=["auto", "cpu", "cuda"], default="auto", help="default: %(default)s")
    time_limit = "stop and write results within this time; what is missing is INCOMPLETE"
    add("--time-limit", type=seconds, metavar="9m", help=time_limit)
    unsafe = "if no sandbox works, run the submission unconfined; the results are unverified"
    add("--unsafe", action="store_true", help=unsafe)


def _add_trials(add: Add) -> None:
    add("--epochs", type=positive, metavar="N", help="train N epochs")
    add("--limit", type=positive, metavar="N", help="train on N images")


def _add_results(add: Add) -> None:
    out = "folder of the results (default: a new one in runs/)"
    add("--out", type=Path, metavar="DIR", help=out)
    resume = "go on with a stopped run: the one in --out, or the newest one"
    add("--resume", action="store_true", help=resume)


def add_output(parser: ArgumentParser) -> Add:
    """Add `--quiet` and `--verbose`, which exclude each other; returns what adds more options to their group."""
    group = parser.add_argument_group("what is shown")
    only_one = group.add_mutually_exclusive_group()
    only_one.add_argument("-q", "--quiet", action="store_true", help="only what the results are")
    only_one.add_argument("-v", "--verbose", action="store_true", help="details, too: epochs, trainings, reasons")
    return group.add_argument


def out_folder(options: Namespace, plan: Plan) -> Path:
    """The folder of the results.

    Raises:
        UsageError: there is no run to resume, or there is one and `--resume` is not given.
    """
    if options.out is not None:
        return _checked_folder(Path(options.out), resume=options.resume)
    if options.resume:
        return _newest_run(plan)
    return Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-{_run_name(plan)}"


def _checked_folder(out: Path, *, resume: bool) -> Path:
    """The folder that `--out` names, if it can be used."""
    # os.path, because the methods of Path raise if a name is too long.
    holds_a_run = os.path.isfile(out / "journal.jsonl")
    if os.path.exists(out) and not os.path.isdir(out):
        raise UsageError(f"--out {out}: not a folder")
    if resume and not holds_a_run:
        raise UsageError(f"--resume: no run in {out}")
    if not resume and holds_a_run:
        raise UsageError(f"--out {out} holds a run already; give --resume to go on with it, or another folder")
    return out


def _newest_run(plan: Plan) -> Path:
    """The folder of the newest run of this submission and profile in runs/."""
    pattern = re.compile(r"\d{8}-\d{6}-" + re.escape(_run_name(plan)))
    folders = sorted(Path("runs").iterdir()) if Path("runs").is_dir() else []
    runs = [path for path in folders if pattern.fullmatch(path.name) and (path / "journal.jsonl").is_file()]
    if not runs:
        raise UsageError(f"--resume: no run of {plan.submission.name} in runs/")
    return runs[-1]


def _run_name(plan: Plan) -> str:
    """What the name of a folder of results ends with."""
    return f"{_short(plan.submission.name)}-{plan.profile_name}"


def _short(name: str) -> str:
    """A name that is short enough for a part of a file name: the end of a long one is replaced by a checksum."""
    encoded = name.encode()
    if len(encoded) <= NAME_BYTES:
        return name
    return f"{encoded[:NAME_BYTES].decode(errors='ignore')}-{hashlib.sha256(encoded).hexdigest()[:8]}"


def positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(text)
    return number


def seconds(text: str) -> float:
    """The seconds in a duration such as 90, 90s, 9m or 1h30m."""
    units = re.fullmatch(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s?)?", text)
    hours, minutes, seconds = (int(part or 0) for part in units.groups()) if units else (0, 0, 0)
    if not 0 < (total := 3600 * hours + 60 * minutes + seconds) <= MOST_SECONDS:
        raise ArgumentTypeError(f"{text}: give a time such as 90s, 9m or 1h30m")
    return float(total)
