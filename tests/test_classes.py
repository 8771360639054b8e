"""Q2-3: merging classes."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .expect import expect, expect_close
from .strategies import LAYOUTS, SHAPES, Spec, label_arrays

pytestmark = pytest.mark.q2_3


@st.composite
def reductions(draw: st.DrawFn) -> Spec:
    """Labels, some without a rule, and a mapping whose new labels are old labels too."""
    dtype = draw(st.sampled_from(["uint8", "int64"]))
    wide = [-100, -1, 256, 1000] if dtype == "int64" else []
    ignore_index = draw(st.sampled_from([None, 0, 5, 254, *wide]))
    labels = draw(st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True))
    labels += draw(st.lists(st.sampled_from([255, *wide, ignore_index or 0]), max_size=3))
    keys = draw(st.lists(st.sampled_from([*labels, 3, 7, 11]), max_size=6, unique=True))
    values = draw(st.lists(st.integers(0, 12), min_size=len(keys), max_size=len(keys)))
    return {
        "labels": draw(label_arrays(draw(SHAPES), labels, dtype)),
        "mapping": [list(pair) for pair in zip(keys, values, strict=True)],
        "ignore_index": ignore_index,
        "layout": draw(LAYOUTS),
    }


def reduced(given: Spec) -> np.ndarray:
    """The definition: `mapping[label]`, one label at a time."""
    mapping = dict(given["mapping"])
    other = 255 if given["ignore_index"] is None else given["ignore_index"]
    flat = [mapping.get(int(label), other) for label in given["labels"].ravel()]
    return np.array(flat, dtype="int64").reshape(given["labels"].shape)


def told(given: Spec) -> str:
    mapping = dict(given["mapping"])
    ignore = "" if given["ignore_index"] is None else f", ignore_index={given['ignore_index']}"
    return f"reduce_classes({given['labels'].dtype} {given['labels'].tolist()}, {mapping}{ignore})"


def expect_reduced(seen: Spec, given: Spec) -> None:
    """The labels that the definition gives."""
    right, got = reduced(given), seen["labels"]
    hint = "look every label up in `mapping`, in the labels as they were given"
    if got.shape == right.shape:
        without_rule = ~np.isin(given["labels"], [old for old, _ in given["mapping"]])
        special = [label for label in (255, given["ignore_index"]) if label is not None]
        wrong = got != right
        if wrong.any() and any(np.array_equal(got, chained) for chained in one_rule_after_another(given)):
            hint = "rules are applied one after another to what earlier rules have changed: read from the original"
        elif (wrong & without_rule).any():
            hint = "a label that is not a key becomes ignore_index (255 by default), whatever the label is"
        elif np.isin(given["labels"][wrong], special).all():
            hint = "a key of `mapping` has a rule, also where it is ignore_index or 255"
    expect_close(got, right, told(given), hint)


def one_rule_after_another(given: Spec) -> tuple[np.ndarray, np.ndarray]:
    """What comes out where each rule is applied to the result of the earlier ones, and the others last, or first."""
    keys = [old for old, _ in given["mapping"]]
    last = given["labels"].astype("int64")
    first = np.where(np.isin(last, keys), last, reduced(given))
    for labels in (last, first):
        for old, new in given["mapping"]:
            labels[labels == old] = new
    return np.where(np.isin(given["labels"], keys), last, reduced(given)), first


@settings(max_examples=60)
@given(given_=reductions())
def test_every_label_is_mapped(student, given_: Spec) -> None:
    """pointwise mapping[label]; a label that is not a key becomes ignore_index"""
    expect_reduced(student.ask("classes.reduce", **given_), given_)


@given(given_=reductions())
def test_dtype_is_kept(student, given_: Spec) -> None:
    """the result has the labels' dtype"""
    seen = student.ask("classes.reduce", **given_)
    expect_reduced(seen, given_)
    expect(
        seen["dtype"] == str(given_["labels"].dtype),
        f"{told(given_)}: dtype {given_['labels'].dtype}",
        seen["dtype"],
        "convert back, or start from torch.full_like(labels, ...)",
    )


@given(given_=reductions())
def test_input_is_untouched(student, given_: Spec) -> None:
    """the labels that were given stay as they are"""
    seen = student.ask("classes.reduce", **given_)
    expect_close(seen["input"], given_["labels"], f"the input after {told(given_)}", "write into a new tensor")
    expect_reduced(seen, given_)


@pytest.mark.parametrize("ignore_index", [255, 3, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_a_rule_for_the_ignored_label(student, dtype: str, ignore_index: int) -> None:
    """a key that equals ignore_index, or 255, is mapped like any other"""
    labels = np.array([[0, 3, 255], [1, 4, 7]], dtype=dtype)
    mapping = [[0, 1], [3, 2], [255, 3], [1, 4]]
    given = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
    expect_reduced(student.ask("classes.reduce", **given), given)


@pytest.mark.parametrize("ignore_index", [None, -100])
def test_labels_that_no_byte_holds(student, ignore_index: int | None) -> None:
    """int64 labels below 0 and above 255, with and without a rule"""
    labels = np.array([-(2**40), -100, -1, 0, 1, 156, 255, 256, 257, 1000, 2**40])
    for mapping in ([[0, 1], [1, 0]], [[-1, 5], [1000, 7], [1, 300]]):
        given = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
        seen = student.ask("classes.reduce", **given)
        expect_close(
            seen["labels"],
            reduced(given),
            told(given),
            "an int64 label may be negative or large: do not index a table with it, clamp it or pass it through uint8",
        )


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_swap(student, dtype: str) -> None:
    """{0: 1, 1: 0} swaps two classes"""
    labels = np.array([[0, 1, 0], [1, 1, 2]], dtype=dtype)
    seen = student.ask("classes.reduce", labels=labels, mapping=[[0, 1], [1, 0], [2, 2]])
    expect_close(
        seen["labels"],
        [[1, 0, 1], [0, 0, 2]],
        "reduce_classes([[0, 1, 0], [1, 1, 2]], {0: 1, 1: 0, 2: 2})",
        "applying one rule after another in place turns 0 into 1 and back into 0",
    )


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_camvid_to_three_groups(student, dtype: str) -> None:
    """the 11 CamVid classes merge into 3, void becomes 255"""
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    groups = [[old, new] for old, new in enumerate([0, 0, 2, 1, 1, 0, 2, 2, 2, 2, 2])]
    seen = student.ask("classes.reduce", labels=labels, mapping=groups)
    expect_close(
        seen["labels"],
        [[0, 0, 2, 1], [1, 0, 2, 2], [2, 2, 2, 255]],
        "reduce_classes(0..11, 11 classes into 3 groups)",
        "label 11 is void: it has no rule, so it becomes ignore_index, 255 by default",
    )


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_shape(student, shape: tuple[int, ...], dtype: str) -> None:
    """any shape, scalars and empty tensors too"""
    filled = tuple(side or 1 for side in shape)  # a tensor without elements tells little on its own
    for sides, old, new in ((filled, 4, 1), (filled, 6, 2), (shape, 4, 1)):
        labels = np.full(sides, old, dtype=dtype)
        seen = student.ask("classes.reduce", labels=labels, mapping=[[4, 1], [6, 2]])
        expect_close(
            seen["labels"],
            np.full(sides, new),
            f"reduce_classes(labels {old} of shape {sides}, {{4: 1, 6: 2}})",
            "nothing in the rule depends on the number of dimensions or of elements",
        )


def test_benchmark_reduce_classes(student, benchmark) -> None:
    """one label image of CamVid's size is reduced, and how long that takes"""
    labels = np.random.default_rng(0).integers(0, 12, (360, 480)).astype("uint8")
    mapping = [[old, old % 3] for old in range(11)]
    seen = benchmark(student.ask, "classes.reduce", labels=labels, mapping=mapping)
    expect_close(
        seen["labels"],
        reduced({"labels": labels, "mapping": mapping, "ignore_index": None}),
        "reduce_classes(a 360 x 480 label image, old -> old % 3)",
        "look every label up in the original",
    )
