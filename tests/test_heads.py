"""Q1-1: a new head for a pretrained classifier."""

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grading.probes.heads import classifier, last_linear
from grading.probes.nets import build

from .expect import expect, expect_close, refused
from .strategies import TORCHVISION, Spec, net_inputs, nets

pytestmark = pytest.mark.q1_1


@st.composite
def classifiers(draw: st.DrawFn) -> Spec:
    """A network whose last Linear need not be its last module, nor have a bias."""
    net = draw(nets(shared=False, dropout=True))
    net["layers"][-1]["bias"] = draw(st.booleans())
    if draw(st.booleans()):
        net["layers"][-1] = {"kind": "block", "layers": [net["layers"][-1]]}
    net["layers"] += draw(st.sampled_from([[], [{"kind": "identity"}]]))
    return net


def width_of(net: Spec) -> int:
    return build(net)[0].in_features if isinstance(build(net)[0], nn.Linear) else build(net)[0][0].in_features


def inputs_of(net: Spec) -> np.ndarray:
    return np.random.default_rng(net["seed"]).normal(size=(5, width_of(net)))


def features_before_head(model: nn.Module, inputs: torch.Tensor, seed: int) -> np.ndarray:
    """What enters the last Linear, with the random draws of dropout fixed by `seed`."""
    seen: list[torch.Tensor] = []
    head = last_linear(model)
    assert head is not None
    head.register_forward_hook(lambda _module, given, _output: seen.append(given[0]))
    torch.manual_seed(seed)
    with torch.no_grad():
        model(inputs)
    return seen[0].numpy()


def expect_replaced(seen: Spec, features: np.ndarray, num_classes: int, what: str) -> None:
    """All that the contract says of `replace_head`, first failing stage first."""
    asked = f"replace_head({what}, {num_classes})"
    expect(
        seen["head"] is not None and list(seen["head"]["weight"].shape) == [num_classes, features.shape[1]],
        f"{asked}: the last Linear is {features.shape[1]} -> {num_classes}",
        "no Linear" if seen["head"] is None else f"weight of shape {list(seen['head']['weight'].shape)}",
        "read in_features from the old head; replace the last nn.Linear in module order, not the last module",
    )
    expect(
        not seen["lost"],
        f"{asked}: every parameter before the head is the same tensor",
        f"lost: {', '.join(seen['lost'][:4])}",
        "keep the old layers themselves, not copies or fresh ones; only the last Linear goes",
    )
    expect(
        not seen["changed"],
        f"{asked}: parameters before the head keep their values",
        f"changed: {', '.join(seen['changed'][:4])}",
        "do not initialise anything but the new head",
    )
    expect(
        not seen["requires_grad_changed"],
        f"{asked}: requires_grad before the head stays as it was",
        f"changed: {', '.join(seen['requires_grad_changed'][:4])}",
        "replace_head neither freezes nor unfreezes the rest",
    )
    expect(
        not seen["old_head_kept"],
        f"{asked}: the old head is gone",
        "its parameters are still in the model",
        "replace the last Linear; do not stack a new one on top of it",
    )
    expect(
        sorted(map(len, seen["new_shapes"])) == [1, 2] and all(seen["new_trainable"]),
        f"{asked}: the only new parameters are a trainable weight and bias",
        f"shapes {seen['new_shapes']}, requires_grad {seen['new_trainable']}",
        "the head is one fresh nn.Linear with bias, trainable even if everything else is frozen",
    )
    wanted = features @ seen["head"]["weight"].T + seen["head"]["bias"]
    expect_close(
        seen["logits"],
        wanted,
        f"{asked}: features before the old head, times the new weight, plus the new bias",
        "everything before the head must run as before, dropout and activations included, in the same mode",
        tolerance=1e-5,
    )


@given(net=classifiers(), num_classes=st.integers(1, 6))
def test_small_networks(student, net: Spec, num_classes: int) -> None:
    """the last Linear is replaced by a fresh, trainable one; everything before it stays"""
    inputs = inputs_of(net)
    seen = student.ask("heads.replace", net=net, num_classes=num_classes, inputs=inputs)
    features = features_before_head(build(net), torch.from_numpy(inputs), net["seed"])
    expect_replaced(seen, features, num_classes, "net")


@pytest.mark.parametrize("name", TORCHVISION)
@settings(max_examples=2)
@given(frozen=st.booleans(), num_classes=st.sampled_from([2, 3, 7]))
def test_torchvision_classifiers(student, name: str, frozen: bool, num_classes: int) -> None:
    """works on torchvision's AlexNet, VGG, MobileNetV2, ResNet and DenseNet"""
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64)).astype("float32")
    seen = student.ask(
        "heads.replace_torchvision", name=name, frozen=frozen, num_classes=num_classes, inputs=images, seed=3
    )
    model = classifier(name, 3).double()
    features = features_before_head(model, torch.from_numpy(images).double(), 3)
    expect_replaced(seen, features, num_classes, name)


@pytest.mark.parametrize("num_classes", [0, -1])
def test_refuses_fewer_than_one_class(student, num_classes: int) -> None:
    """num_classes below 1 is a ValueError"""
    net = {
        "layers": [{"kind": "linear", "inputs": 2, "outputs": 3, "bias": True}],
        "frozen": [],
        "training": False,
        "seed": 0,
    }
    with refused(f"replace_head(net, {num_classes})", "check num_classes >= 1 before building the layer"):
        student.ask("heads.replace", net=net, num_classes=num_classes, inputs=net_inputs(net))


def test_refuses_a_model_without_a_linear(student) -> None:
    """a model without a Linear is a ValueError"""
    net = {
        "layers": [{"kind": "norm", "features": 2}, {"kind": "relu"}],
        "frozen": [],
        "training": False,
        "seed": 0,
    }
    with refused("replace_head(a model without nn.Linear, 2)", "raise ValueError where no nn.Linear is found"):
        student.ask("heads.replace", net=net, num_classes=2, inputs=np.ones((2, 2)))
