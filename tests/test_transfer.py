"""Q1-1, Q1-2, Q1-3, Q1-8: the cases of transfer learning and the challenger."""

from collections import Counter

import numpy as np
import pytest
from torch import nn

from grading.worker.probes.nets import array, digest
from grading.worker.probes.transfer import backbone

from .expect import accepted, expect, expect_close, refused
from .head_swap import head_of, logits_of, swapped
from .strategies import Spec, moved_seed

pytestmark = [pytest.mark.about("build_case"), pytest.mark.seeded]

CASES = [
    pytest.param("feature_extractor", marks=pytest.mark.q1_1),
    pytest.param("finetuned", marks=pytest.mark.q1_2),
    pytest.param("scratch", marks=pytest.mark.q1_3),
]
# Colours within what ImageNet's normalisation makes of black and white.
IMAGES = np.random.default_rng(moved_seed(4)).uniform(-1.8, 2.2, size=(3, 3, 64, 64)).astype("float32")
NO_SOFTMAX = "no softmax behind the head: the loss expects logits"
NOT_FINITE = "NaN: is a tensor from torch.empty used before it is filled, or something divided by zero?"
BOTH_AXES = "keep both axes, images and classes, even if one has length one: no argmax, no squeeze"
A_BOOL = "pretrained is True or False: which weights that means is the business of the function that was given"
NO_CNN = ("vit", "swin", "maxvit")


def digests(*parts: nn.Module) -> Counter[str]:
    return Counter(digest(parameter) for part in parts for parameter in part.parameters())


def expect_scores(seen: Spec, source: nn.Module, num_classes: int | None, asked: str) -> None:
    """A row of finite scores for each image, in either mode; two of them if num_classes is not given."""
    wanted = (len(IMAGES), num_classes or 2)
    hint = "pass num_classes on to the head" if num_classes else "num_classes is 2 if it is not given"
    if seen["logits"].shape[1:] == (array(head_of(source).weight).shape[0],):
        hint = "the head is still the one that was loaded: replace it"
    for mode, logits in (("eval", seen["logits"]), ("train", seen["train_logits"])):
        expect(
            logits.shape == wanted,
            f"{asked} in {mode} mode on {len(IMAGES)} images: scores of shape {wanted}",
            f"shape {logits.shape}",
            hint if logits.ndim == 2 else BOTH_AXES,
        )
        expect(np.isfinite(logits).all(), f"{asked} in {mode} mode: finite scores", logits, NOT_FINITE)


def expect_kept(seen: Spec, body: Counter[str], asked: str) -> None:
    """The parameters of the source's body are there, with their values."""
    lost = body - Counter(name for name, _ in seen["parameters"])
    expect(
        not lost,
        f"{asked}: all weights that were loaded, but the old head's",
        f"{lost.total()} tensors are missing or have other values",
        "keep the layers and their values: nothing is initialised again, nothing dropped but the head",
    )


def expect_new_head(seen: Spec, source: nn.Module, num_classes: int | None, asked: str) -> None:
    """The source's parameters, unchanged, under a new head of `num_classes`, and logits that follow from both."""
    expect_scores(seen, source, num_classes, asked)
    expect_kept(seen, digests(source) - digests(head_of(source)), asked)
    new = sorted(seen["new"], key=lambda values: -values.ndim)
    outputs = num_classes or 2
    wanted = [(outputs, head_of(source).in_features), (outputs,)]
    expect(
        [values.shape for values in new] == wanted and len(seen["parameters"]) == digests(source).total(),
        f"{asked}: two new tensors in place of the old head's, weight and bias of shapes {wanted}",
        f"new tensors of shapes {[values.shape for values in new]}",
        "one layer is the whole head: use replace_head" if new else "the old head knows other classes: replace it",
    )
    right = logits_of(swapped(source, *new).eval(), IMAGES, 0)
    exponentials = np.exp(right - right.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    expect_close(
        seen["logits"],
        right,
        f"{asked}: the loaded network with the new weight and bias in its head",
        "the backbone must compute what it did before; in eval mode dropout is off",
        mistakes=(
            (probabilities, NO_SOFTMAX),
            (np.log(probabilities), NO_SOFTMAX),
            (1 / (1 + np.exp(-right)), "no sigmoid behind the head: the loss expects logits"),
            (np.maximum(right, 0), "no ReLU behind the head: the loss expects logits, of either sign"),
        ),
        tolerance=1e-4,
    )


def expect_calls(seen: Spec, asked: str, given: str) -> None:
    """The function that is given is called in each of the two calls."""
    counts = [len(seen["earlier"]), len(seen["calls"])]
    expect(
        all(counts),
        asked,
        f"{counts[0] or 'no'} in the first, {counts[1] or 'no'} in the second",
        f"load a network in each call, with {given}, which is given: neither one of your own from torchvision, nor "
        "one that is kept from an earlier call in a global or a cache",
    )


def built(student, case: str, num_classes: int | None = 2) -> Spec:
    """One case, built on the right AlexNet with a new head."""
    seen = student.ask("transfer.case", case=case, num_classes=num_classes, inputs=IMAGES)
    asked = f"build_case({case!r}, alexnet{'' if num_classes is None else f', {num_classes}'})"
    wanted = ["alexnet", case != "scratch"]
    expect_calls(seen, f"{asked}, called twice: alexnet({wanted[1]}) in each call", "alexnet")
    calls = seen["earlier"] + seen["calls"]
    expect(
        all(call == wanted for call in calls),
        f"{asked}: calls alexnet({wanted[1]})",
        f"calls with {[pretrained for _, pretrained in calls]}",
        "the pretrained flag is inverted, or ignored"
        if all(isinstance(pretrained, bool) for _, pretrained in calls)
        else A_BOOL,
    )
    expect_new_head(seen, backbone(*wanted), num_classes, asked)
    return seen


@pytest.mark.parametrize("num_classes", [2, 5, 1])
@pytest.mark.parametrize("case", CASES)
def test_backbone_under_a_new_head(student, case: str, num_classes: int) -> None:
    """AlexNet with the right weights, its values untouched, under a fresh head of num_classes"""
    built(student, case, num_classes)


@pytest.mark.q1_1
def test_as_many_classes_as_before(student) -> None:
    """the feature extractor's head is new even if the old one has num_classes outputs"""
    built(student, "feature_extractor", 10)


@pytest.mark.parametrize("case", CASES)
def test_the_right_parameters_train(student, case: str) -> None:
    """feature_extractor trains the new head only, finetuned and scratch train everything"""
    seen = built(student, case, 3)
    source = backbone("alexnet", case != "scratch")
    loaded = digests(source)
    whole = "every parameter must have requires_grad=True"
    new, old = (
        [trains for name, trains in seen["parameters"] if (name in loaded) == is_old] for is_old in (False, True)
    )
    for part, wanted, trained, hint in (
        (
            "the new head",
            True,
            new,
            "freeze the backbone first, then replace the head" if case == "feature_extractor" else whole,
        ),
        (
            "the backbone",
            case != "feature_extractor",
            old,
            "freeze all that was loaded, hidden Linear layers too" if case == "feature_extractor" else whole,
        ),
    ):
        expect(
            trained == [wanted] * len(trained),
            f"build_case({case!r}, alexnet): requires_grad={wanted} in all of {part}",
            f"requires_grad={not wanted} in {trained.count(not wanted)} of its {len(trained)} tensors",
            hint,
        )
    expect_learning(seen, f"build_case({case!r}, alexnet)")


def expect_learning(seen: Spec, asked: str) -> None:
    """Every parameter that trains collects a gradient."""
    trained = [got for (_, trains), got in zip(seen["parameters"], seen["collected"], strict=True) if trains]
    expect(
        all(trained),
        f"{asked}, backward: a gradient for every parameter with requires_grad",
        f"none for {trained.count(False)} of {len(trained)}",
        "requires_grad alone does not train: no torch.no_grad or detach around what should learn, the head included",
    )


@pytest.mark.q1_1
def test_every_call_builds_a_network(student) -> None:
    """the networks of two cases have no parameter in common"""
    cases = ["feature_extractor", "finetuned", "feature_extractor"]
    for case in cases[:2]:
        built(student, case)
    expect_own(student.ask("transfer.shared", cases=cases), "build_case for three cases in turn")


def expect_own(shared: int, asked: str) -> None:
    expect(
        shared == 0,
        f"{asked}: no parameter in two of the networks",
        f"{shared} in two or more",
        "load a network in each call: one that is kept in a cache or a global is changed by whoever trains it",
    )


@pytest.mark.parametrize("case", CASES)
def test_two_classes_by_default(student, case: str) -> None:
    """num_classes defaults to 2"""
    built(student, case, None)


@pytest.mark.q1_1
@pytest.mark.parametrize(
    "case",
    ["feature extractor", "", "frozen", "Finetuned", "SCRATCH", "fine", "transfer", "fine_tuned", " finetuned "]
    + ["feature", "finetune", "from_scratch", "pretrained"],
)
def test_refuses_any_other_case(student, case: str) -> None:
    """any other case is a ValueError"""
    built(student, "feature_extractor")
    with refused(f"build_case({case!r}, alexnet)", "end with raise ValueError, not with a default or another error"):
        student.ask("transfer.case", case=case, num_classes=2, inputs=IMAGES)


def _returned(seen: Spec) -> list:
    """Of several networks that were loaded, the call that gave the one whose parameters came back."""
    there = Counter(name for name, _ in seen["parameters"])
    calls = [call for number, call in enumerate(seen["calls"]) if call not in seen["calls"][:number]]
    if len(calls) == 1:
        return calls[0]
    return max(calls, key=lambda call: (there & digests(backbone(call[0], call[1] not in (False, "None")))).total())


def challenged(student, num_classes: int | None = 2) -> Spec:
    """The challenger: another pretrained CNN under a new head."""
    seen = student.ask("transfer.challenger", num_classes=num_classes, inputs=IMAGES)
    asked = "build_challenger(load)" if num_classes is None else f"build_challenger(load, {num_classes})"
    expect_calls(seen, f"{asked}, called twice: load(name, True) in each call", "load")
    name, pretrained = _returned(seen)
    expect(
        name not in ("alexnet", "resnet18") and not name.startswith(NO_CNN) and seen["convolutions"] > 0,
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
    source = backbone(name, True)
    expect_scores(seen, source, num_classes, asked)
    linear = [part for part in source.modules() if isinstance(part, nn.Linear)]
    expect_kept(seen, digests(source) - digests(head_of(source)) - digests(*linear), asked)
    expect(
        len(seen["new"]) > 0,
        f"{asked}: a new head",
        "all parameters are those that were loaded",
        "the old head knows other classes: replace it",
    )
    replaced = [values.ndim for values in seen["new"]] in ([1, 2], [2, 1])
    if isinstance(head_of(source), nn.Linear) and replaced and len(seen["parameters"]) == digests(source).total():
        expect_new_head(seen, source, num_classes, asked)
    else:  # a head of another kind: of several layers, in place of several, or a convolution with what follows it
        logits = seen["logits"]
        expect(
            num_classes == 1 or logits.min() < 0 or not np.allclose(logits.sum(1), 1),
            f"{asked}: raw scores",
            logits,
            NO_SOFTMAX,
        )
    return seen


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
@pytest.mark.parametrize("num_classes", [None, 2, 4, 1, 10])  # 10 as loaded
def test_challenger_is_another_pretrained_cnn(student, num_classes: int | None) -> None:
    """a pretrained CNN other than AlexNet and ResNet-18 under a new head"""
    challenged(student, num_classes)


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_trains_as_a_whole(student) -> None:
    """all of the challenger trains"""
    seen = challenged(student)
    left = sum(not trains for _, trains in seen["parameters"])
    expect(
        left == 0,
        "build_challenger(load): every parameter has requires_grad",
        f"{left} of {len(seen['parameters'])} parameters are frozen",
        "unfreeze the model after the head is in place",
    )
    source = backbone(*_returned(seen))
    linear = [part for part in source.modules() if isinstance(part, nn.Linear)]
    body = digests(source) - digests(head_of(source), *linear)
    without = [name for (name, _), got in zip(seen["parameters"], seen["collected"], strict=True) if not got]
    cut_off = (body & Counter(without)).total()
    expect(
        cut_off == 0 and any(seen["collected"]),
        "build_challenger(load) in train mode, backward: a gradient for every layer that was loaded",
        f"none for {cut_off} of {body.total()} tensors",
        "no torch.no_grad or detach around the network or a part of it",
    )


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_every_call_builds_a_challenger(student) -> None:
    """two challengers have no parameter in common"""
    challenged(student)
    expect_own(student.ask("transfer.shared", cases=[]), "build_challenger(load) twice")


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_optimizer_gets_exactly_the_trainable_parameters(student) -> None:
    """the optimizer is over exactly the model's trainable parameters"""
    seen = challenged(student)
    trainable = [position for position, (_, trains) in enumerate(seen["parameters"]) if trains]
    got = Counter(seen["optimized"])
    told = {
        "trainable but not optimized": sum(position not in got for position in trainable),
        "optimized but not the model's": got[-1],
        "optimized but frozen": sum(position not in trainable for position in got if position >= 0),
        "optimized twice": sum(count > 1 for position, count in got.items() if position >= 0),
    }
    missing_only = [what for what, count in told.items() if count] == ["trainable but not optimized"]
    expect(
        sorted(seen["optimized"]) == trainable,
        "build_challenger(load): an optimizer over the model's trainable parameters, each once",
        ", ".join(f"{count} {what}" for what, count in told.items() if count),
        "the optimizer gets a part of the model: build the optimizer last, and give it every trainable parameter, in "
        "one group or several"
        if missing_only
        else "build the optimizer last, after the new head is in place, from trainable_parameters(model)",
    )


@pytest.mark.q1_8
@pytest.mark.about("build_challenger")
def test_challenger_optimizer_takes_a_step(student) -> None:
    """after the loss's backward pass, optimizer.step() changes the model"""
    challenged(student)
    with accepted("the training calls optimizer.step() as it is, without a closure: choose SGD, Adam or their like"):
        seen = student.ask("transfer.step", inputs=IMAGES, labels=np.arange(len(IMAGES)) % 2)
    expect(
        seen["changed"] > 0 or not seen["slope"],  # all ReLUs behind a new head may be dead
        "build_challenger(load), zero_grad(), backward() and step(): the model has changed",
        "not one of its parameters has",
        "the optimizer's learning rate is zero, or its step does nothing",
    )
