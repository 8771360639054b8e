"""Q2-3: merging classes."""

from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_benchmark.fixture import BenchmarkFixture

from grading.protocol.questions import Student
from grading.protocol.wire import Plain

from .expect import accepted, expect, expect_close, told_labels
from .strategies import LAYOUTS, SHAPES, Spec, label_arrays

pytestmark = [pytest.mark.q2_3, pytest.mark.about("reduce_classes")]

GROUPS = [[old, new] for old, new in enumerate([0, 0, 2, 1, 1, 0, 2, 2, 2, 2, 2])]
FOUR: Spec = {"labels": np.array([[4, 9], [6, 5]], "uint8"), "mapping": GROUPS}
LOOK_UP = "look every label up in `mapping`, as it was given"
NO_MARK = "255 may be a new label too: it is not free to mark labels without a rule"
NOT_RANKS = "the new labels are the mapping's values, not their ranks"
Guesses = Iterator[tuple[np.ndarray, str]]  # the labels that a mistake leads to, and how to tell a student


@st.composite
def reductions(draw: st.DrawFn) -> Spec:
    """Arguments of `reduce_classes`, all labels in [0, 255].

    Some labels have no rule, and some new labels are old labels too.
    """
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


def look_up(labels: np.ndarray, mapping: dict[int, int], other: int) -> np.ndarray:
    """`mapping[label]` for one label at a time, int64; `other` for a label that is not a key."""
    flat = [mapping.get(int(label), other) for label in labels.ravel()]
    return np.array(flat, dtype="int64").reshape(labels.shape)


def ignored_label(arguments: Spec) -> int:
    label: int | None = arguments.get("ignore_index")
    return 255 if label is None else label


def by_definition(arguments: Spec) -> np.ndarray:
    """The right labels, int64."""
    return look_up(arguments["labels"], dict(arguments["mapping"]), ignored_label(arguments))


def call_text(arguments: Spec) -> str:
    mapping, ignore_index = dict(arguments["mapping"]), arguments.get("ignore_index")
    ignore = "" if ignore_index is None else f", ignore_index={ignore_index}"
    layout = arguments.get("layout", "contiguous")
    view = "" if layout == "contiguous" else f", a {layout} view"
    return f"reduce_classes({told_labels(arguments['labels'])}{view}, {mapping}{ignore})"


def expect_reduced(answer: Plain, arguments: Spec, hint: str = LOOK_UP) -> None:
    """The labels that the definition gives, whatever their dtype."""
    right, got, call = by_definition(arguments), answer["labels"], call_text(arguments)
    expect(isinstance(got, np.ndarray), f"{call}: a tensor", type(got).__name__, "return the labels as a tensor")
    is_overwritten = got.shape == right.shape and not np.array_equal(answer["input"], arguments["labels"])
    # All guesses suppose that each rule has read the labels that were given.
    guesses = iter(()) if is_overwritten else mistakes(arguments)
    hint = _wrong_labels(answer, arguments) or hint
    expect_close(got, right, call, hint, mistakes=guesses)


def _wrong_labels(answer: Plain, arguments: Spec) -> str:
    """What is probably wrong, from where labels are wrong; empty if that does not tell."""
    right, got, ignored = by_definition(arguments), answer["labels"], ignored_label(arguments)
    if got.shape != right.shape:
        return "keep the shape of the labels: nothing depends on the number of axes or of elements"
    if not np.array_equal(answer["input"], arguments["labels"]):
        if np.array_equal(got, answer["input"]):
            return (
                "rules are written into the labels that were given, and later rules read what earlier ones have "
                "written: write into a new tensor, that of ignore_index, and read the labels"
            )
        return "the labels that were given are overwritten on the way: write into a new tensor"
    wrong, has_rule = got != right, np.isin(arguments["labels"], [old for old, _ in arguments["mapping"]])
    if not (wrong & has_rule).any():
        return "a label that is not a key becomes ignore_index, whatever the label is: 255 if none is given"
    if np.array_equal(wrong, has_rule) and (got == ignored).all():
        return "no key is found: an element of a tensor is no int, so look up int(label), or labels.tolist()"
    if not (wrong & ~has_rule).any() and (got[wrong] == ignored).all():
        return "keys of `mapping` are taken for labels without a rule: is a search or a table one place off?"
    return ""


def mistakes(arguments: Spec) -> Guesses:
    """What common mistakes make of the labels, the most telling first."""
    mapping, labels, other = dict(arguments["mapping"]), arguments["labels"], ignored_label(arguments)
    right, has_rule = by_definition(arguments), np.isin(labels, list(mapping))
    yield from _wrong_without_rule(arguments)
    zero_lost = np.where(has_rule & (right == 0), other, right)
    yield zero_lost, "a new label of 0 is no missing rule: `if new` takes it for one"
    for chained in one_rule_after_another(arguments):
        yield chained, "rules are applied one after another to what earlier rules have changed: read from the original"
    unchanged_lost = np.where(has_rule & (right == labels), other, right)
    yield unchanged_lost, "a rule may map a label to itself: what is as before need not be without a rule"
    backwards = look_up(labels, {new: old for old, new in mapping.items()}, other)
    yield backwards, "`mapping` leads from old labels to new ones: here it is read backwards"
    special = has_rule & np.isin(labels, [255, other])
    for instead in (labels, other):
        yield (
            np.where(special, instead, right),
            "a key of `mapping` has a rule, also where it is ignore_index or 255",
        )
    yield np.where(has_rule & (right == 255), other, right), NO_MARK
    yield from _ranks(arguments)


def _wrong_without_rule(arguments: Spec) -> Guesses:
    """Something else than ignore_index for the labels that have no rule."""
    labels, right = arguments["labels"], by_definition(arguments)
    has_rule = np.isin(labels, list(dict(arguments["mapping"])))
    for instead, what in ((labels, "keeps its value"), (0, "becomes 0"), (-100, "becomes -100"), (156, "becomes -100")):
        yield np.where(has_rule, right, instead), f"a label that is not a key {what}: it must become ignore_index"
    yield np.where(has_rule, right, 255), "use the ignore_index that is given: 255 is only its default"


def _ranks(arguments: Spec) -> Guesses:
    """Positions of new labels, among the sorted ones or in the mapping, in place of the labels."""
    mapping, labels, other = dict(arguments["mapping"]), arguments["labels"], ignored_label(arguments)
    for new_labels in (sorted(set(mapping.values())), list(mapping.values())):
        ranks = {old: new_labels.index(new) for old, new in mapping.items()}
        yield look_up(labels, ranks, other), NOT_RANKS
    places = {old: place for place, old in enumerate(mapping)}
    yield look_up(labels, places, other), NOT_RANKS


def one_rule_after_another(arguments: Spec) -> Iterator[np.ndarray]:
    """The labels if each rule is applied to the result of the earlier ones."""
    mapping, other = dict(arguments["mapping"]), ignored_label(arguments)
    labels, right = arguments["labels"].astype("int64"), by_definition(arguments)
    has_rule = np.isin(labels, list(mapping))
    for ignored_first in (False, True):  # whether labels without a rule are ignored before the rules or after them
        result = right.copy() if ignored_first else labels.copy()
        result[has_rule] = labels[has_rule]
        for old, new in mapping.items():
            result[result == old] = new
        yield result if ignored_first else np.where(has_rule, result, other)
    mapped_twice = look_up(right, mapping, other)
    yield np.where(has_rule & np.isin(right, list(mapping)), mapped_twice, right)


def expect_right(student: Student, arguments: Spec, hint: str = LOOK_UP) -> Plain:
    """The labels that the definition gives, for these arguments and for FOUR: no constant is right twice.

    Returns:
        What was seen of these arguments.
    """
    answer = student.ask("classes.reduce", **arguments)
    expect_reduced(answer, arguments, hint)
    expect_depends(student)
    return answer


def expect_depends(student: Student) -> None:
    """The labels that the definition gives for FOUR, for which no other test asks."""
    expect_reduced(student.ask("classes.reduce", **FOUR), FOUR)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_camvid_to_three_groups(student: Student, dtype: str) -> None:
    """the 11 CamVid classes merge into 3, void becomes 255"""
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    arguments = {"labels": labels, "mapping": GROUPS}
    expect_right(student, arguments)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_swap(student: Student, dtype: str) -> None:
    """{0: 1, 1: 0} swaps two classes"""
    labels = np.array([[0, 1, 0], [1, 1, 2]], dtype=dtype)
    arguments = {"labels": labels, "mapping": [[0, 1], [1, 0], [2, 2]]}
    expect_right(student, arguments)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_rules_in_any_order(student: Student, dtype: str) -> None:
    """rules may stand in any order, and their keys need not be neighbours"""
    labels = np.array([[1, 4, 9], [2, 6, 3]], dtype=dtype)
    arguments = {"labels": labels, "mapping": [[9, 4], [2, 7], [6, 3], [1, 5]]}
    hint = "each key goes with its own value: do not sort keys without their values, nor search in unsorted ones"
    expect_right(student, arguments, hint)


@pytest.mark.parametrize("ignore_index", [None, 0, 7, 254])
@pytest.mark.parametrize("mapping", [[], [[3, 1]], [[1, 4], [6, 2]], [[0, 0], [1, 1], [2, 2]]])
def test_labels_without_a_rule(student: Student, ignore_index: int | None, mapping: list[list[int]]) -> None:
    """a label that is not a key becomes ignore_index, 255 if none is given"""
    labels = np.array([[0, 1, 2, 3], [4, 5, 6, 200]], dtype="uint8")
    arguments = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
    hint = "a label that is not a key becomes ignore_index, whatever the label is, also between and beyond the keys"
    expect_right(student, arguments, hint)


@pytest.mark.parametrize("ignore_index", [255, 3, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_a_rule_for_the_ignored_label(student: Student, dtype: str, ignore_index: int) -> None:
    """a key that equals ignore_index, or 255, is mapped like any other"""
    labels = np.array([[0, 3, 255], [1, 4, 7]], dtype=dtype)
    mapping = [[0, 1], [3, 2], [255, 3], [1, 4]]
    arguments = {"labels": labels, "mapping": mapping, "ignore_index": ignore_index}
    expect_right(student, arguments)


@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (1, 1, 1, 1, 2)])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_shape(student: Student, shape: tuple[int, ...], dtype: str) -> None:
    """any shape, scalars and empty tensors too"""
    filled = tuple(side or 1 for side in shape)  # a tensor without elements tells little on its own
    for sides, old in ((filled, 4), (filled, 6), (shape, 4)):
        arguments = {"labels": np.full(sides, old, dtype=dtype), "mapping": [[4, 1], [6, 2]]}
        expect_right(student, arguments)


@pytest.mark.parametrize("layout", ["transposed", "strided"])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_memory_layout(student: Student, dtype: str, layout: str) -> None:
    """labels may be a view of other memory: transposed, or every second element"""
    labels = np.arange(12, dtype=dtype).reshape(3, 4)
    arguments = {"labels": labels, "mapping": [[old, old % 5] for old in range(12)], "layout": layout}
    hint = "pixels are scrambled: labels that are a view need not lie in memory in their order; reshape, do not view"
    expect_right(student, arguments, hint)


@pytest.mark.parametrize("new", [255, 254, 7, 0])
@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_any_new_label(student: Student, dtype: str, new: int) -> None:
    """a new label may be 255, 0, or what another label is"""
    arguments = {"labels": np.array([1, 2, 3, 7], dtype), "mapping": [[1, new], [2, 0]], "ignore_index": 9}
    expect_right(student, arguments, NO_MARK)


@pytest.mark.parametrize("dtype", ["uint8", "int64"])
def test_the_mapping_is_any_mapping(student: Student, dtype: str) -> None:
    """the mapping is read only: it need not be a dict, and stays as it was"""
    arguments: Spec = {"labels": np.array([[0, 1], [2, 3]], dtype), "mapping": [[0, 2], [2, 0]]}
    answer = expect_right(student, arguments)
    expect(
        answer["mapping"] == arguments["mapping"],
        f"{call_text(arguments)}: the mapping stays {dict(arguments['mapping'])}",
        dict(answer["mapping"]),
        "do not write into the caller's mapping: mapping.get(label, ignore_index) reads, setdefault and pop write",
    )
    with accepted("any Mapping is allowed, also one that is no dict: use only [], in, get, keys, values and items"):
        read_only = student.ask("classes.reduce", **arguments, read_only=True)
    expect_reduced(read_only, arguments)


@settings(max_examples=60)
@given(given_=reductions())
def test_every_label_is_mapped(student: Student, given_: Spec) -> None:
    """pointwise mapping[label]; a label that is not a key becomes ignore_index"""
    expect_reduced(student.ask("classes.reduce", **given_), given_)


@given(given_=reductions())
def test_dtype_is_kept(student: Student, given_: Spec) -> None:
    """the result has the labels' dtype"""
    answer = student.ask("classes.reduce", **given_)
    expect_reduced(answer, given_)
    expect(
        answer["dtype"] == str(given_["labels"].dtype),
        f"{call_text(given_)}: dtype {given_['labels'].dtype}",
        answer["dtype"],
        "keep the dtype of the labels: convert back, or start from torch.full_like(labels, ...)",
    )


@given(given_=reductions())
def test_input_is_untouched(student: Student, given_: Spec) -> None:
    """the labels that were given stay as they are"""
    answer = student.ask("classes.reduce", **given_)
    expect_close(answer["input"], given_["labels"], f"the input after {call_text(given_)}", "write into a new tensor")
    expect_reduced(answer, given_)


def test_benchmark_reduce_classes(student: Student, benchmark: BenchmarkFixture) -> None:
    """one label image of CamVid's size is reduced, and how long that takes"""
    labels = np.random.default_rng(0).integers(0, 12, (360, 480)).astype("uint8")
    mapping = [[old, old % 3] for old in range(11)]
    answer = benchmark(student.ask, "classes.reduce", labels=labels, mapping=mapping)
    expect_close(
        answer["labels"],
        by_definition({"labels": labels, "mapping": mapping}),
        "reduce_classes(a 360 x 480 label image, old -> old % 3)",
        "look every label up in the original",
    )
    expect_depends(student)
