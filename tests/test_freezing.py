"""Q1-1: freezing and unfreezing parameters."""

from collections.abc import Mapping

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grading.protocol.questions import Student
from grading.protocol.wire import Plain
from grading.worker.probes.nets import build, flags, modes, seed_draws, state

from .expect import accepted, expect, expect_close
from .strategies import Spec, lone_linear, net_inputs, nets

pytestmark = [pytest.mark.q1_1, pytest.mark.about("trainable_parameters")]

FUNCTIONS = ("freeze", "unfreeze")
LINEAR: Spec = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
NORM: Spec = {"kind": "norm", "features": 3}
CONVOLUTION: Spec = {"kind": "conv", "features": 3}
DEEP: Spec = {
    "layers": [LINEAR, NORM, {"kind": "block", "layers": [LINEAR, NORM]}, CONVOLUTION, LINEAR],
    "width": 3,
    "training": True,
    "seed": 1,
}
BESIDE_CHILDREN: Spec = {
    **DEEP,
    "layers": [LINEAR, {"kind": "block", "layers": [{"kind": "scaled", "features": 3}]}, LINEAR],
}


def expect_changed(student: Student, function: str, net: Spec, times: int = 1) -> Plain:
    """`freeze` or `unfreeze` sets requires_grad of every parameter; returns what was seen of the network.

    Args:
        times: how often the function is called.
    """
    answer = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net), times=times)
    expect(
        answer["kept_its_parameters"],
        f"{function}(net): the same layers with the same parameters in net",
        "others, or fewer",
        "change the parameters that are there: do not put copies or buffers in their place",
    )
    model, wanted = build(net), function == "unfreeze"
    expect_same(
        answer["requires_grad"],
        dict.fromkeys(flags(model), wanted),
        f"{function}(net){' twice' if times > 1 else ''}: requires_grad={wanted} for every parameter",
        _left_out(model, answer["requires_grad"], wanted),
    )
    return answer


def _left_out(model: nn.Module, after: dict[str, bool], wanted: bool) -> str:
    """What the parameters that did not change have in common.

    Args:
        model: the network as it was before.
        after: `requires_grad` by name, after `freeze` or `unfreeze`.
    """
    before = flags(model)
    to_change = [name for name, flag in before.items() if flag != wanted]
    missed = [name for name in before if after.get(name) != wanted]
    if set(missed) - set(to_change):
        return f"what was right has become wrong: set requires_grad to {wanted}, whatever it was"
    if missed == to_change and not any("." in name for name in before):
        return "parameters that sit directly on the module count too: children() does not reach them"
    if missed == to_change and len(to_change) > 1:
        return (
            "nothing has changed: set it on each of module.parameters(), nested ones too, of this very module; an "
            "attribute of the module, a copy, a hook or a no_grad that ends with the call does nothing"
        )
    if all(name.endswith("bias") for name in missed):
        return "biases are parameters too: do not choose by name, dimension or kind of layer"
    if kinds := _kinds_left_out(model, to_change, missed):
        return f"{' and '.join(kinds)} left out: do not choose by kind of layer"
    if missed == [name for name in to_change if name.count(".") > 1]:
        return "nested layers have parameters too: module.parameters() reaches all of them, children() only one level"
    return (
        "set requires_grad on everything in module.parameters(): layers of any kind and name, and parameters that sit "
        "directly on a module"
    )


def _kinds_left_out(model: nn.Module, to_change: list[str], missed: list[str]) -> list[str]:
    """The kinds of layer that were left out, if all of these were and no others; empty otherwise."""
    kinds = {name: type(model.get_submodule(name.rpartition(".")[0])).__name__ for name in flags(model)}
    left_out = {kinds[name] for name in missed}
    is_by_kind = missed == [name for name in to_change if kinds[name] in left_out]
    return sorted(left_out) if is_by_kind and left_out < set(kinds.values()) else []


def expect_same(got: Mapping[str, Plain], wanted: Mapping[str, Plain], asked: str, hint: str) -> None:
    """Fail unless two mappings are equal; names the keys at which they are not."""
    other = [name for name in {**wanted, **got} if got.get(name) != wanted.get(name)]
    expect(got == wanted, asked, f"something else for {', '.join(name or 'net itself' for name in other)}", hint)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("net", [DEEP, BESIDE_CHILDREN], ids=["nested", "parameters beside children"])
def test_every_kind_of_layer_changes(student: Student, function: str, net: Spec) -> None:
    """weights and biases change, those of batch norms and of nested layers too; one is right before"""
    already_right, count = 4, len(flags(build({**net, "frozen": []})))
    others = [position for position in range(count) if position != already_right]
    expect_changed(student, function, {**net, "frozen": others if function == "unfreeze" else [already_right]})


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("frozen", [False, True])
def test_parameters_of_the_module_itself_change(student: Student, function: str, frozen: bool) -> None:
    """a module without children, one Linear, changes as well, whether or not it was frozen before"""
    for frozen_before in (frozen, not frozen):
        expect_changed(student, function, lone_linear(frozen=frozen_before))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_frozen_part_changes_too(student: Student, function: str) -> None:
    """a network of which a part is frozen already is frozen, or unfrozen, as a whole"""
    for frozen in ([0, 1, 2], [1, 3, 5], [4]):
        net = {"layers": [LINEAR, LINEAR, LINEAR], "width": 3, "frozen": frozen, "training": True, "seed": 1}
        expect_changed(student, function, net)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("names", [("features", "classifier", "fc"), ("conv1", "bn1", "norm")], ids=" ".join)
def test_names_of_layers_do_not_matter(student: Student, function: str, names: tuple[str, ...]) -> None:
    """a network changes in all of its parts, whatever they are called"""
    net = {"layers": [LINEAR, LINEAR, LINEAR], "names": list(names), "width": 3, "training": False, "seed": 3}
    for frozen in (list(range(6)), [], [0, 1], [2, 3, 5]):
        expect_changed(student, function, {**net, "frozen": frozen})


@pytest.mark.parametrize("function", FUNCTIONS)
def test_twice_is_as_good_as_once(student: Student, function: str) -> None:
    """a second call changes nothing more"""
    for frozen in ([], [0, 1, 2]):
        expect_changed(student, function, {**DEEP, "frozen": frozen}, times=2)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_network_without_parameters(student: Student, function: str) -> None:
    """a network without parameters is given back as it is"""
    net = {"layers": [{"kind": "relu"}, {"kind": "identity"}], "width": 3, "frozen": [], "training": True, "seed": 1}
    with accepted("a module may have no parameters at all: next() needs a default there, or a loop in its place"):
        expect_changed(student, function, net)
    for frozen in (True, False):  # to give back what was given is not enough for these
        expect_changed(student, function, lone_linear(frozen=frozen))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(), times=st.integers(1, 2))
def test_every_parameter_changes(student: Student, function: str, net: Spec, times: int) -> None:
    """after freeze no parameter has requires_grad, after unfreeze every one, however often it is called"""
    expect_changed(student, function, net, times)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(dropout=True, switched=True))
def test_values_buffers_and_mode_stay(student: Student, function: str, net: Spec) -> None:
    """values, buffers and train/eval mode stay as they are"""
    answer = expect_changed(student, function, net)
    expect_same(
        answer["state"],
        state(build(net)),
        f"{function}(net): parameters and buffers keep their values",
        "only requires_grad may change; do not reset, copy or convert parameters",
    )
    expect_same(
        answer["modes"],
        modes(build(net)),
        f"{function}(net): every submodule stays in its train or eval mode",
        "do not call eval() or train() here: freezing is about gradients, the mode about dropout and batch norm",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets())
def test_gradients_are_collected_accordingly(student: Student, function: str, net: Spec) -> None:
    """after backward, frozen parameters hold no gradient and unfrozen ones do"""
    expect_same(
        expect_changed(student, function, net)["collected"],
        dict.fromkeys(flags(build(net)), function == "unfreeze"),
        f"{function}(net), then backward: {'a gradient' if function == 'unfreeze' else 'no gradient'} in every p.grad",
        "requires_grad decides whether backward fills p.grad; a hook or a zeroed gradient is something else",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(dropout=True))
def test_gradient_flows_through_to_the_input(student: Student, function: str, net: Spec) -> None:
    """gradient still flows through the module to its input, unchanged"""
    gradient = expect_changed(student, function, net)["input_gradient"]
    expect(
        gradient is not None,
        f"{function}(net): a gradient at the input",
        "none",
        "freeze parameters, not the computation: no torch.no_grad, no detach, no replaced forward",
    )
    expect_close(
        gradient,
        input_gradient(net).numpy(),
        f"{function}(net): the same gradient at the input as before",
        "freezing must not change what the module computes",
    )


def input_gradient(net: Spec) -> torch.Tensor:
    """The gradient at the input of a network, float64 (N, width), from the upstream gradient that the probe takes."""
    inputs = torch.from_numpy(net_inputs(net)).requires_grad_()
    model = build(net)
    seed_draws(net["seed"])
    scores = model(inputs)
    (gradient,) = torch.autograd.grad(scores, inputs, torch.cos(scores.detach()))
    return gradient


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=12)
@given(net=nets())
def test_returns_the_same_object(student: Student, function: str, net: Spec) -> None:
    """works in place and returns the same object"""
    expect(
        expect_changed(student, function, net)["returned_the_same_object"],
        f"{function}(net) is net",
        "another object",
        "return the module that was given, not a copy of it",
    )


def expect_listed(student: Student, net: Spec) -> None:
    """`trainable_parameters` gives the parameters with requires_grad, before training and after a step of it."""
    wanted = [position for position, parameter in enumerate(build(net).parameters()) if parameter.requires_grad]
    for when, after_a_step in (("", False), (", all of which hold a gradient", True)):
        got = student.ask("freezing.trainable", net=net, after_a_step=after_a_step)
        expect(
            got == wanted,
            f"trainable_parameters(net): positions {wanted} in net.parameters(){when}",
            got,
            _wrong_list(got, wanted),
        )


def _wrong_list(got: list[int], wanted: list[int]) -> str:
    """What is probably wrong if this list came in place of the wanted one.

    Args:
        got: positions in `parameters()`, -1 for what is none of them.
    """
    if -1 in got:
        return "list the module's own nn.Parameter objects: no names, pairs, groups or copies"
    if len(set(got)) < len(got):
        return "a parameter shared by two layers is listed twice; module.parameters() gives each once"
    if set(got) - set(wanted):
        return "a parameter without requires_grad is listed"
    if wanted and not got:
        return (
            "a parameter with requires_grad is missing, here each of them: nested layers count too, and before the "
            "first backward pass every .grad is None"
        )
    if set(wanted) - set(got):
        return "a parameter with requires_grad is missing: biases, nested layers and shared parameters count too"
    return "filter module.parameters() by requires_grad and keep its order: a set has none"


def test_trainable_parameters_of_a_deep_network(student: Student) -> None:
    """weights and biases of all layers that are not frozen, in the order of module.parameters()"""
    for frozen in ([2, 3], [0, 1, 4, 5, 6, 7], []):
        expect_listed(student, {**DEEP, "frozen": frozen})


@given(net=nets())
def test_trainable_parameters_are_listed_once_in_order(student: Student, net: Spec) -> None:
    """every parameter with requires_grad, each object once, in the order of module.parameters()"""
    expect_listed(student, net)


def test_everything_frozen_gives_an_empty_list(student: Student) -> None:
    """a module without trainable parameters gives an empty list"""
    expect_listed(student, lone_linear(frozen=False))
    expect_listed(student, lone_linear(frozen=True))


def test_parameters_that_share(student: Student) -> None:
    """a weight of two layers is listed once"""
    for frozen in ([], [1]):
        expect_listed(student, {**DEEP, "layers": [LINEAR, {"kind": "tied", "layer": 0}, LINEAR], "frozen": frozen})


@pytest.mark.parametrize(
    "functions",
    [
        ("freeze", "freeze", "unfreeze"),
        ("freeze", "unfreeze", "freeze"),
        ("unfreeze", "unfreeze", "freeze", "unfreeze"),
        ("freeze", "by hand", "freeze"),
        ("unfreeze", "by hand", "unfreeze"),
    ],
    ids=" ".join,
)
def test_what_was_called_before_does_not_matter(student: Student, functions: tuple[str, ...]) -> None:
    """freeze, unfreeze and trainable_parameters in turn, each as if it were the only call"""
    net = {**DEEP, "frozen": [1, 4]}
    calls = ["net[0].weight.requires_grad flipped" if name == "by hand" else f"{name}(net)" for name in functions]
    with accepted(f"{', '.join(calls)}, in turn: each call works whatever was called before"):
        answers = student.ask("freezing.in_turn", functions=list(functions), net=net)
    for count, (function, answer) in enumerate(zip(functions, answers, strict=True), start=1):
        asked = ", then ".join(calls[:count])
        if function != "by hand":
            expect_all(answer["requires_grad"], function == "unfreeze", asked)
        expect_listed_now(answer, asked)


def expect_all(requires_grad: dict[str, bool], wanted: bool, asked: str) -> None:
    expect_same(
        requires_grad,
        dict.fromkeys(requires_grad, wanted),
        f"{asked}: requires_grad={wanted} for every parameter",
        "look at the parameters themselves: a record of what was frozen before is wrong after the next call",
    )


def expect_listed_now(answer: Plain, asked: str) -> None:
    """`trainable_parameters` goes by the flags that the parameters have at the time of the call."""
    wanted = [position for position, trains in enumerate(answer["requires_grad"].values()) if trains]
    expect(
        answer["trainable"] == wanted,
        f"{asked}, then trainable_parameters(net), as after each call: positions {wanted} in net.parameters()",
        answer["trainable"],
        "read requires_grad anew in each call: an answer that was kept is out of date after freeze or unfreeze",
    )
