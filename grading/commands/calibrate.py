"""Measure what the reference reaches: `python -m grading calibrate --profile mini --seeds 20`.

It writes grading/assignment/calibrations/PROFILE.json, the expected values that submissions are held against. It takes
the options of run_all.py that name data, weights or a device.

In the mini profile the networks are pretrained again after every four seeds: another machine rounds differently and so
arrives at other weights, and the measured spread must cover that.

If the contract leaves a design to the student, every other right design in tests/checker/wheats is trained once, too.
`--designs 0` leaves them out, and keeps what an earlier calibration measured of them under the same conditions. Without
any, no number can fail the configurations that use them.

Every training is measured on other secret pictures, so that the spread covers the choice of pictures. Controls
(`grading.scoring.control`) are trained too, to know how well right submissions learn a secret rule.
"""

import json
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from grading.assignment.assignment import Configuration
from grading.assignment.calibration import FOLDER
from grading.assignment.files import write_whole
from grading.assignment.training_record import Run
from grading.checker.catalogue import wheats, write_submission
from grading.commands.exits import as_command
from grading.commands.options import CANNOT_START, command_line, out_folder
from grading.protocol.submission import locate
from grading.protocol.text import one_line
from grading.reporting.console import Console
from grading.running.conditions import conditions, made_with
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.scoring.control import gap
from grading.verdicts.gate import sd_upper_bound
from grading.verdicts.plausible import range_before_tail

DIGITS = 6
SEEDS_PER_PRETRAINING = 4


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 written, 1 a training failed, 2 bad usage or missing data, 4 the grader broke."""
    parser = command_line("python -m grading calibrate", __doc__)
    parser.add_argument_group("calibration").add_argument(
        "--designs",
        type=int,
        choices=[0, 1],
        default=1,
        help="0: do not train the other right designs, and keep what is known of them",
    )
    options = parser.parse_args(arguments)
    console = Console()
    try:
        plan = replace(make_plan(options), pictures_by_seed=True)
        if plan.withheld or plan.seeds < 2:
            raise UsageError("a calibration needs at least two seeds and no limits")
        out = out_folder(options, plan)
        plan = with_weights(plan, options.weights, console.say)
        runs = train(plan, parts(plan, options.weights, console.say), out, console, plan.configurations)
        designs: list[tuple[str, Run]] = []
        for name, design in other_designs(plan, out) if options.designs else ():
            design = with_weights(design, options.weights, console.say)
            folder, controlled = out / "designs" / name, one_of_each_network(design.trainable)
            designs += [(name, run) for run in train(design, [design], folder, console, controlled)]
    except CANNOT_START as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr)
        return 2
    if failed := [run for run in (*runs, *(run for _, run in designs)) if run.failure]:
        print(f"error: {failed[0].configuration} seed {failed[0].seed}: {failed[0].failure}", file=sys.stderr)
        return 1
    path = FOLDER / f"{plan.profile_name}.json"
    write(path, plan, runs, designs if options.designs else None)
    console.say(f"{path} written")
    return 0


def train(
    plan: Plan, parts: Iterable[Plan], out: Path, console: Console, controlled: Iterable[Configuration]
) -> list[Run]:
    """Run every training of a plan, and of the controls of some configurations, that is not in the journal yet.

    Args:
        parts: the plan, in parts that are carried out one after another; see `parts`.
        out: the folder of the journal.
        controlled: the configurations whose controls are trained.

    Returns:
        All these trainings.
    """
    wanted = [*plan.trainings()]
    wanted += [(c.as_control, seed) for c in controlled for seed in range(0, plan.seeds, SEEDS_PER_PRETRAINING)]
    out.mkdir(parents=True, exist_ok=True)
    journal = Journal(out / "journal.jsonl", plan.identity())

    def missing() -> list[tuple[Configuration, int]]:
        return [(c, seed) for c, seed in wanted if (c.id, seed) not in journal.runs]

    with console.progress(plan, journal, missing) as progress, (out / "worker.log").open("ab") as log:
        for part in parts:
            wanted_in_part = [(c, seed) for c, seed in wanted if seed < part.seeds]
            wanted_now = partial(_always, wanted_in_part)
            grading = Grading(part, journal, log, wanted_now, epoch=progress.epoch, finished=progress.finished)
            carry_out_one(grading)
    return [journal.runs[c.id, seed] for c, seed in wanted]


def _always(wanted: list[tuple[Configuration, int]], _: object) -> list[tuple[Configuration, int]]:
    """The same trainings, whatever has been trained."""
    return wanted


def one_of_each_network(configurations: Iterable[Configuration]) -> list[Configuration]:
    """The first configuration of each network: the controls of the others would show the same."""
    return list({c.network_key: c for c in reversed(list(configurations))}.values())


def other_designs(plan: Plan, out: Path) -> Iterator[tuple[str, Plan]]:
    """A name and a plan of one seed for each wheat whose module is a free design in some configuration.

    The submission of the plan is the reference with this module.
    """
    modules = sorted({module for c in plan.configurations for module in c.free})
    for module in modules:
        configurations = tuple(c for c in plan.configurations if module in c.free)
        for wheat in (wheat for wheat in wheats() if wheat.module == module):
            name = f"{module}-{wheat.style}"
            folder = write_submission(out / "submissions" / name, {module: wheat.source})
            yield name, replace(plan, submission=locate(str(folder)), configurations=configurations, seeds=1)


def parts(plan: Plan, weights: Path | None, say: Callable[[str], None]) -> Iterator[Plan]:
    """The plan in parts: each has the seeds of the parts before it, and some more with other pretrained weights."""
    if plan.profile_name != "mini":
        yield plan
        return
    for pretraining, first in enumerate(range(0, plan.seeds, SEEDS_PER_PRETRAINING)):
        seeds = min(first + SEEDS_PER_PRETRAINING, plan.seeds)
        yield replace(with_weights(plan, weights, say, pretraining_seed=pretraining), seeds=seeds)


def write(path: Path, plan: Plan, runs: list[Run], designs: list[tuple[str, Run]] | None) -> None:
    """Write the calibration; configurations that were not run keep their entries.

    Args:
        path: the file.
        runs: of the reference.
        designs: of other designs, each with its design's name; None to keep those in the file.
    """
    old = json.loads(path.read_text(encoding="utf-8"))["configurations"] if path.is_file() else {}
    new = {
        c.id: {
            "conditions": conditions(plan, c),
            "made_with": made_with(plan.device),
            **of_configuration(c, runs, designs or (), plan.assignment.gate.confidence),
        }
        for c in plan.configurations
    }
    if designs is None:
        new = {id: with_designs_of(old.get(id, {}), entry) for id, entry in new.items()}
    table = {
        "profile": plan.profile_name,
        "configurations": {**old, **new},
    }
    write_whole(path, json.dumps(table, indent=1) + "\n")


def with_designs_of(earlier: Mapping[str, Any], entry: dict[str, Any]) -> dict[str, Any]:
    """The entry of a configuration with the other designs of an earlier one, if both have the same conditions."""
    if earlier.get("conditions") != entry["conditions"]:
        return entry
    kept = {key: earlier[key] for key in ("design_early", "designs", "design_control_gaps")}
    least = {key: min(entry[key], earlier[key]) for key in ("least_progress", "least_range")}
    return {**entry, **kept, **(least if kept["designs"] else {})}


def of_configuration(
    c: Configuration, runs: Iterable[Run], designs: Iterable[tuple[str, Run]], confidence: float
) -> dict[str, Any]:
    """What was measured of one configuration, as mini.json holds it; see `grading.assignment.calibration.Measured`."""
    reference = [run for run in runs if run.configuration == c.id]
    others = {name: run for name, run in designs if run.configuration == c.id}
    control_gaps = [gap(run) for run in runs if run.configuration == c.as_control.id]
    design_control_gaps = {name: gap(run) for name, run in designs if run.configuration == c.as_control.id}
    every_run = [*reference, *others.values()]
    curve = [fmean(values) for values in zip(*(run.values(c.metric) for run in reference), strict=True)]
    return {
        **measured(reference, confidence),
        "least_progress": _rounded(min(run.tail(c.metric) - run.initial(c.metric) for run in every_run)),
        "least_range": _rounded(min(range_before_tail(run, c.metric) for run in every_run)),
        "curve": _rounded_list(curve),
        "early": _rounded_list(run.early(c.metric) for run in reference),
        "tails": _rounded_list(run.tail(c.metric) for run in reference),
        "control_gaps": _rounded_list(control_gaps),
        "design_early": {name: _rounded(run.early(c.metric)) for name, run in others.items()},
        "designs": {name: _rounded(run.tail(c.metric)) for name, run in others.items()},
        "design_control_gaps": {name: _rounded(value) for name, value in design_control_gaps.items()},
    }


def measured(runs: list[Run], confidence: float) -> dict[str, Any]:
    """Means and standard deviations over seeds of every metric, and the time of the fastest training.

    The others may have shared the machine with something else.

    Args:
        confidence: of the upper bound of a standard deviation.
    """
    metrics = [name for name in runs[0].history[0] if name not in ("epoch", "loss")]
    spreads = {}
    for metric in metrics:
        tails = [run.tail(metric) for run in runs]
        spreads[metric] = {
            "tail_mean": _rounded(fmean(tails)),
            "tail_sd": _rounded(stdev(tails)),
            "tail_sd_upper": _rounded(sd_upper_bound(stdev(tails), len(tails), confidence)),
            "best_mean": _rounded(fmean(run.best(metric) for run in runs)),
            "initial_mean": _rounded(fmean(run.initial(metric) for run in runs)),
        }
    return {"seeds": len(runs), "seconds": round(min(run.seconds for run in runs), 1), "metrics": spreads}


def _rounded(value: float) -> float:
    return round(value, DIGITS)


def _rounded_list(values: Iterable[float]) -> list[float]:
    return [_rounded(value) for value in values]
