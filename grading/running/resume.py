"""Going on with a run that was stopped."""

import os
from contextlib import suppress
from pathlib import Path

from grading.assignment.assignment import MISTAKEN, OBEYED
from grading.assignment.training_record import Run
from grading.running.evidence import remove_evidence
from grading.running.journal import Journal, JournalError, JournalInUse
from grading.running.plan import Plan
from grading.running.resolve import UsageError


def opened_journal(out: Path, plan: Plan) -> Journal:
    """The journal of a folder of results, which is made if it is missing.

    Raises:
        UsageError: nothing can be written there.
        JournalError: it belongs to another run, is damaged, or another grader is at work on it.
    """
    try:
        out.mkdir(parents=True, exist_ok=True)
        journal = Journal(out / "journal.jsonl", plan.identity())
    except OSError as error:
        raise UsageError(
            f"{out}: cannot be written ({error.strerror or error}); give another folder as --out"
        ) from None
    if not all(_fits(plan, run) for run in journal.runs.values()) or not _of_the_same_images(plan, journal):
        raise JournalError(f"{out / 'journal.jsonl'}: damaged (trainings of no such assignment); choose another --out")
    return journal


def journal_of_this(folder: Path, plan: Plan) -> Journal:
    """The journal of a folder of results. One of another submission or grader, or a damaged one, is set aside first.

    Raises:
        JournalInUse: another grader is at work on it.
        UsageError: nothing can be written there.
    """
    try:
        return opened_journal(folder, plan)
    except JournalInUse:
        raise
    except JournalError:
        set_journal_aside(folder)
        return opened_journal(folder, plan)


def set_journal_aside(folder: Path) -> None:
    """Rename the journal of a folder of results, if there is one: the next run trains everything anew."""
    remove_evidence(folder)
    with suppress(FileNotFoundError):
        os.replace(folder / "journal.jsonl", folder / "journal-before.jsonl")


def _fits(plan: Plan, run: Run) -> bool:
    """Whether a training is one of a configuration that there is, with its metrics and epochs."""
    every = (each for c in plan.assignment.configurations for each in (c, c.as_control))
    for configuration in (c for c in every if c.id == run.configuration):
        whole = run.failure is not None or len(run.history) == plan.protocol(configuration)["epochs"]
        metrics = {OBEYED, MISTAKEN} if configuration.control else {configuration.metric, *configuration.published}
        return whole and all(metrics <= set(epoch) for epoch in run.history)
    return False


def _of_the_same_images(plan: Plan, journal: Journal) -> bool:
    """Whether all trainings of a task have equally many images, and all of a configuration equally many classes."""
    images: dict[str, set[int]] = {}
    classes: dict[str, set[int]] = {}
    for run in journal.runs.values():
        if run.counts_by_image is not None:
            right = run.counts_by_image["right"]
            images.setdefault(plan.assignment.configuration(run.configuration).task, set()).add(len(right))
            classes.setdefault(run.configuration, set()).add(len(right[0]))
    return all(len(sizes) == 1 for sizes in (*images.values(), *classes.values()))
