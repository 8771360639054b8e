"""Q2-1: FCN8s with and without skips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .expect import expect, expect_close, refused
from .strategies import SEEDS, Spec

pytestmark = pytest.mark.q2_1

CHANNELS = st.tuples(*(st.sampled_from([48, 64, 80]) for _ in range(5))).map(list)
few = settings(max_examples=8)


@st.composite
def fcns(draw: st.DrawFn, *, skips: bool | None = None) -> Spec:
    return {
        "channels": draw(CHANNELS),
        "num_classes": draw(st.sampled_from([1, 2, 3, 11])),
        "skips": draw(st.booleans()) if skips is None else skips,
        "frozen": draw(st.lists(st.integers(0, 9), max_size=5, unique=True)),
        "seed": draw(SEEDS),
    }


def images_of(net: Spec, count: int = 2, height: int = 64, width: int = 96) -> np.ndarray:
    return np.random.default_rng(net["seed"]).normal(size=(count, 3, height, width))


def asked_with_three_seeds(student, probe: str, net: Spec, **data) -> list:
    """Answers for three initialisations: in one, a correct network may have a layer whose ReLUs are all dead."""
    return [student.ask(probe, net={**net, "seed": net["seed"] + 7919 * trial}, **data) for trial in range(3)]


def gradient_at(tap: str, seen: list) -> np.ndarray | None:
    """The size of the gradient at each cell of a tap, summed over initialisations; None where there is none."""
    gradients = [one["tap_gradients"][tap] for one in seen]
    return None if any(g is None for g in gradients) else sum(np.abs(g).sum(axis=1) for g in gradients)


def told(net: Spec) -> str:
    return f"FCN8s(encoder with channels {net['channels']}, {net['num_classes']}, skips={net['skips']})"


@few
@given(
    net=fcns(),
    training=st.booleans(),
    count=st.integers(1, 3),
    sides=st.tuples(*[st.sampled_from([32, 64, 96])] * 2),
)
def test_logits_at_every_pixel(student, net: Spec, training: bool, count: int, sides: tuple[int, int]) -> None:
    """(N, 3, H, W) becomes (N, num_classes, H, W), finite"""
    count += training  # batch normalisation in train mode needs more than one value per channel
    seen = student.ask("fcn.forward", net=net, images=images_of(net, count, *sides), training=training)
    wanted = (count, net["num_classes"], *sides)
    expect(
        seen["logits"].shape == wanted,
        f"{told(net)} on images of shape {(count, 3, *sides)}: logits of shape {wanted}",
        f"shape {seen['logits'].shape}",
        "upsample the score back to the input's height and width, in that order; x5 has stride 32",
    )
    expect(
        np.isfinite(seen["logits"]).all(),
        f"{told(net)}: finite logits",
        "NaN or infinity",
        "an unset tensor?",
    )


def test_skips_are_the_default(student) -> None:
    """skips defaults to True"""
    net = {"channels": [48] * 5, "num_classes": 3, "skips": None, "frozen": [], "seed": 5}
    seen = student.ask("fcn.backward", net=net, images=images_of(net), training=True)
    expect(
        seen["tap_gradients"]["x3"] is not None and np.any(seen["tap_gradients"]["x3"]),
        "FCN8s(encoder, 3) without naming skips: uses x3",
        "no gradient at x3",
        "keep the default of the signature",
    )


def test_float32_stays_float32(student) -> None:
    """float32 images give float32 logits"""
    net = {"channels": [48] * 5, "num_classes": 3, "skips": True, "frozen": [], "seed": 5}
    dtype = student.ask("fcn.forward_float32", net=net, images=images_of(net).astype("float32"))
    expect(dtype == "float32", "FCN8s on float32 images: float32 logits", dtype, "do not convert inside forward")


@few
@given(seed=SEEDS, skips=st.booleans(), training=st.booleans())
def test_scores_are_raw(student, seed: int, skips: bool, training: bool) -> None:
    """logits are raw scores: no softmax, sigmoid, log-softmax or ReLU at the end"""
    net = {"channels": [16] * 5, "num_classes": 11, "skips": skips, "frozen": [], "seed": seed}
    logits = student.ask("fcn.forward", net=net, images=3 * images_of(net), training=training)["logits"]
    asked = f"{told(net)}: raw scores"
    expect(
        logits.min() < 0,
        f"{asked}, of which some are negative",
        f"minimum {logits.min():.3g}",
        "a softmax, sigmoid or ReLU at the end? the loss expects logits",
    )
    total = np.log(np.exp(logits - logits.max(1, keepdims=True)).sum(1)) + logits.max(1)
    expect(
        np.abs(total).max() > 1e-6,
        f"{asked}, not normalised over classes",
        "log-probabilities: exp(logits) sums to 1 at every pixel",
        "leave log_softmax to the loss",
    )


@few
@given(net=fcns(), training=st.booleans())
def test_images_are_untouched(student, net: Spec, training: bool) -> None:
    """the images that were given stay as they are"""
    seen = student.ask("fcn.forward", net=net, images=images_of(net), training=training)
    expect(
        seen["images_kept"],
        f"{told(net)}: images stay as they are",
        "changed",
        "no in-place operation on images",
    )


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48), (16, 32), (32, 100), (40, 40), (100, 100)])
def test_refuses_other_sizes(student, skips: bool, sides: tuple[int, int]) -> None:
    """H or W not a multiple of 32 is a ValueError"""
    net = {"channels": [48] * 5, "num_classes": 3, "skips": skips, "frozen": [], "seed": 0}
    with refused(f"FCN8s(...) on images of {sides[0]} x {sides[1]}", "check both sides at the start of forward"):
        student.ask("fcn.forward", net=net, images=images_of(net, 2, *sides), training=False)


@few
@given(net=fcns(skips=True), training=st.booleans())
def test_skips_carry_gradient(student, net: Spec, training: bool) -> None:
    """with skips, gradient flows back into x5, x4 and x3"""
    seen = asked_with_three_seeds(student, "fcn.backward", net, images=images_of(net), training=training)
    for tap in ("x5", "x4", "x3"):
        gradient = gradient_at(tap, seen)
        expect(
            gradient is not None and np.any(gradient),
            f"{told(net)}, backward: a gradient at {tap}",
            "none" if gradient is None else "zero",
            f"{tap} is not fused into the score, or detached, or multiplied by zero",
        )


@few
@given(net=fcns(skips=True), training=st.booleans())
def test_skips_are_used_everywhere(student, net: Spec, training: bool) -> None:
    """with skips, every cell of x4 and x3 counts"""
    seen = asked_with_three_seeds(student, "fcn.backward", net, images=images_of(net), training=training)
    for tap in ("x4", "x3"):
        gradient = gradient_at(tap, seen)
        used = None if gradient is None else gradient > 0
        expect(
            used is not None and used.mean() > 0.9,
            f"{told(net)}, backward: a gradient at every cell of {tap}",
            "none" if used is None else f"zero at {1 - used.mean():.0%} of the cells",
            f"all of {tap} belongs into the score, not a crop of it or its first image",
        )


@few
@given(net=fcns(skips=False), training=st.booleans())
def test_without_skips_only_x5_counts(student, net: Spec, training: bool) -> None:
    """without skips, the output depends on x5 alone"""
    seen = asked_with_three_seeds(student, "fcn.backward", net, images=images_of(net), training=training)
    for tap in ("x1", "x2", "x3", "x4"):
        gradient = gradient_at(tap, seen)
        expect(
            gradient is None or not np.any(gradient),
            f"{told(net)}, backward: no gradient at {tap}",
            "a gradient",
            "skips=False must leave x4 and x3 out, here they are still fused",
        )
    gradient = gradient_at("x5", seen)
    expect(
        gradient is not None and np.any(gradient),
        f"{told(net)}, backward: a gradient at x5",
        "none",
        "the score is computed from x5",
    )


@pytest.mark.parametrize("tap", ["x1", "x2", "x3", "x4"])
@settings(max_examples=4)
@given(net=fcns(skips=False), size=st.sampled_from([1.0, 100.0]))
def test_without_skips_other_taps_change_nothing(student, tap: str, net: Spec, size: float) -> None:
    """without skips, moving x1 to x4 leaves the logits as they are"""
    moved = student.ask("fcn.response", net=net, images=images_of(net), tap=tap, cell=[1, 0], size=size)
    expect(
        not np.any(moved),
        f"{told(net)}: the same logits when {tap} changes",
        f"changes of up to {moved.max():.3g}",
        "skips=False must leave x4 and x3 out, without a detached or constant trace of them",
    )


@pytest.mark.parametrize(("tap", "stride"), [("x3", 8), ("x4", 16)])
@pytest.mark.parametrize("place", [(0.25, 0.2), (0.5, 0.7), (0.75, 0.45)])
@settings(max_examples=3)
@given(net=fcns(skips=True))
def test_skips_are_aligned(student, tap: str, stride: int, place: tuple[float, float], net: Spec) -> None:
    """a cell of x4 or x3 moves the logits where it lies in the image"""
    height, width = 96, 160
    images = images_of(net, 1, height, width)
    cell = [int(place[0] * height / stride), int(place[1] * width / stride)]
    data = {"images": images, "tap": tap, "cell": cell, "size": 1.0}
    moved = sum(asked_with_three_seeds(student, "fcn.response", net, **data))
    expect(
        np.any(moved),
        f"{told(net)}: cell {cell} of {tap} moves the logits",
        "no change at all",
        f"{tap} is not fused into the score",
    )
    rows, columns = np.mgrid[0:height, 0:width] + 0.5
    centre = [float((moved * axis).sum() / moved.sum()) for axis in (rows, columns)]
    wanted = [(index + 0.5) * stride for index in cell]
    # Transposed convolutions move what they upsample by up to half a cell.
    off = max(abs(got - right) for got, right in zip(centre, wanted, strict=True)) / stride
    expect(
        off < 0.8,
        f"{told(net)}: cell {cell} of {tap} moves the logits around row {wanted[0]:.0f}, column {wanted[1]:.0f}",
        f"around row {centre[0]:.0f}, column {centre[1]:.0f}",
        f"{tap} is fused out of place: flipped, transposed, cropped at a corner, or resized to another stride",
    )


@few
@given(net=fcns())
def test_encoder_is_registered_and_kept(student, net: Spec) -> None:
    """the encoder is a submodule, and its parameters and their requires_grad stay as they were"""
    seen = student.ask("fcn.backward", net=net, images=images_of(net), training=True)
    expect(
        seen["encoder_registered"],
        f"{told(net)}: the encoder is among model.modules()",
        "it is not",
        "assign it to an attribute of self, the module itself, not in a list or dict",
    )
    expect(
        seen["encoder_kept"],
        f"{told(net)}: the encoder's values and requires_grad as before",
        "changed",
        "FCN8s neither freezes, unfreezes nor initialises the encoder",
    )


@few
@given(net=fcns())
def test_everything_learnable_is_registered(student, net: Spec) -> None:
    """every learnable tensor in use is among parameters()"""
    seen = student.ask("fcn.backward", net=net, images=images_of(net), training=True)
    expect(
        not seen["unregistered"],
        f"{told(net)}: all tensors that collect gradients are in model.parameters()",
        f"others, of shapes {seen['unregistered']}",
        "layers in a plain list are invisible to the optimizer: use nn.ModuleList, and build them in __init__",
    )


@few
@given(net=fcns(skips=True))
def test_the_whole_decoder_learns(student, net: Spec) -> None:
    """in train mode with skips each of the decoder's parameters gets a gradient"""
    seen = student.ask("fcn.backward", net=net, images=images_of(net), training=True)
    expect(
        seen["decoder_parameters"] > 0,
        f"{told(net)}: a decoder with parameters",
        "none",
        "the score needs at least a 1x1 convolution to num_classes",
    )
    expect(
        not seen["without_gradient"],
        f"{told(net)}, backward: a gradient for each of the decoder's parameters",
        f"none for {', '.join(seen['without_gradient'][:5])}",
        "a layer that is built but not used, frozen, or cut off by detach or no_grad",
    )


@few
@given(net=fcns())
def test_images_do_not_affect_each_other(student, net: Spec) -> None:
    """in eval mode an image's logits are the same alone and in a batch"""
    seen = student.ask("fcn.forward", net=net, images=images_of(net, 3), training=False)
    expect_close(
        np.concatenate(seen["alone"]),
        seen["logits"],
        f"{told(net)}.eval(): the logits of a batch of 3, one image at a time",
        "statistics over the batch, also in eval mode: use nn.BatchNorm2d and let eval() switch it",
        tolerance=1e-8,
    )
