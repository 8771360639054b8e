"""What a calibration was measured on, and how a run differs from it.

Numbers that were measured under another protocol, on other classes or on other pictures say nothing about a run. Other
versions or other hardware change them a little: the results say so, and the verdict stands.
"""

import json
import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path
from typing import Any

from grading import PACKAGE
from grading.assignment.assignment import Configuration
from grading.assignment.calibration import Calibration, Measured
from grading.backbones.weights import SOURCES
from grading.data.arrays import fingerprint
from grading.protocol.handed_out import is_handout
from grading.running.plan import Plan
from grading.tasks.registry import task_of

DIGITS = 16  # of a fingerprint
NOT_HANDED_OUT = "what right submissions reach in this profile is known where it is graded"


def conditions(plan: Plan, configuration: Configuration) -> dict[str, Any]:
    """What the metrics of a configuration depend on, as JSON reads it back."""
    c, dataset = configuration, plan.datasets[configuration.task]
    facts = {
        "protocol": c.protocols[plan.profile_name],
        "classes": c.classes and asdict(c.classes),
        "network": c.network,
        "augmentation": c.augmentation,
        "trains": c.trains,
        "pretrained": c.pretrained,
        "metric": c.metric,
        "required tests": c.required_tests,
        "images": {
            "training": len(dataset.train_images),
            "validation": len(dataset.validation_images),
            "secret": task_of(c).secret_count(plan.profile),
        },
        "control": asdict(plan.assignment.control),
        "data": dataset.fingerprint[-DIGITS:],
        "backbones": _backbones(plan, c),
    }
    return dict(json.loads(json.dumps(facts)))


def _backbones(plan: Plan, configuration: Configuration) -> Any:
    """Which pretrained networks a training starts from. A challenger's are the student's choice."""
    if plan.profile_name == "mini":
        networks = [Path(name) for name in SOURCES if name.startswith("backbones/")]  # the rest draws: see "data"
        return fingerprint({path.name: PACKAGE / path for path in networks})[:DIGITS]
    if configuration.network["build"] == "challenger":
        return None
    return {name: Path(plan.weights[name]).name for name in plan.backbones(configuration) if name in plan.weights}


def made_with(device: str) -> dict[str, str]:
    """The versions and the hardware that round the numbers of a training."""
    hardware = f"{device}, {platform.machine()}, {os.cpu_count()} cores"
    if device == "cuda":
        import torch  # here, so that a run on a CPU does without it

        hardware = f"{torch.cuda.get_device_name()}, {hardware}"
    return {**{name: version(name) for name in ("torch", "torchvision", "numpy")}, "hardware": hardware}


def misfits(plan: Plan, calibration: Calibration | None) -> dict[str, str]:
    """Why a calibration says nothing about a configuration, by its id; those that it fits are left out.

    Without a calibration the published figures are compared with, but not in a handout's mini profile: a right
    submission need not reach there what the report reached with larger networks on photographs.
    """
    if calibration is None:
        is_known_elsewhere = is_handout() and plan.profile_name == "mini"
        return {c.id: NOT_HANDED_OUT for c in plan.configurations} if is_known_elsewhere else {}
    reasons = {}
    for c in plan.configurations:
        if c.id not in calibration:
            reasons[c.id] = f"it has not been calibrated; {how_to_recalibrate(plan, c)}"
        elif not calibration[c.id].conditions:
            reasons[c.id] = f"its calibration does not say what it was measured on; {how_to_recalibrate(plan, c)}"
        elif differ := list(differences(calibration[c.id].conditions, conditions(plan, c))):
            reasons[c.id] = f"it was calibrated on something else: {'; '.join(differ)}; {how_to_recalibrate(plan, c)}"
    return reasons


def how_to_recalibrate(plan: Plan, configuration: Configuration) -> str:
    """How to calibrate a configuration again."""
    given = "" if plan.profile_name == "mini" else f" --{task_of(configuration).facts.option} DIR"
    return (
        f"recalibrate: python -m grading calibrate --profile {plan.profile_name} --seeds 20 "
        f"--only {configuration.id}{given}"
    )


def differences(measured: Mapping[str, Any], here: Mapping[str, Any]) -> Iterator[str]:
    """What differs, each as `protocol: epochs 4, not 20`."""
    for name in sorted({*measured, *here}):
        before, now = measured.get(name), here.get(name)
        if before == now:
            continue
        if isinstance(before, dict) and isinstance(now, dict):
            yield from (f"{name}: {inner}" for inner in differences(before, now))
        elif name in ("data", "backbones") or isinstance(before, list) or isinstance(now, list):
            yield f"other {name}"
        else:
            yield f"{name} {now}, not {before}"


def made_elsewhere(measured: Measured, device: str) -> str | None:
    """How the machine of a calibration differs from this one; None if it does not."""
    here = made_with(device)
    differ = [
        f"{name} {measured.made_with.get(name, 'unknown')} (here {value})"
        for name, value in here.items()
        if measured.made_with.get(name) != value
    ]
    return f"calibrated with {', '.join(differ)}" if differ else None
