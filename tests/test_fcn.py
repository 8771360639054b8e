"""Q2-1: FCN8s with and without skips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.protocol.questions import StudentRaised
from grading.worker.probes.fcn import encoder_tensors

from .expect import Unmet, accepted, expect, expect_close, refused
from .strategies import SEEDS, Spec

pytestmark = [pytest.mark.q2_1, pytest.mark.about("FCN8s")]

CHANNELS = st.tuples(*(st.sampled_from([32, 48, 64]) for _ in range(5))).map(list)
few = settings(max_examples=3)
RANGE = (-1.8, 2.2)
MANY_CLASSES = 11  # over so many, what random kernels do differently at each place averages out
both_decoders = pytest.mark.parametrize("skips", [True, False])
both_modes = pytest.mark.parametrize("training", [False, True])


@st.composite
def fcns(draw: st.DrawFn) -> Spec:
    return {
        "channels": draw(CHANNELS),
        "num_classes": draw(st.sampled_from([3, 1, 2, 11])),
        "skips": True,
        "frozen": draw(st.lists(st.integers(0, 11), max_size=5, unique=True)),
        "seed": draw(SEEDS),
    }


def plain_net(num_classes: int = 5, *, skips: bool | None = True) -> Spec:
    return {"channels": [32, 48, 64, 48, 32], "num_classes": num_classes, "skips": skips, "frozen": [], "seed": 5}


def images_of(net: Spec, count: int = 2, height: int = 64, width: int = 96) -> np.ndarray:
    """Noise between what ImageNet's normalisation makes of black and of white, whatever the channel."""
    return np.random.default_rng(net["seed"]).uniform(*RANGE, size=(count, 3, height, width)).astype("float32")


def asked_with_three_seeds(student, probe: str, net: Spec, **data) -> list:
    """Answers for three initialisations: in one, a correct network may have a layer whose ReLUs are all dead."""
    return [student.ask(probe, net={**net, "seed": net["seed"] + 7919 * trial}, **data) for trial in range(3)]


def backward(student, net: Spec, training: bool) -> list:
    """Gradients for three initialisations, of scores that have the right shape, through the given encoder."""
    images = images_of(net)
    seen = asked_with_three_seeds(student, "fcn.backward", net, images=images, training=training)
    for one in seen:
        expect_scores(one["logits"], net, images)
        expect(
            one["encoder_registered"],
            f"{told(net)}: the encoder is among model.modules()",
            "it is not",
            "assign it to an attribute of self, the module itself, neither a copy nor its forward, nor in a list or "
            "dict",
        )
    return seen


def gradient_at(tap: str, seen: list) -> np.ndarray | None:
    """The size of the gradient at each cell of a tap, summed over initialisations; None if there is none."""
    gradients = [one["tap_gradients"][tap] for one in seen]
    return None if any(g is None for g in gradients) else sum(np.abs(g).sum(axis=1) for g in gradients)


def has_gradient(tap: str, seen: list) -> bool:
    gradient = gradient_at(tap, seen)
    return gradient is not None and bool(np.any(gradient))


def expect_gradient(tap: str, seen: list, net: Spec, hint: str, mode: str = "") -> None:
    expect(
        has_gradient(tap, seen),
        f"{told(net)}{mode}, backward: a gradient at {tap}",
        "none" if gradient_at(tap, seen) is None else "zero",
        hint,
    )


def expect_scores(logits: np.ndarray, net: Spec, images: np.ndarray, *, distinct: bool = True) -> None:
    """Finite scores for every class and pixel; where `distinct`, other ones for every image."""
    count, _, *sides = images.shape
    wanted = (count, net["num_classes"], *sides)
    hint = "upsample the score back to the input's height and width, in that order; x5 has stride 32"
    if logits.ndim != 4 or logits.shape[0] != count:
        hint = "keep the batch and the class axis, even where they have length one; no argmax"
    elif logits.shape[1] != net["num_classes"]:
        hint = "the second axis holds one raw score per class, num_classes of them; no argmax"
    expect(
        logits.shape == wanted,
        f"{told(net)} on images of shape {images.shape}: logits of shape {wanted}",
        f"shape {logits.shape}",
        hint,
    )
    expect(
        np.isfinite(logits).all(),
        f"{told(net)}: finite logits",
        "NaN or infinity",
        "is a tensor from torch.empty used before it is filled, or something divided by zero?",
    )
    expect_not_normalised(logits, net)
    expect(
        not distinct or len({image.tobytes() for image in logits}) == count,
        f"{told(net)}: other logits for every image",
        "the same for different images",
        "the score is computed from encoder(images), for each image of the batch; rounding, or statistics over the "
        "batch, may leave nothing of it",
    )


def expect_not_normalised(logits: np.ndarray, net: Spec) -> None:
    """No probabilities, and no logarithms of them."""
    scores = logits.astype("float64")
    largest = scores.max(axis=1)
    log_of_sum = np.log(np.exp(scores - largest[:, None]).sum(axis=1)) + largest
    for name, sums_to_one in (
        ("softmax", scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, atol=1e-4)),
        ("log_softmax", np.allclose(log_of_sum, 0, atol=1e-4 * max(np.abs(scores).max(), 1))),
    ):
        expect(
            not sums_to_one,
            f"{told(net)}: raw scores",
            f"a {name} over the classes: at every pixel the {net['num_classes']} probabilities sum to one",
            f"no {name} at the end of forward: the loss expects raw scores (logits)",
        )


def told(net: Spec) -> str:
    skips = "" if net["skips"] is None else f", skips={net['skips']}"
    return f"FCN8s(encoder with channels {net['channels']}, {net['num_classes']}{skips})"


def is_moved_by(student, tap: str, net: Spec) -> bool:
    """Whether the logits change with a cell of a tap, whatever the gradient says."""
    seen = asked_with_three_seeds(student, "fcn.response", net, images=images_of(net), cells=[[tap, 1, 1]])
    return any(np.any(one["moved"][0] != one["plain"]) for one in seen)


def told_not_fused(student, net: Spec, tap: str) -> str:
    """Why no gradient reaches a tap."""
    if is_moved_by(student, tap, net):
        return f"{tap} moves the logits, but is cut off from its gradient: detach, no_grad, .data, numpy or rounding?"
    if tap != "x5" and is_moved_by(student, tap, {**net, "skips": not net["skips"]}):
        return f"`skips` is read the wrong way round: {tap} is fused with skips={not net['skips']}"
    return f"{tap} is not fused into the score: left out, overwritten or cut off again, or multiplied by zero"


def expect_fed(student, net: Spec, training: bool) -> None:
    """The logits are others if the encoder gives another x5 for the same images."""
    images = images_of(net)
    for trial in range(3):  # see asked_with_three_seeds: mostly the first one shows it
        asked = {"net": {**net, "seed": net["seed"] + 7919 * trial}, "images": images, "training": training}
        plain, other = (student.ask("fcn.forward", **asked, x5_of=shown)["logits"] for shown in (images, images[::-1]))
        if not np.array_equal(plain, other):
            return
    backward(student, net, training)  # which says so if it is another encoder that is used
    hint = f"the score is computed from x5: {told_not_fused(student, net, 'x5')}"
    expect(False, f"{told(net)}: other logits for another x5", "the same", hint)


@both_decoders
@both_modes
@few
@given(
    net=fcns(),
    count=st.integers(1, 3),
    sides=st.tuples(*[st.sampled_from([64, 96, 128])] * 2),
)
def test_logits_at_every_pixel(
    student, skips: bool, training: bool, net: Spec, count: int, sides: tuple[int, int]
) -> None:
    """(N, 3, H, W) becomes (N, num_classes, H, W), finite"""
    net["skips"] = skips
    count += training  # in train mode a batch has two images or more
    images = images_of(net, count, *sides)
    logits = student.ask("fcn.forward", net=net, images=images, training=training)["logits"]
    expect_scores(logits, net, images)
    other_images = images_of({"seed": net["seed"] + 1}, count, *sides)
    others = student.ask("fcn.forward", net=net, images=other_images, training=training)["logits"]
    expect_scores(others, net, other_images)
    expect_scores(np.concatenate([logits, others[:1]]), net, np.concatenate([images, other_images[:1]]))
    hint = "each call of forward goes by the sizes of its own images: nothing of those before may be kept"
    for before in (images_of(net, count + 1, *(side + 32 for side in sides)), images_of(net, count, *sides[::-1])):
        asked = {"net": net, "images": images, "training": training, "before": before}
        try:
            after = student.ask("fcn.forward", **asked)["logits"]
        except StudentRaised:
            student.ask("fcn.forward", net=net, images=before, training=training)  # they may be refused alone, too
            with accepted(hint):
                after = student.ask("fcn.forward", **asked)["logits"]
        expect(
            after.shape == logits.shape,
            f"{told(net)} on images of shape {before.shape}, then {images.shape}: logits of shape {logits.shape}",
            f"shape {after.shape}",
            hint,
        )
    expect_fed(student, net, training)


def test_float32_stays_float32(student) -> None:
    """float32 images give float32 logits"""
    net = plain_net()
    images = images_of(net)
    logits = student.ask("fcn.forward", net=net, images=images, training=False)["logits"]
    expect_scores(logits, net, images)
    expect(
        logits.dtype == np.float32,
        "FCN8s on float32 images: float32 logits",
        logits.dtype,
        "do not convert inside forward",
    )
    expect_fed(student, net, training=False)


@both_decoders
@both_modes
@pytest.mark.parametrize("num_classes", [11, 1])
@settings(max_examples=2)
@given(seed=SEEDS)
def test_scores_are_raw(student, num_classes: int, skips: bool, training: bool, seed: int) -> None:
    """logits are raw scores: no softmax, sigmoid, tanh, log-softmax or ReLU at the end"""
    net = {"channels": [16] * 5, "num_classes": num_classes, "skips": skips, "frozen": [], "seed": seed}
    images = images_of(net)
    # Large weights make raw scores large, on both sides of zero.
    data = {"images": images, "training": training}
    seen = asked_with_three_seeds(student, "fcn.forward_amplified", net, **data)
    for one in seen:
        expect_scores(one, net, images, distinct=False)  # a sigmoid's are all 0 or 1
    logits = np.concatenate(seen).astype("float64")
    asked = f"{told(net)}, its weights up to a thousand times as large: raw scores"
    if num_classes == 1:  # a bias alone may give the scores of one class their sign
        hint = "a sigmoid, tanh, softmax or normalisation at the end? the loss expects logits"
        expect(np.abs(logits).max() > 2, f"{asked}, large ones", f"at most {np.abs(logits).max():.3g}", hint)
        expect_fed(student, net, training)
        return
    for extreme, side, hint in (
        (-logits.min(), "minimum", "a softmax, sigmoid, tanh or ReLU at the end? the loss expects logits"),
        (logits.max(), "maximum", "a tanh, log-softmax or log-sigmoid at the end? the loss expects logits"),
    ):
        expect(extreme > 2, f"{asked}, large ones on both sides of zero", f"{side} {abs(extreme):.3g}", hint)
    expect_fed(student, net, training)


@both_decoders
@both_modes
@few
@given(net=fcns())
def test_images_are_untouched(student, skips: bool, training: bool, net: Spec) -> None:
    """the images that were given stay as they are"""
    net["skips"] = skips
    images = images_of(net)
    seen = student.ask("fcn.forward", net=net, images=images, training=training)
    expect_scores(seen["logits"], net, images)
    expect_close(seen["images"], images, f"the images after {told(net)}", "no in-place operation on images")
    expect_fed(student, net, training)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48), (48, 48), (16, 64), (64, 100), (40, 40), (100, 100)])
def test_refuses_other_sizes(student, skips: bool, sides: tuple[int, int]) -> None:
    """H or W not a multiple of 32 is a ValueError"""
    net = plain_net(skips=skips)
    for training in (False, True):
        images, other = images_of(net, 2, 64, 64), images_of(net, 2, *sides)
        logits = student.ask("fcn.forward", net=net, images=images, training=training)["logits"]
        expect_scores(logits, net, images)
        mode = ".train()" if training else ".eval()"
        for before, called in ((None, "on"), (images, "on images of 64 x 64, then on")):
            with refused(
                f"FCN8s(..., skips={skips}){mode} {called} images of {sides[0]} x {sides[1]}",
                "check at the start of each forward that height and width are, each of them, multiples of 32",
            ):
                student.ask("fcn.forward", net=net, images=other, training=training, before=before)
        expect_fed(student, net, training)


@both_modes
@few
@given(net=fcns())
def test_skips_carry_gradient(student, training: bool, net: Spec) -> None:
    """with skips, gradient flows back into x5, x4 and x3"""
    seen = backward(student, net, training)
    mode = ".train()" if training else ".eval()"
    for tap in ("x5", "x4", "x3"):
        if not has_gradient(tap, seen):
            expect_gradient(tap, seen, net, told_not_fused(student, net, tap), mode)
    seen = backward(student, {**net, "beside": True}, training)
    for tap in ("x4", "x3"):
        hint = "keep `skips` on self: on the class or in a global it is that of the network which was built last"
        expect_gradient(tap, seen, net, hint, f"{mode}, after another FCN8s with skips=False has been built")


def test_skips_are_the_default(student) -> None:
    """skips defaults to True"""
    without = "x3 is not fused into the score, or cut off from its gradient"
    for skips, hint in ((True, without), (None, "keep the default of the signature, skips=True")):
        net = plain_net(skips=skips)
        expect_gradient("x3", backward(student, net, True), net, hint)


@both_modes
@few
@given(net=fcns())
def test_skips_are_used_everywhere(student, training: bool, net: Spec) -> None:
    """with skips, every cell of x4 and x3 counts"""
    seen = backward(student, net, training)
    for tap in ("x4", "x3"):
        gradient = gradient_at(tap, seen)
        used = None if gradient is None else gradient > 0
        expect(
            used is not None and used.mean() > 0.9,
            f"{told(net)}, backward: a gradient at every cell of {tap}",
            "none" if used is None else f"zero at {1 - used.mean():.0%} of the cells",
            told_not_fused(student, net, tap)
            if used is None or not used.any()
            else f"all of {tap} belongs into the score, not a crop of it, its first image, or every second cell, as "
            "when it is resized to a coarser map",
        )


@both_modes
@few
@given(net=fcns())
def test_without_skips_only_x5_counts(student, training: bool, net: Spec) -> None:
    """without skips, the output depends on x5 alone"""
    net["skips"] = False
    seen = backward(student, net, training)
    expect_gradient("x5", seen, net, "the score is computed from x5")
    for tap in ("x1", "x2", "x3", "x4"):
        gradient = gradient_at(tap, seen)
        expect(
            gradient is None or not np.any(gradient),
            f"{told(net)}, backward: no gradient at {tap}",
            "a gradient",
            f"skips=False must leave out every tap but x5, here {tap} is still fused",
        )


@both_modes
@few
@given(net=fcns())
def test_without_skips_other_images_with_the_same_x5(student, training: bool, net: Spec) -> None:
    """without skips, images with other x1 to x4 but the same x5 have the same logits"""
    net["skips"] = False
    images = images_of(net)
    logits, others = (
        student.ask("fcn.forward", net=net, images=shown, training=training, x5_of=images)["logits"]
        for shown in (images, images[::-1] / 2)
    )
    expect_scores(logits, net, images)
    expect_close(
        others,
        logits,
        f"{told(net)}: the same logits for other images with the same x5",
        "skips=False must leave out x1 to x4 and the image itself, without a detached or constant trace of them",
        tolerance=1e-4,
    )
    expect_fed(student, net, training)


@both_decoders
@both_modes
@few
@given(net=fcns())
def test_encoder_is_registered_and_kept(student, training: bool, skips: bool, net: Spec) -> None:
    """the encoder is a submodule, and its parameters and their requires_grad stay as they were"""
    net["skips"] = skips
    seen = backward(student, net, training)
    expect_gradient("x5", seen, net, "the score is computed from encoder(images)")
    kept = encoder_tensors(net)
    expect(
        seen[0]["encoder"] == kept,
        f"{told(net)}: the encoder's values and requires_grad as before",
        "changed: " + ", ".join(name for name in kept if seen[0]["encoder"].get(name) != kept[name]),
        "FCN8s neither freezes, unfreezes nor initialises the encoder",
    )


@both_decoders
@few
@given(net=fcns())
def test_everything_learnable_is_registered(student, skips: bool, net: Spec) -> None:
    """every learnable tensor in use is among parameters()"""
    net["skips"] = skips
    seen = backward(student, net, True)
    expect_gradient("x5", seen, net, "the score is computed from x5")
    others = [shape for one in seen for shape in one["unregistered"]]
    expect(
        not others,
        f"{told(net)}: all tensors that collect gradients are in model.parameters() before the first forward pass",
        f"others, of shapes {others}",
        "layers in a plain list are invisible to the optimizer: use nn.ModuleList, and build them in __init__",
    )


@few
@given(net=fcns())
def test_the_whole_decoder_learns(student, net: Spec) -> None:
    """in train mode with skips each of the decoder's learnable parameters gets a gradient"""
    seen = backward(student, net, True)
    expect_gradient("x5", seen, net, "the score is computed from x5")
    collected = [one["collected"] for one in seen]
    expect(
        all(collected),
        f"{told(net)}: a decoder with parameters",
        "none",
        "the score needs at least a 1x1 convolution to num_classes",
    )
    # A frozen parameter that is the same whatever the random numbers, as a bilinear kernel, is not there to learn.
    first, *others = [one["frozen"] for one in seen]
    fixed = {name for name, values in first.items() if all(other.get(name) == values for other in others)}
    without = sorted({name for one in collected for name, gradient in one.items() if not gradient} - fixed)
    expect(
        not without,
        f"{told(net)}, backward: a gradient for each of the decoder's parameters",
        f"none for {', '.join(without[:5])}",
        "a layer that is built but not used, frozen, or cut off by detach or no_grad",
    )


@both_decoders
@few
@given(net=fcns())
def test_images_do_not_affect_each_other(student, skips: bool, net: Spec) -> None:
    """in eval mode an image's logits are the same alone and in a batch"""
    net |= {"skips": skips, "normed": "x5"}
    # The one with the most contrast must not dim the others.
    images = images_of(net, 3) * np.array([0.02, 0.2, 1], dtype="float32")[:, None, None, None]
    seen = student.ask("fcn.forward", net=net, images=images, training=False, one_by_one=True)
    expect_scores(seen["logits"], net, images)
    for number, (image, alone) in enumerate(zip(seen["logits"], seen["alone"], strict=True), start=1):
        largest = np.abs(image).max()
        expect_close(
            alone / largest,
            image[None] / largest,
            f"{told(net)}.eval(): image {number} of 3 alone as in a batch, divided by the largest",
            "in eval mode nothing may be random or come from other images: nn.BatchNorm2d and nn.Dropout, which eval() "
            "switches, no statistics over the batch, no indexing that mixes images",
            tolerance=1e-4,
        )
    expect_fed(student, net, training=False)


def patches_of(net: Spec, count: int, height: int, width: int) -> np.ndarray:
    """Images of random squares at three scales, so that cells of x3, x4 and x5 differ."""
    squares = (
        np.kron(images_of(net, count, height // side, width // side), np.ones((side, side), dtype="float32"))
        for side in (8, 16, 32)
    )
    return sum(squares) / 3


STRIDES = {"x5": 32, "x4": 16, "x3": 8}
PLACES = [(0.25, 0.35), (0.5, 0.7), (0.75, 0.45)]


def changes_of(seen: Spec) -> list[np.ndarray]:
    """How much the scores of each pixel moved, for each of the cells that were changed."""
    return [np.abs(moved - seen["plain"]).sum(axis=(0, 1)) for moved in seen["moved"]]


def centre_of(moved: np.ndarray, wanted: np.ndarray) -> np.ndarray:
    """Row and column around which scores moved; what moved everywhere alike, as by normalisation, does not count.

    A large kernel moves scores up to the edge of the image, which would pull their centre away from it: then as much
    counts on the one side of the row and column `wanted` as on the other.
    """
    local = np.clip(moved - np.quantile(moved, 0.1), 0, None)
    local[local < 0.2 * local.max()] = 0
    axes = np.mgrid[0 : moved.shape[0], 0 : moved.shape[1]] + 0.5
    both_sides = local
    for axis, place in zip(axes, wanted, strict=True):
        end = axis.max() + 0.5
        if local[(axis < 1) | (axis > end - 1)].any():
            both_sides = np.where(np.abs(axis - place) < min(place, end - place), both_sides, 0)
    local = both_sides if both_sides.any() else local
    with np.errstate(invalid="ignore"):
        return (local * axes).sum(axis=(1, 2)) / local.sum()


@pytest.mark.parametrize("tap", ["x3", "x4"])
@settings(max_examples=1)
@given(net=fcns())
def test_skips_are_aligned(student, tap: str, net: Spec) -> None:
    """a cell of x4 or x3 moves the logits where it lies in the image"""
    net["num_classes"] = MANY_CLASSES
    stride, sides = STRIDES[tap], (12, 20)
    images = patches_of(net, 2, *(side * stride for side in sides))
    cells = [[int(share * side) for share, side in zip(place, sides, strict=True)] for place in PLACES]
    cells += [[cells[0][0] + step, cells[0][1] + step] for step in (1, 2)]
    cells_of_tap = [[tap, *cell] for cell in cells]
    seen = asked_with_three_seeds(student, "fcn.response", net, images=images, cells=cells_of_tap)
    for one in seen:
        expect_scores(one["plain"], net, images)
    moved = [sum(changes_of(one)[k] for one in seen) for k in range(len(cells))]
    wanted = (np.array(cells) + 0.5) * stride
    centres = [centre_of(change, place) for change, place in zip(moved, wanted, strict=True)]
    on = f"{told(net)} on images of {images.shape[2]} x {images.shape[3]}"
    for cell, change, centre, place in zip(cells, moved, centres, wanted, strict=True):
        asked = f"{on}: cell {cell} of {tap} moves the logits"
        expect(np.any(change), asked, "no change at all", f"{tap} is not fused into the score, or only in train mode")
        expect(
            np.isfinite(centre).all(),
            asked,
            "all logits alike",
            f"{tap} is averaged over the image before it is fused: nothing of its place is left",
        )
        # Transposed convolutions move what they upsample by up to half a cell.
        expect(
            np.abs(centre - place).max() < 0.8 * stride,
            f"{asked} around row {place[0]:.0f}, column {place[1]:.0f}",
            f"around row {centre[0]:.0f}, column {centre[1]:.0f}",
            f"{tap} is fused out of place: flipped, transposed, rolled, cropped, averaged, or scrambled by a reshape",
        )
    first, second, third = centres[0], centres[-2], centres[-1]
    # Row and column are both odd, so pooling of any phase would give steps of 0 and 2 cells in both directions.
    steps = np.stack([second - first, third - second]).mean(axis=1) / stride
    expect(
        steps.min() > 0.5 and steps.max() < 1.5,
        f"{on}: logits move one cell further down and across for each next cell of {tap}",
        f"by {steps[0]:.2f} cells, then by {steps[1]:.2f}",
        f"{tap} is fused at a coarser stride than its own {stride}: pooled or downsampled first",
    )


CELLS = [(2, 5), (6, 2), (5, 7)]  # no mirror image and no transposition takes them to each other


def expect_steps(student, net: Spec, tap: str, sides: tuple[int, int]) -> None:
    """The logits that cells of a tap move lie as far from each other as the cells do.

    In an image of one colour a convolution does the same at each place, so that what two cells change differs in its
    place only, however large the kernels are.

    Args:
        sides: of the tap, in cells.
    """
    stride = STRIDES[tap]
    colour = images_of(net, 1, 1, 1)
    images = np.broadcast_to(colour, (1, 3, *(stride * side for side in sides))).copy()
    cells = [[tap, *cell] for cell in CELLS]
    seen = asked_with_three_seeds(student, "fcn.response", net, images=images, cells=cells)
    for one in seen:
        expect_scores(one["plain"], net, images)
    first, *others = [[one["moved"][k] - one["plain"] for one in seen] for k in range(len(CELLS))]
    for cell, change in zip(CELLS[1:], others, strict=True):
        wanted = stride * (np.array(cell) - CELLS[0])
        step = step_between(first, change, stride // 4)
        expect(
            np.abs(step - wanted).max() <= 0.75 * stride,
            f"{told(net)} on images of {images.shape[2]} x {images.shape[3]}: cell {list(cell)} of {tap} moves the "
            f"logits {wanted[0]:+d} rows and {wanted[1]:+d} columns from where cell {list(CELLS[0])} does",
            f"{step[0]:+d} rows and {step[1]:+d} columns",
            f"{tap} is out of place in the score: transposed, flipped, stretched, averaged, or scrambled by a reshape "
            "or view",
        )


def step_between(first: list[np.ndarray], second: list[np.ndarray], grid: int) -> np.ndarray:
    """By how many pixels, down and across, one change of the scores is to be moved to lie best on another.

    Args:
        first: one change for each of several initialisations, (count, classes, H, W) each.
        second: the other ones.
        grid: the step is a multiple of so many pixels, which divide H and W.
    """
    total: np.ndarray | float = 0.0
    for one, other in zip(first, second, strict=True):
        ours, theirs = (np.fft.rfft2(coarse - coarse.mean()) for coarse in (on_grid(one, grid), on_grid(other, grid)))
        norm = np.linalg.norm(ours) * np.linalg.norm(theirs)
        total = total + (ours.conj() * theirs).sum(axis=(0, 1)) / max(norm, np.finfo(float).tiny)
    sides = np.array(first[0].shape[2:]) // grid
    overlap = np.fft.irfft2(total, s=sides)
    steps = np.array(np.unravel_index(overlap.argmax(), overlap.shape))
    return grid * np.where(steps > sides / 2, steps - sides, steps)


def on_grid(change: np.ndarray, grid: int) -> np.ndarray:
    """The mean of each `grid` x `grid` pixels."""
    count, classes, height, width = change.shape
    blocks = change.astype("float64").reshape(count, classes, height // grid, grid, width // grid, grid)
    return blocks.mean(axis=(3, 5))


@pytest.mark.parametrize(("tap", "side"), [("x4", 10), ("x3", 12)])
@settings(max_examples=1)
@given(net=fcns())
def test_skips_are_aligned_in_squares(student, tap: str, side: int, net: Spec) -> None:
    """in square images too, cells of x4 and x3 move the logits where they lie"""
    net["num_classes"] = MANY_CLASSES
    expect_steps(student, net, tap, (side, side))


LARGE = 416  # x5 has 13 x 13 cells: room on all sides of the middle one for a kernel of seven, as VGG's fc6 has
ENOUGH, MOST = 6, 64  # initialisations


def displacements(student, net: Spec) -> np.ndarray | None:
    """How far from the middle cells of x5, x4 and x3 the scores move that these move, in pixels.

    Returns:
        float64 (3, down and across); None if an initialisation leaves a tap without effect, all its ReLUs dead.
    """
    cells = [[tap, LARGE // stride // 2, LARGE // stride // 2] for tap, stride in STRIDES.items()]
    images = patches_of(net, 1, LARGE, LARGE)
    seen = student.ask("fcn.response", net=net, images=images, cells=cells)
    expect_scores(seen["plain"], net, images)
    wanted = [(np.array(cell) + 0.5) * STRIDES[tap] for tap, *cell in cells]
    centres = [centre_of(change, place) for change, place in zip(changes_of(seen), wanted, strict=True)]
    moved = np.array(centres) - np.array(wanted)
    return moved if np.isfinite(moved).all() else None


@settings(max_examples=1)
@given(net=fcns())
def test_scores_are_aligned_where_they_are_fused(student, net: Spec) -> None:
    """what comes from x5 lies on x4, and what comes from x4 on x3, to less than a cell"""
    net["num_classes"] = MANY_CLASSES
    expect_fed(student, net, training=False)
    limit = (
        0.75  # A transposed convolution may move what it upsamples by half a cell, a wrong crop does by a whole one.
    )
    shifts: list[np.ndarray] = []
    # With random weights every initialisation gives something else, so there are as many as it takes to tell.
    for trial in range(MOST):
        moved = displacements(student, {**net, "seed": net["seed"] + 7919 * trial})
        if moved is not None:
            x5, x4, x3 = moved
            shifts.append(np.array([(x5 - x4) / STRIDES["x4"], (x4 - x3) / STRIDES["x3"]]))
        if len(shifts) < ENOUGH:
            continue
        mean, error = np.mean(shifts, axis=0), np.std(shifts, axis=0, ddof=1) / len(shifts) ** 0.5
        if (np.abs(np.abs(mean) - limit) > 3 * error).all():
            break
    expect(
        shifts,
        f"{told(net)} on an image of {LARGE} x {LARGE}: cells of x5, x4 and x3 move the logits",
        f"in none of {MOST} initialisations each of them does",
        "x5, x4 and x3 are all fused into the score",
    )
    if len(shifts) < ENOUGH or not (np.abs(mean) > limit + error).any():
        return
    row = int(np.abs(mean).max(axis=1).argmax())
    (tap, below), (down, across) = (("x5", "x4"), ("x4", "x3"))[row], mean[row]
    raise Unmet(
        f"{told(net)} on an image of {LARGE} x {LARGE}: scores from {tap} and from {below} in the same place",
        f"those from {tap} {down:+.1f} cells of {below} too far down, {across:+.1f} across",
        "a transposed convolution without padding gives a larger map: crop it alike on both sides, in both "
        "directions; and pad alike on both sides",
    )


@both_decoders
@pytest.mark.parametrize("sides", [(9, 11), (9, 9)])  # cells of x5
@settings(max_examples=1)
@given(net=fcns())
def test_x5_keeps_its_place(student, skips: bool, sides: tuple[int, int], net: Spec) -> None:
    """a cell of x5 moves the logits where it lies in the image, with and without skips"""
    net |= {"skips": skips, "num_classes": MANY_CLASSES}
    expect_steps(student, net, "x5", sides)
    images = patches_of(net, 1, *(32 * side for side in sides))
    middle = [sides[0] // 2, sides[1] // 2]
    seen = asked_with_three_seeds(student, "fcn.response", net, images=images, cells=[["x5", *middle]])
    place = 32 * (np.array(middle) + 0.5)
    centre = centre_of(sum(changes_of(one)[0] for one in seen), place)
    # Transposed convolutions move what they upsample by up to half a cell, one after another by up to a whole one.
    expect(
        np.abs(centre - place).max() < 32,
        f"{told(net)} on images of {images.shape[2]} x {images.shape[3]}: cell {middle} of x5 moves the logits around "
        f"row {place[0]:.0f}, column {place[1]:.0f}",
        f"around row {centre[0]:.0f}, column {centre[1]:.0f}",
        "x5 is out of place in the score: rolled, or cropped or padded on one side",
    )
