"""Measure what the reference reaches: `python -m grading.calibrate --profile mini --seeds 10`.

Writes grading/calibrated/PROFILE.json, the expected values that submissions are held against. Every option of
run_all.py that names data, weights or a device is understood too.

In the mini profile every second seed is trained on networks that were pretrained anew: another machine rounds
otherwise and so arrives at other weights, and the spread that is measured here has to cover that.
"""

import json
import os
import platform
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from grading.calibrated import FOLDER
from grading.data.arrays import DataError
from grading.front import out_folder, parse
from grading.journal import Journal, JournalError, Run
from grading.plan import Plan, UsageError, make_plan, with_weights
from grading.reporting.console import Console
from grading.runs import carry_out
from grading.submissions import SubmissionError
from grading.workers.process import GraderError
from grading.workers.tiers import NoSandbox

DIGITS = 6
SEEDS_PER_PRETRAINING = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 written, 1 a training of the reference failed, 2 bad usage or missing data."""
    options = parse(arguments)
    console = Console()
    try:
        plan = make_plan(options)
        if plan.withheld or plan.seeds < 2:
            raise UsageError("a calibration needs at least two seeds and no limits")
        out = out_folder(options, plan)
        plan = with_weights(plan, options.weights, console.say)
        out.mkdir(parents=True, exist_ok=True)
        journal = Journal(out / "journal.jsonl", plan.identity())
        with console.progress(plan, journal) as progress, (out / "worker.log").open("ab") as log:
            for part in parts(plan, options.weights, console.say):
                carry_out(part, journal, progress.epoch, progress.finished, log)
    except (UsageError, SubmissionError, DataError, JournalError, NoSandbox, GraderError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    runs = {
        configuration.id: [journal.runs[configuration.id, seed] for seed in range(plan.seeds)]
        for configuration in plan.configurations
    }
    failed = [run for own in runs.values() for run in own if run.failure]
    if failed:
        print(f"error: {failed[0].configuration} seed {failed[0].seed}: {failed[0].failure}", file=sys.stderr)
        return 1
    path = FOLDER / f"{plan.profile_name}.json"
    write(path, plan.profile_name, runs)
    console.say(f"{path} written")
    return 0


def parts(plan: Plan, weights: Path | None, say: Callable[[str], None]) -> Iterator[Plan]:
    """The plan, to be carried out in parts: each covers the seeds of those before, and some more on other weights."""
    if plan.profile_name != "mini":
        yield plan
        return
    for pretraining, first in enumerate(range(0, plan.seeds, SEEDS_PER_PRETRAINING)):
        seeds = min(first + SEEDS_PER_PRETRAINING, plan.seeds)
        yield replace(with_weights(plan, weights, say, pretraining_seed=pretraining), seeds=seeds)


def write(path: Path, profile: str, runs: dict[str, list[Run]]) -> None:
    """Write the measured table; configurations that were not run keep their entries."""
    old = json.loads(path.read_text(encoding="utf-8"))["configurations"] if path.is_file() else {}
    table = {
        "profile": profile,
        "versions": {name: version(name) for name in ("torch", "torchvision", "numpy")},
        "hardware": f"{platform.machine()}, {os.cpu_count()} cores",
        "configurations": {**old, **{id: measured(own) for id, own in runs.items()}},
    }
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(table, indent=1) + "\n", encoding="utf-8")
    os.replace(aside, path)


def measured(runs: list[Run]) -> dict[str, Any]:
    """Means and standard deviations over seeds of every metric, and the mean time of a training."""
    metrics = [name for name in runs[0].history[0] if name not in ("epoch", "loss")]
    spreads = {}
    for metric in metrics:
        tails = [run.tail(metric) for run in runs]
        spreads[metric] = {
            "tail_mean": round(fmean(tails), DIGITS),
            "tail_sd": round(stdev(tails), DIGITS),
            "best_mean": round(fmean(run.best(metric) for run in runs), DIGITS),
            "initial_mean": round(fmean(run.initial(metric) for run in runs), DIGITS),
        }
    return {"seeds": len(runs), "seconds": round(fmean(run.seconds for run in runs), 1), "metrics": spreads}


if __name__ == "__main__":
    sys.exit(main())
