"""Q1-1: freezing and unfreezing parameters."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from grading.worker.probes.nets import build, flags, modes, seed_draws, state

from .expect import accepted, expect, expect_close
from .strategies import Spec, lone_linear, net_inputs, nets

pytestmark = [pytest.mark.q1_1, pytest.mark.about("trainable_parameters")]

FUNCTIONS = ("freeze", "unfreeze")


LINEAR = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
NORM = {"kind": "norm", "features": 3}
DEEP = {
    "layers": [LINEAR, NORM, {"kind": "block", "layers": [LINEAR, NORM]}, LINEAR],
    "width": 3,
    "training": True,
    "seed": 1,
}
OWN = {**DEEP, "layers": [LINEAR, {"kind": "block", "layers": [{"kind": "scaled", "features": 3}]}, LINEAR]}


def changed(student, function: str, net: Spec, times: int = 1) -> Spec:
    """What `freeze` or `unfreeze` has made of a network: at least, that of every parameter's `requires_grad`."""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net), times=times)
    model, right = build(net), function == "unfreeze"
    before = flags(model)
    expect(
        seen["kept_its_parameters"],
        f"{function}(net): the same layers with the same parameters in net",
        "others, or fewer",
        "change the parameters that are there: do not put copies or buffers in their place",
    )
    wanted = dict.fromkeys(before, right)
    expect_same(
        seen["requires_grad"],
        wanted,
        f"{function}(net){' twice' if times > 1 else ''}: requires_grad={right} for every parameter",
        _left_out(model, seen["requires_grad"], right),
    )
    return seen


def _left_out(model: nn.Module, after: dict[str, bool], right: bool) -> str:
    """What the parameters that did not change have in common; `model` is as it was before."""
    before = flags(model)
    kinds = {name: type(model.get_submodule(name.rpartition(".")[0])).__name__ for name in before}
    to_change = [name for name, flag in before.items() if flag != right]
    missed = [name for name in before if after.get(name) != right]
    if set(missed) - set(to_change):
        return f"what was right has become wrong: set requires_grad to {right}, whatever it was"
    if missed == to_change and not any("." in name for name in before):
        return "parameters that sit directly on the module count too: children() does not reach them"
    if missed == to_change and len(to_change) > 1:
        return (
            "nothing has changed: set it on each of module.parameters(), nested ones too, of this very module; an "
            "attribute of the module, a copy, a hook or a no_grad that ends with the call does nothing"
        )
    if all(name.endswith("bias") for name in missed):
        return "biases are parameters too: do not choose by name, dimension or kind of layer"
    left_out = {kinds[name] for name in missed}
    if left_out < set(kinds.values()) and missed == [name for name in to_change if kinds[name] in left_out]:
        return f"{' and '.join(sorted(left_out))} left out: do not choose by kind of layer"
    if missed == [name for name in to_change if name.count(".") > 1]:
        return "nested layers have parameters too: module.parameters() reaches all of them, children() only one level"
    return (
        "set requires_grad on everything in module.parameters(): layers of any kind and name, and parameters that sit "
        "directly on a module"
    )


def expect_same(got: dict, wanted: dict, asked: str, hint: str) -> None:
    """Fail unless two dicts are equal; names where they are not."""
    other = [name for name in {**wanted, **got} if got.get(name) != wanted.get(name)]
    expect(got == wanted, asked, f"something else for {', '.join(name or 'net itself' for name in other)}", hint)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("net", [DEEP, OWN], ids=["nested", "parameters beside children"])
def test_every_kind_of_layer_changes(student, function: str, net: Spec) -> None:
    """weights and biases change, those of batch norms and of nested layers too; one is right before"""
    right, count = 4, len(flags(build({**net, "frozen": []})))
    others = [position for position in range(count) if position != right]
    changed(student, function, {**net, "frozen": others if function == "unfreeze" else [right]})


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("frozen", [False, True])
def test_parameters_of_the_module_itself_change(student, function: str, frozen: bool) -> None:
    """a module without children, one Linear, changes as well, whether or not it was frozen before"""
    for state_before in (frozen, not frozen):
        changed(student, function, lone_linear(frozen=state_before))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_frozen_part_changes_too(student, function: str) -> None:
    """a network of which a part is frozen already is frozen, or unfrozen, as a whole"""
    for frozen in ([0, 1, 2], [1, 3, 5], [4]):
        net = {"layers": [LINEAR, LINEAR, LINEAR], "width": 3, "frozen": frozen, "training": True, "seed": 1}
        changed(student, function, net)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("names", [("features", "classifier", "fc"), ("conv1", "bn1", "norm")], ids=" ".join)
def test_names_of_layers_do_not_matter(student, function: str, names: tuple[str, ...]) -> None:
    """a network changes in all of its parts, whatever they are called"""
    for frozen in (list(range(6)), [], [0, 1], [2, 3, 5]):
        changed(
            student,
            function,
            {
                "layers": [LINEAR, LINEAR, LINEAR],
                "names": list(names),
                "width": 3,
                "frozen": frozen,
                "training": False,
                "seed": 3,
            },
        )


@pytest.mark.parametrize("function", FUNCTIONS)
def test_twice_is_as_good_as_once(student, function: str) -> None:
    """a second call changes nothing more"""
    for frozen in ([], [0, 1, 2]):
        changed(student, function, {**DEEP, "frozen": frozen}, times=2)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_network_without_parameters(student, function: str) -> None:
    """a network without parameters is given back as it is"""
    net = {"layers": [{"kind": "relu"}, {"kind": "identity"}], "width": 3, "frozen": [], "training": True, "seed": 1}
    with accepted("a module may have no parameters at all: next() needs a default there, or a loop in its place"):
        changed(student, function, net)
    for frozen in (True, False):  # who gives back what was given has done nothing yet
        changed(student, function, lone_linear(frozen=frozen))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(), times=st.integers(1, 2))
def test_every_parameter_changes(student, function: str, net: Spec, times: int) -> None:
    """after freeze no parameter has requires_grad, after unfreeze every one, however often it is called"""
    changed(student, function, net, times)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(dropout=True, switched=True))
def test_values_buffers_and_mode_stay(student, function: str, net: Spec) -> None:
    """values, buffers and train/eval mode stay as they are"""
    seen = changed(student, function, net)
    expect_same(
        seen["state"],
        state(build(net)),
        f"{function}(net): parameters and buffers keep their values",
        "only requires_grad may change; do not reset, copy or convert parameters",
    )
    expect_same(
        seen["modes"],
        modes(build(net)),
        f"{function}(net): every submodule stays in its train or eval mode",
        "do not call eval() or train() here: freezing is about gradients, the mode about dropout and batch norm",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets())
def test_gradients_are_collected_accordingly(student, function: str, net: Spec) -> None:
    """after backward, frozen parameters hold no gradient and unfrozen ones do"""
    expect_same(
        changed(student, function, net)["collected"],
        dict.fromkeys(flags(build(net)), function == "unfreeze"),
        f"{function}(net), then backward: {'a gradient' if function == 'unfreeze' else 'no gradient'} in every p.grad",
        "requires_grad decides whether backward fills p.grad; a hook or a zeroed gradient is something else",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(dropout=True))
def test_gradient_flows_through_to_the_input(student, function: str, net: Spec) -> None:
    """gradient still flows through the module to its input, unchanged"""
    seen = changed(student, function, net)
    inputs = torch.from_numpy(net_inputs(net)).requires_grad_()
    model = build(net)
    seed_draws(net["seed"])
    scores = model(inputs)
    scores.backward(torch.cos(scores.detach()))
    expect(
        seen["input_gradient"] is not None,
        f"{function}(net): a gradient at the input",
        "none",
        "freeze parameters, not the computation: no torch.no_grad, no detach, no replaced forward",
    )
    expect_close(
        seen["input_gradient"],
        inputs.grad.numpy(),
        f"{function}(net): the same gradient at the input as before",
        "freezing must not change what the module computes",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@settings(max_examples=12)
@given(net=nets())
def test_returns_the_same_object(student, function: str, net: Spec) -> None:
    """works in place and returns the same object"""
    expect(
        changed(student, function, net)["returned_the_same_object"],
        f"{function}(net) is net",
        "another object",
        "return the module that was given, not a copy of it",
    )


def expect_listed(student, net: Spec) -> None:
    wanted = [i for i, parameter in enumerate(build(net).parameters()) if parameter.requires_grad]
    for when, after_a_step in (("", False), (", all of which hold a gradient", True)):
        got = student.ask("freezing.trainable", net=net, after_a_step=after_a_step)
        expect(
            got == wanted,
            f"trainable_parameters(net): positions {wanted} in net.parameters(){when}",
            got,
            _not_listed(got, wanted),
        )


def _not_listed(got: list[int], wanted: list[int]) -> str:
    """What another list than the wanted one means."""
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


def test_trainable_parameters_of_a_deep_network(student) -> None:
    """weights and biases of all layers that are not frozen, in the order of module.parameters()"""
    for frozen in ([2, 3], [0, 1, 4, 5, 6, 7], []):
        expect_listed(student, {**DEEP, "frozen": frozen})


@given(net=nets())
def test_trainable_parameters_are_listed_once_in_order(student, net: Spec) -> None:
    """every parameter with requires_grad, each object once, in the order of module.parameters()"""
    expect_listed(student, net)


def test_everything_frozen_gives_an_empty_list(student) -> None:
    """a module without trainable parameters gives an empty list"""
    expect_listed(student, lone_linear(frozen=False))
    expect_listed(student, lone_linear(frozen=True))


def test_parameters_that_share(student) -> None:
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
def test_what_was_called_before_does_not_matter(student, functions: tuple[str, ...]) -> None:
    """freeze, unfreeze and trainable_parameters in turn, each as if it were the only call"""
    net = {**DEEP, "frozen": [1, 4]}
    calls = ["net[0].weight.requires_grad flipped" if name == "by hand" else f"{name}(net)" for name in functions]
    with accepted(f"{', '.join(calls)}, in turn: each call works whatever was called before"):
        answers = student.ask("freezing.in_turn", functions=list(functions), net=net)
    for count, seen in enumerate(answers, start=1):
        flags_now = list(seen["requires_grad"].values())
        asked = ", then ".join(calls[:count])
        if (function := functions[count - 1]) != "by hand":
            right = function == "unfreeze"
            expect_same(
                seen["requires_grad"],
                dict.fromkeys(seen["requires_grad"], right),
                f"{asked}: requires_grad={right} for every parameter",
                "look at the parameters themselves: a record of what was frozen before is wrong after the next call",
            )
        wanted = [position for position, flag in enumerate(flags_now) if flag]
        expect(
            seen["trainable"] == wanted,
            f"{asked}, then trainable_parameters(net), as after each call: positions {wanted} in net.parameters()",
            seen["trainable"],
            "read requires_grad anew in each call: an answer that was kept is out of date after freeze or unfreeze",
        )
