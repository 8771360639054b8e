"""Q1-5: an augmentation that keeps the whole face in view."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations

import numpy as np
import pytest

from grading.protocol.questions import Student, StudentRaised
from grading.protocol.wire import Plain

from .expect import Unmet, expect, expect_close
from .face_targets import (
    COVERED,
    IMAGENET_MEAN,
    IMAGENET_STD,
    INVERTED,
    STRONG,
    WEAK,
    Face,
    colour_cast,
    colours_inside,
    constant_target,
    covered_share,
    denormalised,
    disc_target,
    exposure,
    find_face,
    halves_target,
    textured_target,
)
from .raised import OTHERWISE, usual_meaning
from .strategies import moved_seed

pytestmark = [pytest.mark.q1_5, pytest.mark.about("face_train_transform")]

FUNCTIONS = ("face_train_transform", "face_eval_transform")
ASPECTS = [(96, 96), (64, 65), (218, 178), (120, 160), (100, 260), (281, 90)]
DRAWS, FEW_DRAWS = 48, 8
MEAN, STD = IMAGENET_MEAN, IMAGENET_STD

IN_VIEW = (
    "the face is cut: resize, then crop centrally, or keep random crops, shifts, zooms, turns and erasing small enough"
)
NOT_COVERED = "a part of the face is hidden: erasing, masks and pasted boxes must stay off the central 60 %"
NOT_INVERTED = "bright regions are inverted: no solarizing, no inversion"
BRIGHTNESS = (
    "ColorJitter(brightness=b) draws a factor from [1 - b, 1 + b]: b at most 0.3, neither gamma nor a wider range"
)
CONTRAST = (
    "ColorJitter(contrast=c) draws a factor from [1 - c, 1 + c]: c at most 0.3; no equalizing, no autocontrast, "
    "no posterizing"
)


def ask_draws(
    student: Student,
    function: str,
    image: np.ndarray,
    *,
    size: int | None = 96,
    count: int = DRAWS,
    before: np.ndarray | None = None,
    scale: int = 1,
) -> Plain:
    """Draws of one picture, of the right shape, finite, and computed from the picture.

    Args:
        image: uint8 (H, W, 3).
        size: None: the function's default.
        before: a picture that the transform is given first, in the same process.
        scale: of a picture and a size that are so many times as large as for 1; the seed is the same.

    Returns:
        `images`: float (count, 3, size, size); `dtype` of the student's tensors; `reseeded`: whose seeds were set.
    """
    seed = moved_seed((1009 * image.shape[0] + 31 * image.shape[1] + (size or 0)) // scale)
    question = {"function": function, "image": image, "size": size, "count": count, "seed": seed, "before": before}
    answer = _ask(student, question)
    call = call_text(function, image, size)
    expect_square(answer["images"], call, count, 224 if size is None else size)
    expect(
        np.isfinite(answer["images"]).all(),
        f"{call}: finite values",
        "NaN or infinite values",
        "divide by the standard deviation, which is never 0",
    )
    expect_other_for_negative(student, question, answer["images"], call)
    return answer


def _ask(student: Student, question: Plain) -> Plain:
    try:
        return student.ask("augmentation.draws", **question)
    except StudentRaised as error:
        if not error.frames and usual_meaning(error) == OTHERWISE:
            error.hint = "an error inside the transform that was returned: is each step given what it takes?"
        raise


def expect_other_for_negative(student: Student, question: Plain, images: np.ndarray, call: str) -> None:
    """The first of these draws differs from the same draw of the negative."""
    negative = student.ask("augmentation.draws", **{**question, "image": 255 - question["image"], "count": 1})
    expect(
        not np.array_equal(negative["images"], images[:1]),
        f"{call}: another result than for its negative",
        "the same result",
        "the result shows the picture that it is given: it is computed from it, in each call",
    )


def expect_square(images: np.ndarray, call: str, count: int, side: int) -> None:
    expect(
        images.shape == (count, 3, side, side),
        f"{call}: shape (3, {side}, {side})",
        f"shape {images.shape[1:]}",
        _wrong_shape(images.shape[1:]),
    )


def _wrong_shape(shape: tuple[int, ...]) -> str:
    """What is probably wrong if draws have this shape in place of (3, size, size)."""
    if len(shape) != 3:
        return "one picture with its channels first: no batch axis, no several crops"
    if shape[-1] == 3:
        return "channels come first: permute the axes of a picture, (2, 0, 1)"
    if shape[1] != shape[2]:
        return "Resize with one number keeps the aspect: crop to a square afterwards"
    return (
        "the side is `size`, which is 224 by default, whatever the picture's own: what changes it, such as a turn with "
        "expand=True, comes before Resize or the crop"
    )


def expect_darker(student: Student, image: np.ndarray, size: int | None, images: np.ndarray) -> None:
    """A picture a quarter as bright has a darker result than `images`, those of the bright one, also after that one."""
    darkened = ask_draws(student, "face_eval_transform", image // 4, size=size, count=1, before=image)
    dark, bright = darkened["images"].mean(), images.mean()
    expect(
        dark < bright - 0.02,
        f"{call_text('face_eval_transform', image, size)}: a darker result for the picture at a quarter of its "
        "brightness",
        f"mean {dark:.3f} after {bright:.3f}",
        "the result shows the picture that it is given, about as bright as it is: scale to [0, 1] once; no inversion, "
        "no autocontrast, no equalizing, no statistics of the picture itself, nothing kept of the picture before",
    )


def call_text(function: str, image: np.ndarray, size: int | None = 96) -> str:
    return f"{function}({'' if size is None else size}) of a picture of {image.shape[0]} x {image.shape[1]}"


def size_for_aspect(height: int, width: int, size: int = 96) -> int:
    """A size at which a long picture's face is at least as large as a square picture's at `size`.

    A transform may fit the whole of a long picture into its square, which makes the face small.
    """
    return round(size * max(height, width) / min(height, width))


def centres(images: np.ndarray, share: float = 0.2) -> np.ndarray:
    """The middle of each draw (N, 3, side, side), denormalised: (N, k, k, 3), where k is a share of the side."""
    pictures = denormalised(images)
    side = pictures.shape[1]
    low, high = round(side * (0.5 - share / 2)), round(side * (0.5 + share / 2))
    return pictures[:, low:high, low:high]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), ASPECTS)
@pytest.mark.parametrize("size", [64, 97, None])
def test_shape_and_dtype(student: Student, function: str, height: int, width: int, size: int | None) -> None:
    """an RGB image of any aspect becomes a float32 tensor (3, size, size), 224 by default"""
    image = textured_target(height, width)
    answer = ask_draws(student, function, image, size=size, count=2)
    expect(
        answer["dtype"] == "float32",
        f"{call_text(function, image, size)}: float32",
        answer["dtype"],
        "convert to a float32 tensor in [0, 1] before normalising",
    )
    if function == "face_eval_transform":
        expect_darker(student, image, size, answer["images"])


# What the colours x of a grey become by a mistake in the normalisation, once x * std + mean is undone.
NORMALISATIONS: tuple[tuple[Callable[[np.ndarray], np.ndarray], str], ...] = (
    (lambda x: x * STD + MEAN, "it is not normalised"),
    (lambda x: (x - MEAN) / STD, "it is normalised twice"),
    (lambda x: (x - 0.5) / 0.5 * STD + MEAN, "mean and standard deviation are 0.5 in place of ImageNet's"),
    (lambda x: (x - MEAN[::-1]) / STD[::-1] * STD + MEAN, "mean and standard deviation are in the order B, G, R"),
    (lambda x: (x - STD) / MEAN * STD + MEAN, "mean and standard deviation are exchanged"),
    (lambda x: (x - MEAN) * STD + MEAN, "it is not divided by the standard deviation"),
    (lambda x: (x - MEAN) / STD + MEAN, "it is divided by the variance, not by the standard deviation"),
    (lambda x: 255 * x, "values are 0 to 255 when they are normalised: scale to [0, 1] first"),
    (lambda x: x - MEAN / 255 + MEAN, "values are 0 to 255 when they are normalised: scale to [0, 1] first"),
    (lambda x: x / 255, "values are divided by 255 twice: ToTensor does that already"),
    (lambda x: np.clip((x - MEAN) / STD, 0, 1) * STD + MEAN, "it is clamped to [0, 1] afterwards: jitter before it"),
)
NORMALISE = "Normalize(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225)), once, after values are in [0, 1], RGB"
BLACK, SHADE, MIDDLE = 0, 64, 128


def wrong_normalisation(colours: Mapping[int, np.ndarray]) -> str:
    """The mistake that leads closest to the colours of some greys, if it explains most of what is wrong.

    Args:
        colours: as `colours_of` gives them, by grey.
    """
    got = np.array([np.median(of_draws, axis=0) for of_draws in colours.values()])
    greys = np.array([np.full(3, grey / 255) for grey in colours])
    distance, what = min((float(np.abs(got - mistake(greys)).max()), what) for mistake, what in NORMALISATIONS)
    if distance < 0.4 * np.abs(got - greys).max():
        return f"{what}: {NORMALISE}"
    return f"{NORMALISE}; a cast of colour goes each way as often as the other"


def colours_of(student: Student, function: str, grey: int) -> np.ndarray:
    """The colours (N, 3) that a grey has in draws, normalisation undone."""
    if function == "face_train_transform":  # it may show the picture anywhere, and put anything around it
        images = ask_draws(student, function, disc_target(96, 96, (grey, 255)))["images"]
        found = [(picture, find_face(picture)) for picture in denormalised(images)]
        colours = [np.median(colours_inside(picture, face), axis=0) for picture, face in found if not face.problem]
        if len(colours) > DRAWS / 2:
            return np.array(colours)
    count = DRAWS if function == "face_train_transform" else 1
    images = ask_draws(student, function, constant_target((grey,) * 3), count=count)["images"]
    return np.asarray(np.median(denormalised(images), axis=(1, 2)))


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
def test_imagenet_normalised(student: Student, function: str) -> None:
    """black is black and grey about as bright as it was, once ImageNet's mean and standard deviation are undone"""
    colours = {grey: colours_of(student, function, grey) for grey in (BLACK, SHADE, MIDDLE)}
    asked = f"{function}(96) of a picture of 96 x 96"
    hint = wrong_normalisation(colours)
    expect_equal_channels(colours[BLACK], asked, hint)
    expect_as_bright(colours[MIDDLE], asked, hint)
    black, middle = (float(np.median(colours[grey].mean(axis=1))) for grey in (BLACK, MIDDLE))
    expect(
        abs(black - middle) > 0.1,
        f"{asked}: other brightness if it is black than if it is grey, once x * std + mean is undone",
        f"{black:.2f} and {middle:.2f}",
        "the result shows the picture that it is given, about as bright as it is",
    )


def expect_equal_channels(black: np.ndarray, asked: str, hint: str) -> None:
    """In about as many draws of black (N, 3) a channel is above another as below it.

    A cast of colour that multiplies leaves black as it is, and one that adds goes one way as often as the other: at
    least a quarter of the draws lie on either side of grey. A wrong mean or standard deviation moves all of them.
    """
    for first, second in combinations(range(3), 2):
        lower, upper = np.quantile(black[:, first] - black[:, second], (0.25, 0.75))
        expect(
            lower < 0.02 and upper > -0.02,
            f"{asked}, black: equal channels once x * std + mean is undone",
            f"channels {np.median(black, axis=0).round(2)}, of a range of 1",
            hint,
        )


def expect_as_bright(middle: np.ndarray, asked: str, hint: str) -> None:
    """The median draw of mid-grey (N, 3) is about as bright as mid-grey."""
    level = np.median(middle.mean(axis=1)) / (MIDDLE / 255)
    expect(
        0.65 < level < 1.36,
        f"{asked}, grey {MIDDLE}: as bright on average, once x * std + mean is undone",
        f"brightness times {level:.2f}",
        BRIGHTNESS if 0.02 < level < 2 else hint,
    )


@pytest.mark.seeded
@pytest.mark.parametrize(
    ("height", "width", "size", "count"), [(100, 90, 64, 240), (96, 96, 64, 48), (90, 120, 224, 48)]
)
def test_training_draws_differ(student: Student, height: int, width: int, size: int, count: int) -> None:
    """the training transform is random: draws of the same picture differ"""
    image = textured_target(height, width)
    answer = ask_draws(student, "face_train_transform", image, size=size, count=count)
    alike = Counter(draw.tobytes() for draw in answer["images"]).most_common(1)[0][1]
    asked = f"face_train_transform, called {count} times on one picture"
    expect(
        alike < count,
        f"{asked}: results that differ",
        f"{count} equal results",
        f"each call sets the seed of {' and '.join(answer['reseeded'])}: set no seed"
        if answer["reseeded"]
        else "no step is random, or its draw is made once: draw in each call, set no seed there, and keep no result",
    )
    # A mirror image by the toss of a coin is the least that makes draws differ: half of them are alike.
    expect(
        alike < 0.8 * count or count < 100,
        f"{asked}: two draws differ",
        f"{alike} equal results",
        "change every picture, not one now and then: p is the probability with which a step is applied",
    )


@pytest.mark.about("face_eval_transform")
@pytest.mark.parametrize(("height", "width"), [(96, 96), (218, 178), (100, 260)])
def test_evaluation_is_deterministic(student: Student, height: int, width: int) -> None:
    """the evaluation transform gives the same result every time"""
    image = textured_target(height, width)
    images = ask_draws(student, "face_eval_transform", image, count=12)["images"]
    call = call_text("face_eval_transform", image)
    expect_darker(student, image, 96, images)
    expect(
        all(np.array_equal(images[0], other) for other in images),
        f"{call}, called 12 times: the same result",
        f"{len({draw.tobytes() for draw in images})} different results",
        "no random step belongs in the evaluation transform",
    )
    other = np.ascontiguousarray(255 - image.transpose(1, 0, 2))
    after = ask_draws(student, "face_eval_transform", image, count=1, before=other)["images"]
    expect(
        np.array_equal(images[0], after[0]),
        f"{call}, after one of {other.shape[0]} x {other.shape[1]}: the same result",
        "another result",
        "nothing of an image shows in later results: make a new canvas in each call, and keep none",
    )


def wrong_colours(colour: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    """The colours that common mistakes lead to, as shares of 255."""
    yield colour[::-1], "red and blue are exchanged: pictures are RGB, not BGR"
    yield np.full(3, colour @ (0.299, 0.587, 0.114)), "the colour is gone: the evaluation transform changes none"


@pytest.mark.about("face_eval_transform")
def test_evaluation_keeps_colours(student: Student) -> None:
    """the evaluation transform changes no colour, and neither brightness nor contrast"""
    for colour in ((220, 40, 100), (10, 90, 180), (0, 0, 0), (255, 255, 255), (120, 121, 122), (40, 20, 30)):
        expect_colour_kept(student, colour)
    expect_ramp_kept(student)
    expect_contrast_kept(student)


def expect_colour_kept(student: Student, colour: tuple[int, int, int]) -> None:
    image = constant_target(colour)
    expect_close(
        centres(ask_draws(student, "face_eval_transform", image, count=2)["images"]).mean(axis=(0, 1, 2)),
        np.array(colour) / 255,
        f"{call_text('face_eval_transform', image)} of colour {colour}, normalisation undone",
        "scale to [0, 1], normalise each of R, G, B with its own mean and standard deviation, no jitter; permute axes, "
        "do not reshape",
        mistakes=wrong_colours(np.array(colour) / 255),
        tolerance=0.005,
    )


def expect_ramp_kept(student: Student) -> None:
    """Neighbouring greys of a ramp stay neighbours."""
    ramp = np.repeat(np.linspace(0, 255, 128).astype("uint8")[None, :, None], 128, axis=0).repeat(3, axis=2)
    images = ask_draws(student, "face_eval_transform", ramp, size=128, count=1)["images"]
    row = centres(images, share=0.5)[0].mean(axis=(0, 2))
    step = np.abs(np.diff(row)).max()
    expect(
        step < 0.05,
        f"{call_text('face_eval_transform', ramp, 128)}, a ramp from black to white: a ramp",
        f"steps of {step:.2f}, of a range of 1",
        "no palette, no posterizing: the evaluation transform changes no colour",
    )


def expect_contrast_kept(student: Student) -> None:
    """Two greys keep their values."""
    image = halves_target()
    middle = centres(ask_draws(student, "face_eval_transform", image, count=1)["images"], share=0.5)
    expect_close(
        np.quantile(middle, (0.08, 0.92)),
        np.array([96, 160]) / 255,
        f"{call_text('face_eval_transform', image)}: its darker and its lighter grey, normalisation undone",
        "no change of contrast, no equalizing, no statistics of the picture itself",
        tolerance=0.01,
    )


def faces(
    student: Student,
    function: str,
    shape: tuple[int, int],
    size: int,
    *,
    greys: tuple[int, int] = STRONG,
    count: int = DRAWS,
    scale: int = 1,
) -> Iterator[tuple[str, np.ndarray, Face]]:
    """Each draw's name in messages, the denormalised draw (size, size, 3), and the face in it, wholly in view.

    Args:
        shape: height and width of the picture.
        scale: the picture and the size are so many times as large.
    """
    image, size = disc_target(scale * shape[0], scale * shape[1], greys), scale * size
    call = call_text(function, image, size)
    darker = image // 4  # given before, it must not show in the draws that follow
    # Large draws take long, and a few of them show most mistakes.
    for number_of_draws in sorted({count, count if scale == 1 else min(FEW_DRAWS, count)}):
        answer = ask_draws(student, function, image, size=size, count=number_of_draws, before=darker, scale=scale)
        for number, picture in enumerate(denormalised(answer["images"]), start=1):
            draw = f"draw {number} of {number_of_draws}"
            yield f"{call}, {draw}", picture, expect_face(picture, call, draw)


def expect_face(picture: np.ndarray, call: str, draw: str) -> Face:
    """The face of a denormalised draw, wholly in view."""
    face = find_face(picture)
    hint = NOT_INVERTED if face.problem == INVERTED else IN_VIEW
    if np.ptp(picture.mean(axis=-1)) < 0.36:  # both factors at 0.7
        hint += f"; or too little light or contrast is left: {BRIGHTNESS}; {CONTRAST}"
    expect(not face.problem, f"{call}: the central 60 % in view", f"{draw}: {face.problem}", hint)
    return face


def look_twice(check: Callable[[int], None]) -> None:
    """Check draws, and if they seem wrong, twice as large ones: zoomed out, a face may be too small to be seen.

    Args:
        check: takes the `scale` of `faces`.
    """
    with suppress(Unmet):
        check(1)
        return
    check(2)


@pytest.mark.about("face_eval_transform")
@pytest.mark.parametrize("size", [64, 96, 150])
@pytest.mark.parametrize(("height", "width"), ASPECTS)
def test_evaluation_is_centred(student: Student, height: int, width: int, size: int) -> None:
    """the middle of the picture is the middle of the result"""
    size = size_for_aspect(height, width, size)
    ((asked, picture, face),) = faces(student, "face_eval_transform", (height, width), size, count=1)
    down, across = np.abs((face.centre + 0.5) / len(picture) - 0.5)
    expect(
        across < 0.03 and down < 0.03,
        f"{asked}: centred",
        f"{across:.0%} off the middle across, {down:.0%} down",
        "crop centrally: Resize, then CenterCrop, not a crop at a corner",
    )


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), ASPECTS)
def test_the_whole_face_is_in_view(student: Student, function: str, height: int, width: int) -> None:
    """in every draw the central square of 60 % of the shorter side is wholly inside"""
    count = DRAWS if function == "face_train_transform" else 2
    size = size_for_aspect(height, width, 80)

    def expect_uncovered(scale: int) -> None:
        for asked, picture, face in faces(student, function, (height, width), size, count=count, scale=scale):
            covered = covered_share(picture, face)
            expect(
                covered < COVERED,
                f"{asked}: the central 60 % in view, a plain grey between the bright corners of its square",
                f"a sixteenth of it differs from the rest by {covered:.0%} of the distance to white",
                NOT_COVERED,
            )

    look_twice(expect_uncovered)


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), [(96, 96), (150, 150), (200, 170)])
def test_the_face_is_upright(student: Student, function: str, height: int, width: int) -> None:
    """within 30 degrees of upright, never upside down"""
    count = DRAWS if function == "face_train_transform" else 2

    def expect_upright(scale: int) -> None:
        for asked, _, face in faces(student, function, (height, width), 96, count=count, scale=scale):
            expect(
                face.tilt <= 34,  # 30, and the discs' centres known to half a pixel, squeezed by 200 : 170
                f"{asked}: turned by at most 30 degrees",
                f"{face.tilt:.0f} degrees",
                "a vertical flip, a rotation by more than 30 degrees, or rows and columns exchanged",
            )

    look_twice(expect_upright)


@pytest.mark.seeded
def test_brightness_and_contrast_vary_by_at_most_30_percent(student: Student) -> None:
    """training pictures are at most 30 % brighter or darker, and have at most 30 % more or less contrast"""

    def expect_small_factors(scale: int) -> None:
        draws = list(faces(student, "face_train_transform", (160, 160), 160, greys=WEAK, count=96, scale=scale))
        casts = max(colour_cast(picture, face) for _, picture, face in draws)
        for asked, picture, face in draws:
            expect_small_factor(exposure(picture, face, casts), asked)

    look_twice(expect_small_factors)


def expect_small_factor(ranges: Mapping[str, tuple[float, float]], asked: str) -> None:
    """Both factors may be within 30 % of 1.

    Args:
        ranges: the least and the greatest factor that explains a draw, of brightness and of contrast.
    """
    factors = {what: _nearest_to_1(*ends) for what, ends in ranges.items()}
    what = max(factors, key=lambda name: float(abs(np.log(factors[name]))))
    expect(
        # 3 points more than 30 %: discs are small, and what surrounds a face may be blurred into them.
        0.67 <= factors[what] <= 1.33,
        f"{asked}: {what} times a factor between 0.7 and 1.3",
        f"{what} times {factors[what]:.2f}",
        BRIGHTNESS if what == "brightness" else CONTRAST,
    )


def _nearest_to_1(least: float, greatest: float) -> float:
    """The number in a range that is nearest to 1; at least 0.01, as a factor has a logarithm."""
    return max(min(1.0, greatest), least, 0.01)
