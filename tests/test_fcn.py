"""Q2-1: FCN8s with and without skips."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from grading.protocol.questions import Student, StudentRaised
from grading.protocol.wire import Plain
from grading.worker.probes.fcn import encoder_tensors

from .expect import Unmet, accepted, expect, expect_close, refused
from .strategies import SEEDS, Spec

pytestmark = [pytest.mark.q2_1, pytest.mark.about("FCN8s")]

# x1 and x2 are the largest maps, and no score is made from them: few channels save a quarter of the time.
CHANNELS = st.tuples(*map(st.sampled_from, ([16], [16, 32], *[[32, 48, 64]] * 3))).map(list)
RANGE = (-1.8, 2.2)  # of pixel values
MANY_CLASSES = 11  # over so many, what random kernels do differently at each place averages out
INITIALISATIONS = 3
NEXT_SEED = 7919  # from one initialisation to the next
RAW = "the loss expects logits"
FROM_X5 = "the score is computed from x5"

few_examples = settings(max_examples=3)
both_decoders = pytest.mark.parametrize("skips", [True, False])
both_modes = pytest.mark.parametrize("training", [False, True])


@st.composite
def fcns(draw: st.DrawFn) -> Spec:
    """A network with skips, on an encoder of which some parameters are frozen."""
    return {
        "channels": draw(CHANNELS),
        "num_classes": draw(st.sampled_from([3, 1, 2, 11])),
        "skips": True,
        "frozen": draw(st.lists(st.integers(0, 11), max_size=5, unique=True)),
        "seed": draw(SEEDS),
    }


def plain_net(num_classes: int = 5, *, skips: bool | None = True) -> Spec:
    """A network of known channels; with `skips=None` it is built without that argument."""
    return {"channels": [16, 32, 64, 48, 32], "num_classes": num_classes, "skips": skips, "frozen": [], "seed": 5}


def images_of(net: Spec, count: int = 2, height: int = 64, width: int = 96) -> np.ndarray:
    """Noise, float32 (count, 3, H, W), between what ImageNet's normalisation makes of black and of white."""
    return np.random.default_rng(net["seed"]).uniform(*RANGE, size=(count, 3, height, width)).astype("float32")


def patches_of(net: Spec, count: int, height: int, width: int) -> np.ndarray:
    """Images (count, 3, H, W) of random squares at three scales, so that cells of x3, x4 and x5 differ."""
    squares = [
        np.kron(images_of(net, count, height // side, width // side), np.ones((side, side), dtype="float32"))
        for side in (8, 16, 32)
    ]
    return np.asarray(np.sum(squares, axis=0) / 3)


def initialisation(net: Spec, trial: int) -> Spec:
    """The same network with other random numbers in its layers."""
    return {**net, "seed": net["seed"] + NEXT_SEED * trial}


def ask_with_three_seeds(student: Student, probe: str, net: Spec, **data: Plain) -> list[Plain]:
    """Answers for three initialisations: in one, a correct network may have a layer whose ReLUs are all dead."""
    return [student.ask(probe, net=initialisation(net, trial), **data) for trial in range(INITIALISATIONS)]


def call_text(net: Spec) -> str:
    skips = "" if net["skips"] is None else f", skips={net['skips']}"
    return f"FCN8s(encoder with channels {net['channels']}, {net['num_classes']}{skips})"


def mode_text(training: bool) -> str:
    return ".train()" if training else ".eval()"


def expect_scores(logits: np.ndarray, net: Spec, images: np.ndarray, *, distinct: bool = True) -> None:
    """Finite scores, no probabilities, for every class and pixel.

    Args:
        distinct: whether every image must have other scores.
    """
    expect_score_shape(logits, net, images)
    expect(
        np.isfinite(logits).all(),
        f"{call_text(net)}: finite logits",
        "NaN or infinity",
        "is a tensor from torch.empty used before it is filled, or something divided by zero?",
    )
    expect_not_normalised(logits, net)
    expect(
        not distinct or len({image.tobytes() for image in logits}) == len(images),
        f"{call_text(net)}: other logits for every image",
        "the same for different images",
        "the score is computed from encoder(images), for each image of the batch; rounding, or statistics over the "
        "batch, may leave nothing of it",
    )


def expect_score_shape(logits: np.ndarray, net: Spec, images: np.ndarray) -> None:
    """(N, num_classes, H, W)."""
    count, _, *sides = images.shape
    wanted = (count, net["num_classes"], *sides)
    hint = "upsample the score back to the input's height and width, in that order; x5 has stride 32"
    if logits.ndim != 4 or logits.shape[0] != count:
        hint = "keep the batch and the class axis, even where they have length one; no argmax"
    elif logits.shape[1] != net["num_classes"]:
        hint = "the second axis holds one raw score per class, num_classes of them; no argmax"
    expect(
        logits.shape == wanted,
        f"{call_text(net)} on images of shape {images.shape}: logits of shape {wanted}",
        f"shape {logits.shape}",
        hint,
    )


def expect_not_normalised(logits: np.ndarray, net: Spec) -> None:
    """No probabilities, and no logarithms of them."""
    scores = logits.astype("float64")
    largest = scores.max(axis=1)
    log_of_sum = np.log(np.exp(scores - largest[:, None]).sum(axis=1)) + largest
    rounding = 1e-4 if net["num_classes"] > 1 else 0.0  # of one class they are exact, and raw scores may be tiny
    for name, sums_to_one in (
        ("softmax", scores.min() >= 0 and np.allclose(scores.sum(axis=1), 1, rtol=0, atol=rounding)),
        ("log_softmax", np.allclose(log_of_sum, 0, rtol=0, atol=rounding * max(np.abs(scores).max(), 1))),
    ):
        expect(
            not sums_to_one,
            f"{call_text(net)}: raw scores",
            f"a {name} over the classes: at every pixel the {net['num_classes']} probabilities sum to one",
            f"no {name} at the end of forward: the loss expects raw scores (logits)",
        )


def ask_backward(student: Student, net: Spec, training: bool) -> list[Plain]:
    """Gradients for three initialisations, of scores that have the right shape, through the given encoder."""
    images = images_of(net)
    answers = ask_with_three_seeds(student, "fcn.backward", net, images=images, training=training)
    for answer in answers:
        expect_scores(answer["logits"], net, images)
        expect(
            answer["encoder_registered"],
            f"{call_text(net)}: the encoder is among model.modules()",
            "it is not",
            "assign it to an attribute of self, the module itself, neither a copy nor its forward, nor in a list or "
            "dict",
        )
    return answers


def gradient_at(tap: str, answers: list[Plain]) -> np.ndarray | None:
    """Absolute gradients at each cell of a tap (N, H, W), summed over channels and initialisations; None if none."""
    gradients = [answer["tap_gradients"][tap] for answer in answers]
    if any(gradient is None for gradient in gradients):
        return None
    return np.asarray(np.sum([np.abs(gradient).sum(axis=1) for gradient in gradients], axis=0))


def has_gradient(tap: str, answers: list[Plain]) -> bool:
    gradient = gradient_at(tap, answers)
    return gradient is not None and bool(np.any(gradient))


def expect_gradient(tap: str, answers: list[Plain], net: Spec, hint: str, mode: str = "") -> None:
    expect(
        has_gradient(tap, answers),
        f"{call_text(net)}{mode}, backward: a gradient at {tap}",
        "none" if gradient_at(tap, answers) is None else "zero",
        hint,
    )


def is_moved_by(student: Student, tap: str, net: Spec) -> bool:
    """Whether the logits change with a cell of a tap, whatever the gradient says."""
    answers = ask_with_three_seeds(student, "fcn.response", net, images=images_of(net), cells=[[tap, 1, 1]])
    return any(np.any(answer["moved"][0] != answer["plain"]) for answer in answers)


def why_no_gradient(student: Student, net: Spec, tap: str) -> str:
    """A hint why no gradient reaches a tap."""
    if is_moved_by(student, tap, net):
        return f"{tap} moves the logits, but is cut off from its gradient: detach, no_grad, .data, numpy or rounding?"
    if tap != "x5" and is_moved_by(student, tap, {**net, "skips": not net["skips"]}):
        return f"`skips` is read the wrong way round: {tap} is fused with skips={not net['skips']}"
    return f"{tap} is not fused into the score: left out, overwritten or cut off again, or multiplied by zero"


def expect_x5_used(student: Student, net: Spec, training: bool) -> None:
    """The logits are others if the encoder gives another x5 for the same images."""
    images = images_of(net)
    for trial in range(INITIALISATIONS):  # in most cases the first one shows it
        question = {"net": initialisation(net, trial), "images": images, "training": training}
        logits, others = (
            student.ask("fcn.forward", **question, x5_of=source)["logits"] for source in (images, images[::-1])
        )
        if not np.array_equal(logits, others):
            return
    ask_backward(student, net, training)  # fails if another encoder is used
    hint = f"{FROM_X5}: {why_no_gradient(student, net, 'x5')}"
    expect(False, f"{call_text(net)}: other logits for another x5", "the same", hint)


@both_decoders
@both_modes
@few_examples
@given(
    net=fcns(),
    count=st.integers(1, 3),
    sides=st.tuples(*[st.sampled_from([64, 96, 128])] * 2),
)
def test_logits_at_every_pixel(
    student: Student, skips: bool, training: bool, net: Spec, count: int, sides: tuple[int, int]
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
    for before in (images_of(net, count + 1, *(side + 32 for side in sides)), images_of(net, count, *sides[::-1])):
        expect_shape_after(student, net, images, before, training)
    expect_x5_used(student, net, training)


def expect_shape_after(student: Student, net: Spec, images: np.ndarray, before: np.ndarray, training: bool) -> None:
    """The logits' shape follows from the images, whatever the size of the images `before`."""
    hint = "each call of forward goes by the sizes of its own images: nothing of those before may be kept"
    question = {"net": net, "images": images, "training": training, "before": before}
    try:
        logits = student.ask("fcn.forward", **question)["logits"]
    except StudentRaised:
        student.ask("fcn.forward", net=net, images=before, training=training)  # they may be refused alone, too
        with accepted(hint):
            logits = student.ask("fcn.forward", **question)["logits"]
    count, _, *image_sides = images.shape
    wanted = (count, net["num_classes"], *image_sides)
    expect(
        logits.shape == wanted,
        f"{call_text(net)} on images of shape {before.shape}, then {images.shape}: logits of shape {wanted}",
        f"shape {logits.shape}",
        hint,
    )


def test_float32_stays_float32(student: Student) -> None:
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
    expect_x5_used(student, net, training=False)


@both_decoders
@both_modes
@pytest.mark.parametrize("num_classes", [11, 1])
@settings(max_examples=2)
@given(seed=SEEDS)
def test_scores_are_raw(student: Student, num_classes: int, skips: bool, training: bool, seed: int) -> None:
    """logits are raw scores: no softmax, sigmoid, tanh, log-softmax or ReLU at the end"""
    net = {"channels": [16] * 5, "num_classes": num_classes, "skips": skips, "frozen": [], "seed": seed}
    images = images_of(net)
    answers = ask_with_three_seeds(student, "fcn.forward_amplified", net, images=images, training=training)
    for logits in answers:
        expect_scores(logits, net, images, distinct=False)  # a sigmoid's are all 0 or 1
    expect_large_scores(np.concatenate(answers).astype("float64"), net)
    expect_x5_used(student, net, training)


def expect_large_scores(logits: np.ndarray, net: Spec) -> None:
    """Large weights make raw scores large, on both sides of zero if there are several classes."""
    asked = f"{call_text(net)}, its weights up to a thousand times as large: raw scores"
    if net["num_classes"] == 1:  # a bias alone may give the scores of one class their sign
        hint = f"a sigmoid, tanh, softmax or normalisation at the end? {RAW}"
        expect(np.abs(logits).max() > 2, f"{asked}, large ones", f"at most {np.abs(logits).max():.3g}", hint)
        return
    for extreme, side, hint in (
        (-logits.min(), "minimum", f"a softmax, sigmoid, tanh or ReLU at the end? {RAW}"),
        (logits.max(), "maximum", f"a tanh, log-softmax or log-sigmoid at the end? {RAW}"),
    ):
        expect(extreme > 2, f"{asked}, large ones on both sides of zero", f"{side} {abs(extreme):.3g}", hint)


@both_decoders
@both_modes
@few_examples
@given(net=fcns())
def test_images_are_untouched(student: Student, skips: bool, training: bool, net: Spec) -> None:
    """the images that were given stay as they are"""
    net["skips"] = skips
    images = images_of(net)
    answer = student.ask("fcn.forward", net=net, images=images, training=training)
    expect_scores(answer["logits"], net, images)
    expect_close(answer["images"], images, f"the images after {call_text(net)}", "no in-place operation on images")
    expect_x5_used(student, net, training)


@pytest.mark.parametrize("skips", [True, False])
@pytest.mark.parametrize("sides", [(33, 64), (64, 48), (48, 48), (16, 64), (64, 100), (40, 40), (100, 100)])
def test_refuses_other_sizes(student: Student, skips: bool, sides: tuple[int, int]) -> None:
    """H or W not a multiple of 32 is a ValueError"""
    net = plain_net(skips=skips)
    for training in (False, True):
        images, wrong = images_of(net, 2, 64, 64), images_of(net, 2, *sides)
        logits = student.ask("fcn.forward", net=net, images=images, training=training)["logits"]
        expect_scores(logits, net, images)
        for before, called in ((None, "on"), (images, "on images of 64 x 64, then on")):
            with refused(
                f"FCN8s(..., skips={skips}){mode_text(training)} {called} images of {sides[0]} x {sides[1]}",
                "check at the start of each forward that height and width are, each of them, multiples of 32",
            ):
                student.ask("fcn.forward", net=net, images=wrong, training=training, before=before)
        expect_x5_used(student, net, training)


@both_modes
@few_examples
@given(net=fcns())
def test_skips_carry_gradient(student: Student, training: bool, net: Spec) -> None:
    """with skips, gradient flows back into x5, x4 and x3"""
    answers, mode = ask_backward(student, net, training), mode_text(training)
    for tap in ("x5", "x4", "x3"):
        if not has_gradient(tap, answers):  # only then: the hint asks the student's code again
            expect_gradient(tap, answers, net, why_no_gradient(student, net, tap), mode)
    beside = ask_backward(student, {**net, "beside": True}, training)
    for tap in ("x4", "x3"):
        hint = "keep `skips` on self: on the class or in a global it is that of the network which was built last"
        expect_gradient(tap, beside, net, hint, f"{mode}, after another FCN8s with skips=False has been built")


def test_skips_are_the_default(student: Student) -> None:
    """skips defaults to True"""
    not_fused = "x3 is not fused into the score, or cut off from its gradient"
    for skips, hint in ((True, not_fused), (None, "keep the default of the signature, skips=True")):
        net = plain_net(skips=skips)
        expect_gradient("x3", ask_backward(student, net, True), net, hint)


@both_modes
@few_examples
@given(net=fcns())
def test_skips_are_used_everywhere(student: Student, training: bool, net: Spec) -> None:
    """with skips, every cell of x4 and x3 counts"""
    answers = ask_backward(student, net, training)
    for tap in ("x4", "x3"):
        gradient = gradient_at(tap, answers)
        used = None if gradient is None else gradient > 0
        expect(
            used is not None and used.mean() > 0.9,
            f"{call_text(net)}, backward: a gradient at every cell of {tap}",
            "none" if used is None else f"zero at {1 - used.mean():.0%} of the cells",
            why_no_gradient(student, net, tap)
            if used is None or not used.any()
            else f"all of {tap} belongs into the score, not a crop of it, its first image, or every second cell, as "
            "when it is resized to a coarser map",
        )


@both_modes
@few_examples
@given(net=fcns())
def test_without_skips_only_x5_counts(student: Student, training: bool, net: Spec) -> None:
    """without skips, the output depends on x5 alone"""
    net["skips"] = False
    answers = ask_backward(student, net, training)
    expect_gradient("x5", answers, net, FROM_X5)
    for tap in ("x1", "x2", "x3", "x4"):
        gradient = gradient_at(tap, answers)
        expect(
            gradient is None or not np.any(gradient),
            f"{call_text(net)}, backward: no gradient at {tap}",
            "a gradient",
            f"skips=False must leave out every tap but x5, here {tap} is still fused",
        )


@both_modes
@few_examples
@given(net=fcns())
def test_without_skips_other_images_with_the_same_x5(student: Student, training: bool, net: Spec) -> None:
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
        f"{call_text(net)}: the same logits for other images with the same x5",
        "skips=False must leave out x1 to x4 and the image itself, without a detached or constant trace of them",
        tolerance=1e-4,
    )
    expect_x5_used(student, net, training)


@both_decoders
@both_modes
@few_examples
@given(net=fcns())
def test_encoder_is_registered_and_kept(student: Student, training: bool, skips: bool, net: Spec) -> None:
    """the encoder is a submodule, and its parameters and their requires_grad stay as they were"""
    some_are_frozen = net["frozen"] or [0, 7]
    net |= {"skips": skips, "frozen": some_are_frozen}
    answers = ask_backward(student, net, training)
    expect_gradient("x5", answers, net, "the score is computed from encoder(images)")
    before, after = encoder_tensors(net), answers[0]["encoder"]
    expect(
        after == before,
        f"{call_text(net)}: the encoder's values and requires_grad as before",
        "changed: " + ", ".join(name for name in before if after.get(name) != before[name]),
        "FCN8s neither freezes, unfreezes nor initialises the encoder",
    )


@both_decoders
@few_examples
@given(net=fcns())
def test_everything_learnable_is_registered(student: Student, skips: bool, net: Spec) -> None:
    """every learnable tensor in use is among parameters()"""
    net["skips"] = skips
    answers = ask_backward(student, net, True)
    expect_gradient("x5", answers, net, FROM_X5)
    unregistered = [shape for answer in answers for shape in answer["unregistered"]]
    expect(
        not unregistered,
        f"{call_text(net)}: all tensors that collect gradients are in model.parameters() before the first forward pass",
        f"others, of shapes {unregistered}",
        "layers in a plain list are invisible to the optimizer: use nn.ModuleList, and build them in __init__",
    )


@few_examples
@given(net=fcns())
def test_the_whole_decoder_learns(student: Student, net: Spec) -> None:
    """in train mode with skips each of the decoder's learnable parameters gets a gradient"""
    answers = ask_backward(student, net, True)
    expect_gradient("x5", answers, net, FROM_X5)
    collected = [answer["collected"] for answer in answers]
    expect(
        all(collected),
        f"{call_text(net)}: a decoder with parameters",
        "none",
        "the score needs at least a 1x1 convolution to num_classes",
    )
    without = {name for of_one in collected for name, has_one in of_one.items() if not has_one}
    without -= fixed_parameters(answers)
    expect(
        not without,
        f"{call_text(net)}, backward: a gradient for each of the decoder's parameters",
        f"none for {', '.join(sorted(without)[:5])}",
        "a layer that is built but not used, frozen, or cut off by detach or no_grad",
    )


def fixed_parameters(answers: list[Plain]) -> set[str]:
    """Frozen parameters that are the same in every initialisation, as a bilinear kernel is: they need not learn."""
    first, *others = [answer["frozen"] for answer in answers]
    return {name for name, values in first.items() if all(other.get(name) == values for other in others)}


@both_decoders
@few_examples
@given(net=fcns())
def test_images_do_not_affect_each_other(student: Student, skips: bool, net: Spec) -> None:
    """in eval mode an image's logits are the same alone and in a batch"""
    net |= {"skips": skips, "normed": "x5"}
    # The image with the most contrast must not dim the others.
    images = images_of(net, 3) * np.array([0.02, 0.2, 1], dtype="float32")[:, None, None, None]
    answer = student.ask("fcn.forward", net=net, images=images, training=False, one_by_one=True)
    expect_scores(answer["logits"], net, images)
    for number, (in_batch, alone) in enumerate(zip(answer["logits"], answer["alone"], strict=True), start=1):
        largest = np.abs(in_batch).max()
        expect_close(
            alone / largest,
            in_batch[None] / largest,
            f"{call_text(net)}.eval(): image {number} of 3 alone as in a batch, divided by the largest",
            "in eval mode nothing may be random or come from other images: nn.BatchNorm2d and nn.Dropout, which eval() "
            "switches, no statistics over the batch, no indexing that mixes images",
            tolerance=1e-4,
        )
    expect_x5_used(student, net, training=False)


STRIDES = {"x5": 32, "x4": 16, "x3": 8}
PLACES = [(0.25, 0.35), (0.5, 0.7), (0.75, 0.45)]  # down and across, as shares of a tap's sides


def pixel_of(cell: list[int], stride: int) -> np.ndarray:
    """Row and column (2,) of the middle of a cell, in pixels of the image."""
    return np.asarray((np.array(cell) + 0.5) * stride)


def total_changes(answers: list[Plain]) -> list[np.ndarray]:
    """How much the scores of each pixel (H, W) moved for each cell that was changed, summed over initialisations."""
    by_answer = [[np.abs(moved - answer["plain"]).sum(axis=(0, 1)) for moved in answer["moved"]] for answer in answers]
    return [np.asarray(np.sum(changes, axis=0)) for changes in zip(*by_answer, strict=True)]


def centre_of(change: np.ndarray, expected: np.ndarray) -> np.ndarray:
    """Row and column (2,) around which scores moved, NaN if they moved everywhere alike or nowhere.

    A movement that is the same everywhere, as by normalisation, does not count. A large kernel moves scores up to the
    edge of the image, which would pull the centre away from it. In this case as many rows, or columns, count on the one
    side of `expected` as on the other.

    Args:
        change: how much the scores of each pixel moved, (H, W).
        expected: row and column.
    """
    local = np.clip(change - np.quantile(change, 0.1), 0, None)
    local[local < 0.2 * local.max()] = 0
    axes = np.mgrid[0 : change.shape[0], 0 : change.shape[1]] + 0.5
    symmetric = local
    for axis, place in zip(axes, expected, strict=True):
        end = axis.max() + 0.5
        if local[(axis < 1) | (axis > end - 1)].any():
            symmetric = np.where(np.abs(axis - place) < min(place, end - place), symmetric, 0)
    weights = symmetric if symmetric.any() else local
    with np.errstate(invalid="ignore"):
        return np.asarray((weights * axes).sum(axis=(1, 2)) / weights.sum())


@pytest.mark.parametrize("tap", ["x3", "x4"])
@settings(max_examples=1)
@given(net=fcns())
def test_skips_are_aligned(student: Student, tap: str, net: Spec) -> None:
    """a cell of x4 or x3 moves the logits where it lies in the image"""
    net["num_classes"] = MANY_CLASSES
    stride, sides = STRIDES[tap], (12, 20)
    images = patches_of(net, 2, *(side * stride for side in sides))
    cells = [[int(share * side) for share, side in zip(place, sides, strict=True)] for place in PLACES]
    row, column = cells[0]
    cells += [[row + 1, column + 1], [row + 2, column + 2]]
    answers = ask_with_three_seeds(student, "fcn.response", net, images=images, cells=[[tap, *cell] for cell in cells])
    for answer in answers:
        expect_scores(answer["plain"], net, images)
    asked = f"{call_text(net)} on images of {images.shape[2]} x {images.shape[3]}"
    centres = [
        expect_moved_in_place(change, tap, cell, asked)
        for cell, change in zip(cells, total_changes(answers), strict=True)
    ]
    expect_steps_of_one_cell([centres[0], *centres[-2:]], tap, asked)


def expect_moved_in_place(change: np.ndarray, tap: str, cell: list[int], asked: str) -> np.ndarray:
    """The logits move around the cell that was changed; returns the row and column (2,) around which they do."""
    stride = STRIDES[tap]
    expected = pixel_of(cell, stride)
    centre = centre_of(change, expected)
    asked = f"{asked}: cell {cell} of {tap} moves the logits"
    expect(np.any(change), asked, "no change at all", f"{tap} is not fused into the score, or only in train mode")
    expect(
        np.isfinite(centre).all(),
        asked,
        "all logits alike",
        f"{tap} is averaged over the image before it is fused: nothing of its place is left",
    )
    # Transposed convolutions move what they upsample by up to half a cell.
    expect(
        np.abs(centre - expected).max() < 0.8 * stride,
        f"{asked} around row {expected[0]:.0f}, column {expected[1]:.0f}",
        f"around row {centre[0]:.0f}, column {centre[1]:.0f}",
        f"{tap} is fused out of place: flipped, transposed, rolled, cropped, averaged, or scrambled by a reshape",
    )
    return centre


def expect_steps_of_one_cell(centres: list[np.ndarray], tap: str, asked: str) -> None:
    """Three cells that follow each other down a diagonal move the logits one cell further each.

    The first cell has an odd row and an odd column, so pooling of any phase would give steps of 0 and 2 cells in both
    directions.
    """
    first, second, third = centres
    steps = np.stack([second - first, third - second]).mean(axis=1) / STRIDES[tap]
    expect(
        steps.min() > 0.5 and steps.max() < 1.5,
        f"{asked}: logits move one cell further down and across for each next cell of {tap}",
        f"by {steps[0]:.2f} cells, then by {steps[1]:.2f}",
        f"{tap} is fused at a coarser stride than its own {STRIDES[tap]}: pooled or downsampled first",
    )


CELLS = [(2, 5), (6, 2), (5, 7)]  # no mirror image and no transposition takes them to each other


def expect_steps(student: Student, net: Spec, tap: str, sides: tuple[int, int]) -> None:
    """The logits that cells of a tap move lie as far from each other as the cells do.

    In an image of one colour a convolution does the same at each place. So the changes that two cells make differ only
    in their place, however large the kernels are.

    Args:
        sides: of the tap, in cells.
    """
    stride = STRIDES[tap]
    colour = images_of(net, 1, 1, 1)
    images = np.broadcast_to(colour, (1, 3, *(stride * side for side in sides))).copy()
    answers = ask_with_three_seeds(student, "fcn.response", net, images=images, cells=[[tap, *cell] for cell in CELLS])
    for answer in answers:
        expect_scores(answer["plain"], net, images)
    first, *others = [[answer["moved"][k] - answer["plain"] for answer in answers] for k in range(len(CELLS))]
    asked = f"{call_text(net)} on images of {images.shape[2]} x {images.shape[3]}"
    for cell, changes in zip(CELLS[1:], others, strict=True):
        wanted = stride * (np.array(cell) - CELLS[0])
        step = step_between(first, changes, stride // 4)
        expect(
            np.abs(step - wanted).max() <= 0.75 * stride,
            f"{asked}: cell {list(cell)} of {tap} moves the logits {wanted[0]:+d} rows and {wanted[1]:+d} columns from "
            f"where cell {list(CELLS[0])} does",
            f"{step[0]:+d} rows and {step[1]:+d} columns",
            f"{tap} is out of place in the score: transposed, flipped, stretched, averaged, or scrambled by a reshape "
            "or view",
        )


def step_between(first: list[np.ndarray], second: list[np.ndarray], grid: int) -> np.ndarray:
    """By how many pixels, down and across, the first change of the scores must be moved to fit the second best.

    It is where their cross-correlation is largest, which is a product of Fourier transforms.

    Args:
        first: one change for each of several initialisations, each (count, classes, H, W).
        second: the other change, for the same initialisations.
        grid: the step is a multiple of so many pixels, which divide H and W.

    Returns:
        int64 (2,).
    """
    correlation = np.zeros(())
    for one_change, other_change in zip(first, second, strict=True):
        one, other = _spectrum(one_change, grid), _spectrum(other_change, grid)
        norm = np.linalg.norm(one) * np.linalg.norm(other)
        correlation = correlation + (one.conj() * other).sum(axis=(0, 1)) / max(norm, np.finfo(float).tiny)
    sides = np.array(first[0].shape[2:]) // grid
    overlap = np.fft.irfft2(correlation, s=sides.tolist())
    steps = np.array(np.unravel_index(overlap.argmax(), overlap.shape))
    return np.asarray(grid * np.where(steps > sides / 2, steps - sides, steps))


def _spectrum(change: np.ndarray, grid: int) -> np.ndarray:
    """Fourier transform over the last two axes of the means of each `grid` x `grid` pixels, less their own mean."""
    count, classes, height, width = change.shape
    blocks = change.astype("float64").reshape(count, classes, height // grid, grid, width // grid, grid)
    coarse = blocks.mean(axis=(3, 5))
    return np.fft.rfft2(coarse - coarse.mean())


@pytest.mark.parametrize(("tap", "side"), [("x4", 10), ("x3", 12)])
@settings(max_examples=1)
@given(net=fcns())
def test_skips_are_aligned_in_squares(student: Student, tap: str, side: int, net: Spec) -> None:
    """in square images too, cells of x4 and x3 move the logits where they lie"""
    net["num_classes"] = MANY_CLASSES
    expect_steps(student, net, tap, (side, side))


LARGE = 416  # pixels: around the middle one of 13 x 13 cells of x5 a kernel of seven fits in, as VGG's fc6 has
ENOUGH, MOST = 6, 64  # initialisations
LARGEST_SHIFT = 0.75  # of a cell: a transposed convolution may shift by half a cell, a wrong crop does by a whole one


@settings(max_examples=1)
@given(net=fcns())
def test_scores_are_aligned_where_they_are_fused(student: Student, net: Spec) -> None:
    """what comes from x5 lies on x4, and what comes from x4 on x3, to less than a cell"""
    net["num_classes"] = MANY_CLASSES
    expect_x5_used(student, net, training=False)
    shifts = measure_shifts(student, net)
    expect(
        shifts,
        f"{call_text(net)} on an image of {LARGE} x {LARGE}: cells of x5, x4 and x3 move the logits",
        f"in none of {MOST} initialisations each of them does",
        "x5, x4 and x3 are all fused into the score",
    )
    if len(shifts) >= ENOUGH:
        expect_small_shifts(shifts, net)


def measure_shifts(student: Student, net: Spec) -> list[np.ndarray]:
    """How far x5's scores lie from x4's in cells of x4, and x4's from x3's in cells of x3, down and across.

    With random weights every initialisation gives something else. So there are as many as it takes to tell the mean
    from LARGEST_SHIFT, but at most MOST.

    Returns:
        float64 (2, 2) for each initialisation in which all three taps have an effect.
    """
    shifts: list[np.ndarray] = []
    for trial in range(MOST):
        displacements = displacements_of(student, initialisation(net, trial))
        if displacements is not None:
            x5, x4, x3 = displacements
            shifts.append(np.array([(x5 - x4) / STRIDES["x4"], (x4 - x3) / STRIDES["x3"]]))
        if len(shifts) >= ENOUGH:
            mean, error = mean_and_error(shifts)
            if (np.abs(np.abs(mean) - LARGEST_SHIFT) > 3 * error).all():
                break
    return shifts


def displacements_of(student: Student, net: Spec) -> np.ndarray | None:
    """How far the scores that the middle cells of x5, x4 and x3 move lie from these cells, in pixels.

    Returns:
        float64 (3, 2): down and across; None if a tap has no effect, all ReLUs behind it being dead.
    """
    middles = {tap: [LARGE // stride // 2] * 2 for tap, stride in STRIDES.items()}
    images = patches_of(net, 1, LARGE, LARGE)
    cells = [[tap, *cell] for tap, cell in middles.items()]
    answer = student.ask("fcn.response", net=net, images=images, cells=cells)
    expect_scores(answer["plain"], net, images)
    expected = [pixel_of(cell, STRIDES[tap]) for tap, cell in middles.items()]
    centres = [centre_of(change, place) for change, place in zip(total_changes([answer]), expected, strict=True)]
    displacements = np.array(centres) - np.array(expected)
    return displacements if np.isfinite(displacements).all() else None


def mean_and_error(shifts: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """The mean over initialisations, and its standard error."""
    return np.asarray(np.mean(shifts, axis=0)), np.asarray(np.std(shifts, axis=0, ddof=1) / len(shifts) ** 0.5)


def expect_small_shifts(shifts: list[np.ndarray], net: Spec) -> None:
    """The mean shift is not above LARGEST_SHIFT by more than its standard error."""
    mean, error = mean_and_error(shifts)
    if not (np.abs(mean) > LARGEST_SHIFT + error).any():
        return
    row = int(np.abs(mean).max(axis=1).argmax())
    (tap, below), (down, across) = (("x5", "x4"), ("x4", "x3"))[row], mean[row]
    raise Unmet(
        f"{call_text(net)} on an image of {LARGE} x {LARGE}: scores from {tap} and from {below} in the same place",
        f"those from {tap} {down:+.1f} cells of {below} too far down, {across:+.1f} across",
        "a transposed convolution without padding gives a larger map: crop it alike on both sides, in both "
        "directions; and pad alike on both sides",
    )


@both_decoders
@pytest.mark.parametrize("sides", [(9, 11), (9, 9)])  # cells of x5
@settings(max_examples=1)
@given(net=fcns())
def test_x5_keeps_its_place(student: Student, skips: bool, sides: tuple[int, int], net: Spec) -> None:
    """a cell of x5 moves the logits where it lies in the image, with and without skips"""
    net |= {"skips": skips, "num_classes": MANY_CLASSES}
    expect_steps(student, net, "x5", sides)
    images = patches_of(net, 1, *(32 * side for side in sides))
    middle = [sides[0] // 2, sides[1] // 2]
    answers = ask_with_three_seeds(student, "fcn.response", net, images=images, cells=[["x5", *middle]])
    expected = pixel_of(middle, 32)
    centre = centre_of(total_changes(answers)[0], expected)
    # Transposed convolutions move what they upsample by up to half a cell, one after another by up to a whole one.
    expect(
        np.abs(centre - expected).max() < 32,
        f"{call_text(net)} on images of {images.shape[2]} x {images.shape[3]}: cell {middle} of x5 moves the logits "
        f"around row {expected[0]:.0f}, column {expected[1]:.0f}",
        f"around row {centre[0]:.0f}, column {centre[1]:.0f}",
        "x5 is out of place in the score: rolled, or cropped or padded on one side",
    )
