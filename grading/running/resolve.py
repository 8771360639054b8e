"""From the options of a command to a plan."""

import os
from argparse import Namespace
from pathlib import Path

from grading.assignment.assignment import Assignment, Configuration, Profile, read_assignment
from grading.assignment.calibration import read_calibration
from grading.assignment.checks import check_tests
from grading.assignment.test_ids import listed_tests
from grading.data.arrays import DataError, Dataset, cache_folder, writable
from grading.protocol.submission import Submission, locate
from grading.running.plan import Plan
from grading.sandbox.choose import HAS_SANDBOXES, choose
from grading.sandbox.tiers import OwnProcess, Sandbox, Tier
from grading.scoring.blinding import site_key
from grading.tasks.registry import TASKS, task_of
from grading.tasks.task import Task

TESTS_ONLY = "only the tests were to run: --tests-only"  # why nothing is trained


class UsageError(Exception):
    """The options do not fit together; one line."""


def make_plan(options: Namespace, submission: Submission | None = None) -> Plan:
    """Settle what the options leave open and check the data; weights come later, as they may take long.

    Args:
        submission: in place of the one that the options name.

    Raises:
        AssignmentError, UsageError, SubmissionError, DataError, NoSandbox: one line for the user; nothing has been
            written but caches.
    """
    assignment = read_assignment()
    check_tests(assignment, listed_tests())
    configurations = chosen(assignment, options.only)
    submission = submission or locate(options.submission)
    submission.fingerprint()  # a file that cannot be read is reported before anything is written
    tasks = sorted({configuration.task for configuration in configurations})
    profile_name = _profile(options, tasks)
    device = _device(options.device, profile_name)
    cache = writable(cache_folder())
    profile = assignment.profiles[profile_name]
    datasets = {name: _dataset(TASKS[name], profile_name, profile, options, cache) for name in tasks}
    _check_data(configurations, profile_name, datasets, options.limit)
    withheld = _withheld(options)
    sequential = not options.seeds and not withheld and read_calibration(profile_name) is not None
    most = max(assignment.gate.most_seeds, *(c.most_seeds or 0 for c in configurations))
    cores = os.cpu_count() or 1
    one_core_each = profile_name == "mini"
    tier: Tier = choose(unsafe=options.unsafe) if HAS_SANDBOXES else OwnProcess()
    return Plan(
        assignment=assignment,
        profile_name=profile_name,
        submission=submission,
        configurations=configurations,
        seeds=options.seeds or (most if sequential else 1),
        sequential=sequential,
        device=device,
        datasets=datasets,
        weights={},
        epochs=options.epochs,
        limit=options.limit,
        withheld=withheld,
        parallel=cores if one_core_each and isinstance(tier, Sandbox) else 1,
        threads=1 if one_core_each else cores,
        sandbox=tier,
        key=site_key(cache),
        unavailable={c.id: TESTS_ONLY for c in configurations} if options.tests_only else {},
    )


def chosen(assignment: Assignment, only: str | None) -> tuple[Configuration, ...]:
    """The configurations that `--only` names, by question or by id.

    Raises:
        UsageError: a name fits none.
    """
    if only is None:
        return assignment.configurations
    names = [name.strip() for name in only.split(",") if name.strip()]
    known = {name for c in assignment.configurations for name in (c.id, c.question)}
    if not names or set(names) - known:
        discussed = [question.id for question in assignment.questions if question.discussion and question.id in names]
        why = f"{', '.join(discussed)}: a discussion, which is shown beside the trainings that it compares; "
        raise UsageError(f"--only {only}: {why if discussed else ''}choose from {', '.join(sorted(known))}")
    return tuple(c for c in assignment.configurations if c.id in names or c.question in names)


def _profile(options: Namespace, tasks: list[str]) -> str:
    if options.profile != "auto":
        return str(options.profile)
    is_given = all(getattr(options, TASKS[task].facts.option) for task in tasks)
    return "report" if is_given and _has_gpu() else "mini"


def _device(wanted: str, profile_name: str) -> str:
    if wanted == "cuda" and not _has_gpu():
        raise UsageError("--device cuda: torch sees no GPU on this machine")
    if wanted == "auto":
        # The mini profile is calibrated on CPUs, and too small to gain from a GPU.
        return "cuda" if profile_name == "report" and _has_gpu() else "cpu"
    return wanted


def _has_gpu() -> bool:
    # Imported late: torch takes seconds, and only this question needs it here.
    import torch

    return torch.cuda.is_available()


def _dataset(task: Task, profile_name: str, profile: Profile, options: Namespace, cache: Path) -> Dataset:
    if profile_name == "mini":
        return task.generated(cache, profile)
    folder = getattr(options, task.facts.option) or task.downloaded(cache)
    if folder is None:
        raise UsageError(f"the report profile needs --{task.facts.option} DIR: {task.how_to_get}")
    return task.given(folder, cache, profile)


def _check_data(
    configurations: tuple[Configuration, ...], profile_name: str, datasets: dict[str, Dataset], limit: int | None
) -> None:
    """Check before any training starts that crops fit into the images and that a batch has two images.

    Batch normalisation needs two; see `training/batches.py`.
    """
    for c in configurations:
        task_of(c).check_images(c, c.protocols[profile_name], datasets[c.task].train_images)
    if limit == 1:
        raise UsageError("--limit 1: a training needs at least two images")
    for task, dataset in datasets.items():
        if len(dataset.train_images) < 2:
            raise DataError(f"{task}: a training needs at least two images")


def _withheld(options: Namespace) -> str | None:
    limits = [f"--{name} {getattr(options, name)}" for name in ("epochs", "limit") if getattr(options, name)]
    return f"a trial with {' '.join(limits)}" if limits else None
