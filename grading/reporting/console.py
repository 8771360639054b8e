"""What a person sees in the terminal, or in a file if standard output is one."""

import os
import shlex
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console as RichConsole
from rich.progress import Progress
from rich.text import Text

from grading.assignment.assignment import Assignment, Configuration
from grading.protocol.text import printable
from grading.reporting.configuration_table import columns_of, plain_line, points_line
from grading.reporting.progress import Shown, TrainingProgress, columns
from grading.reporting.streams import guard_streams
from grading.reporting.summary import STYLES, result_lines, summary_lines, verdict_columns
from grading.reporting.tables import Column, table_lines
from grading.reporting.time_left import Missing, TimeLeft
from grading.running.journal import Journal
from grading.running.plan import Plan

if TYPE_CHECKING:
    from grading.reporting.results import Results

FILE_WIDTH = 120  # of a table that no terminal shows: wide enough to cut nothing


class Console:
    """Standard output. Colours need a terminal, or FORCE_COLOR; with NO_COLOR or TERM=dumb there are none.

    Args:
        quiet: show results alone.
        verbose: show details, too.
    """

    def __init__(self, *, quiet: bool = False, verbose: bool = False) -> None:
        guard_streams()
        self._quiet = quiet
        self._verbose = verbose
        self._rich = RichConsole(highlight=False)
        # FORCE_COLOR makes rich believe in a terminal, but bars that move need a real one.
        self._is_terminal = _is_terminal() and os.environ.get("TERM", "") not in ("dumb", "unknown")
        if not _is_terminal():
            self._rich.width = FILE_WIDTH

    def say(self, line: str) -> None:
        """Print one line, unless only results are asked for."""
        if not self._quiet:
            self.result(line)

    def tell(self, line: str) -> None:
        """Print one line if details are asked for."""
        if self._verbose:
            self.result(line)

    def result(self, line: str, *, is_prose: bool = True) -> None:
        """Print one line in any case. A verdict that it begins with is coloured.

        Args:
            is_prose: whether a terminal may break it between words; what will be pasted is left whole.
        """
        text = Text(printable(line))
        verdict = line.partition(" ")[0]
        if verdict in STYLES:
            text.stylize(STYLES[verdict], 0, len(verdict))
        self._rich.print(text, soft_wrap=not (is_prose and _is_terminal()))

    def table(self, columns: Sequence[Column]) -> None:
        """Print a table that fits into the terminal."""
        for line in table_lines(columns, self._rich.width):
            self._rich.print(line, soft_wrap=True)

    def list_configurations(
        self, assignment: Assignment, configurations: Sequence[Configuration], profile: str = "mini"
    ) -> None:
        """Print what is known of configurations: a table in a terminal, elsewhere a line for each that scripts read."""
        if not _is_terminal():
            for configuration in configurations:
                self.result(plain_line(configuration))
            return
        self.table(columns_of(assignment, configurations, profile))
        self.result(points_line(assignment, configurations, profile))

    @contextmanager
    def progress(self, plan: Plan, journal: Journal, missing: Missing | None = None) -> Iterator[TrainingProgress]:
        """Show the trainings of a plan while the block runs.

        Args:
            missing: those that are to come or under way; all of the plan if it is not given.
        """

        def of_the_plan() -> list[tuple[Configuration, int]]:
            return [(c, seed) for c, seed in plan.trainings() if (c.id, seed) not in journal.runs]

        left = TimeLeft(plan, list(journal.runs.values()), missing or of_the_plan)
        shown = Shown(self.say, self.tell)
        if not self._is_terminal or self._quiet:
            yield TrainingProgress(plan, len(journal.runs), left, shown)
            return
        with Progress(*columns(self._rich.width), console=self._rich) as shown.bars:
            yield TrainingProgress(plan, len(journal.runs), left, shown)

    def summary(self, results: "Results", out: Path, next_step: str = "") -> None:
        """Verdicts, relations, points, and where the files are.

        Args:
            out: the folder of the results.
            next_step: what a person does next; empty for nothing.
        """
        if self._quiet:
            lines = result_lines(results)
        else:
            self.table(verdict_columns(results))
            lines = summary_lines(results, all_reasons=self._verbose)
        for line in lines:
            self.result(line)
        report = f"report: {shlex.quote(str(out / 'report.html'))}"
        self.result(f"{report}; next: {next_step}" if next_step else report, is_prose=False)


def _is_terminal() -> bool:
    try:
        return bool(sys.stdout.isatty())
    except ValueError:  # it is closed
        return False
