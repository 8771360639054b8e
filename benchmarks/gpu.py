"""A check for a machine with one GPU and no internet: what the report profile takes there, in at most eight minutes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.forks import in_a_fork
from benchmarks.harness import faces_in, streets_in
from benchmarks.machine import check_device
from benchmarks.options import Options
from benchmarks.tables import Table
from benchmarks.training import random_weights
from grading import ROOT
from grading.backbones.weights import ENCODER, NoWeights, provide

MOST_SECONDS = 480.0
SECONDS_TO_END = 10.0  # in which a grading writes what it has
BACKBONES = ("alexnet", ENCODER)
GRADED = (0, 1, 3)  # exit statuses of a grading that came to its end


@dataclass(frozen=True)
class Step:
    """A command, run from the project's root.

    Attributes:
        seconds: after which it is stopped.
        fine: its exit statuses if it did what it should.
        found: what it found, from the file that it wrote.
    """

    name: str
    command: tuple[str, ...]
    seconds: float
    fine: tuple[int, ...]
    file: Path
    found: Callable[[Any], str]


def run(options: Options) -> list[Table]:
    """One table with a row for each step; what the steps print goes to standard error.

    Raises:
        NoGPU: there is none for `--device cuda`.
    """
    check_device(options.device)
    deadline = time.monotonic() + MOST_SECONDS - SECONDS_TO_END
    with TemporaryDirectory() as name:
        folder = Path(name)
        folder.chmod(0o711)  # the user of a sandbox finds its workspace below it
        steps, notes = _prepared(folder, replace(options, profile="report"))
        environment = {**os.environ, "HW4_CACHE": str(folder / "cache"), "TMPDIR": name}
        rows = [_row(step, min(step.seconds, deadline - time.monotonic()), environment) for step in steps]
    columns = ("step", "took", "at most", "status", "found")
    failed = any(row[3] != "done" for row in rows)
    return [Table(f"The report profile on {options.device}", columns, rows, notes, failed)]


def _prepared(folder: Path, options: Options) -> tuple[list[Step], tuple[str, ...]]:
    """The steps, and what they make do with."""
    notes = []
    every_picture = replace(options, images=sys.maxsize, camvid=None)
    faces = faces_in(folder, every_picture).folder
    if options.camvid is None:
        notes.append("Streets are drawn: --camvid was not given.")
    streets = options.camvid or streets_in(folder, every_picture).folder
    weights, missing = _weights(folder, options)
    if missing:
        notes.append(f"Random weights, as none were given: {', '.join(missing)}.")
    return _steps(folder, faces.resolve(), streets.resolve(), weights, options), tuple(notes)


def _steps(folder: Path, faces: Path, streets: Path, weights: Path, options: Options) -> list[Step]:
    small = options.smallest
    return [
        _grading(
            "streets",
            ("--only", "Q2-3-first-three" if small else "Q2-1-skips,Q2-3-first-three", "--camvid", str(streets)),
            ("--epochs", "1", "--limit", "4") if small else (),
            *(180, folder, weights, options),
        ),
        _grading(
            "faces",
            ("--only", "Q1-1" if small else "Q1-1,Q1-2,Q1-5", "--faces", str(faces)),
            ("--epochs", "1") if small else ("--epochs", "3"),
            *(90, folder, weights, options),
        ),
        _benchmark(
            "harness",
            () if small else ("--runs", "3", "--images", "400", "--camvid", str(streets)),
            *(130, folder, options, _ratios),
        ),
        _benchmark("overhead", () if small else ("--camvid", str(streets)), *(60, folder, options, _costs)),
    ]


def _grading(
    name: str,
    what: tuple[str, ...],
    scale: tuple[str, ...],
    seconds: float,
    folder: Path,
    weights: Path,
    options: Options,
) -> Step:
    """A grading of the reference, one seed of each configuration."""
    out = folder / "runs" / name
    limit = ("--time-limit", f"{seconds - SECONDS_TO_END:.0f}s")
    fixed = ("--profile", "report", "--seeds", "1", "--unsafe", "--device", options.device, *limit)
    command = ("grading/run_all.py", *fixed, *what, *scale, "--weights", str(weights), "--out", str(out))
    return Step(f"grading {name}", command, seconds, GRADED, out / "results.json", _trainings)


def _benchmark(
    name: str, more: tuple[str, ...], seconds: float, folder: Path, options: Options, found: Callable[[Any], str]
) -> Step:
    file = folder / f"{name}.json"
    small = ("--smallest",) if options.smallest else ()
    command = ("-m", "benchmarks", name, "--device", options.device, "--json", str(file), *small, *more)
    return Step(f"benchmarks {name}", command, seconds, (0,), file, found)


def _weights(folder: Path, options: Options) -> tuple[Path, list[str]]:
    """A folder with weights for all backbones, and those of them that are random."""
    files: Mapping[str, str] = {}
    if options.weights:
        try:
            files = provide(BACKBONES, "report", options.weights.resolve(), folder, print)
        except NoWeights as error:
            files = error.files
    weights = folder / "weights"
    weights.mkdir()
    for file in files.values():
        (weights / Path(file).name).symlink_to(file)
    missing = [name for name in BACKBONES if name not in files]
    in_a_fork(random_weights, weights, "report", missing)
    return weights, missing


def _row(step: Step, seconds: float, environment: Mapping[str, str]) -> tuple[str, str, str, str, str]:
    """Run a step, and say what came of it, whatever that is."""
    if seconds <= 0:
        return step.name, "0 s", f"{step.seconds:.0f} s", "left out", "the others took all the time"
    start = time.monotonic()
    status = _run(step.command, seconds, environment)
    took = time.monotonic() - start
    how = "stopped" if status is None else "done" if status in step.fine else f"exit status {status}"
    try:
        found = step.found(json.loads(step.file.read_text(encoding="utf-8")))
    except (OSError, ValueError, LookupError, TypeError) as error:
        found = f"nothing that can be read ({type(error).__name__})"
    return step.name, f"{took:.0f} s", f"{step.seconds:.0f} s", how, found


def _run(command: tuple[str, ...], seconds: float, environment: Mapping[str, str]) -> int | None:
    """The exit status of a command of Python's; None if it was stopped."""
    process = subprocess.Popen(
        [sys.executable, *command], cwd=ROOT, env=environment, stdout=sys.stderr, start_new_session=True
    )
    try:
        return process.wait(seconds)
    except subprocess.TimeoutExpired:
        return None
    finally:
        if process.poll() is None:
            _end(process)


def _end(process: "subprocess.Popen[bytes]") -> None:
    """Ask a command and its children to end, then end them."""
    os.killpg(process.pid, signal.SIGTERM)
    try:
        process.wait(SECONDS_TO_END)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def _trainings(results: Any) -> str:
    """Of each configuration how long its training took, its verdict, and its metric in the tail."""
    said = []
    for c in results["extra_data"]["configurations"]:
        for seed in c["seeds"]:
            tail = "none" if seed["tail"] is None else f"{seed['tail']:.4f}"
            took = f"{len(seed['history'])} epochs in {seed['seconds']:.0f} s"
            said.append(f"{c['id']} {took}, {c['verdict']}, {c['metric']} {tail}")
    return "; ".join(said)


def _ratios(written: Any) -> str:
    """Harness and notebook, as multiples of the floor."""
    return "; ".join(
        f"{row['network']} {row['phase']} {row['harness / floor']:.2f} (notebook {row['notebook / floor']:.2f})"
        for row in written["tables"][0]["rows"]
    )


def _costs(written: Any) -> str:
    """Each step of an epoch, and the augmentations."""
    steps, augmentations = (table["rows"] for table in written["tables"])
    costs = [f"{row['step']} {1000 * row['time']['median']:.0f} ms" for row in steps]
    speeds = [
        f"{row['pictures / s']:.0f} faces / s ({row['augmentation']}, {row['processes']})" for row in augmentations
    ]
    return "; ".join([*costs, *speeds])
