"""What a person sees in the terminal: progress bars, or plain lines if there is no terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.protocol.text import duration, printable
from grading.reporting.streams import guard_streams
from grading.running.journal import Journal
from grading.running.plan import Plan

if TYPE_CHECKING:
    from grading.reporting.results import Results

FILE_WIDTH = 120  # of a table that no terminal shows: nothing in it need be cut
STYLES = {"PASS": "green", "FAIL": "red", "REVIEW": "yellow", "INCOMPLETE": "yellow"}


class Console:
    """Standard output."""

    def __init__(self) -> None:
        guard_streams()
        self._rich = RichConsole(highlight=False)
        if not self._rich.is_terminal:
            self._rich.width = FILE_WIDTH

    def say(self, line: str) -> None:
        """One line."""
        self._rich.print(printable(line), markup=False, soft_wrap=True)

    def list_configurations(self, configurations: Sequence[Configuration]) -> None:
        """Ids, questions, titles and published figures."""
        for configuration in configurations:
            best = configuration.published[configuration.metric]["best"]
            self.say(f"{configuration.id:17} {configuration.title} (published {configuration.metric}: {best:.4f})")

    @contextmanager
    def progress(self, plan: Plan, journal: Journal) -> Iterator["TrainingProgress"]:
        """Show the trainings of a plan while the block runs."""
        if not self._rich.is_terminal:
            yield TrainingProgress(self, plan, journal, None)
            return
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        with Progress(*columns, console=self._rich) as bars:
            yield TrainingProgress(self, plan, journal, bars)

    def summary(self, results: "Results", out: Path) -> None:
        """Verdicts, relations, points, and where the files are."""
        table = Table("", "verdict", "metric", "initial", "best", "tail", "expected", "published")
        for column in table.columns:
            column.overflow = "fold"
        for id, outcome in results.outcomes.items():
            metric = outcome.configuration.metric
            runs = outcome.finished
            cells = [_mean([run.initial(metric) for run in runs]), _mean([run.best(metric) for run in runs])]
            table.add_row(
                id,
                f"[{STYLES[outcome.verdict]}]{outcome.verdict}[/]",
                metric,
                *cells,
                _mean([run.tail(metric) for run in runs]),
                "-" if outcome.expectation.misfit else f"{outcome.expectation.tail:.4f}",
                f"{outcome.configuration.published[metric]['best']:.4f}",
            )
        self._rich.print(table)
        for id, outcome in results.outcomes.items():
            if outcome.verdict != "PASS":
                self.say(f"{outcome.verdict} {id}: {outcome.reason}")
        for control in results.controls:
            if control.why is not None:
                self.say(f"{control.configuration.id}: {control.why}")
        for relation in results.relations:
            difference = "" if relation.difference is None else f" ({relation.difference:+.4f})"
            gate = "" if relation.holds else f"; FAIL: {relation.required:+.4f} was asked for"
            self.say(f"{relation.relation.id}: {relation.verdict}{difference}{gate}")
        for question in results.questions if results.suite.tests else []:
            if question.id in results.undecided_tests:
                why = results.undecided_tests[question.id]
                self.say(f"tests of {question.id}: {why}; {question.test_points:g} points are not decided")
                continue
            tests = results.suite.of(question.id)
            passed = sum(test.outcome == "PASS" for test in tests)
            earned, possible = results.test_points(question)
            self.say(f"tests of {question.id}: {passed} of {len(tests)} ({earned:g} of {possible:g} points)")
        for note in results.grader_notes:
            self.say(f"the grader's own trouble: {note}")
        where = f"{out}/report.html shows the learning curves"
        if results.plan.withheld:
            self.say(f"{results.plan.withheld}: no verdicts, and no points; {where}")
            return
        for id, outcome in results.outcomes.items():
            power = outcome.expectation.power
            if power is not None and power.is_weak:
                self.say(f"{id}: {power}")
        for note in results.calibration_notes:
            self.say(f"note: {note}")
        earned, possible = results.score
        self.say(f"{earned:g} of {possible:g} points; {where}")


class TrainingProgress:
    """Bars for a terminal, one line per training elsewhere."""

    def __init__(self, console: Console, plan: Plan, journal: Journal, bars: Progress | None) -> None:
        self._console = console
        self._plan = plan
        self._bars = bars
        self._epochs: dict[tuple[str, int], TaskID] = {}
        self._total = plan.expected_trainings()
        self._done = len(journal.runs)
        self._all = None if bars is None else bars.add_task("all trainings", total=self._total, completed=self._done)

    def epoch(self, configuration: Configuration, seed: int, metrics: dict[str, float]) -> None:
        """An epoch has ended."""
        if self._bars is None:
            return
        key = (configuration.id, seed)
        if key not in self._epochs:
            total = self._plan.protocol(configuration)["epochs"]
            self._epochs[key] = self._bars.add_task(f"{configuration.id} seed {seed}", total=total)
        value = f"{configuration.metric} {metrics[configuration.metric]:.3f}"
        self._bars.update(self._epochs[key], advance=1, description=f"{configuration.id} seed {seed}: {value}")

    def finished(self, run: Run) -> None:
        """A training has ended."""
        self._done += 1
        if self._bars is not None and self._all is not None:
            self._bars.update(self._all, completed=self._done)
            if (run.configuration, run.seed) in self._epochs:
                self._bars.update(self._epochs[run.configuration, run.seed], visible=False)
            return
        metric = self._plan.assignment.configuration(run.configuration).metric
        said = f"{metric} {run.tail(metric):.4f}" if run.failure is None else run.failure.partition("\n")[0]
        count = f"[{self._done}/{max(self._done, self._total)}]"
        self._console.say(f"{count} {run.configuration} seed {run.seed}: {said} ({duration(run.seconds)})")


def _mean(values: list[float]) -> str:
    return f"{sum(values) / len(values):.4f}" if values else "-"
