"""Hostile submissions try everything except to answer: none earns more than the stubs, or leaves a trace.

Each is a package in `tests/evil/`, is bounded in time and size, and runs in every tier that works on this machine.
"""

import hashlib
import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from fnmatch import fnmatch
from functools import partial
from pathlib import Path

import numpy as np
import psutil
import pytest
from hypothesis.errors import Flaky

from grading import ROOT
from grading.assignment.api_test_record import NOT_RUN
from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.data.crops import centre_crop
from grading.protocol.limits import MIB, Limits
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import locate
from grading.reporting.collect import results_of
from grading.reporting.results import Results
from grading.running.api_tests import run_suite
from grading.running.grading import Grading
from grading.running.journal import Journal
from grading.running.local_engine import carry_out_one
from grading.running.needed import expectations, needed
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.sandbox.choose import candidates
from grading.sandbox.self_test import self_test
from grading.sandbox.tiers import Sandbox
from grading.sandbox.worker import Worker
from grading.tests.conftest import with_few_secret_pictures
from tests import test_classes, test_freezing, test_metrics
from tests.conftest import FormChecked, SandboxedStudent, Stopped
from tests.expect import Unmet

EVIL = ROOT / "tests" / "evil"
TIERS = [sandbox for sandbox in candidates() if not self_test(sandbox)]
LIMITS = Limits(seconds=4.0, cpu_seconds=20, data_bytes=2048 * MIB, resident_bytes=2048 * MIB)
LITTERED = ("/tmp", "/var/tmp", "/dev/shm", "/", str(ROOT), str(Path.home()))

Train = Callable[..., Run]

# Tests of the student API that no evil submission passes, and the stubs do not either.
ASKED: list[tuple[Callable[..., None], dict[str, object]]] = [
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
IN_A_TRAINING = sorted({path.parent.name for module in ("transfer", "fcn") for path in EVIL.glob(f"*/{module}.py")})

pytestmark = pytest.mark.skipif(not TIERS, reason="no sandbox works on this machine: nothing to test")


@pytest.fixture(params=TIERS, ids=lambda sandbox: sandbox.tier)
def sandbox(request: pytest.FixtureRequest) -> Iterator[Sandbox]:
    """A tier; afterwards no process and no file of a submission is left."""
    yield request.param
    assert not [process for process in psutil.Process().children(recursive=True) if process.status() != "zombie"]
    # If the temporary folder is shared, a test in another process may be using it right now.
    deadline = time.monotonic() + 30
    while (left_files := [*litter(), *queues()]) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert not left_files


def litter() -> list[Path]:
    return [path for folder in LITTERED for path in Path(folder).glob("*hw4-evil*")]


def queues() -> list[str]:
    """All System V objects with the key that tests/evil uses, and all POSIX queues."""
    key = str(0x68773465)
    tables = [Path("/proc/sysvipc") / kind for kind in ("shm", "msg", "sem")]
    rows = [row for table in tables if table.is_file() for row in table.read_text().splitlines()]
    return [row for row in rows if row.split()[0] == key] + [str(path) for path in Path("/dev/mqueue").glob("*")]


def passes(test: Callable[..., None], arguments: dict[str, object], worker: Worker) -> bool:
    try:
        test(FormChecked(SandboxedStudent(worker)), **arguments)
    except (Unmet, StudentRaised, Stopped, Flaky):  # Flaky: the answers differ from call to call
        return False
    return True


def test_the_reference_passes_these_tests(sandbox: Sandbox) -> None:
    with Worker(locate("solutions"), sandbox) as worker:
        assert all(passes(test, arguments, worker) for test, arguments in ASKED)


def test_the_reference_passes_every_test(tmp_path: Path) -> None:
    """In the sandbox that a grading chooses here."""
    reference = run_suite(locate("solutions"), tmp_path / "tests.jsonl", unsafe=False)
    assert [test for test in reference.tests if test.outcome != "PASS"] == []
    assert len(reference.tests) > 200


@pytest.mark.parametrize("name", IN_A_PROBE)
def test_a_hostile_submission_passes_no_test(name: str, sandbox: Sandbox, tmp_path: Path) -> None:
    if name == "calls_home" and "reaches the network" in sandbox.allows:
        pytest.skip("this tier leaves the network open, and says so")
    with (tmp_path / "log").open("wb") as log:
        with Worker(locate(str(EVIL / name)), sandbox, log=log, limits=LIMITS) as worker:
            earned = [test.__name__ for test, arguments in ASKED if passes(test, arguments, worker)]
        assert not earned
    assert (tmp_path / "log").stat().st_size <= 2 * MIB


@pytest.fixture
def train(sandbox: Sandbox, tmp_path: Path, quick_weights: None) -> Train:
    """Trains Q1-1 for one epoch with a submission, and measures it on few secret pictures, or on as many as usual."""

    def train(submission: Path, few: bool = True) -> Run:
        options = parse([str(submission), "--profile", "mini", "--only", "Q1-1", "--epochs", "1", "--seeds", "1"])
        plan = replace(with_weights(make_plan(options), None, print), sandbox=sandbox)
        plan = with_few_secret_pictures(plan) if few else plan
        journal = Journal(tmp_path / "journal.jsonl", plan.identity())
        with (tmp_path / "log").open("wb") as log:
            carry_out_one(Grading(plan, journal, log))
        return journal.runs["Q1-1", 0]

    return train


@pytest.mark.parametrize(
    ("name", "kind", "message"),
    [
        ("gives_nan", "FAIL", "NaN"),
        ("gives_infinity", "FAIL", "infinity"),
        ("gives_too_few", "FAIL", "shape"),
        ("gives_another_shape", "FAIL", "shape"),
        ("dies_in_training", "CRASH", "status 0"),
        ("adds_epochs", "FAIL", "tampered with"),
        ("claims_a_fault", "CRASH", "malformed reply"),
        ("sends_impossible_arrays", "CRASH", "bytes of arrays in one frame"),
        ("writes_nasty_text", "FAIL", r"\x1b[2J\x1b]0;owned\x07 \x00 \ud800 \xfc \u202e \u2066 \u200b \ufffe"),
    ],
)
def test_a_training_with_unusable_output_fails(name: str, kind: str, message: str, train: Train) -> None:
    run = train(EVIL / name)
    assert run.kind == kind, run.failure
    assert message in str(run.failure)


def test_an_endless_training_is_stopped(train: Train, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("grading.running.plan.Plan.seconds_allowed", lambda *_: 12.0)
    run = train(EVIL / "trains_for_ever")
    assert run.kind == "TIMEOUT"
    assert "stopped after 12 s" in str(run.failure)


def test_known_images_do_not_help(train: Train, tmp_path: Path) -> None:
    folder = tmp_path / "knows_the_images"
    shutil.copytree(EVIL / "knows_the_images", folder)
    data = make_plan(parse(["--profile", "mini", "--only", "Q1-1"])).datasets["classification"]
    crops = centre_crop(data.validation_images.stacked(), 64)
    contents = [hashlib.sha256(np.moveaxis(crop, -1, 0).tobytes()).hexdigest() for crop in crops]
    answers = dict(zip(contents, data.validation_labels.tolist(), strict=True))
    (folder / "answers.json").write_text(json.dumps(answers))
    run = train(folder, few=False)
    assert run.kind == "FINISHED"
    assert run.best("accuracy") < 0.65


@pytest.fixture
def grade(tmp_path: Path) -> Callable[[str, str], Results]:
    """Grades one configuration with a package of `tests/evil`, as if it had passed the tests of the student API.

    The modules that it lacks are the reference's. It finds the networks that were trained at home, which lie in one of
    the packages, and the drawing code that is public.
    """

    def grade(name: str, only: str) -> Results:
        folder = tmp_path / name
        for source, left_out in (
            ("solutions", ()),
            ("tests/evil/trained_at_home", ("transfer.py",)),
            (f"tests/evil/{name}", ()),
        ):
            ignored = shutil.ignore_patterns("__pycache__", *left_out)
            shutil.copytree(ROOT / source, folder, ignore=ignored, dirs_exist_ok=True)
        shutil.copytree(ROOT / "grading" / "data", folder / "drawing", ignore=lambda *_: {"generated.py"})
        options = parse([str(folder), "--profile", "mini", "--only", only])
        plan = with_weights(make_plan(options), None, print)
        journal = Journal(tmp_path / "journal.jsonl", plan.identity())
        wanted = partial(needed, plan, expected=expectations(plan))
        with (tmp_path / "log").open("wb") as log:
            carry_out_one(Grading(plan, journal, log, wanted))
        return results_of(plan, journal.runs, NOT_RUN, 1.0)

    return grade


@pytest.mark.parametrize(
    ("name", "only", "verdict", "message"),
    [
        ("redraws_the_pictures", "Q1-1", "FAIL", "lies below"),
        ("trained_at_home", "Q1-3", "REVIEW", "before it was handed in"),
        ("paints_the_answer", "Q1-5", "REVIEW", "before it was handed in"),
        ("knows_without_skips", "Q2-1-no-skips", "REVIEW", "before it was handed in"),
        ("imitates_the_curve", "Q1-1", "REVIEW", "secret rule"),
    ],
)
def test_no_points_without_learning(
    name: str, only: str, verdict: str, message: str, grade: Callable[[str, str], Results]
) -> None:
    results = grade(name, only)
    (outcome,) = results.outcomes.values()
    assert all(run.failure is None for run in outcome.runs), outcome.runs[0].failure
    assert outcome.verdict == verdict, outcome.reason
    assert message in outcome.reason
    assert results.points(outcome)[0] == 0


def test_every_evil_submission_is_tried() -> None:
    assert {*IN_A_PROBE, *IN_A_TRAINING} == {path.name for path in EVIL.iterdir() if path.is_dir()}
    tests = "".join(path.read_text("utf-8") for path in Path(__file__).parent.glob("test_*.py"))
    assert [name for name in IN_A_TRAINING if f'"{name}"' not in tests] == []


def test_every_evil_submission_belongs_to_a_promise() -> None:
    promises = re.findall(r"`([a-z_*]+)`", (ROOT / "docs" / "threat-model.md").read_text("utf-8"))
    names = [*IN_A_PROBE, *IN_A_TRAINING]
    assert [name for name in names if not any(fnmatch(name, promise) for promise in promises)] == []
