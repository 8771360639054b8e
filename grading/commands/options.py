"""The options that commands share."""

import hashlib
import os
import re
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from datetime import datetime
from pathlib import Path

from grading.assignment.assignment import AssignmentError
from grading.assignment.calibration import CalibrationError
from grading.data.arrays import DataError
from grading.protocol.submission import SubmissionError
from grading.running.journal import JournalError
from grading.running.plan import Plan
from grading.running.resolve import UsageError
from grading.sandbox.choose import NoSandbox
from grading.sandbox.worker import GraderError

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
MOST_SECONDS = 30 * 24 * 3600
NAME_BYTES = 120  # of a submission, in the name of its folder of results


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
