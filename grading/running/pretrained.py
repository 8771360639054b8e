"""The pretrained weights that a plan needs."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from grading.backbones.challengers import known_challengers, too_long, too_many
from grading.backbones.weights import ENCODER, NoWeights, mini_file, provide
from grading.data.arrays import DataError, cache_folder
from grading.protocol.questions import StudentRaised
from grading.running.plan import Plan, pretrained_state
from grading.sandbox.worker import GraderError, WorkerStopped
from grading.sandbox.workers import open_worker


def with_weights(plan: Plan, folder: Path | None, say: Callable[[str], None], *, pretraining_seed: int = 0) -> Plan:
    """The plan with a file of weights for each backbone that it needs, each of which has been read and fits.

    The challenger's backbones are the student's choice: if they cannot be had, its configuration is unavailable.

    Raises:
        DataError: other weights are missing and cannot be had, or a file is of no use.
    """
    cache = cache_folder()
    backbones = _backbones(plan)
    challengers, reason = _affordable_challengers(plan, cache, pretraining_seed)
    names = list(dict.fromkeys([*challengers, *backbones]))  # the slowest to pretrain first
    reasons: Mapping[str, str] = {}
    try:
        files = provide(names, plan.profile_name, folder, cache, say, pretraining_seed)
    except NoWeights as error:
        files, reasons = error.files, error.reasons
    for name, file in files.items():
        try:
            pretrained_state(name, plan.profile_name, file)
        except DataError as error:
            reasons = {**reasons, name: str(error)}
    if missing := [name for name in backbones if name in reasons]:
        raise DataError(reasons[missing[0]])
    reason = reason or next(iter(reasons.values()), None)
    unavailable = {c.id: reason for c in plan.trainable if reason and c.network["build"] == "challenger"}
    for id, why in unavailable.items():
        say(f"{id} is not trained: {why}")
    usable = {name: file for name, file in files.items() if name not in reasons}
    return replace(plan, weights=usable, unavailable={**plan.unavailable, **unavailable})


def _backbones(plan: Plan) -> list[str]:
    """The backbones that the assignment itself needs."""
    builds = {configuration.network["build"] for configuration in plan.trainable}
    return [name for build, name in (("case", "alexnet"), ("fcn8s", ENCODER)) if build in builds]


def _affordable_challengers(plan: Plan, cache: Path, pretraining_seed: int) -> tuple[list[str], str | None]:
    """The backbones that the student's challenger asks for; none, and why, if they cannot be provided."""
    try:
        challengers = _challengers(plan)
    except GraderError as error:
        return [], f"could not find out which backbones build_challenger loads: {error}"
    reason = too_many(challengers)
    if plan.profile_name == "mini" and reason is None:
        costly = [name for name in challengers if not mini_file(name, cache, pretraining_seed).is_file()]
        reason = next(filter(None, map(too_long, costly)), None)
    return ([] if reason else challengers), reason


def _challengers(plan: Plan) -> list[str]:
    """The backbones that the student's challenger asks for."""
    if all(configuration.network["build"] != "challenger" for configuration in plan.trainable):
        return []
    try:
        with open_worker(plan.submission, plan.sandbox) as worker:
            return known_challengers(worker.ask("transfer.backbone_names"))
    except (StudentRaised, WorkerStopped):
        return []  # its training will fail with the same error, and say so in the results
