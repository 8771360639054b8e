"""From the options of a command to a plan."""

import os
from argparse import Namespace
from pathlib import Path

from grading.assignment.assignment import Assignment, Configuration, Profile, read_assignment
from grading.assignment.calibration import read_calibration
from grading.assignment.checks import check_tests
from grading.assignment.test_ids import listed_tests
from grading.data.arrays import DataError, Dataset, Images, cache_folder, writable
from grading.protocol.submission import locate
from grading.running.plan import Plan
from grading.sandbox.choose import choose
from grading.scoring.blinding import site_key


class UsageError(Exception):
    """The options do not fit together; one line."""


def make_plan(options: Namespace) -> Plan:
    """Settle what the options leave open and check the data; weights come later, as they may take long.

    Raises:
        AssignmentError, UsageError, SubmissionError, DataError, NoSandbox: one line for the user; nothing has been
            written but caches.
    """
    assignment = read_assignment()
    check_tests(assignment, listed_tests())
    configurations = chosen(assignment, options.only)
    submission = locate(options.submission)
    submission.fingerprint()  # what cannot be read is told now, before anything is written
    tasks = sorted({configuration.task for configuration in configurations})
    profile_name = _profile(options, tasks)
    device = _device(options.device, profile_name)
    profile = assignment.profiles[profile_name]
    cache = writable(cache_folder())
    datasets = {task: _dataset(task, profile_name, profile, options, cache) for task in tasks}
    _check_sizes(configurations, profile_name, datasets)
    _check_batches(datasets, options.limit)
    calibrated = read_calibration(profile_name) is not None
    withheld = _withheld(options)
    sequential = not options.seeds and calibrated and not withheld
    most = max(assignment.gate.most_seeds, *(c.most_seeds or 0 for c in configurations))
    usual = most if sequential else 1
    cores = os.cpu_count() or 1
    many = profile_name == "mini"
    return Plan(
        assignment=assignment,
        profile_name=profile_name,
        submission=submission,
        configurations=configurations,
        seeds=options.seeds or usual,
        sequential=sequential,
        device=device,
        datasets=datasets,
        weights={},
        epochs=options.epochs,
        limit=options.limit,
        withheld=withheld,
        parallel=cores if many else 1,
        threads=1 if many else cores,
        sandbox=choose(unsafe=options.unsafe),
        key=site_key(cache),
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
        raise UsageError(f"--only {only}: choose from {', '.join(sorted(known))}")
    return tuple(c for c in assignment.configurations if c.id in names or c.question in names)


def _profile(options: Namespace, tasks: list[str]) -> str:
    wanted = {"classification": options.faces, "segmentation": options.camvid}
    if options.profile != "auto":
        return str(options.profile)
    return "report" if all(wanted[task] for task in tasks) and _has_gpu() else "mini"


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


def _dataset(task: str, profile_name: str, profile: Profile, options: Namespace, cache: Path) -> Dataset:
    if profile_name == "mini":
        from grading.data import generated

        if task == "classification":
            return generated.faces(cache, profile.train_faces, profile.validation_faces)
        assert profile.train_streets is not None
        assert profile.validation_streets is not None
        return generated.streets(cache, profile.train_streets, profile.validation_streets)
    if task == "classification":
        from grading.data.faces import faces

        if options.faces is None:
            raise UsageError("the report profile needs --faces DIR: an image folder, or CelebA as published")
        return faces(
            options.faces,
            cache,
            train_count=profile.train_faces,
            validation_count=profile.validation_faces,
        )
    from grading.data.camvid import camvid

    folder = options.camvid or cache / "CamVid"
    if options.camvid is None and not folder.is_dir():
        raise UsageError("the report profile needs --camvid DIR; `python -m grading fetch camvid` brings it")
    return camvid(folder, cache)


def _check_sizes(configurations: tuple[Configuration, ...], profile_name: str, datasets: dict[str, Dataset]) -> None:
    """Every crop must fit into every picture before any training starts."""
    for configuration in configurations:
        if configuration.task == "segmentation":
            crop = configuration.protocols[profile_name]["crop"]
            images: Images = datasets["segmentation"].train_images
            if images.shapes.min() < crop:
                raise DataError(f"{configuration.id} crops {crop} x {crop}: an image is smaller")


def _check_batches(datasets: dict[str, Dataset], limit: int | None) -> None:
    """A training batch has at least two images, as batch normalisation needs them; see `training/batches.py`."""
    if limit == 1:
        raise UsageError("--limit 1: a training needs at least two images")
    for task, dataset in datasets.items():
        if len(dataset.train_images) < 2:
            raise DataError(f"{task}: a training needs at least two images")


def _withheld(options: Namespace) -> str | None:
    limits = [f"--{name} {getattr(options, name)}" for name in ("epochs", "limit") if getattr(options, name)]
    return f"a trial with {' '.join(limits)}" if limits else None
