"""Measure how often the gates are right: `python -m grading check_verdicts`.

Trains the right and wrong submissions of tests/checker/gradings.toml in the mini profile, and grades each many
times. A grading starts at a seed of its own and goes on as the sequential rule asks; the next starts one seed later,
so that neighbours share trainings. Right submissions must never FAIL. Wrong ones must never PASS: the table says what
their trainings alone show, and which test of the student API stops them before they are trained.

What is trained is in the journals of `--out`: `--resume` goes on with them.
"""

import json
import sys
import tomllib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from statistics import fmean
from typing import Any

from grading import ROOT
from grading.assignment.api_test_record import Checked
from grading.assignment.assignment import Configuration
from grading.assignment.calibration import read_calibration
from grading.assignment.files import write_whole
from grading.assignment.training_record import Run
from grading.checker.catalogue import CATALOGUE, write_submission
from grading.commands.exits import as_command
from grading.commands.options import CANNOT_START, command_line
from grading.reporting.console import Console
from grading.reporting.markdown import table_of
from grading.running.api_tests import run_suite
from grading.running.journal import Journal
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.running.scheduler import carry_out
from grading.verdicts.expectation import expectation_of
from grading.verdicts.outcome import Outcome, distrust
from grading.verdicts.plausible import implausible
from grading.verdicts.stopping import needed_seeds
from grading.verdicts.verdict import judge


@dataclass(frozen=True)
class Row:
    """The gradings of one submission in one configuration."""

    submission: str
    right: bool
    configuration: Configuration
    outcomes: tuple[Outcome, ...]
    stopped_by: Checked | None

    @property
    def counts(self) -> Counter[str]:
        return Counter(outcome.verdict for outcome in self.outcomes)

    @property
    def is_as_it_should_be(self) -> bool:
        if self.right:
            doubted = any(outcome.distrusted for outcome in self.outcomes)
            return not self.counts["FAIL"] and not doubted and self.stopped_by is None
        return not self.counts["PASS"] or self.stopped_by is not None

    def cells(self) -> list[str]:
        """For a table: submission, configuration, gradings, their verdicts, seeds, tails, why, and the test."""
        tails = [outcome.tail for outcome in self.outcomes if outcome.tail is not None]
        verdicts = [str(self.counts[verdict] or "") for verdict in ("PASS", "FAIL", "REVIEW")]
        lines = [line for line in self.outcomes[0].reason.splitlines() if not line.startswith("hint:")]
        return [
            self.submission,
            self.configuration.id,
            str(len(self.outcomes)),
            *verdicts,
            f"{fmean(len(outcome.runs) for outcome in self.outcomes):.1f}",
            f"{min(tails):.3f} to {max(tails):.3f}" if tails else "-",
            "" if self.right else " ".join(" ".join(lines).split()),
            "" if self.stopped_by is None else self.stopped_by.id.partition("::")[2],
        ]


HEADER = ["submission", "configuration", "gradings", "PASS", "FAIL", "REVIEW", "seeds", "tails", "why", "stopped by"]


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 no right submission failed and no wrong one passed, 1 one did, 2 bad usage, 4 the grader broke."""
    parser = command_line("python -m grading check_verdicts", __doc__)
    parser.add_argument("--gradings", type=int, default=4, help="of each right submission (default: %(default)s)")
    parser.add_argument("--wrong-gradings", type=int, default=2, help="of each wrong one (default: %(default)s)")
    parser.set_defaults(profile="mini")
    options = parser.parse_args(arguments)
    console = Console()
    entries = tomllib.loads((CATALOGUE / "gradings.toml").read_text(encoding="utf-8"))
    rows = []
    try:
        reference = make_plan(options)
        out = options.out or Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-verdicts"
        if (out / "submissions").is_dir() and not options.resume:
            raise UsageError(f"--out {out} holds gradings already; give --resume to go on with them")
        calibration = read_calibration(reference.profile_name) or {}
        beyond = max((len(measured.tails) for measured in calibration.values()), default=0)
        for kind, gradings in (("wrong", options.wrong_gradings), ("right", options.gradings)):
            for place, entry in enumerate(entries[kind]):
                options.submission = str(written(entry, out / "submissions"))
                wanted = set(entry.get("configurations", [c.id for c in reference.configurations]))
                plan = make_plan(options)
                chosen = tuple(c for c in plan.configurations if c.id in wanted)
                if not chosen:
                    continue
                if entry.get("calibrated"):
                    rows += graded_by_calibration(replace(plan, configurations=chosen), entry["name"])
                    continue
                plan = with_weights(replace(plan, configurations=chosen), options.weights, console.say)
                # Seeds of its own, beyond the calibration's: the same network with another seed is another experiment.
                first = beyond + place * (gradings + plan.assignment.gate.most_seeds - 1)
                seeds = range(first, first + gradings)
                rows += graded(plan, entry["name"], kind == "right", seeds, out / plan.submission.name, console)
                write(out, rows)
    except CANNOT_START as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console.say((out / "verdicts.md").read_text(encoding="utf-8"))
    return 0 if all(row.is_as_it_should_be for row in rows) else 1


def written(entry: Mapping[str, Any], folder: Path) -> Path:
    """The submission of an entry, as a folder.

    Raises:
        UsageError: its patch does not fit.
    """
    paths = entry.get("modules", {}).items()
    sources = {module: (CATALOGUE / path).read_text(encoding="utf-8") for module, path in paths}
    if (module := entry.get("module")) is not None:
        reference = (ROOT / "solutions" / f"{module}.py").read_text(encoding="utf-8")
        if entry["replace"] not in reference:
            raise UsageError(f"{entry['name']}: the text to replace is not in {module}.py")
        sources[module] = reference.replace(entry["replace"], entry["with"])
    name = "-".join("".join(c if c.isalnum() else " " for c in entry["name"]).split())
    return write_submission(folder / name, sources)


def graded_by_calibration(plan: Plan, name: str) -> list[Row]:
    """Judge the trainings of the calibration itself, each grading from another seed on, as many as there are.

    A calibration keeps the tails of its trainings; their first epoch is the mean of all.
    """
    calibration = read_calibration(plan.profile_name) or {}
    rows = []
    for c in plan.configurations:
        measured = calibration[c.id]
        first_epoch = {"epoch": 1, "loss": 0.0, c.metric: measured.metrics[c.metric].initial_mean}
        histories = [
            (first_epoch, {"epoch": 2, "loss": float(seed), c.metric: tail}) for seed, tail in enumerate(measured.tails)
        ]
        runs = {(c.id, seed): Run(c.id, seed, one, 0.0) for seed, one in enumerate(histories)}
        outcomes = (outcome_from(plan, c, runs, first) for first in range(len(runs)))
        rows.append(Row(name, True, c, tuple(o for o in outcomes if o.verdict != "INCOMPLETE"), None))
    return rows


def graded(plan: Plan, name: str, right: bool, seeds: range, out: Path, console: Console) -> list[Row]:
    """Train a submission as far as the gradings that start at these seeds ask for, and judge each of them."""
    calibration = read_calibration(plan.profile_name)
    rule = plan.assignment.gate
    gates = {c.id: expectation_of(c, plan.profile, calibration, rule) for c in plan.configurations}
    plan = replace(plan, seeds=seeds.stop + max(one.gate.most_seeds for one in gates.values()) - 1)

    def needed(runs: Mapping[tuple[str, int], Run]) -> list[tuple[Configuration, int]]:
        asked_for = {
            (c.id, first + seed)
            for c in plan.configurations
            for first in seeds
            for seed in needed_seeds(window(runs, c, first), gates[c.id], c.metric, gates[c.id].gate.most_seeds)
        }
        return [(c, seed) for c, seed in plan.trainings() if (c.id, seed) in asked_for]

    out.mkdir(parents=True, exist_ok=True)
    console.say(f"{name}: the tests of the student API")
    suite = run_suite(plan.submission, out / "tests.jsonl", unsafe=False)
    journal = Journal(out / "journal.jsonl", plan.identity())
    with console.progress(plan, journal) as progress, (out / "worker.log").open("ab") as log:
        carry_out(plan, journal, progress.epoch, progress.finished, log, needed)
    rows = []
    for c in plan.configurations:
        outcomes = tuple(doubted(outcome_from(plan, c, journal.runs, first)) for first in seeds)
        rows.append(Row(name, right, c, outcomes, suite.first_failure(c.required_tests)))
    return rows


def outcome_from(plan: Plan, c: Configuration, runs: Mapping[tuple[str, int], Run], first: int) -> Outcome:
    """The grading that starts at a seed."""
    rule = plan.assignment.gate
    expectation = expectation_of(c, plan.profile, read_calibration(plan.profile_name), rule)
    own = window(runs, c, first)
    kept = needed_seeds(own, expectation, c.metric, expectation.gate.most_seeds)
    known = [run for seed, run in own.items() if seed in kept]
    return judge(c, known, expectation, seeds=expectation.gate.most_seeds, withheld=None)


def doubted(outcome: Outcome) -> Outcome:
    """The outcome without points, where its learning curves are implausible."""
    why = implausible(outcome.runs, outcome.configuration.metric, outcome.expectation.bounds)
    return outcome if why is None else distrust(outcome, why)


def window(runs: Mapping[tuple[str, int], Run], configuration: Configuration, first: int) -> dict[int, Run]:
    """The trainings of a configuration from a seed on, counted from there."""
    return {
        seed - first: replace(run, seed=seed - first)
        for (id, seed), run in runs.items()
        if id == configuration.id and seed >= first
    }


def write(out: Path, rows: list[Row]) -> None:
    """verdicts.md, a table for people, and verdicts.json."""
    write_whole(out / "verdicts.md", table_of(HEADER, (row.cells() for row in rows)))
    table = [dict(zip(HEADER, row.cells(), strict=True)) for row in rows]
    write_whole(out / "verdicts.json", json.dumps(table, indent=1) + "\n")
