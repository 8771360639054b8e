"""docs/assignment.md says what assignment.toml, the student API and the commands are, and its numbers are right."""

import ast
import doctest
import re
import runpy
import shlex
import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image
from torch.nn import functional as F

import solutions.metrics
from grading import ROOT
from grading.__main__ import COMMANDS
from grading.assignment.assignment import Question, read_assignment
from grading.backbones.encoders import VGGEncoder, mini_vgg_encoder, vgg16_encoder
from grading.commands.grade import parse
from grading.protocol.submission import MODULES, locate
from grading.running.resolve import chosen
from grading.scoring.metrics import confusion_per_image, metrics_of, reduced_labels
from grading.worker.training.loop import modules_of

DOC = ROOT / "docs" / "assignment.md"
TEXT = DOC.read_text(encoding="utf-8")
FIGURES = ROOT / "docs" / "assignment"
SVGS, PNGS = sorted(FIGURES.glob("*.svg")), sorted(FIGURES.glob("*.png"))
ASSIGNMENT = read_assignment()
CODE = re.findall(r"`([^`\n]+)`", TEXT)

SVG = "{http://www.w3.org/2000/svg}"
ROUNDING = 3  # of 255: other versions of Pillow and torch may round otherwise as they resize
LARGEST_FIGURE, ALL_FIGURES = 200_000, 800_000  # bytes

Labels = NDArray[np.uint8]


def table(first_header: str, number: int = 0) -> list[dict[str, str]]:
    """The rows of a table, each by its headers: the one of this number among those that begin with this header."""
    lines = TEXT.splitlines()
    start = [row for row, line in enumerate(lines) if line.startswith(f"| {first_header}")][number]
    headers = cells(lines[start])
    rows: list[dict[str, str]] = []
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        rows.append(dict(zip(headers, cells(line), strict=True)))
    return rows


def cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


# --- What the homework asks ------------------------------------------------------------------------------------------


def test_questions_are_those_of_the_assignment() -> None:
    rows = table("question |")
    assert [row["question"] for row in rows] == [question.id for question in ASSIGNMENT.questions]
    for row, question in zip(rows, ASSIGNMENT.questions, strict=True):
        marker = f"`{question.id.lower().replace('-', '_')}`" if question.test_points else "none"
        assert (row["title"], row["marker"]) == (question.title, marker)
        earned = [float(row[column]) for column in ("points", "tests", "training")]
        assert earned == [question.points, question.test_points, question.training_points]


def test_where_to_write_is_where_stubs_name_the_question() -> None:
    stubs = {f"{module}.py": (ROOT / "hw4" / f"{module}.py").read_text("utf-8") for module in MODULES}
    for row, question in zip(table("question |"), ASSIGNMENT.questions, strict=True):
        raised = rf'NotImplementedError\("[^"]*{question.id}\b'
        expected = {name for name, source in stubs.items() if re.search(raised, source)}
        written = set(re.findall(r"`([^`]+)`", row["where you write"]))
        assert written == ({"discussion.md"} if question.discussion else expected)


@pytest.mark.parametrize("question", ASSIGNMENT.questions, ids=lambda question: question.id)
def test_every_question_has_a_section_with_its_points(question: Question) -> None:
    (heading,) = [
        line for line in TEXT.splitlines() if line.startswith("### ") and re.search(rf"{question.id}\b", line)
    ]
    points = re.search(r"\((\d+) points( each)?\)", heading)
    assert points
    assert float(points[1]) == question.points


def sections() -> Iterator[tuple[str, str]]:
    """Headings of questions, and the text below each."""
    for section in re.split(r"^#{2,3} ", TEXT, flags=re.MULTILINE):
        heading, _, body = section.partition("\n")
        if re.match(r"Q\d", heading):
            yield heading, body


@pytest.mark.parametrize(("heading", "body"), [pytest.param(*section, id=section[0]) for section in sections()])
def test_a_section_says_what_a_student_needs(heading: str, body: str) -> None:
    discussed = [question for question in ASSIGNMENT.questions if question.discussion and question.id in heading]
    if discussed:
        assert all(f"**{word}" in body for word in ("number", "reason", "limit"))
        return
    ids = re.findall(r"Q\d-\d", heading)
    assert re.search(rf"run_all\.py hw4 --only {','.join(ids)}`", body)
    for id in ids:
        if ASSIGNMENT.question(id).test_points:
            assert f"`pytest -m {id.lower().replace('-', '_')}`" in body
            assert all(f"**{word}**" in body for word in ("Check", "Typical mistakes", "Time"))


def student_api() -> list[str]:
    trees = (ast.parse((ROOT / "hw4" / f"{module}.py").read_text("utf-8")) for module in MODULES)
    definitions = chain.from_iterable(tree.body for tree in trees)
    return [node.name for node in definitions if isinstance(node, ast.FunctionDef | ast.ClassDef)]


def test_every_function_of_the_student_api_is_named() -> None:
    # FCN8s also stands in prose without backquotes; the modules stand in the table of questions.
    assert [name for name in student_api() if not re.search(rf"`{name}`|\*\*{name}\*\*", TEXT)] == []
    assert f"{len(student_api())} short functions and classes" in TEXT


def test_the_minutes_of_the_evening_add_up() -> None:
    *steps, total = [int(row["minutes"]) for row in table("step |")]
    assert sum(steps) == total


def test_what_a_training_runs_of_the_students_code() -> None:
    rows = {name: row for row in table("trainings |") for name in row["trainings"].split(", ")}
    for configuration in ASSIGNMENT.configurations:
        job = {
            "task": configuration.task,
            "network": dict(configuration.network),
            "augmentation": configuration.augmentation,
        }
        named = re.findall(r"`(\w+)\.py`", rows[configuration.question]["what they run of your code"])
        assert named == modules_of(job)


# --- Commands --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", sorted({code for code in CODE if re.match(r"(python|pytest)\b", code)}))
def test_a_command_exists(command: str, pytestconfig: pytest.Config) -> None:
    match shlex.split(command):
        case ["pytest", *arguments]:
            expect_pytest(arguments, pytestconfig)
        case ["python", "grading/run_all.py", *arguments]:
            options = parse(arguments)
            assert locate(options.submission).name == "hw4"
            if options.only:
                assert chosen(ASSIGNMENT, options.only)
        case ["python", "-m", "grading", name, *_]:
            assert name in COMMANDS
        case other:
            pytest.fail(f"no test knows {other}")


def expect_pytest(arguments: list[str], config: pytest.Config) -> None:
    markers = {line.split(":")[0] for line in config.getini("markers")}
    match arguments:
        case []:
            pass
        case ["-m", marker]:
            assert marker in markers
        case [path] if path.startswith("tests/"):
            assert (ROOT / path).is_file()
        case [flag]:
            config.getoption(flag)  # ValueError if there is none


# --- Numbers ---------------------------------------------------------------------------------------------------------


def published() -> Iterator[tuple[str, str, str, str, str]]:
    for configuration in ASSIGNMENT.configurations:
        for metric, figures in configuration.published.items():
            initial = f"{figures['initial']:.4f}" if "initial" in figures else ""
            yield configuration.id, configuration.title, metric, initial, f"{figures['best']:.4f}"


def test_published_numbers() -> None:
    assert [tuple(row.values()) for row in table("configuration | what")] == list(published())


def test_no_other_number_is_given_away() -> None:
    """Numbers of three digits or more are the report's, a protocol's or the worked example's, none a calibration's."""
    example = TEXT[TEXT.index("### Mean IoU, by hand") : TEXT.index("There is a second way")]
    known = {number for row in published() for number in row[3:]} | set(re.findall(r"0\.\d{3,}", example))
    for configuration in ASSIGNMENT.configurations:
        known.add(str(configuration.required))
        for protocol in configuration.protocols.values():
            known.add(str(protocol.get("optimizer", {}).get("lr")))
    assert set(re.findall(r"0\.\d{3,}", TEXT)) - known == {"0.0025"}, "one of 400 pictures"


@pytest.mark.parametrize(("part", "configuration"), [(1, "Q1-1"), (2, "Q2-1-skips")])
@pytest.mark.parametrize("profile", ["report", "mini"])
def test_protocols(part: int, configuration: str, profile: str) -> None:
    rows = {row[""]: row[f"part {part}, `{profile}`"] for row in table("| part 1")}
    protocol = ASSIGNMENT.configuration(configuration).protocols[profile]
    optimizer = protocol["optimizer"]
    assert rows["epochs"] == str(protocol["epochs"])
    assert rows["batch size"] == str(protocol["batch_size"])
    assert rows["side of a picture"] == str(protocol["crop"])
    momentum = f", momentum {optimizer['momentum']}" if "momentum" in optimizer else ""
    assert rows["optimizer"] == f"{optimizer['name']}, rate {optimizer['lr']}{momentum}"
    step, gamma = protocol["scheduler"]["step_size"], protocol["scheduler"]["gamma"]
    changes = f"by {gamma} every {step} epochs" if step < protocol["epochs"] else "never"
    assert rows["the rate is multiplied"] == changes
    counts = vars(ASSIGNMENT.profiles[profile])
    kind = "faces" if part == 1 else "streets"
    for row, name in (("training pictures", f"train_{kind}"), ("validation pictures", f"validation_{kind}")):
        if counts[name] is not None:
            assert rows[row].split()[0] == str(counts[name])


def test_the_challengers_rate() -> None:
    scheduler = ASSIGNMENT.configuration("Q1-8").protocols["mini"]["scheduler"]
    assert f"multiplies its rate by {scheduler['gamma']} every {scheduler['step_size']} epochs" in TEXT


@pytest.mark.parametrize(
    ("profile", "side", "build"),
    [("report", 256, vgg16_encoder), ("mini", 64, mini_vgg_encoder)],
    ids=["report", "mini"],
)
def test_maps_of_the_encoder(profile: str, side: int, build: Callable[[], VGGEncoder]) -> None:
    with torch.device("meta"):  # shapes alone
        taps = build()(torch.zeros(1, 3, side, side))
    for row in table("map |"):
        channels, height, width = taps[row["map"]].shape[1:]
        assert channels == int(row[f"channels (`{profile}`)"])
        assert height == width == int(row[f"side at {side} x {side} (`{profile}`)"])
        assert side // height == int(row["stride"])


def test_transposed_convolutions() -> None:
    rows = table("input | kernel")
    assert len(rows) == 3
    for row in rows:
        input, kernel, output = (
            torch.tensor([[[float(number) for number in row[name].split()]]]) for name in ("input", "kernel", "output")
        )
        assert torch.equal(F.conv_transpose1d(input, kernel, stride=2, padding=int(row["padding"])), output)


# --- The worked example ----------------------------------------------------------------------------------------------


def example() -> tuple[Labels, Labels]:
    """The target and the prediction that students copy."""
    grids = dict(re.findall(r"^(target|pred) = torch\.tensor\((.*)\)$", TEXT, flags=re.MULTILINE))
    target, predicted = (np.array(ast.literal_eval(grids[name]), np.uint8) for name in ("target", "pred"))
    return target, predicted


def test_the_example_by_the_graders_own_metrics() -> None:
    target, predicted = example()
    counts = confusion_per_image(predicted[None], target[None], 3)
    rows = table("target \\ prediction")
    assert [[int(row[str(column)]) for column in range(3)] for row in rows] == counts[0, :-1].tolist()
    for label, row in enumerate(table("class | TP")):
        right, fp, fn = (int(row[name]) for name in list(row)[1:4])
        assert right == ((target == label) & (predicted == label)).sum()
        assert fp == ((target != label) & (predicted == label) & (target != 255)).sum()
        assert fn == ((target == label) & (predicted != label)).sum()
        assert row["IoU"] == f"{right}/{right + fp + fn} = {right / (right + fp + fn):.4f}"
    metrics = metrics_of(["miou_standard", "accuracy_standard", "miou_reported", "accuracy_reported"], counts)
    standard, accuracy, reported, accuracy_reported = (f"{value:.4f}" for value in metrics.values())
    assert f"Pixel accuracy is 11/15 = {accuracy}, and mean IoU (5/6 + 4/7 + 2/6) / 3 = {standard}." in TEXT
    prose = " ".join(TEXT.split())
    assert f"IoU of class 2 is 2/7 = {2 / 7:.4f}, mean IoU {reported}, accuracy 11/16 = {accuracy_reported}" in prose


def test_the_example_with_two_classes_merged() -> None:
    target, predicted = (reduced_labels(labels, [(0, 0), (1, 1), (2, 1)]) for labels in example())
    metrics = metrics_of(["miou_standard", "accuracy_standard"], confusion_per_image(predicted[None], target[None], 2))
    miou, accuracy = (f"{value:.4f}" for value in metrics.values())
    assert f"mean IoU {miou}, accuracy 14/15 = {accuracy}." in TEXT
    wrong, still_wrong = (int(((one != other) & (one != 255)).sum()) for one, other in (example(), (target, predicted)))
    assert f"({wrong - still_wrong} of the {wrong} wrong pixels)" in TEXT


def test_the_example_as_students_run_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hw4.metrics", solutions.metrics)
    target, predicted = (torch.from_numpy(labels).long() for labels in example())
    lines = re.search(r"^>>> from hw4\.metrics.*?(?=^```)", TEXT, flags=re.MULTILINE | re.DOTALL)
    assert lines
    names = {"target": target, "pred": predicted}
    examples = doctest.DocTestParser().get_doctest(lines[0], names, DOC.name, str(DOC), 0)
    runner = doctest.DocTestRunner(verbose=False)
    runner.run(examples)
    assert runner.tries == 7
    assert runner.failures == 0


def test_the_drawing_shows_the_example() -> None:
    target, predicted = example()
    texts = [node.text or "" for node in ElementTree.parse(FIGURES / "worked_example.svg").iter(f"{SVG}text")]
    assert texts[1:17] == [str(label) for label in target.ravel()]
    assert texts[18:34] == [str(label) for label in predicted.ravel()]
    marks = np.array(texts[35:])
    assert np.array_equal(marks == "\N{CHECK MARK}", ((target == predicted) & (target != 255)).ravel())
    assert np.array_equal(marks == "\N{EN DASH}", (target == 255).ravel())


# --- Figures and links -----------------------------------------------------------------------------------------------


def test_every_figure_is_shown_with_an_alternative_text() -> None:
    shown = dict(re.findall(r"!\[([^]]*)\]\(([^)]+)\)", TEXT))
    assert sorted(shown.values()) == sorted(f"assignment/{file.name}" for file in FIGURES.iterdir())
    assert min(map(len, shown)) > 60


def test_links_lead_somewhere() -> None:
    headings = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^#+ (.*)$", TEXT, re.M)}
    for target in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert target.removeprefix("#") in headings if target.startswith("#") else (DOC.parent / target).exists()


def test_figures_are_small() -> None:
    sizes = [file.stat().st_size for file in [*SVGS, *PNGS]]
    assert max(sizes) < LARGEST_FIGURE
    assert sum(sizes) < ALL_FIGURES


@pytest.mark.parametrize("file", SVGS, ids=lambda file: file.stem)
def test_a_drawing_reads_in_light_and_dark_and_asks_for_nothing(file: Path) -> None:
    source = file.read_text("utf-8")
    elements = list(ElementTree.fromstring(source).iter())
    assert {element.tag for element in elements} <= {
        f"{SVG}{tag}" for tag in ("svg", "title", "desc", "style", "rect", "path", "polygon", "text")
    }
    assert not re.search(r"href|url\(|@import|script|\son\w+=", source)
    light, dark = source.split("@media (prefers-color-scheme:dark)")
    styled = {name for element in elements for name in element.get("class", "").split()}
    assert styled
    for name in styled:
        assert f".{name}{{" in light
        assert f".{name}{{" in dark
    for element in elements:
        if element.tag == f"{SVG}text":
            assert element.get("class"), "text without a class is black in the dark"


def test_the_command_draws_what_is_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    command = ROOT / "docs" / "draw_assignment.py"
    monkeypatch.syspath_prepend(command.parent)
    monkeypatch.setattr(sys, "argv", [str(command), str(tmp_path)])
    runpy.run_path(str(command), run_name="__main__")
    assert {file.name for file in tmp_path.iterdir()} == {file.name for file in FIGURES.iterdir()}
    for file in SVGS:
        assert (tmp_path / file.name).read_bytes() == file.read_bytes()
    for file in PNGS:
        drawn, kept = (np.asarray(Image.open(folder / file.name), int) for folder in (tmp_path, FIGURES))
        assert drawn.shape == kept.shape
        assert np.abs(drawn - kept).max() <= ROUNDING
