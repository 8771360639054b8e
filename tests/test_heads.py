"""Q1-1: a new head for a pretrained classifier."""

from collections import Counter
from collections.abc import Iterator

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grading.protocol.questions import Student
from grading.protocol.wire import Plain
from grading.worker.probes.heads import classifier
from grading.worker.probes.nets import array, build, digest

from .expect import accepted, expect, expect_close, refused
from .head_swap import head_of, linear_head_of, logits_of, name_of, swap_head
from .strategies import TORCHVISION, Spec, lone_linear, net_inputs, nets

pytestmark = [pytest.mark.q1_1, pytest.mark.about("replace_head")]

LINEAR: Spec = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
RELU: Spec = {"kind": "relu"}
IN_ITS_PLACE = "put the new Linear in the place of the old one, on the layer that holds it: not beside or behind it"
ITSELF_A_LINEAR = (
    "the model is itself an nn.Linear: it has no parent in which to put another; return the new nn.Linear(in_features, "
    "num_classes)"
)


def relu_and_linear() -> Spec:
    """A ReLU, then a Linear: a new Linear alone is not the whole answer."""
    net = lone_linear(frozen=False)
    return {**net, "layers": [{"kind": "relu"}, *net["layers"]]}


@st.composite
def classifiers(draw: st.DrawFn) -> Spec:
    """A network whose last Linear need not be its last module, nor have a bias."""
    net: Spec = draw(nets(shared=False, dropout=True))
    net["layers"][-1]["bias"] = draw(st.booleans())
    behind: st.SearchStrategy[list[Spec]] = st.sampled_from(
        [[], [{"kind": "identity"}], [{"kind": "relu"}], [{"kind": "dropout", "p": 0.5}]]
    )
    if draw(st.booleans()):
        net["layers"][-1] = {"kind": "block", "layers": [net["layers"][-1], *draw(behind)]}
    net["layers"] += draw(behind)
    return net


def expect_replaced(
    answer: Plain, model: nn.Module, inputs: np.ndarray, num_classes: int, seed: int, what: str
) -> None:
    """Everything that the contract says of `replace_head`, in the order in which failures are worth reading.

    Args:
        answer: what the probe saw of the student's new model.
        model: the old model, built again by the test.
        seed: of dropout's draws.
        what: the model, as the message shows it.
    """
    asked = f"replace_head({what}, {num_classes})"
    expect_body_kept(asked, answer, model)
    expect_values_kept(asked, answer, model)
    expect_old_head_gone(asked, answer, model)
    weight, bias = expect_new_head(asked, answer, model, num_classes)
    expect_fresh(asked, weight, model)
    expect_buffers_kept(asked, answer, model)
    expect_head_in_its_place(asked, answer, model, inputs, seed, weight, bias)
    expect_gradients(asked, answer, model)


def _body(model: nn.Module) -> list[tuple[int, str, nn.Parameter]]:
    """Position, name and tensor of every parameter but the head's."""
    head = {id(parameter) for parameter in head_of(model).parameters()}
    return [(at, name, p) for at, (name, p) in enumerate(model.named_parameters()) if id(p) not in head]


def _old_parameters(answer: Plain) -> dict[int, Plain]:
    """What was seen of the old parameters that are still there, by their position in the old model."""
    return {parameter["position"]: parameter for parameter in answer["parameters"] if parameter["position"] != -1}


def _new_parameters(answer: Plain) -> list[Plain]:
    """What was seen of the new parameters, a weight before a bias."""
    new = [parameter for parameter in answer["parameters"] if parameter["position"] == -1]
    return sorted(new, key=lambda parameter: -parameter["values"].ndim)


def _old_head_left(answer: Plain, model: nn.Module) -> list[str]:
    """The names of the old head's parameters that are still in the model."""
    head, still_there = {id(parameter) for parameter in head_of(model).parameters()}, _old_parameters(answer)
    return [name for at, (name, p) in enumerate(model.named_parameters()) if id(p) in head and at in still_there]


def expect_body_kept(asked: str, answer: Plain, model: nn.Module) -> None:
    """Before the head, every parameter is the same tensor."""
    body, still_there = _body(model), _old_parameters(answer)
    expect(
        all(at in still_there for at, _, _ in body),
        f"{asked}: every parameter before the head is the same tensor",
        f"lost: {', '.join(name for at, name, _ in body[:20] if at not in still_there)}",
        "another Linear is gone: only the last Linear goes, in module order, whatever it is called; model.modules() "
        "reaches nested ones, children() only one level"
        if _old_head_left(answer, model)
        else "keep the old layers themselves, not copies or fresh ones; only the last Linear goes, in module order",
    )


def expect_values_kept(asked: str, answer: Plain, model: nn.Module) -> None:
    """Before the head, every parameter has the values and the requires_grad that it had."""
    body, now = _body(model), _old_parameters(answer)
    other_values = [name for at, name, p in body if now[at]["digest"] != digest(p)]
    other_flags = [name for at, name, p in body if now[at]["trains"] != p.requires_grad]
    for changed, hint in (
        (other_values, "keep the values before the head: do not initialise anything but the new head"),
        (other_flags, "replace_head neither freezes nor unfreezes what is before the head"),
    ):
        expect(
            not changed,
            f"{asked}: parameters before the head keep their values and requires_grad",
            f"changed: {', '.join(changed[:4])}",
            hint,
        )


def expect_old_head_gone(asked: str, answer: Plain, model: nn.Module) -> None:
    left = _old_head_left(answer, model)
    expect(
        not left,
        f"{asked}: the old head is gone",
        f"{', '.join(left)} still in the model",
        ITSELF_A_LINEAR if isinstance(model, nn.Linear) else IN_ITS_PLACE,
    )


def expect_new_head(asked: str, answer: Plain, model: nn.Module, num_classes: int) -> tuple[np.ndarray, np.ndarray]:
    """A trainable weight (num_classes, in_features) and bias (num_classes,) in the model's dtype; returns them."""
    new, old = _new_parameters(answer), linear_head_of(model)
    wanted = [(num_classes, old.in_features), (num_classes,)]
    shapes = [parameter["values"].shape for parameter in new]
    expect(
        shapes == wanted,
        f"{asked}: the only new parameters are a weight and a bias, of shapes {wanted}",
        f"shapes {shapes}",
        _wrong_shapes(shapes, wanted),
    )
    trains = [parameter["trains"] for parameter in new]
    expect(
        all(trains),
        f"{asked}: a trainable head",
        f"requires_grad {trains}",
        "the new head trains even if everything else is frozen",
    )
    weight, bias = (parameter["values"] for parameter in new)
    dtype = array(old.weight).dtype
    expect(
        {weight.dtype, bias.dtype} == {dtype},
        f"{asked}: the new head in {dtype}, as the model",
        f"{weight.dtype} and {bias.dtype}",
        "convert nothing: nn.Linear(in_features, num_classes) as it comes",
    )
    return weight, bias


def _wrong_shapes(shapes: list[tuple[int, ...]], wanted: list[tuple[int, ...]]) -> str:
    """What is wrong if the new parameters have other shapes than the wanted ones."""
    weight = wanted[0]
    if not shapes:
        return "the new head is not among model.parameters(): set it as an attribute of a module, not in a list"
    if shapes == [weight]:
        return "the new Linear has a bias, also if the old one has none"
    if len(shapes) != len(wanted) or len(shapes[0]) != len(weight):
        return "the head is one nn.Linear: no other layer, and no more of them"
    if shapes[0] == weight[::-1] and weight[0] != weight[1]:
        return "nn.Linear takes in_features first, then out_features"
    if shapes[0][1:] != weight[1:]:
        return f"read in_features from the old head: networks differ in it, and here it is {weight[1]}"
    return "num_classes outputs, whatever the number of classes was before"


def expect_fresh(asked: str, weight: np.ndarray, model: nn.Module) -> None:
    """No row of the new weight is one of the old head's."""
    old_rows = {row.tobytes() for row in array(head_of(model).weight).astype(weight.dtype)}
    expect(
        not any(row.tobytes() in old_rows for row in weight),
        f"{asked}: a freshly initialised head",
        "rows of the old head's weight",
        "the old head's classes are not the new ones: start from fresh weights",
    )


def expect_buffers_kept(asked: str, answer: Plain, model: nn.Module) -> None:
    expect(
        not Counter(map(digest, model.buffers())) - Counter(answer["buffers"]),
        f"{asked}: buffers, such as running statistics, as before",
        "some changed or are lost",
        "replace the head alone; do not reset or run the model",
    )


def expect_head_in_its_place(
    asked: str, answer: Plain, model: nn.Module, inputs: np.ndarray, seed: int, weight: np.ndarray, bias: np.ndarray
) -> None:
    """The logits are those of the old model with the new weight and bias in its last Linear."""
    expect(
        "error" not in answer,
        f"{asked}, then forward: logits",
        answer.get("error"),
        "the new Linear must stand where the old one stood, behind the same layers, under the same name; "
        "nn.Sequential(*model.children()) loses what forward does between its layers",
    )
    right = logits_of(swap_head(model, weight, bias), inputs, seed)
    expect_close(
        answer["logits"],
        right,
        f"{asked}: the old model with the new weight and bias in its last Linear",
        "everything before and behind the head must run as before, activations included, in the same mode",
        mistakes=_wrong_logits(model, right, inputs, seed),
        tolerance=1e-5 if weight.dtype == np.float64 else 1e-4,
    )


def _wrong_logits(
    model: nn.Module, right: np.ndarray, inputs: np.ndarray, seed: int
) -> Iterator[tuple[np.ndarray, str]]:
    """The logits that common mistakes lead to; `model` already has the new head."""
    exponentials = np.exp(right - right.max(axis=1, keepdims=True))
    probabilities = exponentials / exponentials.sum(axis=1, keepdims=True)
    yield probabilities, "no softmax behind the head: the loss expects raw scores"
    dropouts = [part for part in model.modules() if isinstance(part, nn.Dropout)]
    for dropout in dropouts:
        dropout.eval()
    without_dropout = logits_of(model, inputs, seed)
    yield without_dropout, "dropout is lost, or switched off: leave those layers and their mode as they are"
    for dropout in dropouts:
        dropout.train(model.training)
    yield logits_of(model.train(not model.training), inputs, seed), "leave the model in its train or eval mode"
    model.train(not model.training)
    yield from _with_head_at_the_end(model, inputs, seed)


def _with_head_at_the_end(model: nn.Module, inputs: np.ndarray, seed: int) -> Iterator[tuple[np.ndarray, str]]:
    """The logits if the new head stands behind everything else, and an Identity in its place."""
    head = head_of(model)
    parent, _, attribute = name_of(head, model).rpartition(".")
    if attribute:
        setattr(model.get_submodule(parent), attribute, nn.Identity())
        features = logits_of(model, inputs, seed)
        with torch.no_grad():
            logits = head(torch.from_numpy(features)).numpy()
        yield logits, "what stands behind the head stays behind it: it is lost, or the new head stands behind it"


def expect_gradients(asked: str, answer: Plain, model: nn.Module) -> None:
    """Backward reaches the head, and whatever is trainable before it."""
    now = _old_parameters(answer)
    missed = [name for at, name, p in _body(model) if p.requires_grad and not now[at]["collected"]]
    expect(
        not missed and all(parameter["collected"] for parameter in _new_parameters(answer)),
        f"{asked}, backward: a gradient for the head and for whatever is trainable before it",
        f"none for {', '.join(missed[:4]) or 'the head'}",
        "no detach, no torch.no_grad: what is before the head may train",
    )


def expect_small_replaced(student: Student, net: Spec, num_classes: int) -> None:
    """`expect_replaced` for a network of `strategies.nets`."""
    inputs = net_inputs(net)
    answer = student.ask("heads.replace", net=net, num_classes=num_classes, inputs=inputs)
    expect_replaced(answer, build(net), inputs, num_classes, net["seed"], "net")


@pytest.mark.parametrize("name", TORCHVISION)
@pytest.mark.parametrize("training", [False, True])
@settings(max_examples=2)
@given(frozen=st.booleans(), num_classes=st.sampled_from([2, 3, 7]))
def test_torchvision_classifiers(student: Student, name: str, frozen: bool, training: bool, num_classes: int) -> None:
    """works on torchvision's AlexNet, VGG, MobileNetV2, ResNet and DenseNet"""
    images = np.random.default_rng(0).normal(size=(2, 3, 64, 64))
    hint = "networks differ: search model.modules() for the last nn.Linear, whatever it is called"
    with accepted(hint, "AttributeError", "LookupError"):
        answer = student.ask(
            "heads.replace_torchvision",
            name=name,
            frozen=frozen,
            training=training,
            num_classes=num_classes,
            inputs=images,
            seed=3,
        )
    model = classifier(name, 3, frozen=frozen, training=training)
    expect_replaced(answer, model, images, num_classes, 3, f"a thin {name} in {'train' if training else 'eval'} mode")


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("num_classes", [1, 2, 5])
def test_networks_of_several_shapes(student: Student, frozen: bool, num_classes: int) -> None:
    """more than ten layers, a bottleneck, a head with a layer behind it, one nested deeply"""
    linear_and_relu = [LINEAR, RELU, LINEAR, RELU]
    nested = _block([_block([RELU, LINEAR])])
    for layers in (
        [LINEAR, RELU] * 6 + [LINEAR],
        [LINEAR, _block(linear_and_relu)],
        linear_and_relu,
        [LINEAR, nested],
        [LINEAR, _block([nested])],
        [{**LINEAR, "outputs": 1}, {**LINEAR, "inputs": 1}, LINEAR],
    ):
        net = {"layers": layers, "width": 3, "frozen": list(range(14)) if frozen else [], "training": True, "seed": 2}
        expect_small_replaced(student, net, num_classes)


def _block(layers: list[Spec]) -> Spec:
    return {"kind": "block", "layers": layers}


@pytest.mark.parametrize("frozen", [False, True])
@pytest.mark.parametrize("num_classes", [1, 4])
def test_a_model_that_is_itself_a_linear(student: Student, frozen: bool, num_classes: int) -> None:
    """a model that is one nn.Linear: the new one is the result"""
    net = lone_linear(frozen=frozen)
    with accepted(ITSELF_A_LINEAR):
        answer = student.ask("heads.replace", net=net, num_classes=num_classes, inputs=net_inputs(net))
    expect_replaced(answer, build(net), net_inputs(net), num_classes, net["seed"], "nn.Linear(3, 2)")
    expect_small_replaced(student, relu_and_linear(), num_classes)  # a new layer alone is no answer in general


def test_names_of_layers_do_not_matter(student: Student) -> None:
    """the head is the last Linear, whatever it and others are called"""
    net = {"layers": [LINEAR] * 3, "width": 3, "frozen": [], "training": True, "seed": 2}
    for names in (["fc", "relu", "out"], ["classifier", "fc", "last"], ["head", "fc1", "a"], ["z", "y", "a"]):
        expect_small_replaced(student, {**net, "names": names}, 4)


@given(net=classifiers(), num_classes=st.integers(1, 6))
def test_small_networks(student: Student, net: Spec, num_classes: int) -> None:
    """the last Linear is replaced by a fresh, trainable one; everything before it stays"""
    expect_small_replaced(student, net, num_classes)


@pytest.mark.parametrize("num_classes", [0, -1])
def test_refuses_fewer_than_one_class(student: Student, num_classes: int) -> None:
    """num_classes below 1 is a ValueError"""
    net = relu_and_linear()
    expect_small_replaced(student, net, 1)
    with refused(f"replace_head(net, {num_classes})", "check num_classes >= 1 before building the layer"):
        student.ask("heads.replace", net=net, num_classes=num_classes, inputs=net_inputs(net))


def test_refuses_a_model_without_a_linear(student: Student) -> None:
    """a model without a Linear is a ValueError"""
    for layers in ([{"kind": "norm", "features": 3}, {"kind": "relu"}], [{"kind": "conv", "features": 3}]):
        net = {**lone_linear(frozen=False), "layers": layers}
        expect_small_replaced(student, {**net, "layers": layers + lone_linear(frozen=False)["layers"]}, 2)
        with refused("replace_head(a model without nn.Linear, 2)", "raise ValueError where no nn.Linear is found"):
            student.ask("heads.replace", net=net, num_classes=2, inputs=net_inputs(net))


def test_a_head_is_replaced_again(student: Student) -> None:
    """a model whose head was replaced gets another one, with another number of classes"""
    net = relu_and_linear()
    expect_small_replaced(student, net, 4)
    with accepted("replace_head(replace_head(net, 5), 4): a model that has a new head may get another"):
        answer = student.ask("heads.replace_again", net=net, num_classes=4, inputs=net_inputs(net))
    shapes = [parameter["values"].shape for parameter in answer["parameters"] if parameter["position"] == -1]
    expect(
        sorted(shapes) == [(4,), (4, 3)],
        "replace_head(replace_head(net, 5), 4): a new head of four classes, weight and bias",
        f"new parameters of shapes {shapes}",
        "do not mark the model, nor remember it: each call replaces the last Linear that is there",
    )


def test_every_call_makes_a_head(student: Student) -> None:
    """two models have two heads"""
    net = relu_and_linear()
    expect_small_replaced(student, net, 2)
    shared = student.ask("heads.replace_twice", net=net, num_classes=2)
    expect(
        shared == 0,
        "replace_head on two models: no parameter in both",
        f"{shared} in both",
        "make a new layer in each call: one that is kept in a cache or a global is trained by every model",
    )
