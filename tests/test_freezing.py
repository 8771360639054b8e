"""Q1-1: freezing and unfreezing parameters."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from grading.probes.nets import build

from .expect import expect, expect_close
from .strategies import Spec, net_inputs, nets

pytestmark = pytest.mark.q1_1

FUNCTIONS = ("freeze", "unfreeze")


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets(), times=st.integers(1, 2))
def test_every_parameter_changes(student, function: str, net: Spec, times: int) -> None:
    """after freeze no parameter has requires_grad, after unfreeze every one, however often it is called"""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net), times=times)
    wrong = [name for name, flag in seen["requires_grad"].items() if flag != (function == "unfreeze")]
    expect(
        not wrong,
        f"{function}(net): requires_grad={function == 'unfreeze'} for every parameter",
        f"the opposite for {', '.join(wrong)}",
        "set requires_grad on every parameter in module.parameters(), biases and nested layers too; "
        "an attribute of the module itself does nothing",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets())
def test_gradients_are_collected_accordingly(student, function: str, net: Spec) -> None:
    """after backward, frozen parameters hold no gradient and unfrozen ones do"""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net))
    wrong = [name for name, collected in seen["collected"].items() if collected != (function == "unfreeze")]
    expect(
        not wrong,
        f"{function}(net), then backward: {'a gradient' if function == 'unfreeze' else 'no gradient'} in p.grad",
        f"the opposite for {', '.join(wrong)}",
        "requires_grad decides whether backward fills p.grad; a hook or a zeroed gradient is something else",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets())
def test_gradient_flows_through_to_the_input(student, function: str, net: Spec) -> None:
    """gradient still flows through the module to its input, unchanged"""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net))
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
@given(net=nets(dropout=True))
def test_values_buffers_and_mode_stay(student, function: str, net: Spec) -> None:
    """values, buffers and train/eval mode stay as they are"""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net))
    expect(
        seen["state_kept"],
        f"{function}(net): parameters and buffers keep their values",
        "some changed",
        "only requires_grad may change; do not reset, copy or convert parameters",
    )
    expect(
        seen["modes_kept"],
        f"{function}(net): every submodule stays in its train or eval mode",
        "some changed",
        "do not call eval() or train() here: freezing is about gradients, the mode about dropout and batch norm",
    )


@pytest.mark.parametrize("function", FUNCTIONS)
@given(net=nets())
def test_returns_the_same_object(student, function: str, net: Spec) -> None:
    """works in place and returns the same object"""
    seen = student.ask("freezing.change", function=function, net=net, inputs=net_inputs(net))
    expect(
        seen["returned_the_same_object"],
        f"{function}(net) is net",
        "another object",
        "return the module that was given, not a copy of it",
    )


@given(net=nets())
def test_trainable_parameters_are_listed_once_in_order(student, net: Spec) -> None:
    """every parameter with requires_grad, each object once, in the order of module.parameters()"""
    wanted = [i for i, parameter in enumerate(build(net).parameters()) if parameter.requires_grad]
    got = student.ask("freezing.trainable", net=net)
    hint = "filter module.parameters() by requires_grad and keep its order"
    if len(set(got)) < len(got):
        hint = "a parameter shared by two layers is listed twice; module.parameters() gives each once"
    elif set(got) - set(wanted):
        hint = "a parameter without requires_grad is listed, or something that is not a parameter of the module"
    expect(got == wanted, f"trainable_parameters(net): positions {wanted} in net.parameters()", got, hint)


def test_everything_frozen_gives_an_empty_list(student) -> None:
    """a module without trainable parameters gives an empty list"""
    net = {
        "layers": [{"kind": "linear", "inputs": 2, "outputs": 2, "bias": True}],
        "frozen": [0, 1],
        "training": True,
        "seed": 0,
    }
    got = student.ask("freezing.trainable", net=net)
    expect(got == [], "trainable_parameters(a frozen layer): []", got, "skip what has requires_grad=False")


def test_only_the_given_module_changes(student) -> None:
    """freezing works on a network with a frozen part, and unfreezing reaches that part too"""
    layer = {"kind": "linear", "inputs": 3, "outputs": 3, "bias": True}
    net = {"layers": [layer, layer, layer], "frozen": [0, 1, 2], "training": True, "seed": 1}
    seen = student.ask("freezing.change", function="unfreeze", net=net, inputs=np.ones((2, 3)))
    expect(
        all(seen["requires_grad"].values()),
        "unfreeze(net), half of it frozen: requires_grad=True everywhere",
        seen["requires_grad"],
        "unfreeze every parameter, not only those that freeze() was called on",
    )
