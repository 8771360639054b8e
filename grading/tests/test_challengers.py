"""A student chooses the challenger: its cost for the grader is bounded, and its failure costs Q1-8 alone."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil
import pytest
from safetensors.torch import save_file

from grading import ROOT
from grading.backbones import challengers, pretrain, proxy, weights
from grading.backbones.challengers import COSTS, FORBIDDEN, REFERENCE, known_challengers, too_long, too_many
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
from grading.backbones.weights import NoWeights, mini_file, provide
from grading.checker.catalogue import write_submission
from grading.commands import pretrain as pretrain_command
from grading.commands.grade import main, parse
from grading.commands.pretrain import main as command
from grading.data.arrays import cache_folder
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.sandbox.worker import GraderError

pytestmark = pytest.mark.slow

PlanOf = Callable[..., Plan]

TRANSFER = (ROOT / "solutions" / "transfer.py").read_text("utf-8")
# A program that replaces a pretraining.
STUB = """
import os, signal, sys, time
name, file = sys.argv[1:3]
print("progress 0 16 240.0", flush=True)
{body}
"""
SAVES_NAN = """
import torch
from safetensors.torch import save_file
from grading.backbones.mini import PROXY_OUTPUTS, mini_classifier
state = mini_classifier(name, PROXY_OUTPUTS).state_dict()
state["features.0.weight"].fill_(float("nan"))
save_file(state, file)
"""
# By case: what the pretraining does, and the reason that is given.
BROKEN = {
    "raises": ("raise RuntimeError('no such layer')", r"pretraining vgg11 failed: RuntimeError: no such layer"),
    "is killed": ("os.kill(os.getpid(), signal.SIGKILL)", r"pretraining vgg11 was killed by signal 9"),
    "computes for ever": ("while True: pass", r"pretraining vgg11 was stopped after .*too long on this machine"),
    "sleeps for ever": ("time.sleep(600)", r"pretraining vgg11 was stopped after .*too long on this machine"),
    "takes memory": ("time.sleep(0.5); x = bytearray(8 * 2**30)", r"pretraining vgg11 failed: MemoryError"),
    "writes no file": ("", r"vgg11.*cannot be read"),
    "writes half a file": ("open(file, 'wb').write(bytes(100))", r"vgg11.*(damaged|no file of weights)"),
    "writes NaN": (SAVES_NAN, r"vgg11.*holds NaN or infinity"),
}


@pytest.fixture
def submission(tmp_path: Path) -> Callable[[str], Path]:
    """The reference with another challenger: an expression for what is loaded."""

    def make(loads: str) -> Path:
        source = TRANSFER.replace('load("mobilenet_v2", True)', loads)
        assert source != TRANSFER or "mobilenet_v2" in loads
        return write_submission(tmp_path / "handed in", {"transfer": source})

    return make


@pytest.fixture(scope="session")
def cache_with_faces() -> Path:
    """The usual cache, after the faces were drawn."""
    make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1"]))
    return cache_folder()


@pytest.fixture(autouse=True)
def cache(cache_with_faces: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A cache that holds no weights but random ones of AlexNet."""
    folder = tmp_path / "cache"
    folder.mkdir()
    for faces in cache_with_faces.glob("faces-*"):
        (folder / faces.name).symlink_to(faces)
    state = mini_classifier("alexnet", PROXY_OUTPUTS).state_dict()
    save_file({name: tensor.contiguous() for name, tensor in state.items()}, mini_file("alexnet", folder))
    monkeypatch.setenv("HW4_CACHE", str(folder))
    return folder


@pytest.fixture
def plan_of(monkeypatch: pytest.MonkeyPatch) -> PlanOf:
    """A plan with the weights that a challenger of these names asks for."""

    def make(*names: str, only: str = "Q1-1,Q1-8") -> Plan:
        monkeypatch.setattr("grading.running.pretrained._challengers", lambda _plan: list(names))
        return with_weights(make_plan(parse(["--unsafe", "--profile", "mini", "--only", only])), None, print)

    return make


@pytest.fixture
def stub(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def replace_pretraining(body: str) -> None:
        monkeypatch.setattr(weights, "PRETRAIN", [sys.executable, "-c", STUB.format(body=body)])

    return replace_pretraining


def grade(folder: Path, out: Path) -> tuple[int, dict[str, Any]]:
    """Exit status, and the configurations of results.json by id."""
    trial = ["--unsafe", "--profile", "mini", "--epochs", "1", "--limit", "17", "--out", str(out)]
    status = main([str(folder), "--only", "Q1-1,Q1-8", *trial])
    results = json.loads((out / "results.json").read_text("utf-8"))
    return status, {entry["id"]: entry for entry in results["extra_data"]["configurations"]}


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["mobilenet_v2", "mobilenet_v2"], ["mobilenet_v2"]),
        (["no_such_net", "../x", "/etc/passwd", "", "vgg11\n", "VGG11", "Vgg11", "vgg11/../../x"], []),
        (["inception_v3", "vit_b_16", "swin_t", "maxvit_t", "vit_h_14"], []),
        (["fcn_resnet50", "raft_large", "r3d_18", "quantized_resnet18", "get_model", "__init__"], []),
        ([7, None, b"vgg11", ["vgg11"], {"vgg11": 1}, True, 1.5, "vgg11"], ["vgg11"]),
        ([f"net_{number}" for number in range(10_000)] + ["resnet50"], ["resnet50"]),
        (["resnet50"] * 10_000, ["resnet50"]),
        ({"vgg11": 1}, []),
        ("vgg11", []),
        (None, []),
        (7, []),
    ],
)
def test_only_known_networks_of_an_answer_count(names: object, expected: list[str]) -> None:
    assert known_challengers(names) == expected


def test_every_challenger_that_is_listed_can_be_built() -> None:
    assert known_challengers(list(COSTS)) == list(COSTS)
    assert REFERENCE in COSTS
    assert all(seconds > 0 for seconds in COSTS.values())


def test_three_networks_may_be_compared() -> None:
    assert too_many(["vgg11", "resnet50", "densenet121"]) is None
    assert "loads 80 pretrained networks (a0, a1, a2, ...), of at most 3" in str(
        too_many([f"a{number}" for number in range(80)])
    )


@pytest.mark.parametrize("name", ["efficientnet_b7", "efficientnet_b4", "convnext_tiny", "a_network_of_next_year"])
def test_a_network_that_takes_too_long_is_refused_and_others_are_offered(name: str) -> None:
    reason = too_long(name)
    assert reason is not None
    assert f"no {name} for a submission" in reason
    assert f"python -m grading pretrain {name}" in reason
    assert "--profile report" in reason
    assert "mobilenet_v2 (" in reason


@pytest.mark.parametrize("name", ["alexnet", "resnet18"])
def test_forbidden_networks_are_left_to_the_tests_of_the_student_api(name: str) -> None:
    assert known_challengers([name]) == [name]
    assert too_long(name) is None
    assert f"{name} (" not in str(too_long("efficientnet_b7"))


@pytest.mark.parametrize(
    "name",
    ["mobilenet_v2", "vgg11_bn", "resnet50", "densenet121", "shufflenet_v2_x1_0", "efficientnet_b0", "regnet_y_400mf"],
)
def test_the_usual_challengers_are_pretrained(name: str) -> None:
    assert too_long(name) is None


def test_a_training_is_given_the_time_that_its_network_takes(plan_of: PlanOf, quick_weights: None) -> None:
    small, large = plan_of("mobilenet_v2"), plan_of("mobilenet_v2", "resnet50")
    challenger = small.assignment.configuration("Q1-8")
    assert large.seconds_allowed(challenger) > 1.5 * small.seconds_allowed(challenger)
    assert large.estimated_seconds() > small.estimated_seconds()


@pytest.mark.parametrize(
    ("names", "why"),
    [
        (["efficientnet_b7"], r"pretrains no efficientnet_b7 for a submission"),
        (["vgg11", "convnext_large"], r"pretrains no convnext_large for a submission"),
        (
            ["vgg11", "vgg13", "vgg16", "vgg19"],
            r"loads 4 pretrained networks \(vgg11, vgg13, vgg16, ...\), of at most 3",
        ),
    ],
)
def test_too_costly_networks_are_not_pretrained(
    names: list[str], why: str, plan_of: PlanOf, stub: Callable[[str], None]
) -> None:
    stub("raise AssertionError('this must not be pretrained')")
    expect_only_the_challenger_missing(plan_of(*names), why)


@pytest.mark.parametrize("case", BROKEN)
def test_a_pretraining_that_fails_costs_one_question(
    case: str, plan_of: PlanOf, stub: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    body, why = BROKEN[case]
    monkeypatch.setattr(weights, "CPU_SECONDS", 1.0 if case == "computes for ever" else 600.0)
    monkeypatch.setattr(weights, "WALL_SECONDS", 1.0 if case == "sleeps for ever" else 600.0)
    stub(body)
    expect_only_the_challenger_missing(plan_of("vgg11"), why)


def expect_only_the_challenger_missing(plan: Plan, why: str) -> None:
    assert list(plan.unavailable) == ["Q1-8"]
    assert re.search(why, plan.unavailable["Q1-8"]), plan.unavailable
    assert list(plan.weights) == ["alexnet"]
    assert {configuration.base for configuration, _ in plan.trainings()} == {"Q1-1"}


def test_other_questions_are_graded_and_the_verdict_gives_the_reason(
    submission: Callable[[str], Path], stub: Callable[[str], None], tmp_path: Path
) -> None:
    stub("raise RuntimeError('no such layer')")
    status, configurations = grade(submission('load("vgg11", True)'), tmp_path / "out")
    assert status == 3
    assert configurations["Q1-8"]["verdict"] == "INCOMPLETE"
    assert configurations["Q1-8"]["reason"] == "no verdict: pretraining vgg11 failed: RuntimeError: no such layer"
    assert configurations["Q1-8"]["seeds"] == []
    assert len(configurations["Q1-1"]["seeds"]) == 1
    assert len(configurations["Q1-1"]["seeds"][0]["history"]) == 1


def test_a_network_of_the_assignment_that_fails_ends_the_run_in_one_line(
    cache: Path, stub: Callable[[str], None], capsys: pytest.CaptureFixture[str]
) -> None:
    stub("raise RuntimeError('no')")
    mini_file("alexnet", cache).unlink()
    status = main(["--unsafe", "--profile", "mini", "--only", "Q1-1", "--epochs", "1", "--out", str(cache / "out")])
    assert status == 2
    assert "pretraining alexnet failed" in capsys.readouterr().err


def test_a_worker_that_does_not_answer_costs_one_question(monkeypatch: pytest.MonkeyPatch) -> None:
    def ask(*_: object) -> None:
        raise GraderError("nobody answers")

    monkeypatch.setattr("grading.sandbox.worker.Worker.ask", ask)
    plan = make_plan(parse(["--unsafe", "--profile", "mini", "--only", "Q1-1,Q1-8"]))
    expect_only_the_challenger_missing(with_weights(plan, None, print), "nobody answers")


def test_cached_weights_are_used_whatever_the_network_costs(
    plan_of: PlanOf,
    stub: Callable[[str], None],
    cache: Path,
    monkeypatch: pytest.MonkeyPatch,
    one_thread: None,
) -> None:
    monkeypatch.setattr(challengers, "MOST_SECONDS", 1.0)
    monkeypatch.setattr(proxy, "FACES", 64)
    monkeypatch.setattr(proxy, "EPOCHS", 1)
    stub("raise AssertionError('it is there already')")
    assert "Q1-8" in plan_of("shufflenet_v2_x0_5").unavailable
    pretrain.main("shufflenet_v2_x0_5")
    assert mini_file("shufflenet_v2_x0_5", cache).is_file()
    plan = plan_of("shufflenet_v2_x0_5")
    assert plan.unavailable == {}
    assert set(plan.weights) == {"alexnet", "shufflenet_v2_x0_5"}


def test_a_pretraining_that_diverges_leaves_no_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch, one_thread: None
) -> None:
    monkeypatch.setattr(proxy, "FACES", 64)
    monkeypatch.setattr(proxy, "EPOCHS", 1)
    monkeypatch.setattr(proxy, "LEARNING_RATE", 1e20)
    with pytest.raises(ArithmeticError, match="diverged"):
        pretrain.main("vgg11", str(cache / "vgg11.safetensors"))
    assert not list(cache.glob("vgg11*"))


def test_other_backbones_are_provided_if_one_fails(cache: Path, stub: Callable[[str], None]) -> None:
    stub("raise RuntimeError('no')")
    with pytest.raises(NoWeights) as caught:
        provide(["vgg11", "alexnet"], "mini", None, cache, print)
    assert list(caught.value.files) == ["alexnet"]
    assert list(caught.value.reasons) == ["vgg11"]


def test_in_the_report_profile_missing_weights_are_reported_by_backbone(tmp_path: Path) -> None:
    (tmp_path / "alexnet.pth").touch()
    with pytest.raises(NoWeights, match=r"no weights for resnet101.*grading fetch weights --classifier") as caught:
        provide(["resnet101", "alexnet"], "report", tmp_path, tmp_path, print)
    assert list(caught.value.files) == ["alexnet"]


def test_a_pretraining_ends_with_the_grader(tmp_path: Path) -> None:
    """A grader that is killed cannot end the pretraining itself."""
    program = (
        "import sys; from pathlib import Path; from grading.backbones.weights import provide\n"
        f"provide(['vgg11'], 'mini', None, Path({str(tmp_path)!r}), lambda line: print(line, flush=True))"
    )
    grader = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert grader.stdout is not None
    assert "pretraining vgg11" in grader.stdout.readline()
    assert "about" in grader.stdout.readline()  # it trains
    (child,) = psutil.Process(grader.pid).children()
    grader.kill()
    grader.wait()
    deadline = time.monotonic() + 5
    while psutil.pid_exists(child.pid) and child.status() != psutil.STATUS_ZOMBIE and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not psutil.pid_exists(child.pid) or child.status() == psutil.STATUS_ZOMBIE


def test_an_interrupt_ends_the_pretraining(stub: Callable[[str], None], tmp_path: Path) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    stub("time.sleep(99)")
    before = signal.signal(signal.SIGALRM, interrupt)
    signal.alarm(2)
    start = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            provide(["vgg11"], "mini", None, tmp_path, print)
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)
    while any(child.status() != psutil.STATUS_ZOMBIE for child in psutil.Process().children() if is_stub(child)):
        assert time.monotonic() - start < 30
        time.sleep(0.05)


def is_stub(process: psutil.Process) -> bool:
    try:
        return "time.sleep(99)" in " ".join(process.cmdline())
    except psutil.NoSuchProcess:
        return False


def test_the_command_pretrains_every_network_that_a_challenger_may_be(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pretrained: list[str] = []
    monkeypatch.setattr(pretrain, "main", pretrained.append)
    for name in ("efficientnet_b7", "resnext101_64x4d"):  # a costly one, and one whose cost nobody has measured
        assert command([name]) == 0
    assert pretrained == ["efficientnet_b7", "resnext101_64x4d"]
    for name in ("vit_b_16", "no_such", "inception_v3"):
        with pytest.raises(SystemExit, match="2"):
            command([name])
    assert "no such convolutional classifier" in capsys.readouterr().err


def test_the_list_says_which_networks_are_there_and_what_the_others_cost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path))
    for name in ("resnet50", "efficientnet_b7"):  # the second one would need a command else
        mini_file(name, cache_folder()).touch()
    assert command(["--list"]) == 0
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line for line in lines if line.split() and line.split()[0] in COSTS}
    assert list(rows) == [name for name in COSTS if name not in FORBIDDEN]
    assert all(rows[name].endswith("  ready") for name in ("resnet50", "efficientnet_b7"))
    assert re.fullmatch(r"vgg11 +2 min +by run_all, once", rows["vgg11"])
    assert re.fullmatch(r"convnext_tiny +28 min +needs `python -m grading pretrain NAME`, once", rows["convnext_tiny"])
    for name in set(rows) - {"resnet50", "efficientnet_b7"}:
        assert ("by run_all" in rows[name]) == (too_long(name) is None)
    assert max(map(len, lines)) <= 100


def test_a_pretraining_says_in_words_how_far_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path))
    monkeypatch.setattr(pretrain_command, "SECONDS_BETWEEN", 0.0)

    def pretrains(name: str) -> None:
        pretrain.tell(0, 20, 300.0)
        print("something else")
        pretrain.tell(7, 20, 130.0)
        pretrain.tell(20, 20, 0.0)

    monkeypatch.setattr(pretrain, "main", pretrains)
    assert command(["vgg11"]) == 0
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines == [
        "pretraining vgg11: about 5 min",
        "something else",
        "pretraining vgg11: epoch 7 of 20, about 2 min left",
        "pretraining vgg11: epoch 20 of 20, about 0 s left",
    ]
    assert last.startswith("vgg11 is ready, after ")


def test_a_network_that_is_there_is_not_pretrained_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path))
    mini_file("vgg11", cache_folder()).touch()
    assert command(["vgg11"]) == 0
    assert capsys.readouterr().out == "vgg11 is ready\n"


def test_the_command_needs_a_name_or_the_list(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        command([])
    assert "give a NAME, or --list" in capsys.readouterr().err
