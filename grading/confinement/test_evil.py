"""Submissions that try everything but to answer: none earns more than the stubs, or leaves a trace.

Each lies in `tests/evil/`, is bounded in time and size, and runs in every tier that works on this machine.
"""

import hashlib
import json
import shutil
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import pytest

from grading.canary import sings
from grading.data.crops import centre_crop
from grading.front import parse
from grading.journal import Journal, Run
from grading.plan import make_plan, with_weights
from grading.probes import StudentRaised
from grading.runs import carry_out
from grading.submissions import locate
from grading.training.classification import IMAGENET_MEAN, IMAGENET_STD
from grading.workers.limits import MIB, Limits
from grading.workers.process import Worker
from grading.workers.sandbox import OwnUser, Sandbox
from grading.workers.tiers import broken_promise, candidates
from tests import test_classes, test_freezing, test_metrics
from tests.conftest import FormChecked, SandboxedStudent, Stopped
from tests.expect import Unmet

ROOT = Path(__file__).resolve().parents[2]
EVIL = ROOT / "tests" / "evil"
TIERS = [sandbox for sandbox in candidates() if not broken_promise(sandbox)]
LIMITS = Limits(seconds=4.0, cpu_seconds=20, data_bytes=2048 * MIB, resident_bytes=2048 * MIB)
LITTERED = ("/tmp", "/var/tmp", "/dev/shm", "/", str(ROOT), str(Path.home()))

# Tests of the student API that no evil submission passes, and the stubs do not either.
ASKED = [
    (test_classes.test_swap, {"dtype": "uint8"}),
    (test_classes.test_every_label_is_mapped, {}),
    (test_classes.test_input_is_untouched, {}),
    (test_classes.test_labels_without_a_rule, {"mapping": [], "ignore_index": None}),
    (test_metrics.test_ignored_pixels, {"metric": "pixel_accuracy", "ignore_index": 0}),
    (test_metrics.test_no_pixel_counts, {"metric": "confusion_matrix", "size": 3}),
    (test_freezing.test_a_network_without_parameters, {"function": "freeze"}),
    (test_metrics.test_refuses_different_shapes, {"metric": "mean_iou", "shape": (2, 3), "other": (3, 2)}),
    (test_freezing.test_returns_the_same_object, {"function": "freeze"}),
]
IN_A_PROBE = sorted(path.parent.name for path in EVIL.glob("*/classes.py"))
IN_A_TRAINING = sorted(path.parent.name for path in EVIL.glob("*/transfer.py"))

pytestmark = pytest.mark.skipif(not TIERS, reason="no sandbox works on this machine: nothing to test")


@pytest.fixture(params=TIERS, ids=lambda sandbox: sandbox.tier)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A tier; afterwards no process and no file of a submission is left."""
    yield request.param
    left = [process for process in psutil.Process().children(recursive=True) if process.status() != "zombie"]
    assert not left
    # Where the temporary folder is shared, a test in another process may be at it right now.
    deadline = time.monotonic() + 30
    while (left_files := litter()) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left_files


def litter() -> list[Path]:
    return [path for folder in LITTERED for path in Path(folder).glob("*hw4-evil*")]


def passes(test, arguments: dict[str, object], worker: Worker) -> bool:
    try:
        test(FormChecked(SandboxedStudent(worker)), **arguments)
    except (Unmet, StudentRaised, Stopped):
        return False
    return True


def test_the_tests_that_are_asked_can_be_passed(sandbox: Sandbox) -> None:
    with Worker(locate("solutions"), sandbox) as worker:
        assert all(passes(test, arguments, worker) for test, arguments in ASKED)


@pytest.mark.parametrize("name", IN_A_PROBE)
def test_nothing_is_earned(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    if name == "calls_home" and isinstance(sandbox, OwnUser):
        pytest.skip("this tier leaves the network open, and says so")
    with (tmp_path / "log").open("wb") as log:
        with Worker(locate(str(EVIL / name)), sandbox, log=log, limits=LIMITS) as worker:
            earned = [test.__name__ for test, arguments in ASKED if passes(test, arguments, worker)]
        assert not earned
    assert (tmp_path / "log").stat().st_size <= 2 * MIB


@pytest.fixture
def trained(sandbox: Sandbox, tmp_path: Path, quick_weights: None):
    """Trains Q1-1 for one epoch with a submission."""

    def train(submission: Path, *, shuffled: bool = False) -> Run:
        options = parse([str(submission), "--profile", "mini", "--only", "Q1-1", "--epochs", "1", "--seeds", "1"])
        plan = replace(with_weights(make_plan(options), None, print), sandbox=sandbox)
        plan = replace(plan, configurations=(replace(plan.configurations[0], shuffled=shuffled),))
        journal = Journal(tmp_path / "journal.jsonl", plan.identity())
        with (tmp_path / "log").open("wb") as log:
            carry_out(plan, journal, lambda *_: None, lambda *_: None, log)
        return journal.runs["Q1-1", 0]

    return train


@pytest.mark.parametrize(
    ("name", "kind", "said"),
    [
        ("gives_nan", "FAIL", "NaN"),
        ("gives_infinity", "FAIL", "infinity"),
        ("gives_too_few", "FAIL", "shape"),
        ("gives_another_shape", "FAIL", "shape"),
        ("dies_in_training", "CRASH", "status 0"),
        ("adds_epochs", "FAIL", "tampered with"),
    ],
)
def test_unusable_trainings(name: str, kind: str, said: str, trained) -> None:
    run = trained(EVIL / name)
    assert run.kind == kind, run.failure
    assert said in run.failure


def test_an_endless_training(trained, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.plan.Plan.seconds_allowed", lambda *_: 12.0)
    run = trained(EVIL / "trains_for_ever")
    assert run.kind == "TIMEOUT"
    assert "stopped after 12 s" in run.failure


def test_images_learnt_by_heart(trained, tmp_path: Path) -> None:
    folder = tmp_path / "knows_the_images"
    shutil.copytree(EVIL / "knows_the_images", folder)
    data = make_plan(parse(["--profile", "mini", "--only", "Q1-1"])).datasets["classification"]
    crops = centre_crop(data.validation_images.stacked(), 64)
    contents = [hashlib.sha256(np.moveaxis(crop, -1, 0).tobytes()).hexdigest() for crop in crops]
    answers = dict(zip(contents, data.validation_labels.tolist(), strict=True))
    (folder / "answers.json").write_text(json.dumps(answers))
    run = trained(folder)
    assert run.kind == "FINISHED"
    assert run.best("accuracy") < 0.65


def test_images_known_by_their_looks(trained, tmp_path: Path) -> None:
    """The disguise does not help against these; trained on shuffled labels they give themselves away."""
    folder = tmp_path / "matches_by_similarity"
    shutil.copytree(EVIL / "matches_by_similarity", folder)
    data = make_plan(parse(["--profile", "mini", "--only", "Q1-1"])).datasets["classification"]
    pixels = np.moveaxis(centre_crop(data.validation_images.stacked(), 64), -1, 1) / 255
    mean, std = (np.array(values).reshape(1, 3, 1, 1) for values in (IMAGENET_MEAN, IMAGENET_STD))
    copies = ((pixels - mean) / std).reshape(-1, 3, 8, 8, 8, 8).mean(axis=(3, 5)).reshape(len(pixels), -1)
    known = {"copies": copies.round(4).tolist(), "labels": data.validation_labels.tolist()}
    (folder / "answers.json").write_text(json.dumps(known))
    run = trained(folder, shuffled=True)
    assert run.kind == "FINISHED", run.failure
    assert abs(run.best("accuracy") - 0.5) > 0.4
    assert sings(run, "accuracy", by_chance=0.5, threshold=0.9)


def test_every_evil_submission_is_tried() -> None:
    tried = {*IN_A_PROBE, *IN_A_TRAINING}
    assert tried == {path.name for path in EVIL.iterdir() if path.is_dir()}
