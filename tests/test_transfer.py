"""Q1-1, Q1-2, Q1-3, Q1-8: the cases of transfer learning and the challenger."""

from collections import Counter

import numpy as np
import pytest
import torch
from torch import nn

from grading.probes.heads import last_linear
from grading.probes.nets import digest
from grading.probes.transfer import backbone

from .expect import expect, expect_close, refused
from .strategies import Spec
from .test_heads import features_before_head

CASES = [
    pytest.param("feature_extractor", marks=pytest.mark.q1_1),
    pytest.param("finetuned", marks=pytest.mark.q1_2),
    pytest.param("scratch", marks=pytest.mark.q1_3),
]
IMAGES = np.random.default_rng(4).normal(size=(3, 3, 64, 64)).astype("float32")
NO_CNN = ("vit", "swin", "maxvit")


def body_digests(model: nn.Module) -> Counter[str]:
    """Digests of all parameters but the last Linear's."""
    head = last_linear(model)
    assert head is not None
    return Counter(map(digest, model.parameters())) - Counter(map(digest, head.parameters()))


def expect_new_head(seen: Spec, source: nn.Module, num_classes: int, asked: str) -> None:
    """The source's parameters, unchanged, under a new head of `num_classes`, and logits that follow from both."""
    expect(
        seen["logits"].shape == (len(IMAGES), num_classes),
        f"{asked}: logits of shape {(len(IMAGES), num_classes)}",
        f"shape {seen['logits'].shape}",
        "replace the head by one with num_classes outputs, and pass num_classes on",
    )
    expect(
        seen["head"] is not None,
        f"{asked}: the last Linear is the new head, with a bias",
        "there is none",
        "use replace_head",
    )
    lost = body_digests(source) - Counter(name for name, _, _ in seen["parameters"])
    expect(
        not lost,
        f"{asked}: all weights that were loaded, but the old head's",
        f"{lost.total()} tensors are missing or have other values",
        "keep the layers and their values: nothing is initialised again, nothing dropped but the head",
    )
    extra = len(seen["parameters"]) - body_digests(source).total()
    expect(
        extra == 2,
        f"{asked}: two new tensors, the head's weight and bias",
        f"{extra} new tensors",
        "one nn.Linear is the whole head",
    )
    features = features_before_head(source, torch.from_numpy(IMAGES), 0)
    expect_close(
        seen["logits"],
        features @ seen["head"]["weight"].T + seen["head"]["bias"],
        f"{asked}: features of the loaded network, times the head's weight, plus its bias",
        "the backbone must compute what it did before; in eval mode dropout is off",
        tolerance=1e-4,
    )


@pytest.mark.parametrize("case", CASES)
def test_asks_for_the_right_weights(student, case: str) -> None:
    """feature_extractor and finetuned start pretrained, scratch does not"""
    seen = student.ask("transfer.case", case=case, num_classes=2, inputs=IMAGES)
    wanted = case != "scratch"
    expect(
        seen["calls"] and all(flag == wanted for flag in seen["calls"]),
        f"build_case({case!r}, alexnet): calls alexnet({wanted})",
        f"calls with {seen['calls']}",
        "the pretrained flag is inverted, or ignored",
    )


@pytest.mark.parametrize("num_classes", [2, 5])
@pytest.mark.parametrize("case", CASES)
def test_backbone_under_a_new_head(student, case: str, num_classes: int) -> None:
    """the loaded network, its values untouched, under a fresh head of num_classes"""
    seen = student.ask("transfer.case", case=case, num_classes=num_classes, inputs=IMAGES)
    source = backbone("alexnet", case != "scratch")
    expect_new_head(seen, source, num_classes, f"build_case({case!r}, alexnet, {num_classes})")


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_the_right_parameters_train(student, case: str, frozen: bool) -> None:
    """feature_extractor trains the new head only, finetuned and scratch train everything"""
    seen = student.ask("transfer.case", case=case, num_classes=2, inputs=IMAGES, frozen=frozen)
    if case == "feature_extractor":
        expect(seen["head"] is not None, "build_case: a head", "none", "use replace_head")
        wanted = sorted([list(seen["head"]["weight"].shape), list(seen["head"]["bias"].shape)])
        hint = "freeze the backbone first, then replace the head: the new head must stay trainable, and alone"
    else:
        wanted = sorted(shape for _, shape, _ in seen["parameters"])
        hint = "every parameter must have requires_grad=True, whatever state the backbone came in"
    got = sorted(shape for _, shape, trains in seen["parameters"] if trains)
    expect(got == wanted, f"build_case({case!r}, alexnet): parameters that train: {wanted}", got, hint)


@pytest.mark.parametrize("case", CASES)
def test_two_classes_by_default(student, case: str) -> None:
    """num_classes defaults to 2"""
    seen = student.ask("transfer.case", case=case, num_classes=None, inputs=IMAGES)
    expect(
        seen["logits"].shape == (len(IMAGES), 2),
        f"build_case({case!r}, alexnet): logits of shape {(len(IMAGES), 2)}",
        f"shape {seen['logits'].shape}",
        "keep the default of the signature",
    )


@pytest.mark.q1_1
@pytest.mark.parametrize("case", ["feature extractor", "", "frozen", "Finetuned"])
def test_refuses_any_other_case(student, case: str) -> None:
    """any other case is a ValueError"""
    with refused(f"build_case({case!r}, alexnet)", "end with raise ValueError, not with a default"):
        student.ask("transfer.case", case=case, num_classes=2, inputs=IMAGES)


@pytest.mark.q1_8
@pytest.mark.parametrize("num_classes", [None, 2, 4])
def test_challenger_is_another_pretrained_cnn(student, num_classes: int | None) -> None:
    """a pretrained CNN other than AlexNet and ResNet-18 under a new head"""
    seen = student.ask("transfer.challenger", num_classes=num_classes, inputs=IMAGES)
    expect(len(seen["calls"]) > 0, "build_challenger(load): calls load", "no call", "build the network with load")
    name, pretrained = seen["calls"][-1]
    expect(
        name not in ("alexnet", "resnet18") and not name.startswith(NO_CNN),
        "build_challenger(load): a CNN other than alexnet and resnet18",
        name,
        "choose another torchvision classifier",
    )
    expect(
        pretrained,
        f"build_challenger(load): load({name!r}, True)",
        f"load({name!r}, False)",
        "the pretrained flag is missing or inverted",
    )
    expect(seen["convolutions"] > 0, "build_challenger(load): a CNN", "no convolution", "choose a CNN")
    expect_new_head(seen, backbone(name, True), 2 if num_classes is None else num_classes, "build_challenger(load)")


@pytest.mark.q1_8
def test_challenger_trains_as_a_whole(student) -> None:
    """all of the challenger trains"""
    seen = student.ask("transfer.challenger", num_classes=2, inputs=IMAGES)
    frozen = sum(not trains for _, _, trains in seen["parameters"])
    expect(
        frozen == 0,
        "build_challenger(load): every parameter has requires_grad",
        f"{frozen} of {len(seen['parameters'])} parameters are frozen",
        "unfreeze the model after the head is in place",
    )


@pytest.mark.q1_8
def test_challenger_optimizer_gets_exactly_the_trainable_parameters(student) -> None:
    """the optimizer is over exactly the model's trainable parameters"""
    seen = student.ask("transfer.challenger", num_classes=2, inputs=IMAGES)
    got = {
        "trainable but not optimized": seen["trainable_but_not_optimized"],
        "optimized but not trainable": seen["optimized_but_not_trainable"],
        "optimized twice": seen["optimized_twice"],
    }
    expect(
        not any(got.values()),
        "build_challenger(load): an optimizer over the model's trainable parameters, each once",
        got,
        "build the optimizer last, after the new head is in place, from trainable_parameters(model)",
    )
