"""What a person sees in the terminal: progress bars, or plain lines if there is no terminal."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.protocol.text import duration, printable
from grading.reporting.streams import guard_streams
from grading.reporting.summary import summary_lines, verdict_table
from grading.running.journal import Journal
from grading.running.plan import Plan

if TYPE_CHECKING:
    from grading.reporting.results import Results

FILE_WIDTH = 120  # of a table that no terminal shows: wide enough to cut nothing


class Console:
    """Standard output."""

    def __init__(self) -> None:
        guard_streams()
        self._rich = RichConsole(highlight=False)
        if not self._rich.is_terminal:
            self._rich.width = FILE_WIDTH

    def say(self, line: str) -> None:
        """Print one line."""
        self._rich.print(printable(line), markup=False, soft_wrap=True)

    def list_configurations(self, configurations: Sequence[Configuration]) -> None:
        """Print the id, title and published figure of each configuration."""
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
        """Verdicts, relations, points, and where the files are.

        Args:
            out: the folder of the results.
        """
        self._rich.print(verdict_table(results))
        for line in summary_lines(results, out):
            self.say(line)


class TrainingProgress:
    """The progress of a run: bars in a terminal, elsewhere one line per training.

    Args:
        bars: the bars; None if there is no terminal.
    """

    def __init__(self, console: Console, plan: Plan, journal: Journal, bars: Progress | None) -> None:
        self._console = console
        self._plan = plan
        self._bars = bars
        self._epochs: dict[tuple[str, int], TaskID] = {}
        self._total = plan.expected_trainings()
        self._done = len(journal.runs)
        self._all_trainings = (
            None if bars is None else bars.add_task("all trainings", total=self._total, completed=self._done)
        )

    def epoch(self, configuration: Configuration, seed: int, metrics: dict[str, float]) -> None:
        """Show that an epoch of a training has ended."""
        if self._bars is None:
            return
        key = (configuration.id, seed)
        if key not in self._epochs:
            total = self._plan.protocol(configuration)["epochs"]
            self._epochs[key] = self._bars.add_task(f"{configuration.id} seed {seed}", total=total)
        value = f"{configuration.metric} {metrics[configuration.metric]:.3f}"
        self._bars.update(self._epochs[key], advance=1, description=f"{configuration.id} seed {seed}: {value}")

    def replanned(self, plan: Plan) -> None:
        """Show that from now on another number of trainings runs at a time."""
        self._plan = plan
        total = duration(plan.estimated_seconds())
        self._console.say(f"from now on {plan.parallel} trainings at a time; about {total} for all")

    def finished(self, run: Run) -> None:
        """Show that a training has ended."""
        self._done += 1
        if self._bars is not None and self._all_trainings is not None:
            self._bars.update(self._all_trainings, completed=self._done)
            if (run.configuration, run.seed) in self._epochs:
                self._bars.update(self._epochs[run.configuration, run.seed], visible=False)
            return
        metric = self._plan.assignment.configuration(run.configuration).metric
        result = f"{metric} {run.tail(metric):.4f}" if run.failure is None else run.failure.partition("\n")[0]
        count = f"[{self._done}/{max(self._done, self._total)}]"
        self._console.say(f"{count} {run.configuration} seed {run.seed}: {result} ({duration(run.seconds)})")
