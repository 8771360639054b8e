"""Measure how often the gates are right: `python -m grading check_verdicts`.

It trains the right and wrong submissions of tests/checker/gradings.toml in the mini profile, and grades each several
times. A grading starts at some seed and goes on as the sequential rule asks. The next one starts one seed later, so
they share trainings. Right submissions must never FAIL. Wrong ones must never PASS: the table says what their trainings
alone show, and which test of the student API stops them before they are trained.

The trainings are in the journals of `--out`; `--resume` goes on with them.
"""

import json
import sys
import tomllib
from argparse import Namespace
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
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
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import UsageError, make_plan
from grading.verdicts.expectation import expectation_of
from grading.verdicts.outcome import Outcome, distrust
from grading.verdicts.plausible import implausible
from grading.verdicts.stopping import needed_seeds
from grading.verdicts.verdict import judge


@dataclass(frozen=True)
class Row:
    """The gradings of one submission in one configuration.

    Attributes:
        right: whether the submission is right.
        stopped_by: the required test that fails before anything is trained; None if all pass.
    """

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
        """The row as text, in the order of HEADER."""
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
    add = parser.add_argument_group("how often").add_argument
    add("--gradings", type=int, default=4, help="of each right submission (default: %(default)s)")
    add("--wrong-gradings", type=int, default=2, help="of each wrong one (default: %(default)s)")
    parser.set_defaults(profile="mini")
    options = parser.parse_args(arguments)
    console = Console()
    rows: list[Row] = []
    try:
        out = options.out or Path("runs") / f"{datetime.now():%Y%m%d-%H%M%S}-verdicts"
        for rows_of_entry in grade_catalogue(options, out, console):
            rows += rows_of_entry
            write(out, rows)
    except CANNOT_START as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    console.say((out / "verdicts.md").read_text(encoding="utf-8"))
    return 0 if all(row.is_as_it_should_be for row in rows) else 1


def grade_catalogue(options: Namespace, out: Path, console: Console) -> Iterator[list[Row]]:
    """Grade every submission of the catalogue in the chosen configurations; yields the rows of each.

    Raises:
        UsageError: `out` holds gradings, and `--resume` is not given.
    """
    reference = make_plan(options)
    if (out / "submissions").is_dir() and not options.resume:
        raise UsageError(f"--out {out} holds gradings already; give --resume to go on with them")
    calibration = read_calibration(reference.profile_name) or {}
    calibrated_seeds = max((len(measured.tails) for measured in calibration.values()), default=0)
    entries = tomllib.loads((CATALOGUE / "gradings.toml").read_text(encoding="utf-8"))
    for kind, gradings in (("wrong", options.wrong_gradings), ("right", options.gradings)):
        for number, entry in enumerate(entries[kind]):
            options.submission = str(write_entry(entry, out / "submissions"))
            plan = make_plan(options)
            wanted = set(entry.get("configurations", [c.id for c in reference.configurations]))
            plan = replace(plan, configurations=tuple(c for c in plan.configurations if c.id in wanted))
            if not plan.configurations:
                continue
            if entry.get("calibrated"):
                yield grade_by_calibration(plan, entry["name"])
                continue
            plan = with_weights(plan, options.weights, console.say)
            # Each submission has other seeds, beyond the calibration's: the same network with the same seed would be
            # the same experiment.
            first = calibrated_seeds + number * (gradings + plan.assignment.gate.most_seeds - 1)
            seeds = range(first, first + gradings)
            yield grade(plan, entry["name"], kind == "right", seeds, out / plan.submission.name, console)


def write_entry(entry: Mapping[str, Any], folder: Path) -> Path:
    """Write the submission of an entry of gradings.toml; returns its folder.

    Args:
        folder: of all submissions.

    Raises:
        UsageError: the text that is to be replaced is not in the reference.
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


def grade_by_calibration(plan: Plan, name: str) -> list[Row]:
    """Judge the trainings of the calibration itself, with a grading from each seed on.

    A calibration keeps the tails of its trainings, but only the mean of their first epochs. So each training has two
    epochs here: that mean, and its tail.
    """
    calibration = read_calibration(plan.profile_name) or {}
    rows = []
    for c in plan.configurations:
        measured = calibration[c.id]
        first_epoch = {"epoch": 1, "loss": 0.0, c.metric: measured.metrics[c.metric].initial_mean}
        histories = [
            (first_epoch, {"epoch": 2, "loss": float(seed), c.metric: tail}) for seed, tail in enumerate(measured.tails)
        ]
        runs = {(c.id, seed): Run(c.id, seed, history, 0.0) for seed, history in enumerate(histories)}
        outcomes = (outcome_from(plan, c, runs, first) for first in range(len(runs)))
        rows.append(Row(name, True, c, tuple(o for o in outcomes if o.verdict != "INCOMPLETE"), None))
    return rows


def grade(plan: Plan, name: str, right: bool, seeds: range, out: Path, console: Console) -> list[Row]:
    """Train a submission as often as the gradings that start at these seeds need, and judge each of them."""
    calibration = read_calibration(plan.profile_name)
    expected = {c.id: expectation_of(c, plan.profile, calibration, plan.assignment.gate) for c in plan.configurations}
    plan = replace(plan, seeds=seeds.stop + max(expectation.gate.most_seeds for expectation in expected.values()) - 1)

    def needed(runs: Mapping[tuple[str, int], Run]) -> list[tuple[Configuration, int]]:
        keys = set()
        for c in plan.configurations:
            for first in seeds:
                most_seeds = expected[c.id].gate.most_seeds
                for seed in needed_seeds(window(runs, c, first), expected[c.id], c.metric, most_seeds):
                    keys.add((c.id, first + seed))
        return [(c, seed) for c, seed in plan.trainings() if (c.id, seed) in keys]

    out.mkdir(parents=True, exist_ok=True)
    console.say(f"{name}: the tests of the student API")
    suite = run_suite(plan.submission, out / "tests.jsonl", unsafe=False)
    journal = Journal(out / "journal.jsonl", plan.identity())

    def missing() -> list[tuple[Configuration, int]]:
        return [(c, seed) for c, seed in needed(journal.runs) if (c.id, seed) not in journal.runs]

    with console.progress(plan, journal, missing) as progress, (out / "worker.log").open("ab") as log:
        carry_out_one(Grading(plan, journal, log, needed, epoch=progress.epoch, finished=progress.finished))
    rows = []
    for c in plan.configurations:
        outcomes = tuple(doubted(outcome_from(plan, c, journal.runs, first)) for first in seeds)
        rows.append(Row(name, right, c, outcomes, suite.first_failure(c.required_tests)))
    return rows


def outcome_from(plan: Plan, c: Configuration, runs: Mapping[tuple[str, int], Run], first: int) -> Outcome:
    """The grading of a configuration that starts at the seed `first`."""
    expectation = expectation_of(c, plan.profile, read_calibration(plan.profile_name), plan.assignment.gate)
    most_seeds = expectation.gate.most_seeds
    by_seed = window(runs, c, first)
    seeds = needed_seeds(by_seed, expectation, c.metric, most_seeds)
    known = [run for seed, run in by_seed.items() if seed in seeds]
    return judge(c, known, expectation, seeds=most_seeds, withheld=None)


def doubted(outcome: Outcome) -> Outcome:
    """The outcome, without points if its learning curves are implausible."""
    why = implausible(outcome.runs, outcome.configuration.metric, outcome.expectation.bounds)
    return outcome if why is None else distrust(outcome, why)


def window(runs: Mapping[tuple[str, int], Run], configuration: Configuration, first: int) -> dict[int, Run]:
    """The trainings of a configuration from the seed `first` on, by their seed counted from there."""
    return {
        seed - first: replace(run, seed=seed - first)
        for (id, seed), run in runs.items()
        if id == configuration.id and seed >= first
    }


def write(out: Path, rows: list[Row]) -> None:
    """Write verdicts.md, a table for people, and verdicts.json."""
    write_whole(out / "verdicts.md", table_of(HEADER, (row.cells() for row in rows)))
    table = [dict(zip(HEADER, row.cells(), strict=True)) for row in rows]
    write_whole(out / "verdicts.json", json.dumps(table, indent=1) + "\n")
