"""Q2-3: merging classes."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from .expect import accepted, expect, expect_close, told_labels
from .strategies import LAYOUTS, SHAPES, Spec, label_arrays

pytestmark = [pytest.mark.q2_3, pytest.mark.about("reduce_classes")]


@st.composite
def reductions(draw: st.DrawFn) -> Spec:
    """Labels, some without a rule, and a mapping whose new labels are old labels too; all of them from 0 to 255."""
    ignore_index = draw(st.sampled_from([None, 0, 5, 254]))
    labels = draw(st.lists(st.integers(0, 12), min_size=1, max_size=6, unique=True))
    labels += draw(st.lists(st.sampled_from([128, 254, 255, ignore_index or 0]), max_size=3))
    keys = draw(st.lists(st.sampled_from([*labels, 3, 7, 11, 200]), max_size=6, unique=True))
    new = st.one_of(st.integers(0, 12), st.sampled_from([128, 254, 255]))
    values = draw(st.lists(new, min_size=len(keys), max_size=len(keys)))
    return {
        "labels": draw(label_arrays(draw(SHAPES), labels, draw(st.sampled_from(["uint8", "int64"])))),
        "mapping": [list(pair) for pair in zip(keys, values, strict=True)],
        "ignore_index": ignore_index,
        "layout": draw(LAYOUTS),
    }


def looked_up(labels: np.ndarray, mapping: dict[int, int], other: int) -> np.ndarray:
    """The definition: `mapping[label]`, one label at a time."""
    flat = [mapping.get(int(label), other) for label in labels.ravel()]
    return np.array(flat, dtype="int64").reshape(labels.shape)


def ignored_label(given: Spec) -> int:
    return 255 if given.get("ignore_index") is None else given["ignore_index"]


def reduced(given: Spec) -> np.ndarray:
    return looked_up(given["labels"], dict(given["mapping"]), ignored_label(given))


def told(given: Spec) -> str:
    mapping = dict(given["mapping"])
    ignore = "" if given.get("ignore_index") is None else f", ignore_index={given['ignore_index']}"
    layout = given.get("layout", "contiguous")
    view = "" if layout == "contiguous" else f", a {layout} view"
    return f"reduce_classes({told_labels(given['labels'])}{view}, {mapping}{ignore})"


def expect_reduced(seen: Spec, given: Spec, hint: str = "look every label up in `mapping`, as it was given") -> None:
    """The labels that the definition gives, whatever their dtype."""
    right, got = reduced(given), seen["labels"]
    expect(isinstance(got, np.ndarray), f"{told(given)}: a tensor", type(got).__name__, "return the labels as a tensor")
    guesses = mistakes(given)
    if got.shape != right.shape:
        hint = "keep the shape of the labels: nothing depends on the number of axes or of elements"
    elif not np.array_equal(seen["input"], given["labels"]):
        guesses = iter(())  # they all suppose that each rule has read the labels that were given
        hint = "the labels that were given are overwritten on the way: write into a new tensor"
        if np.array_equal(got, seen["input"]):
            hint = (
                "rules are written into the labels that were given, and later rules read what earlier ones have "
                "written: write into a new tensor, that of ignore_index, and read the labels"
            )
    else:
        wrong, known = got != right, np.isin(given["labels"], [old for old, _ in given["mapping"]])
        if not (wrong & known).any():
            hint = "a label that is not a key becomes ignore_index, whatever the label is: 255 if none is given"
        elif np.array_equal(wrong, known) and (got == ignored_label(given)).all():
            hint = "no key is found: an element of a tensor is no int, so look up int(label), or labels.tolist()"
        elif not (wrong & ~known).any() and (got[wrong] == ignored_label(given)).all():
            hint = "keys of `mapping` are taken for labels without a rule: is a search or a table one place off?"
    expect_close(got, right, told(given), hint, mistakes=guesses)


def mistakes(given: Spec) -> Iterator[tuple[np.ndarray, str]]:
    """What common mistakes make of the labels, most telling first."""
    mapping, labels, right, other = dict(given["mapping"]), given["labels"], reduced(given), ignored_label(given)
    known = np.isin(labels, list(mapping))
    for instead, what in ((labels, "keeps its value"), (0, "becomes 0"), (-100, "becomes -100"), (156, "becomes -100")):
        yield np.where(known, right, instead), f"a label that is not a key {what}: it must become ignore_index"
    yield np.where(known, right, 255), "use the ignore_index that is given: 255 is only its default"
    yield (
        np.where(known & (right == 0), other, right),
        "a new label of 0 is no missing rule: `if new` takes it for one",
    )
    for chained in one_rule_after_another(given):
        yield chained, "rules are applied one after another to what earlier rules have changed: read from the original"
    yield (
        np.where(known & (right == labels), other, right),
        "a rule may map a label to itself: what is as before need not be without a rule",
    )
    backwards = {new: old for old, new in mapping.items()}
    yield looked_up(labels, backwards, other), "`mapping` leads from old labels to new ones: here it is read backwards"
    special = known & np.isin(labels, [255, other])
    for kept in (labels, other):
        yield np.where(special, kept, right), "a key of `mapping` has a rule, also where it is ignore_index or 255"
    yield np.where(known & (right == 255), other, right), NO_MARK
    for numbers in (sorted(set(mapping.values())), [new for _, new in mapping.items()]):
        ranks = {old: numbers.index(new) for old, new in mapping.items()}
        yield (
            looked_up(labels, ranks, other),
            "the new labels are the mapping's values, not their ranks",
        )
    places = {old: place for place, old in enumerate(mapping)}
    yield looked_up(labels, places, other), "the new labels are the mapping's values, not their ranks"


NO_MARK = "255 may be a new label too: it is not free to mark labels without a rule"


def one_rule_after_another(given: Spec) -> Iterator[np.ndarray]:
    """What comes out where a rule is applied to the result of earlier ones."""
    mapping, other = dict(given["mapping"]), ignored_label(given)
    known = np.isin(given["labels"], list(mapping))
    labels = given["labels"].astype("int64")
    for filled_first in (False, True):  # whether labels without a rule are ignored before the rules or after them
        result = reduced(given) if filled_first else labels.copy()
        result[known] = labels[known]
        for old, new in mapping.items():
            result[result == old] = new
        yield result if filled_first else np.where(known, result, other)
    again = looked_up(reduced(given), mapping, other)
    yield np.where(known & np.isin(reduced(given), list(mapping)), again, reduced(given))


GROUPS = [[old, new] for old, new in enumerate([0, 0, 2, 1, 1, 0, 2, 2, 2, 2, 2])]
FOUR = {"labels": np.array([[4, 9], [6, 5]], "uint8"), "mapping": GROUPS}


def expect_right(student, given: Spec, hint: str = "look every label up in `mapping`, as it was given") -> Spec:
    """The labels that the definition gives, and those of four other labels: no constant is right twice."""
    seen = student.ask("classes.reduce", **given)
    expect_reduced(seen, given, hint)
    expect_depends(student)
    return seen


def expect_depends(student) -> None:
    """The labels that the definition gives for four labels, which are none that another test asks for."""
    expect_reduced(student.ask("classes.reduce", **FOUR), FOUR)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_camvid_to_three_groups(student, dtype: str) -> None:
    """the 11 CamVid classes merge into 3, void becomes 255"""
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    given_ = {"labels": labels, "mapping": GROUPS}
    expect_right(student, given_)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_swap(student, dtype: str) -> None:
    """{0: 1, 1: 0} swaps two classes"""
    labels = np.array([[0, 1, 0], [1, 1, 2]], dtype=dtype)
    given_ = {"labels": labels, "mapping": [[0, 1], [1, 0], [2, 2]]}
    expect_right(student, given_)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_rules_in_any_order(student, dtype: str) -> None:
    """rules may stand in any order, and their keys need not be neighbours"""
    labels = np.array([[1, 4, 9], [2, 6, 3]], dtype=dtype)
    given_ = {"labels": labels, "mapping": [[9, 4], [2, 7], [6, 3], [1, 5]]}
    hint = "each key goes with its own value: do not sort keys without their values, nor search in unsorted ones"
    expect_right(student, given_, hint)


@pytest.mark.parametrize("ignore_index", [None, 0, 7, 254])
@pytest.mark.parametrize("mapping", [[], [[3, 1]], [[1, 4], [6, 2]], [[0, 0], [1, 1], [2, 2]]])
def test_labels_without_a_rule(student, ignore_index: int | None, mapping: list) -> None:
    """a label that is not a key becomes ignore_index, 255 if none is given"""
    labels = np.array([[0, 1, 2, 3], [4, 5, 6, 200]], dtype="uint8")
    given_ = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
    hint = "a label that is not a key becomes ignore_index, whatever the label is, also between and beyond the keys"
    expect_right(student, given_, hint)


@pytest.mark.parametrize("ignore_index", [255, 3, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_a_rule_for_the_ignored_label(student, dtype: str, ignore_index: int) -> None:
    """a key that equals ignore_index, or 255, is mapped like any other"""
    labels = np.array([[0, 3, 255], [1, 4, 7]], dtype=dtype)
    mapping = [[0, 1], [3, 2], [255, 3], [1, 4]]
    given_ = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
    expect_right(student, given_)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_shape(student, shape: tuple[int, ...], dtype: str) -> None:
    """any shape, scalars and empty tensors too"""
    filled = tuple(side or 1 for side in shape)  # a tensor without elements tells little on its own
    for sides, old in ((filled, 4), (filled, 6), (shape, 4)):
        given_ = {"labels": np.full(sides, old, dtype=dtype), "mapping": [[4, 1], [6, 2]]}
        expect_right(student, given_)


@pytest.mark.parametrize("layout", ["transposed", "strided"])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_memory_layout(student, dtype: str, layout: str) -> None:
    """labels may be a view of other memory: transposed, or every second element"""
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    given_ = {"labels": labels, "mapping": [[old, old % 5] for old in range(12)], "layout": layout}
    hint = "pixels are scrambled: labels that are a view need not lie in memory in their order; reshape, do not view"
    expect_right(student, given_, hint)


@pytest.mark.parametrize("new", [255, 254, 7, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_new_label(student, dtype: str, new: int) -> None:
    """a new label may be 255, 0, or what another label is"""
    given_ = {"labels": np.array([1, 2, 3, 7], dtype), "mapping": [[1, new], [2, 0]], "ignore_index": 9}
    expect_right(student, given_, NO_MARK)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_the_mapping_is_any_mapping(student, dtype: str) -> None:
    """the mapping is read only: it need not be a dict, and stays as it was"""
    given_ = {"labels": np.array([[0, 1], [2, 3]], dtype), "mapping": [[0, 2], [2, 0]]}
    seen = expect_right(student, given_)
    expect(
        seen["mapping"] == given_["mapping"],
        f"{told(given_)}: the mapping stays {dict(given_['mapping'])}",
        dict(seen["mapping"]),
        "do not write into the caller's mapping: mapping.get(label, ignore_index) reads, setdefault and pop write",
    )
    with accepted("any Mapping is allowed, also one that is no dict: use only [], in, get, keys, values and items"):
        read_only = student.ask("classes.reduce", **given_, read_only=True)
    expect_reduced(read_only, given_)


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
        "keep the dtype of the labels: convert back, or start from torch.full_like(labels, ...)",
    )


@given(given_=reductions())
def test_input_is_untouched(student, given_: Spec) -> None:
    """the labels that were given stay as they are"""
    seen = student.ask("classes.reduce", **given_)
    expect_close(seen["input"], given_["labels"], f"the input after {told(given_)}", "write into a new tensor")
    expect_reduced(seen, given_)


def test_benchmark_reduce_classes(student, benchmark) -> None:
    """one label image of CamVid's size is reduced, and how long that takes"""
    labels = np.random.default_rng(0).integers(0, 12, (360, 480)).astype("uint8")
    mapping = [[old, old % 3] for old in range(11)]
    seen = benchmark(student.ask, "classes.reduce", labels=labels, mapping=mapping)
    expect_close(
        seen["labels"],
        reduced({"labels": labels, "mapping": mapping}),
        "reduce_classes(a 360 x 480 label image, old -> old % 3)",
        "look every label up in the original",
    )
    expect_depends(student)
