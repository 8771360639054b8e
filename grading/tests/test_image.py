"""What is prepared in an autograder's image."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from grading.assignment.assignment import read_assignment
from grading.backbones.weights import NoWeights, mini_file
from grading.platforms import image
from grading.platforms.settings import Settings, backbones


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty cache, and a checkout that holds nothing but networks and settings."""
    monkeypatch.setenv("HW4_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(image, "ROOT", tmp_path)
    (tmp_path / "weights").mkdir()
    return tmp_path / "cache"


def settings(*configurations: str) -> Settings:
    arguments = ("--profile", "mini", "--unsafe")
    return Settings(arguments, configurations, time_limit=1, challengers=("vgg11",), visibility="visible")


def test_networks_that_came_along_are_not_pretrained_again(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "weights" / "encoder.safetensors").write_text("came along")
    missing: list[str] = []

    def provide(names: Iterable[str], *_: object) -> None:
        missing.extend(name for name in names if not mini_file(name, cache).is_file())

    monkeypatch.setattr(image, "provide", provide)
    image.prepare(settings("Q1-1", "Q1-8", "Q2-3-merged"), read_assignment())
    assert missing == ["alexnet", "mobilenet_v2", "vgg11"]
    assert mini_file("encoder", cache).read_text() == "came along"
    assert (cache / "secret.key").stat().st_size == 32


def test_a_network_that_cannot_be_pretrained_fails_the_build(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def provide(*_: object) -> None:
        raise NoWeights({}, {"vgg11": "pretraining vgg11 failed: too little memory"})

    monkeypatch.setattr(image, "provide", provide)
    (tmp_path / "autograder.json").write_text(settings("Q1-8").text())
    assert image.main() == 1
    assert capsys.readouterr().err == "error: pretraining vgg11 failed: too little memory\n"


def test_tests_of_the_reference_that_fail_fail_the_build(
    cache: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the tests of those questions alone that the autograder asks for."""
    asked = []

    def run(arguments: list[str], status: int, what: str) -> None:
        asked.append(arguments)
        if "pytest" in arguments:
            raise image.NotReady(what)

    monkeypatch.setattr(image, "_expect", run)
    with pytest.raises(image.NotReady):
        image.check(settings("Q1-6", "Q1-8", "Q2-3-merged"), read_assignment())
    trial, tests = asked
    assert trial[:4] == ["grading/run_all.py", "solutions", "--profile", "mini"]
    assert tests[tests.index("-m", 1) + 1] == "q1_8 or q2_3"


@pytest.mark.parametrize(
    ("configuration", "names"),
    [("Q1-1", ["alexnet"]), ("Q1-8", ["mobilenet_v2", "vgg11"]), ("Q2-1-skips", ["encoder"])],
)
def test_only_networks_that_are_needed_are_prepared(configuration: str, names: list[str]) -> None:
    chosen = settings(configuration).chosen(read_assignment())
    assert backbones(chosen, ["vgg11", "mobilenet_v2"]) == names
