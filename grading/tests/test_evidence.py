"""What a run keeps for people to look at: files beside the journal, made of what a worker claims."""

import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from grading.assignment.assignment import Configuration, read_assignment
from grading.commands.grade import parse
from grading.protocol.submission import locate
from grading.running.evidence import (
    Answers,
    Draws,
    Evidence,
    Layer,
    Shown,
    answers_file,
    draws_file,
    layers_file,
    read_layers,
)
from grading.running.faces_shown import DRAWS, FACES, SIZE, draws_of, shows_faces
from grading.running.last_epoch import answers_in, layers_in
from grading.running.plan import Plan
from grading.running.pretrained import with_weights
from grading.running.resolve import make_plan
from grading.running.resume import set_journal_aside
from grading.running.training import train_and_score
from grading.sandbox.workers import open_worker
from grading.scoring.blinding import Blinding
from grading.scoring.metrics import IGNORED
from grading.scoring.validation_set import ValidationSet

CHANCE = np.random.default_rng(0)
FACE, STREET = (read_assignment().configuration(id) for id in ("Q1-1", "Q2-3-merged"))


def validation_set(labels: np.ndarray, classes: int, **others: Any) -> ValidationSet:
    images = CHANCE.integers(0, 256, (len(labels), 16, 16, 3), np.uint8)
    blinding = Blinding.draw(b"key", "a training", images=len(labels), classes=classes)
    return ValidationSet(images, labels, blinding, 1, lambda _: {}, **others)


def sent(validation: ValidationSet, predictions: np.ndarray, confidence: np.ndarray | None = None) -> dict[str, Any]:
    """What a worker sends that answers with these true classes."""
    blinding = validation.blinding
    event = {"predictions": blinding.class_permutation.astype(np.uint8)[predictions][blinding.order]}
    return event if confidence is None else {**event, "confidence": confidence[blinding.order].astype(np.float32)}


# --- Answers -------------------------------------------------------------------------------------------------------


def test_the_mistakes_that_a_network_is_surest_of() -> None:
    labels = np.array([0, 1] * 20, np.uint8)
    wrong = [3, 8, 21, 22, 30]
    predictions = labels.copy()
    predictions[wrong] ^= 1
    confidence = np.full(40, 0.99)
    confidence[wrong] = [0.6, 0.9, 0.7, 0.8, 0.5]
    validation = validation_set(labels, 2)
    answers = answers_in(sent(validation, predictions, confidence), FACE, validation)
    assert answers.labels.tolist() == labels[[8, 22, 21, 3, 30]].tolist()
    assert answers.predictions.tolist() == predictions[[8, 22, 21, 3, 30]].tolist()
    assert answers.confidence is not None
    assert np.allclose(answers.confidence, [0.9, 0.8, 0.7, 0.6, 0.5])
    assert answers.images.shape == (5, 128, 128, 3)
    assert answers.confusion.tolist() == [[17, 3], [2, 18]]


def test_no_mistake_and_many() -> None:
    labels = np.array([0, 1] * 20, np.uint8)
    validation = validation_set(labels, 2)
    none, all_wrong = (
        answers_in(sent(validation, p, np.full(40, 0.9)), FACE, validation) for p in (labels, 1 - labels)
    )
    assert none.images.shape == (0, 128, 128, 3)
    assert none.labels.shape == (0,)
    assert 0 < len(all_wrong.images) <= 10
    assert all_wrong.confusion.tolist() == [[0, 20], [20, 0]]


@pytest.mark.parametrize(
    "claim",
    [
        np.full(40, 0.5),
        np.full(7, 0.5, np.float32),
        np.full((48, 1), 0.5, np.float32),
        np.full(48, np.nan, np.float32),
        np.full(48, 1.5, np.float32),
        np.full(48, -0.1, np.float32),
        [0.5] * 48,
        "sure",
        None,
    ],
)
def test_nonsense_in_place_of_confidence_is_passed_over(claim: object) -> None:
    labels = np.array([0, 1] * 20, np.uint8)
    validation = validation_set(labels, 2)
    answers = answers_in({**sent(validation, 1 - labels), "confidence": claim}, FACE, validation)
    assert answers.confidence is None
    assert len(answers.images) == len(answers.labels) > 0


def test_crops_of_streets_are_the_same_in_all_configurations() -> None:
    labels = CHANCE.integers(0, 3, (9, 16, 16), np.uint8)
    labels[:, :2] = IGNORED
    predictions = CHANCE.integers(0, 3, labels.shape, np.uint8)
    validation = validation_set(labels, 3)
    answers, right = (answers_in(sent(validation, p), STREET, validation) for p in (predictions, np.minimum(labels, 2)))
    assert np.array_equal(answers.images, right.images)
    assert np.array_equal(answers.labels, right.labels)
    places = [int(np.flatnonzero((validation.images == image).all((1, 2, 3)))[0]) for image in answers.images]
    assert np.array_equal(answers.predictions, predictions[places])
    assert np.array_equal(answers.labels, labels[places])
    assert answers.confidence is None
    assert answers.confusion.sum() == (labels != IGNORED).sum()
    assert np.array_equal(np.diag(np.diag(right.confusion)), right.confusion)


# --- Layers --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "claim",
    [
        None,
        "layers",
        3,
        [["a", "Conv2d", [1], 1]],
        [["a", "Conv2d", [1], 1, "2"]],
        [["a", "Conv2d", [-1], 1, 1]],
        [["a", "Conv2d", ["1"], 1, 1]],
        [["a", "Conv2d", [True], 1, 1]],
        [[1, "Conv2d", [1], 1, 1]],
        [["a", "Conv2d", [1], 1, 1], None],
    ],
)
def test_nonsense_in_place_of_layers_is_passed_over(claim: object) -> None:
    assert layers_in({"built": None, "layers": claim}) == ()


@pytest.mark.parametrize("event", [None, [], "layers", 3, {}])
def test_no_layers(event: object) -> None:
    assert layers_in(event) == ()


# --- Files ---------------------------------------------------------------------------------------------------------

ANSWERS = Answers(
    np.eye(2, dtype=np.int64),
    np.zeros((1, 4, 4, 3), np.uint8),
    np.zeros(1, np.uint8),
    np.ones(1, np.uint8),
    np.full(1, 0.5, np.float32),
)
LAYERS = (Layer("features.0", "Conv2d", (4, 3, 3, 3), 112, 0), Layer("head", "Linear", (2, 4), 10, 10))


@pytest.mark.parametrize("answers", [ANSWERS, replace(ANSWERS, confidence=None)])
def test_what_is_written_is_read_again(answers: Answers, tmp_path: Path) -> None:
    Evidence(tmp_path).keep("Q1-1", Shown(LAYERS, answers))
    read = Answers.read(answers_file(tmp_path, "Q1-1"))
    assert read is not None
    for name, array in vars(answers).items():
        assert np.array_equal(getattr(read, name), array), name
    assert read_layers(tmp_path, "Q1-1") == LAYERS


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-40])


def _pickled(path: Path) -> None:
    anything = np.array([{}], dtype=object)
    np.savez(path.with_suffix(""), confusion=anything, images=anything, labels=anything, predictions=anything)


def _other_names(path: Path) -> None:
    np.savez(path.with_suffix(""), something=np.zeros(3))


def _one_array(path: Path) -> None:
    with path.open("wb") as file:
        np.save(file, np.zeros(3))


def _folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


DAMAGES: list[Callable[[Path], object]] = [
    Path.unlink,
    _folder,
    _cut,
    _pickled,
    _other_names,
    _one_array,
    lambda path: path.write_bytes(b""),
    lambda path: path.write_text("not an archive"),
]


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_as_none(damage: Callable[[Path], object], tmp_path: Path) -> None:
    Evidence(tmp_path).keep("Q1-1", Shown(LAYERS, ANSWERS))
    damage(answers_file(tmp_path, "Q1-1"))
    assert Answers.read(answers_file(tmp_path, "Q1-1")) is None


@pytest.mark.parametrize("text", ["", "[", "{}x", "[1]", '[{"name": 1}]', "[" * 100_000, '[{"shape": 3}]', "null"])
def test_damaged_layers_are_as_none(text: str, tmp_path: Path) -> None:
    Evidence(tmp_path).keep("Q1-1", Shown(LAYERS))
    layers_file(tmp_path, "Q1-1").write_text(text)
    assert read_layers(tmp_path, "Q1-1") == ()


def test_a_folder_that_cannot_be_written_costs_the_pictures_alone(tmp_path: Path) -> None:
    (tmp_path / "evidence").write_text("in the way")
    evidence = Evidence(tmp_path)
    evidence.keep("Q1-1", Shown(LAYERS, ANSWERS))
    evidence.keep_faces(Draws(*[np.zeros((1, 1, 2, 2, 3), np.uint8)] * 3))
    assert [path.name for path in tmp_path.iterdir()] == ["evidence"]


def test_it_goes_with_its_journal(tmp_path: Path) -> None:
    (tmp_path / "journal.jsonl").write_text("")
    Evidence(tmp_path).keep("Q1-1", Shown(LAYERS, ANSWERS))
    set_journal_aside(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["journal-before.jsonl"]


# --- Trainings -----------------------------------------------------------------------------------------------------


@pytest.fixture
def plan(quick_weights: None) -> Plan:
    trial = ["--unsafe", "--profile", "mini", "--epochs", "2", "--limit", "8"]
    return with_weights(make_plan(parse([*trial, "--only", "Q1-5,Q2-3-merged"])), None, print)


def kept(plan: Plan, configuration: Configuration, seed: int) -> list[tuple[str, Shown]]:
    shown: list[tuple[str, Shown]] = []
    with open_worker(plan.submission, plan.sandbox) as worker:
        run = train_and_score(plan, configuration, seed, worker, lambda *_: None, lambda *each: shown.append(each))
    assert run.kind in ("FINISHED", "FAIL"), run.failure
    return shown


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_first_seed_is_shown(plan: Plan) -> None:
    for configuration in plan.configurations:
        [(id, shown)] = kept(plan, configuration, 0)
        assert id == configuration.id
        assert shown.answers is not None
        assert shown.answers.confusion.shape == (configuration.num_classes,) * 2
        # A network of two epochs says one class to all: each true class still has its share.
        assert (shown.answers.confusion.sum(axis=1) > 0).all()
        assert shown.layers
        assert 0 < sum(layer.trains for layer in shown.layers) <= sum(layer.parameters for layer in shown.layers)
        assert kept(plan, configuration, 1) == []
        assert kept(plan, configuration.as_control, 0) == [], "its rule is secret"


@pytest.mark.slow
@pytest.mark.usefixtures("one_thread")
def test_a_network_that_fails_shows_its_layers(plan: Plan, tmp_path: Path) -> None:
    folder = changed_solution(tmp_path, "freezing.py", "parameter.requires_grad = False", "pass")
    wrong = replace(plan, submission=locate(str(folder)))
    [(_, shown)] = kept(wrong, plan.configurations[0], 0)
    assert shown.answers is None
    assert all(layer.trains == layer.parameters for layer in shown.layers)


def changed_solution(tmp_path: Path, file: str, old: str, new: str) -> Path:
    import solutions

    folder = tmp_path / "submission"
    shutil.copytree(Path(solutions.__file__).parent, folder, ignore=shutil.ignore_patterns("__pycache__"))
    text = (folder / file).read_text()
    assert old in text
    (folder / file).write_text(text.replace(old, new))
    return folder


# --- Faces ---------------------------------------------------------------------------------------------------------

VIEWS = (FACES, DRAWS, SIZE, SIZE, 3)


@pytest.mark.slow
def test_faces_under_both_augmentations(plan: Plan) -> None:
    assert shows_faces(plan)
    with open_worker(plan.submission, plan.sandbox) as worker:
        draws, again = draws_of(plan, worker), draws_of(plan, worker)
    assert draws is not None
    assert again is not None
    assert draws.faces.shape == (FACES, SIZE, SIZE, 3)
    assert draws.default.shape == draws.submission.shape == VIEWS
    assert np.array_equal(draws.submission, again.submission)
    for views in (draws.default, draws.submission):
        assert all(len(np.unique(face.reshape(DRAWS, -1), axis=0)) == DRAWS for face in views), "draws differ"
        assert views.std() > 20


BODIES = {
    "raises": "raise RuntimeError('no')",
    "returns nothing": "return None",
    "returns no transform": "return 3",
    "returns another size": "return lambda image: torch.zeros(3, 8, 8)",
    "returns another dtype": "return lambda image: torch.zeros(3, size, size, dtype=torch.float64)",
    "ends the process": "import os; os._exit(3)",
}


@pytest.mark.slow
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_an_augmentation_that_fails_costs_its_own_views(body: str, plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    folder.mkdir()
    (folder / "augmentation.py").write_text(f"import torch\ndef face_train_transform(size=224):\n    {body}\n")
    with open_worker(locate(str(folder)), plan.sandbox) as worker:
        draws = draws_of(replace(plan, submission=locate(str(folder))), worker)
    if body == BODIES["ends the process"]:
        assert draws is None
    else:
        assert draws is not None
        assert draws.default.shape == VIEWS
        assert draws.submission.shape == (0, *VIEWS[1:])


@pytest.mark.slow
def test_values_beyond_a_picture_are_cut(plan: Plan, tmp_path: Path) -> None:
    folder = tmp_path / "submission"
    folder.mkdir()
    values = "[float('nan'), float('inf'), -float('inf')]"
    (folder / "augmentation.py").write_text(
        "import torch\ndef face_train_transform(size=224):\n"
        f"    return lambda image: torch.tensor({values}).reshape(3, 1, 1).expand(3, size, size).clone()\n"
    )
    with open_worker(locate(str(folder)), plan.sandbox) as worker:
        draws = draws_of(replace(plan, submission=locate(str(folder))), worker)
    assert draws is not None
    assert np.unique(draws.submission).tolist() == [0, 255]


class Answering:
    """Stands in for a worker that answers with anything."""

    def __init__(self, answer: object) -> None:
        self._answer = answer

    def ask(self, *_: object, **__: object) -> object:
        return self._answer


@pytest.mark.slow
@pytest.mark.parametrize(
    "answer",
    [
        None,
        [],
        {"default": 3, "submission": "x"},
        {"default": np.zeros(VIEWS), "submission": np.zeros((1, *VIEWS[1:]), np.uint8)},
    ],
)
def test_nonsense_in_place_of_views_is_passed_over(answer: object, plan: Plan) -> None:
    draws = draws_of(plan, Answering(answer))  # type: ignore[arg-type]
    assert draws is not None
    assert draws.default.shape == draws.submission.shape == (0, *VIEWS[1:])


def test_they_are_asked_for_once(tmp_path: Path) -> None:
    evidence = Evidence(tmp_path)
    assert evidence.lacks_faces
    evidence.keep_faces(Draws(*[np.zeros((1, 1, 2, 2, 3), np.uint8)] * 3))
    assert draws_file(tmp_path).is_file()
    assert not evidence.lacks_faces
    assert not Evidence(None).lacks_faces


def test_layers_are_plain_json(tmp_path: Path) -> None:
    Evidence(tmp_path).keep("Q1-1", Shown(LAYERS))
    [first, _] = json.loads(layers_file(tmp_path, "Q1-1").read_text())
    assert first == {"name": "features.0", "kind": "Conv2d", "shape": [4, 3, 3, 3], "parameters": 112, "trains": 0}
