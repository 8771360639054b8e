"""Figures of a run: what they tell, that nothing in them is markup, and what becomes of damaged evidence."""

import io
import re
import subprocess
import sys
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from grading.assignment.training_record import Run
from grading.commands.grade import parse
from grading.reporting.pictures import of_results
from grading.reporting.pictures.checked import Answered, UnusableEvidence, read_answers
from grading.reporting.pictures.conclusions import conclusions_figure
from grading.reporting.pictures.confusion import confusion_figure, iou_figure
from grading.reporting.pictures.curves_chart import HEIGHT, curves_figure, spread, student_curves_figure
from grading.reporting.pictures.figure import Figure
from grading.reporting.pictures.mistakes import mistakes_figure
from grading.reporting.pictures.of_results import Figures, figures_of
from grading.reporting.pictures.overlays import Segmented, overlays_figure
from grading.reporting.pictures.theme import (
    BOUNDARY,
    CAMVID,
    COLOURS,
    INK,
    OTHER_CLASSES,
    PUBLISHED,
    QUIET,
    SUBMISSION,
    TEXT,
    WIDTH,
    class_colours,
    label,
)
from grading.reporting.results import Results
from grading.running.evidence import Answers, Draws, answers_file, draws_file
from grading.running.plan import Plan
from grading.running.resolve import make_plan
from grading.tests.made_up_run import history, made_up_results, rising, write_evidence

CLASSIFIED, SEGMENTED = "Q1-1", "Q2-1-skips"
BUDGET = 2_000_000  # bytes of all figures in a page
HOSTILE = [
    "$x$ $\\frac{1}{0}$ \\alpha",
    "<script>alert(1)</script>",
    "]]> --> <!-- &lt; & ' \"",
    "{{ 7 * 7 }} %s {0}",
    "\U0001f600\U0001f3fd \u0e01\u4e2d\u6587",
    "\u05e9\u05dc\u05d5\u05dd \u202eevil\u2066",
    "\x00\x07\x1b[2J\ud800\ufffe",
    "two\nlines\r\n",
    "",
    "x" * 5000,
]


@pytest.fixture(scope="module")
def plan() -> Plan:
    return make_plan(parse(["--unsafe", "--profile", "mini"]))


@pytest.fixture(scope="module")
def results(plan: Plan) -> Results:
    return made_up_results(plan, seeds=5)


@pytest.fixture(scope="module")
def folder(results: Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("run")
    write_evidence(results, folder)
    return folder


@pytest.fixture(scope="module")
def figures(results: Results, folder: Path) -> Figures:
    return figures_of(results, folder)


def every(figures: Figures) -> Iterator[tuple[str, Figure]]:
    """All figures with a name for each."""
    for part in fields(figures):
        value = getattr(figures, part.name)
        if isinstance(value, dict):
            yield from ((f"{part.name} {id}", figure) for id, figure in value.items())
        elif isinstance(value, Figure):
            yield part.name, value


def texts(figure: Figure) -> str:
    """All words in a picture."""
    root = ElementTree.fromstring(figure.content)
    return "\n".join(element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text"))


def place(text: ElementTree.Element) -> tuple[float, float]:
    """Where a line of words begins, is centred or ends."""
    moved = re.match(r"translate\(([\d.]+) ([\d.]+)\)", text.attrib.get("transform", ""))
    if moved is not None:
        return float(moved[1]), float(moved[2])
    return float(text.attrib["x"]), float(text.attrib["y"])


def expect_harmless(figure: Figure) -> None:
    """Well-formed, runs nothing, asks for nothing from elsewhere, and is readable in light and dark."""
    root = ElementTree.fromstring(figure.content)
    for element in root.iter():
        tag = element.tag.rpartition("}")[2]
        assert tag in {"svg", "style", "defs", "g", "path", "use", "text", "rect", "clipPath", "image"}, tag
        for name, value in element.attrib.items():
            assert not name.lower().startswith("on")
            if name.rpartition("}")[2] == "href":
                assert re.match(r"#\w+$|data:image/(png|webp);base64,", value), value[:80]
            assert not re.search(r"url\((?!#)", value), value
    content = figure.content.decode()
    assert "prefers-color-scheme:dark" in content
    assert not any(colour.stand_in in content for colour in COLOURS)
    assert figure.width <= WIDTH
    assert figure.alt.isprintable()
    assert figure.caption.isprintable()
    assert "\n" not in figure.caption


def test_a_run_with_all_evidence_has_all_figures(figures: Figures, results: Results) -> None:
    assert figures.failures == []
    every_id = set(results.outcomes)
    segmented = {id for id in every_id if id.startswith("Q2")}
    assert set(figures.curves) == set(figures.curves_for_student) == set(figures.confusion) == every_id
    assert set(figures.iou) == segmented
    assert set(figures.mistakes) == every_id - segmented
    assert None not in (figures.overlays, figures.augmentation, figures.conclusions)


def test_figures_are_harmless_and_small(figures: Figures) -> None:
    total = 0
    for _, figure in every(figures):
        expect_harmless(figure)
        total += len(figure.data_uri())
    assert total < BUDGET


@pytest.mark.slow
def test_photographs_stay_within_the_budget(results: Results, tmp_path: Path) -> None:
    """Those of the `report` profile: 256 x 256, and less alike than drawn ones."""
    write_evidence(results, tmp_path)
    generator = np.random.default_rng(0)
    for id in results.outcomes:
        answers = Answers.read(answers_file(tmp_path, id))
        assert answers is not None
        large = [
            array.repeat(4, 1).repeat(4, 2)
            for array in (answers.images, answers.labels, answers.predictions)
            if array.ndim > 2
        ]
        grain = generator.normal(0, 6, large[0].shape)
        images = np.clip(large[0] + grain, 0, 255).astype(np.uint8)
        labels, predictions = large[1:] or (answers.labels, answers.predictions)
        replace(answers, images=images, labels=labels, predictions=predictions).write(answers_file(tmp_path, id))
    figures = figures_of(results, tmp_path)
    assert figures.failures == []
    assert sum(len(figure.data_uri()) for _, figure in every(figures)) < BUDGET


def test_an_address_holds_the_file(figures: Figures) -> None:
    for _, figure in every(figures):
        address = figure.data_uri()
        assert address.isascii()
        assert not set(address) & set('"<>#\n')
        assert unquote_to_bytes(address.partition(",")[2]) == figure.content
    png = Figure("image/png", b"\x89PNG", "", "", 1, False)
    assert png.data_uri() == "data:image/png;base64,iVBORw=="


def test_the_same_results_give_the_same_bytes(
    figures: Figures, results: Results, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In several threads at a time, and whatever the user's settings of matplotlib are."""
    few = replace(results, outcomes={id: results.outcomes[id] for id in (CLASSIFIED, SEGMENTED)})
    monkeypatch.setitem(matplotlib.rcParams, "lines.linewidth", 9)
    monkeypatch.setitem(matplotlib.rcParams, "font.size", 30)
    before = dict(matplotlib.rcParams)
    with ThreadPoolExecutor(4) as pool:
        again = [dict(every(made)) for made in pool.map(lambda _: figures_of(few, folder), range(4))]
    assert all(made == again[0] for made in again)
    first = dict(every(figures))
    assert all(first[name] == figure for name, figure in again[0].items() if name != "overlays")
    assert dict(matplotlib.rcParams) == before


def test_students_see_training_faces_and_their_own_curves(figures: Figures) -> None:
    for name, figure in every(figures):
        assert figure.for_students == name.startswith(("curves_for_student", "augmentation")), name


def test_a_students_curves_do_not_depend_on_what_they_are_held_against(results: Results) -> None:
    for id, outcome in results.outcomes.items():
        other = results.outcomes["Q1-3" if id != "Q1-3" else "Q1-1"].expectation
        assert student_curves_figure(outcome, 20) == student_curves_figure(replace(outcome, expectation=other), 20)
        assert curves_figure(outcome, 20) != curves_figure(replace(outcome, expectation=other), 20)


def test_a_students_curves_are_rounded(results: Results) -> None:
    """Exact metrics would tell how many validation labels a prediction meets."""
    outcome = results.outcomes[CLASSIFIED]
    drawn = []
    for offset in (0.0, 0.003):
        values = [0.501 + offset, 0.601 + offset, 0.701 + offset]
        runs = (Run(CLASSIFIED, 0, history(outcome.configuration, values), 1.0),)
        drawn.append([draw(replace(outcome, runs=runs), 3) for draw in (student_curves_figure, curves_figure)])
    assert drawn[0][0] == drawn[1][0]
    assert drawn[0][1] != drawn[1][1]


def test_curves_name_the_numbers(results: Results) -> None:
    outcome = results.outcomes[CLASSIFIED]
    runs = (Run(CLASSIFIED, 0, history(outcome.configuration, [0.5, 0.6, 0.7, 0.8, 0.9125]), 1.0),)
    figure = curves_figure(replace(outcome, runs=runs), 5)
    assert figure is not None
    measured = outcome.expectation.measured
    assert measured is not None
    threshold, expected = f"{outcome.threshold:.3f}", f"{outcome.expectation.tail:.3f}"
    for number in ("0.500", "0.912", "0.775", "0.81", threshold, expected, f"{min(measured.tails):.3f}"):
        assert number in figure.alt
    for number in ("this run 0.912", "published 0.81", "published first 0.775", f"PASS line {threshold}", expected):
        assert number in texts(figure)
    student = student_curves_figure(replace(outcome, runs=runs), 5)
    assert student is not None
    assert threshold not in texts(student) + student.alt
    assert "this run 0.91" in texts(student)


@pytest.mark.parametrize("epochs", [1, 2, 25])
def test_curves_of_any_length(epochs: int, results: Results) -> None:
    outcome = results.outcomes[SEGMENTED]
    runs = (Run(SEGMENTED, 0, history(outcome.configuration, rising(0, epochs)), 1.0),)
    for draw in (curves_figure, student_curves_figure):
        figure = draw(replace(outcome, runs=runs), epochs)
        assert figure is not None
        expect_harmless(figure)
        assert f"each of {epochs} epoch" in figure.alt


@pytest.mark.parametrize("values", [[float("nan")] * 3, [0.5, float("nan"), 0.7], [0.0, 0.0, 0.0], [1.0, 1.0, 1.0]])
def test_curves_of_unusual_values(values: list[float], results: Results) -> None:
    outcome = results.outcomes[CLASSIFIED]
    runs = (Run(CLASSIFIED, 0, history(outcome.configuration, values), 1.0),)
    figure = curves_figure(replace(outcome, runs=runs), 3)
    assert figure is not None
    expect_harmless(figure)
    assert "nan" not in texts(figure).lower()


def test_trainings_that_broke_off(results: Results) -> None:
    outcome = results.outcomes[CLASSIFIED]
    broken = Run(CLASSIFIED, 1, history(outcome.configuration, [0.5, 0.6]), 1.0, "CRASH", "<b>$x$")
    begun = Run(CLASSIFIED, 2, (), 1.0, "FAIL", "it raised")
    figure = curves_figure(replace(outcome, runs=(outcome.runs[0], broken, begun)), 20)
    assert figure is not None
    assert "1 finished training" in figure.alt
    assert "1 training broke off" in figure.alt
    alone = curves_figure(replace(outcome, runs=(broken,)), 20)
    assert alone is not None
    assert "each of 20 epochs in 0 finished trainings, 0.550" not in alone.alt
    assert "this run" not in texts(alone)
    assert curves_figure(replace(outcome, runs=(begun,)), 20) is None


def test_a_run_without_any_finished_training(results: Results, folder: Path) -> None:
    """What lies in its folder is of an earlier run: only the reasons are left."""
    outcomes = {
        id: replace(outcome, runs=(Run(id, 0, (), 1.0, "FAIL", "it raised"),))
        for id, outcome in results.outcomes.items()
    }
    figures = figures_of(replace(results, outcomes=outcomes, relations=[]), folder)
    assert figures.failures == []
    assert [name for name, _ in every(figures)] == ["augmentation"]


def test_a_run_without_evidence(results: Results, tmp_path: Path) -> None:
    figures = figures_of(results, tmp_path / "missing")
    assert figures.failures == []
    assert {name.partition(" ")[0] for name, _ in every(figures)} == {"curves", "curves_for_student", "conclusions"}


def test_without_a_calibration_no_number_is_made_up(results: Results) -> None:
    outcome = results.outcomes[CLASSIFIED]
    misfit = replace(outcome, expectation=replace(outcome.expectation, misfit="other data"))
    figure = curves_figure(misfit, 20)
    assert figure is not None
    assert not re.search("PASS|FAIL|reference", texts(figure) + figure.alt + figure.caption)


def test_a_published_threshold_is_shown_without_a_reference(results: Results) -> None:
    """As in a profile that is not calibrated."""
    outcome = results.outcomes[CLASSIFIED]
    published = replace(outcome, expectation=replace(outcome.expectation, measured=None))
    figure = curves_figure(published, 20)
    assert figure is not None
    assert f"PASS line {outcome.threshold:.3f}" in texts(figure)
    assert "reference" not in texts(figure) + figure.alt + figure.caption


def test_a_boundary_far_below_does_not_press_the_curves_flat(results: Results) -> None:
    """Its name stands at the foot."""
    outcome = results.outcomes[CLASSIFIED]

    def with_floor(floor: float) -> str:
        gate = replace(outcome.gate, floor=floor)
        figure = curves_figure(replace(outcome, expectation=replace(outcome.expectation, gate=gate)), 20)
        assert figure is not None
        assert f"FAIL line {floor:.3f}" in texts(figure)
        return "".join(re.findall(r"<text[^>]*text-anchor: end[^>]*>[\d.]+</text>", figure.content.decode()))

    assert with_floor(0.5) == with_floor(0.01)


@pytest.mark.parametrize("heights", [[], [5.0], [0, 0, 0, 0], [10, 11, 190, 200], [199, 200, 200, 200], [0, 100, 105]])
def test_names_beside_the_axes_do_not_overlap(heights: list[float]) -> None:
    moved = spread(heights, 14, 200)
    assert len(moved) == len(heights)
    assert all(upper - lower >= 14 - 1e-9 for lower, upper in pairwise(moved))
    assert all(0 <= height <= 200 for height in moved)


def test_names_in_a_picture_lie_in_it(figures: Figures) -> None:
    for name, figure in every(figures):
        root = ElementTree.fromstring(figure.content)
        height = float(root.attrib["height"])
        for element in root.iter("{http://www.w3.org/2000/svg}text"):
            x, y = place(element)
            assert 0 <= x <= WIDTH, (name, element.text)
            assert 0 < y <= height, (name, element.text)
            size = re.search(r"font(?:-size)?: ([\d.]+)px", element.attrib.get("style", f"font: {TEXT}px"))
            assert size is not None
            assert float(size[1]) >= 10
    assert HEIGHT < WIDTH


def answered(classes: int, *, by_pixel: bool) -> Answered:
    shape = (2, 8, 8) if by_pixel else (2,)
    labels = np.zeros(shape, np.uint8)
    labels[1] = classes - 1
    counts = np.full((classes, classes), 3, np.int64)
    sure = None if by_pixel else np.array([0.7, 0.9])
    return Answered(counts, np.full((2, 8, 8, 3), 128, np.uint8), labels, labels[::-1].copy(), sure)


@pytest.mark.parametrize("name", HOSTILE, ids=range(len(HOSTILE)))
def test_names_are_words_and_never_markup(name: str, results: Results) -> None:
    names = [name, "other"]
    configuration = replace(results.outcomes[CLASSIFIED].configuration, id=name)
    relation = replace(results.relations[0], relation=replace(results.relations[0].relation, id=name))
    drawn = [
        confusion_figure(name, names, answered(2, by_pixel=True).confusion, "pixels"),
        iou_figure(name, names, answered(2, by_pixel=True).confusion),
        mistakes_figure(name, names, answered(2, by_pixel=False)),
        overlays_figure({name: Segmented(names, answered(2, by_pixel=True))}),
        conclusions_figure([relation]),
        curves_figure(replace(results.outcomes[CLASSIFIED], configuration=configuration), 20),
    ]
    for figure in drawn:
        assert figure is not None
        expect_harmless(figure)
        assert len(figure.alt) < 1000
    for figure in drawn[:5]:
        assert figure is not None
        words = texts(figure)
        shown = label(name, 14)
        assert shown.rstrip("…") in words
        assert words.replace("\n", "").isprintable()


@pytest.mark.parametrize("classes", [1, 2, 11, 30])
def test_any_number_of_classes(classes: int) -> None:
    names = [f"class {number}" for number in range(classes)]
    pixels = answered(classes, by_pixel=True)
    for figure in (
        confusion_figure("id", names, pixels.confusion, "pixels"),
        iou_figure("id", names, pixels.confusion),
        overlays_figure({"id": Segmented(names, pixels)}),
    ):
        assert figure is not None
        expect_harmless(figure)
        assert all(name in texts(figure) for name in names)


def test_confusions_and_ious_name_the_numbers() -> None:
    counts = np.array([[80, 20, 0], [30, 70, 0], [0, 0, 0]])
    names = ["sky", "road", "car"]
    confusion = confusion_figure("Q2-1", names, counts, "pixels")
    assert confusion.alt == (
        "Confusion matrix of Q2-1: 75.0% of 200 pixels are right. "
        "Most often taken: road for sky (30%), sky for road (20%)."
    )
    assert {"80", "20", "30", "70"} <= set(texts(confusion).split("\n"))
    iou = iou_figure("Q2-1", names, counts)
    assert iou.alt == "IoU by class of Q2-1: sky 0.62, road 0.58. Their mean is 0.599."
    assert "absent" in texts(iou)
    right = confusion_figure("Q2-1", names, np.diag([5, 5, 5]), "pixels")
    assert right.alt == "Confusion matrix of Q2-1: 100.0% of 15 pixels are right."


def test_mistakes_are_the_surest_ones() -> None:
    answers = replace(
        answered(2, by_pixel=False),
        images=np.zeros((4, 8, 8, 3), np.uint8),
        labels=np.array([0, 1, 1, 0], np.uint8),
        predictions=np.array([1, 1, 0, 1], np.uint8),
        confidence=np.array([0.6, 1.0, 0.8, 0.7]),
    )
    figure = mistakes_figure("Q1-1", ["light", "heavy"], answers)
    assert figure is not None
    assert figure.alt == (
        "The 3 mistakes that Q1-1 was surest of: heavy taken for light (80%), light taken for heavy (70%), "
        "light taken for heavy (60%)."
    )
    assert mistakes_figure("Q1-1", ["light", "heavy"], replace(answers, predictions=answers.labels)) is None


def test_overlays_compare_answers_to_the_same_pictures(figures: Figures, results: Results, folder: Path) -> None:
    assert figures.overlays is not None
    assert all(id in figures.overlays.alt for id in figures.iou)
    assert {"sky", "void", "background", "picture", "truth"} <= set(texts(figures.overlays).split("\n"))
    same = answered(2, by_pixel=True)
    blinded, other = (replace(same, images=same.images + step) for step in (1, 9))
    names = ["sky", "road"]
    figure = overlays_figure(
        {"a": Segmented(names, same), "b": Segmented(names, other), "c": Segmented(names, blinded)}
    )
    assert figure is not None
    assert "a 0.0%, c 0.0%" in figure.alt
    none = replace(same, images=same.images[:0], labels=same.labels[:0], predictions=same.predictions[:0])
    assert overlays_figure({"a": Segmented(names, none)}) is None
    assert overlays_figure({}) is None


def test_pictures_are_not_sharper_than_a_screen() -> None:
    """Noise of any size takes no more room than a tile of it."""
    noise = np.random.default_rng(0).integers(0, 2, (1, 1000, 1000), np.uint8)
    large = Answered(np.ones((2, 2), np.int64), np.repeat(noise[..., None] * 255, 3, axis=3), noise, 1 - noise, None)
    figure = overlays_figure({id: Segmented(["sky", "road"], large) for id in ("a", "b", "c", "d")})
    assert figure is not None
    assert len(figure.data_uri()) < 300_000
    assert "a 0.0%" in figure.alt


def test_conclusions_name_the_numbers(results: Results) -> None:
    figure = conclusions_figure(results.relations[:3])
    assert figure is not None
    assert "fine-tuned > feature extractor: supported, +0.050 (+0.030 to +0.070), +0.035 required" in figure.alt
    assert "contradicted, -0.060 (-0.090 to -0.030)" in figure.alt
    assert "+0.050" in texts(figure)
    untrained = [replace(relation, difference=None, interval=None) for relation in results.relations]
    assert conclusions_figure(untrained) is None
    assert conclusions_figure([]) is None


def rewrite(change: dict[str, Any]) -> Callable[[Path], None]:
    """A damage: other arrays in the place of those of these names; None takes one away."""

    def damage(path: Path) -> None:
        with np.load(path) as file:
            arrays = {name: file[name] for name in file}
        for name, value in change.items():
            array = value(arrays[name]) if callable(value) else value
            arrays[name] = array
        np.savez_compressed(path, **{name: array for name, array in arrays.items() if array is not None})

    return damage


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-200])


def flip(path: Path) -> None:
    """Other bytes in the middle of the compressed data."""
    content = bytearray(path.read_bytes())
    content[200:260] = bytes(60)
    path.write_bytes(content)


def encrypt(path: Path) -> None:
    """Every member says that it is encrypted."""
    _patch_directory(path, 8, b"\x01\x00")


def unknown_method(path: Path) -> None:
    """Every member says that it is compressed in a way that nobody knows."""
    _patch_directory(path, 10, b"\x63\x00")


def _patch_directory(path: Path, offset: int, field: bytes) -> None:
    """Overwrite a field of each entry of a zip archive's directory."""
    content = bytearray(path.read_bytes())
    for entry in re.finditer(b"PK\x01\x02", bytes(content)):
        content[entry.start() + offset : entry.start() + offset + len(field)] = field
    path.write_bytes(content)


def endless(path: Path) -> None:
    """An array whose header says a terabyte."""
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "|u1", "fortran_order": False, "shape": (2**40,)})
    with zipfile.ZipFile(path, "w") as archive:
        for name in ("confusion", "images", "labels", "predictions", "confidence", "faces", "default", "submission"):
            archive.writestr(f"{name}.npy", header.getvalue())


def bomb(path: Path) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("images.npy", bytes(80 * 2**20))


FILES: dict[str, Callable[[Path], Any]] = {
    "empty": lambda path: path.write_bytes(b""),
    "text": lambda path: path.write_text("<script>"),
    "one array": lambda path: np.save(path.open("wb"), np.zeros(3)),
    "truncated": truncate,
    "flipped": flip,
    "encrypted": encrypt,
    "unknown method": unknown_method,
    "endless": endless,
    "bomb": bomb,
}
ANSWERS: dict[str, dict[str, Any]] = {
    "no counts": {"confusion": None},
    "objects": {"confusion": np.array([[None]], dtype=object)},
    "counts of another number of classes": {"confusion": np.ones((5, 5), np.int64)},
    "counts of one axis": {"confusion": lambda a: a.ravel()},
    "counts that are fractions": {"confusion": lambda a: a.astype(float)},
    "negative counts": {"confusion": lambda a: a - 10_000_000},
    "no answer counted": {"confusion": lambda a: a * 0},
    "counts beyond all numbers": {"confusion": lambda a: np.full(a.shape, 2**63, np.uint64)},
    "words": {"labels": lambda a: a.astype(str)},
    "pictures that are fractions": {"images": lambda a: a / 255},
    "grey pictures": {"images": lambda a: a[..., 0]},
    "four channels": {"images": lambda a: a.repeat(2, axis=3)[..., :4]},
    "pictures without pixels": {"images": lambda a: a[:, :0]},
    "pictures without width": {"images": lambda a: a[:, :, :0]},
    "large pictures": {"images": lambda a: np.zeros((1, 2000, 8, 3), np.uint8)},
    "fewer pictures": {"images": lambda a: a[:-1]},
    "labels of other shape": {"labels": lambda a: a[..., None]},
    "labels of no class": {"labels": lambda a: np.full_like(a, 77)},
    "signed labels": {"labels": lambda a: a.astype(np.int8)},
    "predictions of no class": {"predictions": lambda a: np.full_like(a, 200)},
    "predictions that are ignored": {"predictions": lambda a: np.full_like(a, 255)},
    "wide predictions": {"predictions": lambda a: a.astype(np.int64)},
}
CONFIDENCES: dict[str, dict[str, Any]] = {
    "ignored faces": {"labels": lambda a: np.full_like(a, 255)},
    "no confidences": {"confidence": None},
    "not a number": {"confidence": lambda a: a * np.nan},
    "more than sure": {"confidence": lambda a: a + 1},
    "less than unsure": {"confidence": lambda a: a - 1},
    "fewer confidences": {"confidence": lambda a: a[1:]},
    "complex": {"confidence": lambda a: a * 1j},
}
DRAWN: dict[str, dict[str, Any]] = {
    "no faces": {"faces": lambda a: a[:0]},
    "faces that are fractions": {"faces": lambda a: a.astype(np.float32)},
    "no default": {"default": None},
    "default raised": {"default": lambda a: a[:0]},
    "fewer faces by default": {"default": lambda a: a[:-1]},
    "no draws": {"submission": lambda a: a[:, :0]},
    "grey draws": {"submission": lambda a: a[..., 0]},
    "large draws": {"submission": lambda a: np.zeros((4, 1, 4000, 4000, 3), np.uint8)},
    "draws of no size": {"submission": lambda a: a[:, :, :0]},
}
DAMAGES = [
    *((id, name, damage) for name, damage in FILES.items() for id in (CLASSIFIED, SEGMENTED)),
    *((id, name, rewrite(change)) for name, change in ANSWERS.items() for id in (CLASSIFIED, SEGMENTED)),
    *((CLASSIFIED, name, rewrite(change)) for name, change in CONFIDENCES.items()),
]


@pytest.mark.parametrize(("id", "name", "damage"), DAMAGES, ids=[f"{id}-{name}" for id, name, _ in DAMAGES])
def test_damaged_answers_are_noticed(
    id: str, name: str, damage: Callable[[Path], Any], folder: Path, tmp_path: Path
) -> None:
    copy = answers_file(tmp_path, id)
    copy.parent.mkdir()
    copy.write_bytes(answers_file(folder, id).read_bytes())
    facts: dict[str, Any] = {"classes": 11 if id == SEGMENTED else 2, "by_pixel": id == SEGMENTED}
    assert read_answers(tmp_path, id, **facts) is not None
    damage(copy)
    with pytest.raises(UnusableEvidence, match=f"^{id}.npz"):
        read_answers(tmp_path, id, **facts)


@pytest.mark.parametrize("id", [CLASSIFIED, SEGMENTED])
def test_damaged_answers_cost_their_own_pictures(id: str, results: Results, folder: Path, tmp_path: Path) -> None:
    intact = SEGMENTED if id == CLASSIFIED else CLASSIFIED
    few = replace(results, outcomes={key: results.outcomes[key] for key in (id, intact)}, relations=[])
    for key in (id, intact):
        answers_file(tmp_path, key).parent.mkdir(exist_ok=True)
        answers_file(tmp_path, key).write_bytes(answers_file(folder, key).read_bytes())
    rewrite({"predictions": lambda a: np.full_like(a, 200)})(answers_file(tmp_path, id))
    figures = figures_of(few, tmp_path)
    assert set(figures.confusion) == {intact}
    assert set(figures.mistakes) | set(figures.iou) == {intact}
    assert set(figures.curves) == {id, intact}
    assert (figures.overlays is None) == (id == SEGMENTED)
    assert figures.failures == [f"evidence of {id}: {id}.npz: the predictions cannot be used"]


@pytest.mark.parametrize("damage", [*FILES.values(), *map(rewrite, DRAWN.values())], ids=[*FILES, *DRAWN])
def test_damaged_draws_cost_their_picture(
    damage: Callable[[Path], Any], results: Results, folder: Path, tmp_path: Path
) -> None:
    draws_file(tmp_path).parent.mkdir()
    draws_file(tmp_path).write_bytes(draws_file(folder).read_bytes())
    damage(draws_file(tmp_path))
    figures = figures_of(replace(results, outcomes={}, relations=results.relations[:1]), tmp_path)
    assert figures.augmentation is None
    assert figures.conclusions is not None
    assert len(figures.failures) == 1
    assert figures.failures[0].startswith("augmentation: augmentation.npz")


def test_a_folder_in_the_place_of_a_file_is_no_evidence(results: Results, tmp_path: Path) -> None:
    draws_file(tmp_path).mkdir(parents=True)
    figures = figures_of(replace(results, outcomes={}, relations=[]), tmp_path)
    assert figures.augmentation is None
    assert figures.failures == []


def test_an_augmentation_that_raised_is_told(results: Results, folder: Path, tmp_path: Path) -> None:
    draws = Draws.read(draws_file(folder))
    assert draws is not None
    replace(draws, submission=draws.submission[:0]).write(draws_file(tmp_path))
    figure = figures_of(replace(results, outcomes={}), tmp_path).augmentation
    assert figure is not None
    assert "raised an error" in texts(figure)
    assert figure.alt.endswith("the submission's augmentation raised an error.")
    assert figures_of(replace(results, outcomes={}), folder).augmentation != figure


def test_a_figure_that_raises_costs_no_other(
    figures: Figures, results: Results, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(id: str, *_: object) -> Figure:
        raise ZeroDivisionError(f"<b>{id}")

    monkeypatch.setattr(of_results, "iou_figure", broken)
    few = replace(results, outcomes={SEGMENTED: results.outcomes[SEGMENTED]}, relations=[])
    others = figures_of(few, folder)
    assert others.failures == [f"IoU of {SEGMENTED}: ZeroDivisionError: <b>{SEGMENTED}"]
    assert others.iou == {}
    assert others.confusion == {SEGMENTED: figures.confusion[SEGMENTED]}
    assert others.overlays is not None


@pytest.mark.slow
def test_matplotlib_is_imported_only_to_draw(repository: Path) -> None:
    program = "import sys, grading.commands.grade, grading.reporting.pictures.of_results; print(*sys.modules)"
    ended = subprocess.run(
        [sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=True, timeout=120
    )
    assert "numpy" in ended.stdout.split()
    assert "matplotlib" not in ended.stdout.split()


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2 defines it."""
    parts = [int(colour[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return sum(weight * part for weight, part in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    darker, lighter = sorted((luminance(one), luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


@pytest.mark.parametrize("colour", [INK, QUIET, SUBMISSION, PUBLISHED, BOUNDARY], ids=lambda colour: colour.name)
def test_words_have_contrast_on_light_and_dark_pages(colour: Any) -> None:
    """4.5 to 1 is what WCAG asks of text."""
    assert contrast(colour.light, "#ffffff") >= 4.5
    assert contrast(colour.dark, "#1c2128") >= 4.5


# Machado, Oliveira and Fernandes 2009, severity 1: what remains of linear red, green and blue.
SEEN = {
    "all colours": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.01182, 0.04294, 0.968881]],
    "tritanopia": [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.3039]],
}


@pytest.mark.parametrize("matrix", SEEN.values(), ids=SEEN)
def test_colours_differ_for_colour_blind_readers(matrix: Any) -> None:
    """Classes that CamVid has no colour for, and lines."""
    lines = [SUBMISSION, PUBLISHED, BOUNDARY]
    groups = [list(OTHER_CLASSES), [c.light for c in lines], [c.dark for c in lines]]
    for group in groups:
        linear = np.array([[(int(c[i : i + 2], 16) / 255) ** 2.2 for i in (1, 3, 5)] for c in group])
        seen = np.clip(linear @ np.array(matrix).T, 0, 1) ** (1 / 2.2)
        distances = np.linalg.norm(seen[:, None] - seen[None], axis=2)
        assert distances[~np.eye(len(group), dtype=bool)].min() > 0.15


def test_camvid_classes_have_camvids_colours() -> None:
    names = ["ground", *CAMVID, "objects"]
    colours = class_colours(names)
    assert colours[1:-1] == list(CAMVID.values())
    assert len(set(colours)) == len(names)
    assert (colours[1], colours[4]) == ("#808080", "#804080")
