"""Q1-1, Q1-2, Q1-3, Q1-8: the cases of transfer learning and the challenger."""

from collections import Counter

import numpy as np
import pytest
from torch import nn

from grading.protocol.questions import Student
from grading.protocol.wire import Plain
from grading.worker.probes.nets import array, digest
from grading.worker.probes.transfer import backbone

from .expect import accepted, expect, expect_close, refused
from .head_swap import head_of, linear_head_of, logits_of, swap_head
from .strategies import moved_seed

pytestmark = [pytest.mark.about("build_case"), pytest.mark.seeded]

CASES = [
    pytest.param("feature_extractor", marks=pytest.mark.q1_1),
    pytest.param("finetuned", marks=pytest.mark.q1_2),
    pytest.param("scratch", marks=pytest.mark.q1_3),
]
# Between the values that ImageNet's normalisation gives to black and to white.
IMAGES = np.random.default_rng(moved_seed(4)).uniform(-1.8, 2.2, size=(3, 3, 64, 64)).astype("float32")
NO_SOFTMAX = "no softmax behind the head: the loss expects logits"
NOT_FINITE = "NaN: is a tensor from torch.empty used before it is filled, or something divided by zero?"
BOTH_AXES = "keep both axes, images and classes, even if one has length one: no argmax, no squeeze"
A_BOOL = "pretrained is True or False: which weights that means is the business of the function that was given"
HEAD_LAST = "freeze the backbone first, then replace the head"
FREEZE_ALL = "freeze all that was loaded, hidden Linear layers too"
TRAIN_ALL = "every parameter must have requires_grad=True"
NO_CNN = ("vit", "swin", "maxvit")  # what the names of torchvision's transformers begin with


def digests(*parts: nn.Module) -> Counter[str]:
    """How often each tensor occurs among the parameters, by the digest of its values."""
    return Counter(digest(parameter) for part in parts for parameter in part.parameters())


def flags_of(answer: Plain) -> list[bool]:
    """`requires_grad` of every parameter, in the order of `parameters()`."""
    return [trains for _, trains in answer["parameters"]]


def softmax(scores: np.ndarray) -> np.ndarray:
    """Probabilities over the second axis."""
    exponentials = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(exponentials / exponentials.sum(axis=1, keepdims=True))


def expect_scores(answer: Plain, source: nn.Module, num_classes: int | None, asked: str) -> None:
    """A row of finite scores for each image, in either mode; two of them if num_classes is not given.

    Args:
        source: the network that was loaded, built again by the test.
    """
    wanted = (len(IMAGES), num_classes or 2)
    hint = "pass num_classes on to the head" if num_classes else "num_classes is 2 if it is not given"
    if answer["logits"].shape[1:] == (array(head_of(source).weight).shape[0],):
        hint = "the head is still the one that was loaded: replace it"
    for mode, logits in (("eval", answer["logits"]), ("train", answer["train_logits"])):
        expect(
            logits.shape == wanted,
            f"{asked} in {mode} mode on {len(IMAGES)} images: scores of shape {wanted}",
            f"shape {logits.shape}",
            hint if logits.ndim == 2 else BOTH_AXES,
        )
        expect(np.isfinite(logits).all(), f"{asked} in {mode} mode: finite scores", logits, NOT_FINITE)


def expect_body_kept(answer: Plain, body: Counter[str], asked: str) -> None:
    """The parameters of the body of the network that was loaded are there, with their values."""
    lost = body - Counter(name for name, _ in answer["parameters"])
    expect(
        not lost,
        f"{asked}: all weights that were loaded, but the old head's",
        f"{lost.total()} tensors are missing or have other values",
        "keep the layers and their values: nothing is initialised again, nothing dropped but the head",
    )


def expect_new_head(answer: Plain, source: nn.Module, num_classes: int | None, asked: str) -> None:
    """One new Linear with a bias in the place of the old head, and the logits that follow from it and the body."""
    new = sorted(answer["new"], key=lambda values: -values.ndim)
    outputs = num_classes or 2
    wanted = [(outputs, linear_head_of(source).in_features), (outputs,)]
    expect(
        [values.shape for values in new] == wanted and len(answer["parameters"]) == digests(source).total(),
        f"{asked}: two new tensors in place of the old head's, weight and bias of shapes {wanted}",
        f"new tensors of shapes {[values.shape for values in new]}",
        "one layer is the whole head: use replace_head" if new else "the old head knows other classes: replace it",
    )
    right = logits_of(swap_head(source, *new).eval(), IMAGES, 0)
    expect_close(
        answer["logits"],
        right,
        f"{asked}: the loaded network with the new weight and bias in its head",
        "the backbone must compute what it did before; in eval mode dropout is off",
        mistakes=(
            (softmax(right), NO_SOFTMAX),
            (np.log(softmax(right)), NO_SOFTMAX),
            (1 / (1 + np.exp(-right)), "no sigmoid behind the head: the loss expects logits"),
            (np.maximum(right, 0), "no ReLU behind the head: the loss expects logits, of either sign"),
        ),
        tolerance=1e-4,
    )


def expect_calls(answer: Plain, asked: str, function: str) -> None:
    """The function that is given is called in each of the two calls.

    Args:
        function: its name.
    """
    counts = [len(answer["earlier"]), len(answer["calls"])]
    expect(
        all(counts),
        asked,
        f"{counts[0] or 'no'} in the first, {counts[1] or 'no'} in the second",
        f"load a network in each call, with {function}, which is given: neither one of your own from torchvision, nor "
        "one that is kept from an earlier call in a global or a cache",
    )


def expect_alexnet(answer: Plain, asked: str, pretrained: bool) -> None:
    """Every call of the function that is given asks for the right weights."""
    calls = answer["earlier"] + answer["calls"]
    flags = [flag for _, flag in calls]
    expect(
        all(call == ["alexnet", pretrained] for call in calls),
        f"{asked}: calls alexnet({pretrained})",
        f"calls with {flags}",
        "the pretrained flag is inverted, or ignored" if all(isinstance(flag, bool) for flag in flags) else A_BOOL,
    )


def expect_case(student: Student, case: str, num_classes: int | None = 2) -> Plain:
    """One case is the right AlexNet under a new head; returns what was seen of it."""
    answer = student.ask("transfer.case", case=case, num_classes=num_classes, inputs=IMAGES)
    asked = f"build_case({case!r}, alexnet{'' if num_classes is None else f', {num_classes}'})"
    pretrained = case != "scratch"
    expect_calls(answer, f"{asked}, called twice: alexnet({pretrained}) in each call", "alexnet")
    expect_alexnet(answer, asked, pretrained)
    source = backbone("alexnet", pretrained)
    expect_scores(answer, source, num_classes, asked)
    expect_body_kept(answer, digests(source) - digests(head_of(source)), asked)
    expect_new_head(answer, source, num_classes, asked)
    return answer


@pytest.mark.parametrize("num_classes", [2, 5, 1])
@pytest.mark.parametrize("case", CASES)
def test_backbone_under_a_new_head(student: Student, case: str, num_classes: int) -> None:
    """AlexNet with the right weights, its values untouched, under a fresh head of num_classes"""
    expect_case(student, case, num_classes)


@pytest.mark.q1_1
def test_as_many_classes_as_before(student: Student) -> None:
    """the feature extractor's head is new even if the old one has num_classes outputs"""
    expect_case(student, "feature_extractor", 10)


@pytest.mark.parametrize("case", CASES)
def test_the_right_parameters_train(student: Student, case: str) -> None:
    """feature_extractor trains the new head only, finetuned and scratch train everything"""
    answer = expect_case(student, case, 3)
    asked, loaded = f"build_case({case!r}, alexnet)", digests(backbone("alexnet", case != "scratch"))
    head = [trains for name, trains in answer["parameters"] if name not in loaded]
    body = [trains for name, trains in answer["parameters"] if name in loaded]
    if case == "feature_extractor":
        expect_flags(head, True, f"{asked}: requires_grad=True in all of the new head", HEAD_LAST)
        expect_flags(body, False, f"{asked}: requires_grad=False in all of the backbone", FREEZE_ALL)
    else:
        expect_flags(head, True, f"{asked}: requires_grad=True in all of the new head", TRAIN_ALL)
        expect_flags(body, True, f"{asked}: requires_grad=True in all of the backbone", TRAIN_ALL)
    expect_learning(answer, asked)


def expect_flags(flags: list[bool], wanted: bool, asked: str, hint: str) -> None:
    """Every `requires_grad` is the wanted one."""
    wrong = flags.count(not wanted)
    expect(not wrong, asked, f"requires_grad={not wanted} in {wrong} of its {len(flags)} tensors", hint)


def expect_learning(answer: Plain, asked: str) -> None:
    """Every parameter that trains collects a gradient."""
    collected = [got for trains, got in zip(flags_of(answer), answer["collected"], strict=True) if trains]
    expect(
        all(collected),
        f"{asked}, backward: a gradient for every parameter with requires_grad",
        f"none for {collected.count(False)} of {len(collected)}",
        "requires_grad alone does not train: no torch.no_grad or detach around what should learn, the head included",
    )


@pytest.mark.parametrize(
    "cases",
    [
        pytest.param(["feature_extractor", "feature_extractor"], marks=pytest.mark.q1_1, id="one_case"),
        pytest.param(["feature_extractor", "finetuned", "feature_extractor"], marks=pytest.mark.q1_2, id="two_cases"),
    ],
)
def test_every_call_builds_a_network(student: Student, cases: list[str]) -> None:
    """the networks of two calls have no parameter in common"""
    for case in dict.fromkeys(cases):
        expect_case(student, case)
    asked = ", then ".join(f"build_case({case!r}, alexnet)" for case in cases)
    expect_nothing_shared(student.ask("transfer.shared", cases=cases), asked)


def expect_nothing_shared(shared: int, asked: str) -> None:
    """No parameter is in two of the networks.

    Args:
        shared: the number of parameters that are.
    """
    expect(
        shared == 0,
        f"{asked}: no parameter in two of the networks",
        f"{shared} in two or more",
        "load a network in each call: one that is kept in a cache or a global is changed by whoever trains it",
    )


@pytest.mark.parametrize("case", CASES)
def test_two_classes_by_default(student: Student, case: str) -> None:
    """num_classes defaults to 2"""
    expect_case(student, case, None)


@pytest.mark.q1_1
@pytest.mark.parametrize(
    "case",
    ["feature extractor", "", "frozen", "Finetuned", "SCRATCH", "fine", "transfer", "fine_tuned", " finetuned "]
    + ["feature", "finetune", "from_scratch", "pretrained"],
)
def test_refuses_any_other_case(student: Student, case: str) -> None:
    """any other case is a ValueError"""
    expect_case(student, "feature_extractor")
    with refused(f"build_case({case!r}, alexnet)", "end with raise ValueError, not with a default or another error"):
        student.ask("transfer.case", case=case, num_classes=2, inputs=IMAGES)


def returned_network(answer: Plain) -> tuple[str, Plain]:
    """Name and pretrained flag of the network that came back; if several were loaded, the one with its parameters."""
    calls = [call for number, call in enumerate(answer["calls"]) if call not in answer["calls"][:number]]
    returned = Counter(name for name, _ in answer["parameters"])

    def common_parameters(call: tuple[str, Plain]) -> int:
        name, pretrained = call
        return (returned & digests(backbone(name, pretrained not in (False, "None")))).total()

    name, pretrained = calls[0] if len(calls) == 1 else max(calls, key=common_parameters)
    return name, pretrained


def body_of_challenger(source: nn.Module) -> Counter[str]:
    """The parameters that a challenger must keep: all but the old head's, and no Linear's.

    Its new head may stand in the place of several Linear layers.
    """
    linear = [part for part in source.modules() if isinstance(part, nn.Linear)]
    return digests(source) - digests(head_of(source)) - digests(*linear)


def expect_challenger(student: Student, num_classes: int | None = 2) -> Plain:
    """The challenger is another pretrained CNN under a new head; returns what was seen of it."""
    answer = student.ask("transfer.challenger", num_classes=num_classes, inputs=IMAGES)
    asked = "build_challenger(load)" if num_classes is None else f"build_challenger(load, {num_classes})"
    expect_calls(answer, f"{asked}, called twice: load(name, True) in each call", "load")
    expect_another_cnn(answer, asked)
    name, _ = returned_network(answer)
    source = backbone(name, True)
    expect_scores(answer, source, num_classes, asked)
    expect_body_kept(answer, body_of_challenger(source), asked)
    expect(
        len(answer["new"]) > 0,
        f"{asked}: a new head",
        "all parameters are those that were loaded",
        "the old head knows other classes: replace it",
    )
    if has_one_new_linear(answer, source):
        expect_body_kept(answer, digests(source) - digests(head_of(source)), asked)
        expect_new_head(answer, source, num_classes, asked)
    else:
        expect_raw_scores(answer["logits"], asked)
    return answer


def expect_another_cnn(answer: Plain, asked: str) -> None:
    """The network is convolutional, none of the report's, and was loaded with pretrained weights."""
    name, pretrained = returned_network(answer)
    expect(
        name not in ("alexnet", "resnet18") and not name.startswith(NO_CNN) and answer["convolutions"] > 0,
        f"{asked}: a CNN other than alexnet and resnet18",
        name,
        "choose another torchvision classifier",
    )
    expect(
        pretrained is True,
        f"{asked}: load({name!r}, True)",
        f"load({name!r}, {pretrained})",
        "the pretrained flag is missing or inverted" if pretrained is False else A_BOOL,
    )


def has_one_new_linear(answer: Plain, source: nn.Module) -> bool:
    """Whether one Linear took the place of another.

    Otherwise the new head has several layers, stands in the place of several, or is a convolution and what follows it.
    """
    is_linear = isinstance(head_of(source), nn.Linear) and sorted(v.ndim for v in answer["new"]) == [1, 2]
    return is_linear and len(answer["parameters"]) == digests(source).total()


def expect_raw_scores(logits: np.ndarray, asked: str) -> None:
    """Scores of several classes are no probabilities."""
    expect(
        logits.shape[1] == 1 or logits.min() < 0 or not np.allclose(logits.sum(1), 1),
        f"{asked}: raw scores",
        logits,
        NO_SOFTMAX,
    )


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
@pytest.mark.parametrize("num_classes", [None, 2, 4, 1, 10])  # 10 as loaded
def test_challenger_is_another_pretrained_cnn(student: Student, num_classes: int | None) -> None:
    """a pretrained CNN other than AlexNet and ResNet-18 under a new head"""
    expect_challenger(student, num_classes)


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_trains_as_a_whole(student: Student) -> None:
    """all of the challenger trains"""
    answer = expect_challenger(student)
    frozen = flags_of(answer).count(False)
    expect(
        frozen == 0,
        "build_challenger(load): every parameter has requires_grad",
        f"{frozen} of {len(answer['parameters'])} parameters are frozen",
        "unfreeze the model after the head is in place",
    )
    expect_body_learns(answer)


def expect_body_learns(answer: Plain) -> None:
    """Every layer of the body collects a gradient, and anything at all does."""
    body = body_of_challenger(backbone(*returned_network(answer)))
    without = [name for (name, _), got in zip(answer["parameters"], answer["collected"], strict=True) if not got]
    cut_off = (body & Counter(without)).total()
    expect(
        cut_off == 0 and any(answer["collected"]),
        "build_challenger(load) in train mode, backward: a gradient for every layer that was loaded",
        f"none for {cut_off} of {body.total()} tensors",
        "no torch.no_grad or detach around the network or a part of it",
    )


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_every_call_builds_a_challenger(student: Student) -> None:
    """two challengers have no parameter in common"""
    expect_challenger(student)
    expect_nothing_shared(student.ask("transfer.shared", cases=[]), "build_challenger(load) twice")


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_optimizer_gets_exactly_the_trainable_parameters(student: Student) -> None:
    """the optimizer is over exactly the model's trainable parameters"""
    answer = expect_challenger(student)
    trainable = [position for position, trains in enumerate(flags_of(answer)) if trains]
    optimized = Counter(answer["optimized"])  # positions in parameters(), -1 for what is no parameter of the model
    counts = {
        "trainable but not optimized": sum(position not in optimized for position in trainable),
        "optimized but not the model's": optimized[-1],
        "optimized but frozen": sum(position not in trainable for position in optimized if position >= 0),
        "optimized twice": sum(count > 1 for position, count in optimized.items() if position >= 0),
    }
    wrong = {what: count for what, count in counts.items() if count}
    expect(
        sorted(answer["optimized"]) == trainable,
        "build_challenger(load): an optimizer over the model's trainable parameters, each once",
        ", ".join(f"{count} {what}" for what, count in wrong.items()),
        "the optimizer gets a part of the model: build the optimizer last, and give it every trainable parameter, in "
        "one group or several"
        if list(wrong) == ["trainable but not optimized"]
        else "build the optimizer last, after the new head is in place, from trainable_parameters(model)",
    )


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_optimizer_takes_a_step(student: Student) -> None:
    """after the loss's backward pass, optimizer.step() changes the model"""
    expect_challenger(student)
    with accepted("the training calls optimizer.step() as it is, without a closure: choose SGD, Adam or their like"):
        answer = student.ask("transfer.step", inputs=IMAGES, labels=np.arange(len(IMAGES)) % 2)
    expect(
        answer["changed"] > 0 or not answer["slope"],  # no gradient: all ReLUs behind a new head may be dead
        "build_challenger(load), zero_grad(), backward() and step(): the model has changed",
        "not one of its parameters has",
        "the optimizer's learning rate is zero, or its step does nothing",
    )
