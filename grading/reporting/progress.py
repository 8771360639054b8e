"""The progress of a run: bars in a terminal, elsewhere a line for each training."""

from collections.abc import Callable
from dataclasses import dataclass, field

from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskID, TextColumn
from rich.table import Column

from grading.assignment.assignment import Configuration
from grading.assignment.training_record import Run
from grading.protocol.text import duration
from grading.reporting.time_left import TimeLeft
from grading.running.plan import Plan

WIDTH_OF_BARS = 58  # of a terminal that has room for them


@dataclass
class Shown:
    """Where progress is shown.

    Attributes:
        say: prints a line.
        tell: prints a line of detail.
        bars: None if there is no terminal.
    """

    say: Callable[[str], None]
    tell: Callable[[str], None]
    bars: Progress | None = None


def columns(width: int) -> list[ProgressColumn]:
    """The parts of a line of progress, for a terminal of this width."""
    if width >= WIDTH_OF_BARS:
        bar = BarColumn(bar_width=None)
        return [TextColumn("{task.description}"), bar, MofNCompleteColumn(), TextColumn("{task.fields[note]}")]
    texts = [
        TextColumn(text, table_column=Column(no_wrap=False, overflow="fold"))
        for text in ("{task.description}", "{task.fields[note]}")
    ]
    return [texts[0], MofNCompleteColumn(), texts[1]]


@dataclass
class TrainingProgress:
    """The progress of the trainings of a run. `epoch` is called by their threads, the rest by the scheduler's."""

    plan: Plan
    done: int
    left: TimeLeft
    shown: Shown
    _epochs: dict[tuple[str, int], TaskID] = field(default_factory=dict)
    _all_trainings: TaskID | None = None

    def __post_init__(self) -> None:
        if self.shown.bars is not None:
            total = self.done + self.left.trainings
            self._all_trainings = self.shown.bars.add_task(
                "all trainings", total=total, completed=self.done, note=self._time_left()
            )

    def epoch(self, configuration: Configuration, seed: int, metrics: dict[str, float]) -> None:
        """Show that an epoch of a training has ended."""
        number, epochs = int(metrics["epoch"]), self.plan.protocol(configuration)["epochs"]
        self.left.epoch(configuration, seed, number)
        name, value = f"{configuration.id} seed {seed}", metrics[configuration.metric]
        loss = f"loss {metrics['loss']:.4f}"
        self.shown.tell(f"{name}: epoch {number} of {epochs}, {loss}, {configuration.metric} {value:.4f}")
        if (bars := self.shown.bars) is None or self._all_trainings is None:
            return
        key = (configuration.id, seed)
        if key not in self._epochs:
            self._epochs[key] = bars.add_task(name, total=epochs, note="")
        bars.update(self._epochs[key], completed=number, note=f"{value:.3f}")
        bars.update(self._all_trainings, note=self._time_left())

    def replanned(self, plan: Plan) -> None:
        """Show that from now on another number of trainings runs at a time."""
        self.plan = self.left.plan = plan
        self.shown.say(f"from now on {plan.parallel} trainings at a time; {self._time_left()}")

    def finished(self, run: Run) -> None:
        """Show that a training has ended."""
        self.done += 1
        self.left.finished(run)
        total, time_left = self.done + self.left.trainings, self._time_left()
        if (bars := self.shown.bars) is not None and self._all_trainings is not None:
            bars.update(self._all_trainings, completed=self.done, total=total, note=time_left)
            if (run.configuration, run.seed) in self._epochs:
                bars.update(self._epochs[run.configuration, run.seed], visible=False)
            return
        metric = self.plan.assignment.configuration(run.configuration).metric
        took = "; ".join(filter(None, (duration(run.seconds), time_left)))
        self.shown.say(f"[{self.done}/{total}] {training_in_words(run, metric)} ({took})")

    def _time_left(self) -> str:
        seconds = self.left.seconds()
        return f"about {duration(seconds)} left" if seconds else ""


def training_in_words(run: Run, metric: str) -> str:
    """What a training reached, or why it did not reach its end."""
    result = f"{metric} {run.tail(metric):.4f}" if run.failure is None else run.failure.partition("\n")[0]
    return f"{run.configuration} seed {run.seed}: {result}"
