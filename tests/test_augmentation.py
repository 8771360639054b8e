"""Q1-5: an augmentation that keeps the whole face in view."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from itertools import combinations

import numpy as np
import pytest

from grading.protocol.questions import StudentRaised

from .expect import Unmet, expect, expect_close
from .face_targets import (
    BOLD,
    COVERED,
    IMAGENET_MEAN,
    IMAGENET_STD,
    INVERTED,
    PALE,
    Face,
    cast,
    constant_target,
    denormalised,
    disc_target,
    exposure,
    face,
    halves_target,
    hidden,
    inside,
    textured_target,
)
from .raised import OTHERWISE, usual_meaning
from .strategies import Spec, moved_seed

pytestmark = [pytest.mark.q1_5, pytest.mark.about("face_train_transform")]

FUNCTIONS = ("face_train_transform", "face_eval_transform")
ASPECTS = [(96, 96), (64, 65), (218, 178), (120, 160), (100, 260), (281, 90)]
DRAWS, FEW = 48, 8
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


def drawn(
    student,
    function: str,
    image: np.ndarray,
    *,
    size: int | None = 96,
    count: int = DRAWS,
    before: np.ndarray | None = None,
    scale: int = 1,
) -> Spec:
    """Draws of one picture, of the right shape.

    Of a picture that is `scale` times as large, at as many times the size, with the same random numbers.
    """
    seed = moved_seed((1009 * image.shape[0] + 31 * image.shape[1] + (size or 0)) // scale)
    asked = {"function": function, "image": image, "size": size, "count": count, "seed": seed, "before": before}
    try:
        seen = student.ask("augmentation.draws", **asked)
    except StudentRaised as error:
        if not error.frames and usual_meaning(error) == OTHERWISE:
            error.add_note("hint:  an error inside the transform that was returned: is each step given what it takes?")
        raise
    side = 224 if size is None else size
    expect(
        seen["images"].shape == (count, 3, side, side),
        f"{called(function, image, size)}: shape (3, {side}, {side})",
        f"shape {seen['images'].shape[1:]}",
        _wrong_shape(seen["images"].shape[1:]),
    )
    expect(
        np.isfinite(seen["images"]).all(),
        f"{called(function, image, size)}: finite values",
        "NaN or infinite values",
        "divide by the standard deviation, which is never 0",
    )
    negative = student.ask("augmentation.draws", **{**asked, "image": 255 - image, "count": 1})["images"]
    expect(
        not np.array_equal(negative, seen["images"][:1]),
        f"{called(function, image, size)}: another result than for its negative",
        "the same result",
        "the result shows the picture that it is given: it is computed from it, in each call",
    )
    return seen


def _wrong_shape(shape: tuple[int, ...]) -> str:
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


def expect_seen(student, image: np.ndarray, size: int | None, seen: Spec) -> None:
    """A quarter as bright a picture has a darker result, also after the bright one."""
    dark = drawn(student, "face_eval_transform", image // 4, size=size, count=1, before=image)["images"].mean()
    expect(
        dark < seen["images"].mean() - 0.02,
        f"{called('face_eval_transform', image, size)}: a darker result for the picture at a quarter of its brightness",
        f"mean {dark:.3f} after {seen['images'].mean():.3f}",
        "the result shows the picture that it is given, about as bright as it is: scale to [0, 1] once; no inversion, "
        "no autocontrast, no equalizing, no statistics of the picture itself, nothing kept of the picture before",
    )


def called(function: str, image: np.ndarray, size: int | None = 96) -> str:
    return f"{function}({'' if size is None else size}) of a picture of {image.shape[0]} x {image.shape[1]}"


def legible(height: int, width: int, size: int = 96) -> int:
    """A size at which a long picture's face is as large as that of a square one at `size`, however it is fitted in."""
    return round(size * max(height, width) / min(height, width))


def centres(images: np.ndarray, share: float = 0.2) -> np.ndarray:
    """The middle of each denormalised draw, (N, k, k, 3)."""
    pictures = denormalised(images)
    side = pictures.shape[1]
    low, high = round(side * (0.5 - share / 2)), round(side * (0.5 + share / 2))
    return pictures[:, low:high, low:high]


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), ASPECTS)
@pytest.mark.parametrize("size", [64, 97, None])
def test_shape_and_dtype(student, function: str, height: int, width: int, size: int | None) -> None:
    """an RGB image of any aspect becomes a float32 tensor (3, size, size), 224 by default"""
    image = textured_target(height, width)
    seen = drawn(student, function, image, size=size, count=2)
    expect(
        seen["dtype"] == "float32",
        f"{called(function, image, size)}: float32",
        seen["dtype"],
        "convert to a float32 tensor in [0, 1] before normalising",
    )
    if function == "face_eval_transform":
        expect_seen(student, image, size, seen)


# What grey becomes once x * std + mean is undone, by mistake in the normalisation.
NORMALISATIONS = (
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


def wrong_normalisation(shown: Mapping[int, np.ndarray]) -> str:
    """The mistake that leads closest to what came back for some greys, if it explains most of what is wrong."""
    got = np.array([np.median(colours, axis=0) for colours in shown.values()])
    greys = np.array([np.full(3, grey / 255) for grey in shown])
    off, what = min((float(np.abs(got - become(greys)).max()), what) for become, what in NORMALISATIONS)
    if off < 0.4 * np.abs(got - greys).max():
        return f"{what}: {NORMALISE}"
    return f"{NORMALISE}; a cast of colour goes each way as often as the other"


def shown_of(student, function: str, grey: int) -> np.ndarray:
    """The colours (N, 3) of a grey in draws, normalisation undone."""
    if function == "face_train_transform":  # it may show the picture anywhere, and put anything around it
        images = drawn(student, function, disc_target(96, 96, (grey, 255)))["images"]
        seen = [(picture, face(picture)) for picture in denormalised(images)]
        colours = [np.median(inside(picture, one), axis=0) for picture, one in seen if not one.problem]
        if len(colours) > DRAWS / 2:
            return np.array(colours)
    count = DRAWS if function == "face_train_transform" else 1
    images = drawn(student, function, constant_target((grey,) * 3), count=count)["images"]
    return np.median(denormalised(images), axis=(1, 2))


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
def test_imagenet_normalised(student, function: str) -> None:
    """black is black and grey about as bright as it was, once ImageNet's mean and standard deviation are undone"""
    shown = {grey: shown_of(student, function, grey) for grey in (BLACK, SHADE, MIDDLE)}
    asked = f"{function}(96) of a picture of 96 x 96"
    hint = wrong_normalisation(shown)
    # A cast of colour that multiplies leaves black as it is, and one that adds goes one way as often as the other: a
    # quarter of the draws at least lie on either side of grey. A wrong constant moves all of them.
    for first, second in combinations(range(3), 2):
        least, greatest = np.quantile(shown[BLACK][:, first] - shown[BLACK][:, second], (0.25, 0.75))
        expect(
            least < 0.02 and greatest > -0.02,
            f"{asked}, black: equal channels once x * std + mean is undone",
            f"channels {np.median(shown[BLACK], axis=0).round(2)}, of a range of 1",
            hint,
        )
    level = np.median(shown[MIDDLE].mean(axis=1)) / (MIDDLE / 255)
    expect(
        0.65 < level < 1.36,
        f"{asked}, grey {MIDDLE}: as bright on average, once x * std + mean is undone",
        f"brightness times {level:.2f}",
        BRIGHTNESS if 0.02 < level < 2 else hint,
    )
    black, middle = (float(np.median(shown[grey].mean(axis=1))) for grey in (BLACK, MIDDLE))
    expect(
        abs(black - middle) > 0.1,
        f"{asked}: other brightness if it is black than if it is grey, once x * std + mean is undone",
        f"{black:.2f} and {middle:.2f}",
        "the result shows the picture that it is given, about as bright as it is",
    )


@pytest.mark.seeded
@pytest.mark.parametrize(
    ("height", "width", "size", "count"), [(100, 90, 64, 240), (96, 96, 64, 48), (90, 120, 224, 48)]
)
def test_training_draws_differ(student, height: int, width: int, size: int, count: int) -> None:
    """the training transform is random: draws of the same picture differ"""
    image = textured_target(height, width)
    seen = drawn(student, "face_train_transform", image, size=size, count=count)
    alike = Counter(draw.tobytes() for draw in seen["images"]).most_common(1)[0][1]
    expect(
        alike < count,
        f"face_train_transform, called {count} times on one picture: results that differ",
        f"{count} equal results",
        f"each call sets the seed of {' and '.join(seen['reseeded'])}: set no seed"
        if seen["reseeded"]
        else "no step is random, or its draw is made once: draw in each call, set no seed there, and keep no result",
    )
    # A mirror image by the toss of a coin is the least that makes draws differ: half of them are alike.
    expect(
        alike < 0.8 * count or count < 100,
        f"face_train_transform, called {count} times on one picture: two draws differ",
        f"{alike} equal results",
        "change every picture, not one now and then: p is the probability with which a step is applied",
    )


@pytest.mark.about("face_eval_transform")
@pytest.mark.parametrize(("height", "width"), [(96, 96), (218, 178), (100, 260)])
def test_evaluation_is_deterministic(student, height: int, width: int) -> None:
    """the evaluation transform gives the same result every time"""
    image = textured_target(height, width)
    images = drawn(student, "face_eval_transform", image, count=12)["images"]
    expect_seen(student, image, 96, {"images": images})
    expect(
        all(np.array_equal(images[0], other) for other in images),
        f"{called('face_eval_transform', image)}, called 12 times: the same result",
        f"{len({draw.tobytes() for draw in images})} different results",
        "no random step belongs in the evaluation transform",
    )
    other = np.ascontiguousarray(255 - image.transpose(1, 0, 2))
    after = drawn(student, "face_eval_transform", image, count=1, before=other)["images"]
    expect(
        np.array_equal(images[0], after[0]),
        f"{called('face_eval_transform', image)}, after one of {other.shape[0]} x {other.shape[1]}: the same result",
        "another result",
        "nothing of an image shows in later results: make a new canvas in each call, and keep none",
    )


def wrong_colours(colour: np.ndarray) -> Iterator[tuple[np.ndarray, str]]:
    yield colour[::-1], "red and blue are exchanged: pictures are RGB, not BGR"
    yield np.full(3, colour @ (0.299, 0.587, 0.114)), "the colour is gone: the evaluation transform changes none"


@pytest.mark.about("face_eval_transform")
def test_evaluation_keeps_colours(student) -> None:
    """the evaluation transform changes no colour, and neither brightness nor contrast"""
    for colour in ((220, 40, 100), (10, 90, 180), (0, 0, 0), (255, 255, 255), (120, 121, 122), (40, 20, 30)):
        image = constant_target(colour)
        expect_close(
            centres(drawn(student, "face_eval_transform", image, count=2)["images"]).mean(axis=(0, 1, 2)),
            np.array(colour) / 255,
            f"{called('face_eval_transform', image)} of colour {colour}, normalisation undone",
            "scale to [0, 1], normalise each of R, G, B with its own mean and standard deviation, no jitter; permute "
            "axes, do not reshape",
            mistakes=wrong_colours(np.array(colour) / 255),
            tolerance=0.005,
        )
    ramp = np.repeat(np.linspace(0, 255, 128).astype("uint8")[None, :, None], 128, axis=0).repeat(3, axis=2)
    row = centres(drawn(student, "face_eval_transform", ramp, size=128, count=1)["images"], share=0.5)[0].mean(
        axis=(0, 2)
    )
    expect(
        np.abs(np.diff(row)).max() < 0.05,
        f"{called('face_eval_transform', ramp, 128)}, a ramp from black to white: a ramp",
        f"steps of {np.abs(np.diff(row)).max():.2f}, of a range of 1",
        "no palette, no posterizing: the evaluation transform changes no colour",
    )
    image = halves_target()
    middle = centres(drawn(student, "face_eval_transform", image, count=1)["images"], share=0.5)
    expect_close(
        np.quantile(middle, (0.08, 0.92)),
        np.array([96, 160]) / 255,
        f"{called('face_eval_transform', image)}: its darker and its lighter grey, normalisation undone",
        "no change of contrast, no equalizing, no statistics of the picture itself",
        tolerance=0.01,
    )


def faces(
    student,
    function: str,
    shape: tuple[int, int],
    size: int,
    *,
    greys: tuple[int, int] = BOLD,
    count: int = DRAWS,
    scale: int = 1,
) -> Iterator[tuple[str, np.ndarray, Face]]:
    """What was asked, each denormalised draw, and the face in it, which is wholly in view."""
    image, size = disc_target(scale * shape[0], scale * shape[1], greys), scale * size
    before = image // 4  # a darker picture, which must not show in the draws that follow it
    # Large draws take long, and a few tell most mistakes.
    for first in sorted({count, count if scale == 1 else min(FEW, count)}):
        images = drawn(student, function, image, size=size, count=first, before=before, scale=scale)["images"]
        for number, picture in enumerate(denormalised(images), start=1):
            asked, draw, seen = called(function, image, size), f"draw {number} of {first}", face(picture)
            hint = NOT_INVERTED if seen.problem == INVERTED else IN_VIEW
            if np.ptp(picture.mean(axis=-1)) < 0.36:  # both factors at 0.7
                hint += f"; or too little light or contrast is left: {BRIGHTNESS}; {CONTRAST}"
            expect(not seen.problem, f"{asked}: the central 60 % in view", f"{draw}: {seen.problem}", hint)
            yield f"{asked}, {draw}", picture, seen


def look_twice(check: Callable[[int], None]) -> None:
    """Check draws, and if they seem wrong, twice as large ones: zoomed out, a face may be too small to be seen."""
    with suppress(Unmet):
        check(1)
        return
    check(2)


@pytest.mark.about("face_eval_transform")
@pytest.mark.parametrize("size", [64, 96, 150])
@pytest.mark.parametrize(("height", "width"), ASPECTS)
def test_evaluation_is_centred(student, height: int, width: int, size: int) -> None:
    """the middle of the picture is the middle of the result"""
    size = legible(height, width, size)
    ((asked, picture, seen),) = faces(student, "face_eval_transform", (height, width), size, count=1)
    # The discs of each pair stand level at equal distance from the middle.
    down, across = np.abs((seen.centre + 0.5) / len(picture) - 0.5)
    expect(
        across < 0.03 and down < 0.03,
        f"{asked}: centred",
        f"{across:.0%} off the middle across, {down:.0%} down",
        "crop centrally: Resize, then CenterCrop, not a crop at a corner",
    )


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), ASPECTS)
def test_the_whole_face_is_in_view(student, function: str, height: int, width: int) -> None:
    """in every draw the central square of 60 % of the shorter side is wholly inside"""
    count = DRAWS if function == "face_train_transform" else 2

    def in_view(scale: int) -> None:
        draws = faces(student, function, (height, width), legible(height, width, 80), count=count, scale=scale)
        for asked, picture, seen in draws:
            covered = hidden(picture, seen)
            expect(
                covered < COVERED,
                f"{asked}: the central 60 % in view, a plain grey between the bright corners of its square",
                f"a sixteenth of it differs from the rest by {covered:.0%} of the distance to white",
                NOT_COVERED,
            )

    look_twice(in_view)


@pytest.mark.seeded
@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize(("height", "width"), [(96, 96), (150, 150), (200, 170)])
def test_the_face_is_upright(student, function: str, height: int, width: int) -> None:
    """within 30 degrees of upright, never upside down"""

    count = DRAWS if function == "face_train_transform" else 2

    def upright(scale: int) -> None:
        for asked, _, seen in faces(student, function, (height, width), 96, count=count, scale=scale):
            expect(
                seen.tilt <= 34,  # 30, and the discs' centres known to half a pixel, squeezed by 200 : 170
                f"{asked}: turned by at most 30 degrees",
                f"{seen.tilt:.0f} degrees",
                "a vertical flip, a rotation by more than 30 degrees, or rows and columns exchanged",
            )

    look_twice(upright)


@pytest.mark.seeded
def test_brightness_and_contrast_vary_by_at_most_30_percent(student) -> None:
    """training pictures are at most 30 % brighter or darker, and have at most 30 % more or less contrast"""

    def within(scale: int) -> None:
        draws = faces(student, "face_train_transform", (160, 160), 160, greys=PALE, count=96, scale=scale)
        seen = [(asked, picture, one) for asked, picture, one in draws]
        casts = max(cast(picture, one) for _, picture, one in seen)
        for asked, picture, one in seen:
            factors = {what: _nearest_to_1(*ends) for what, ends in exposure(picture, one, casts).items()}
            what = max(factors, key=lambda name: abs(np.log(factors[name])))
            expect(
                # 3 points more than 30 %: discs are small, and what surrounds a face may be blurred into them.
                0.67 <= factors[what] <= 1.33,
                f"{asked}: {what} times a factor between 0.7 and 1.3",
                f"{what} times {factors[what]:.2f}",
                BRIGHTNESS if what == "brightness" else CONTRAST,
            )

    look_twice(within)


def _nearest_to_1(least: float, greatest: float) -> float:
    return max(min(1.0, greatest), least, 0.01)
