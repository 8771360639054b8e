"""assignment.toml holds together."""

import re
from pathlib import Path

import pytest

from grading.assignment.assignment import FILE, Configuration, Relation, read_assignment
from grading.commands.grade import main

ASSIGNMENT = read_assignment()


def test_points_total_100() -> None:
    assert sum(question.points for question in ASSIGNMENT.questions) == 100


def test_configuration_ids_of_the_contract() -> None:
    assert [c.id for c in ASSIGNMENT.configurations] == [
        *("Q1-1", "Q1-2", "Q1-3", "Q1-5", "Q1-6", "Q1-8"),
        *("Q2-1-skips", "Q2-1-no-skips", "Q2-3-merged", "Q2-3-first-three"),
    ]


@pytest.mark.parametrize("configuration", ASSIGNMENT.configurations, ids=lambda c: c.id)
def test_a_configuration_is_complete(configuration: Configuration) -> None:
    assert ASSIGNMENT.question(configuration.question).training_points > 0
    assert configuration.metric in configuration.published
    assert set(configuration.protocols) == set(ASSIGNMENT.profiles)
    assert configuration.kind in ASSIGNMENT.gflop
    if configuration.task == "segmentation":
        assert configuration.classes is not None
        assert {new for _, new in configuration.classes.mapping} == set(range(len(configuration.classes.names)))


@pytest.mark.parametrize("relation", ASSIGNMENT.relations, ids=lambda r: r.id)
def test_a_relation_names_what_exists(relation: Relation) -> None:
    assert ASSIGNMENT.question(relation.question)
    assert ASSIGNMENT.configuration(relation.better).id != ASSIGNMENT.configuration(relation.worse).id


def test_part_1_accuracies_are_multiples_of_one_in_400() -> None:
    for configuration in ASSIGNMENT.configurations:
        for key in ("initial", "best"):
            value = configuration.published.get("accuracy", {}).get(key)
            assert value is None or value * 400 == pytest.approx(round(value * 400))


# Mistakes that an instructor may make: a text of assignment.toml, its replacement, and what the error must name.
MISTAKES = {
    "more points for tests than there are": ("test_points = 2.5", "test_points = 7", r"question Q1-1.*7 of points 5"),
    "batches of one image": ("batch_size = 4", "batch_size = 1", r"batch_size is a whole number of at least 2"),
    "negative points": ("points = 5\n", "points = -5\n", r"question Q1-1"),
    "a question without configuration": (
        'question = "Q1-6"\nfree',
        'question = "Q1-5"\nfree',
        r"question Q1-6.*no conf",
    ),
    "an unknown question": ('question = "Q1-1"', 'question = "Q1-9"', r"configuration Q1-1.*'Q1-9'"),
    "a configuration of a discussion": ('question = "Q1-1"\n', 'question = "Q1-4"\n', r"question Q1-.*"),
    "an unknown metric": ('metric = "accuracy"', 'metric = "f1"', r"configuration Q1-1: metric 'f1'"),
    "a metric of the other task": ('metric = "miou_reported"', 'metric = "accuracy"', r"Q2-1-skips: metric 'accuracy'"),
    "unknown classes": ('classes = "all"', 'classes = "every"', r"Q2-1-skips: classes 'every' is none of all"),
    "an unknown protocol": ('protocol = "faces"', 'protocol = "face"', r"Q1-1: protocol 'face' is none of faces"),
    "an unknown required test": (
        'required_tests = ["scratch"]',
        'required_tests = ["scrach"]',
        r"Q1-3: required_tests 'scrach'",
    ),
    "no required test": ('required_tests = ["scratch"]', "required_tests = []", r"Q1-3: required_tests"),
    "an unknown case": ('case = "scratch"', 'case = "scrach"', r"Q1-3: network case"),
    "an entry of a network that nobody reads": (
        'case = "scratch"',
        'case = "scratch", backbone = "resnet18"',
        r"Q1-3: nothing reads 'backbone' of its network",
    ),
    "a key that nobody reads": ('augmentation = "face"', 'augmentations = "face"', r"Q1-5: nothing reads"),
    "a missing key": ('trains = "head"\n', "", r"Q1-1: 'trains' is missing"),
    "no epochs": ("epochs = 25", "epochs = 0", r"protocol of report: epochs"),
    "an unknown optimizer": ('name = "SGD"', 'name = "sgd"', r"optimizer 'sgd'"),
    "a class that no rule leads to": ("[10, 10]]", "[10, 9]]", r"Q2-1-skips: .*not to each of 0 to 10"),
    "a rule about every face": ("share = 0.2", "share = 0.6", r"control: share 0.6"),
    "a rule about no class": ("regions = [0]", "regions = [99]", r"control: regions .*Q2-1-skips"),
    "an unknown relation": ('better = "Q1-2"', 'better = "Q1-22"', r"better 'Q1-22'"),
    "a gate that decides nothing": ("most_seeds = 5", "most_seeds = 1", r"gate: most_seeds 1"),
    "no TOML": ("[gate]", "[gate", r"line \d+"),
    "the same id twice": ('id = "Q1-2"\nquestion', 'id = "Q1-1"\nquestion', r"configuration Q1-1 is there twice"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_change_that_does_not_fit_is_refused_in_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], mistake: str
) -> None:
    before, after, message = MISTAKES[mistake]
    expect_refused(changed(tmp_path, before, after), message, monkeypatch, capsys)


def changed(folder: Path, before: str, after: str) -> Path:
    """assignment.toml with the first occurrence of a text replaced."""
    text = FILE.read_text(encoding="utf-8")
    assert before in text
    path = folder / "assignment.toml"
    path.write_text(text.replace(before, after, 1), encoding="utf-8")
    return path


def expect_refused(
    path: Path, message: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """run_all ends with status 2 and one line."""
    monkeypatch.setattr("grading.running.resolve.read_assignment", lambda: read_assignment(path))
    assert main(["--unsafe", "--profile", "mini"]) == 2
    printed = capsys.readouterr()
    assert re.fullmatch(rf"error: assignment\.toml: .*{message}.*\n", printed.err)
    assert printed.out == ""


@pytest.mark.parametrize(
    ("before", "after", "message"),
    [
        ("test_(without_skips|encoder)", "test_(without_skip_connections)", r"Q2-1-no-skips.*matches no test"),
        ("points = 5\ntest_points = 0 ", "points = 5\ntest_points = 1 ", r"question Q1-6 gives 1 points for tests"),
    ],
)
def test_required_tests_and_points_for_tests_need_existing_tests(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    before: str,
    after: str,
    message: str,
) -> None:
    expect_refused(changed(tmp_path, before, after), message, monkeypatch, capsys)
