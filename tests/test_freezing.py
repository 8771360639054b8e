"""Q1-1: freezing and unfreezing parameters."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.probes.nets import build, flags, modes, state

from .expect import expect, expect_close
from .strategies import Spec, lone_linear, net_inputs, nets

pytestmark = pytest.mark.q1_1

FUNCTIONS = ("freeze", "unfreeze")


def changed(student, function: str, net: Spec, times: int = 1) -> Spec:
    """What `freeze` or `unfreeze` has made of a network: at least, that of every parameter's `requires_grad`."""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net), times=times)
    wanted = dict.fromkeys(flags(build(net)), function == "unfreeze")
    expect_same(
        seen["requires_grad"],
        wanted,
        f"{function}(net){' twice' if times > 1 else ''}: requires_grad={function == 'unfreeze'} for every parameter",
        "set requires_grad on every parameter in module.parameters(), of this very module: biases, nested layers and "
        "parameters directly on the module too; an attribute of the module itself does nothing",
    )
    return seen


def expect_same(got: dict, wanted: dict, asked: str, hint: str) -> None:
    """Fail unless two dicts are equal; names where they are not."""
    other = [name for name in {**wanted, **got} if got.get(name) != wanted.get(name)]
    expect(got == wanted, asked, f"something else for {', '.join(repr(name) for name in other)}", hint)


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(), times=st.integers(1, 2))
def test_every_parameter_changes(student, function: str, net: Spec, times: int) -> None:
    """after freeze no parameter has requires_grad, after unfreeze every one, however often it is called"""
    changed(student, function, net, times)


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("frozen", [False, True])
def test_parameters_of_the_module_itself_change(student, function: str, frozen: bool) -> None:
    """a module without children, one Linear, changes as well, whether or not it was frozen before"""
    for state_before in (frozen, not frozen):
        changed(student, function, lone_linear(frozen=state_before))


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(dropout=True))
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
@given(net=nets())
def test_gradient_flows_through_to_the_input(student, function: str, net: Spec) -> None:
    """gradient still flows through the module to its input, unchanged"""
    seen = changed(student, function, net)
    inputs = torch.from_numpy(net_inputs(net)).requires_grad_()
    model = build(net)
    torch.manual_seed(net["seed"])
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
    got = student.ask("freezing.trainable", net=net)
    hint = "filter module.parameters() by requires_grad and keep its order"
    if -1 in got:
        hint = "list the module's own nn.Parameter objects: no names, pairs, groups or copies"
    elif len(set(got)) < len(got):
        hint = "a parameter shared by two layers is listed twice; module.parameters() gives each once"
    elif set(got) - set(wanted):
        hint = "a parameter without requires_grad is listed"
    elif set(wanted) - set(got):
        hint = "a parameter with requires_grad is missing: biases, nested layers and shared parameters count too"
    expect(got == wanted, f"trainable_parameters(net): positions {wanted} in net.parameters()", got, hint)


@given(net=nets())
def test_trainable_parameters_are_listed_once_in_order(student, net: Spec) -> None:
    """every parameter with requires_grad, each object once, in the order of module.parameters()"""
    expect_listed(student, net)


def test_everything_frozen_gives_an_empty_list(student) -> None:
    """a module without trainable parameters gives an empty list"""
    expect_listed(student, lone_linear(frozen=False))
    expect_listed(student, lone_linear(frozen=True))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_frozen_part_changes_too(student, function: str) -> None:
    """a network of which a part is frozen already is frozen, or unfrozen, as a whole"""
    layer = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
    for frozen in ([0, 1, 2], [1, 3, 5], [4]):
        net = {"layers": [layer, layer, layer], "width": 3, "frozen": frozen, "training": True, "seed": 1}
        changed(student, function, net)


@pytest.mark.parametrize("function", FUNCTIONS)
def test_names_of_layers_do_not_matter(student, function: str) -> None:
    """a network of features and a classifier, as torchvision's, changes in all of its parts"""
    layer = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
    for frozen in ([0, 1], [2, 3, 5]):
        changed(
            student,
            function,
            {
                "layers": [layer, layer, layer],
                "names": ["features", "classifier", "fc"],
                "width": 3,
                "frozen": frozen,
                "training": False,
                "seed": 3,
            },
        )
