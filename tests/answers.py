"""The form of an answer: what each probe gives, whatever a student's code does.

Everything inside the sandbox belongs to the submission, the probes too. So an answer may be any plain data. Its form is
checked once, where it arrives; after that the tests can read it without checks of their own.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from grading.backbones.challengers import known_challengers
from grading.protocol.wire import Plain

from .expect import Unmet

LARGEST = 2**63


@dataclass(frozen=True)
class Array:
    """An array of one of some dtypes; `axes` is their number, None if any number is allowed."""

    dtypes: tuple[str, ...]
    axes: int | None = None

    def __str__(self) -> str:
        return f"an array of {' or '.join(self.dtypes)}{'' if self.axes is None else f' with {self.axes} axes'}"

    def fits(self, value: Plain) -> bool:
        is_array = type(value) is np.ndarray and value.dtype.name in self.dtypes
        return is_array and self.axes in (None, value.ndim)


@dataclass(frozen=True)
class Named:
    """A dict from any names to values of one form."""

    values: Plain


@dataclass(frozen=True)
class Either:
    """One of several forms."""

    forms: tuple[Plain, ...]


def either(*forms: Plain) -> Either:
    return Either(forms)


ANY_ARRAY = Array(("bool", "uint8", "int64", "float32", "float64"))
NUMBERS = Array(("uint8", "int64", "float32", "float64"))
LABELS = Array(("uint8", "int64"))
FLAGS = Named(bool)
CALL = (str, either(bool, str))
NETWORK = {
    "calls": [CALL],
    "parameters": [(str, bool)],
    "new": [ANY_ARRAY],
    "logits": ANY_ARRAY,
    "train_logits": ANY_ARRAY,
    "collected": [bool],
}
PARAMETER = {"position": int, "digest": str, "trains": bool, "values": either(ANY_ARRAY, None)}
HEAD = either(
    {"parameters": [{**PARAMETER, "collected": bool}], "buffers": [str], "logits": ANY_ARRAY},
    {"parameters": [PARAMETER], "buffers": [str], "error": str},
)
# How forms are written: a type is exactly that type, [form] a list of any length, (form, form) a list of exactly these,
# {key: form} a dict with exactly these keys, None is None.
FORMS: dict[str, Plain] = {
    "augmentation.draws": {"dtype": str, "images": Array(("float32",)), "reseeded": [str]},
    "classes.reduce": {"dtype": str, "labels": Array(("int64",)), "input": LABELS, "mapping": [(int, int)]},
    "fcn.forward": {"logits": ANY_ARRAY, "alone": [ANY_ARRAY], "images": ANY_ARRAY},
    "fcn.forward_amplified": ANY_ARRAY,
    "fcn.backward": {
        "logits": ANY_ARRAY,
        "tap_gradients": {f"x{level}": either(None, Array(("float32",), axes=4)) for level in range(1, 6)},
        "encoder_registered": bool,
        "encoder": Named((str, bool)),
        "unregistered": [[int]],
        "collected": FLAGS,
        "frozen": Named(str),
    },
    "fcn.response": {"plain": NUMBERS, "moved": [NUMBERS]},
    "freezing.change": {
        "returned_the_same_object": bool,
        "kept_its_parameters": bool,
        "requires_grad": FLAGS,
        "state": Named(str),
        "modes": FLAGS,
        "collected": FLAGS,
        "input_gradient": either(ANY_ARRAY, None),
    },
    "freezing.in_turn": [{"requires_grad": FLAGS, "trainable": [int]}],
    "freezing.trainable": [int],
    "heads.replace": HEAD,
    "heads.replace_torchvision": HEAD,
    "heads.replace_again": HEAD,
    "heads.replace_twice": int,
    "metrics.measure": {
        "dtype": either(str, None),
        "value": either(float, ANY_ARRAY),
        "pred": LABELS,
        "target": LABELS,
    },
    "metrics.count_many": {"pixels": int, "counts": ANY_ARRAY},
    "transfer.case": {"earlier": [CALL], **NETWORK},
    "transfer.challenger": {"earlier": [CALL], "convolutions": int, "optimized": [int], **NETWORK},
    "transfer.shared": int,
    "transfer.step": {"changed": int, "slope": bool},
}


def formed(probe: str, data: Mapping[str, Plain], answer: Plain) -> Plain:
    """Return the answer if it has the form that the probe gives.

    Args:
        data: the arguments of the question.

    Raises:
        Unmet: it has another form.
    """
    got = misfit(answer, FORMS[probe])
    if not got and probe in CONSISTENCY:
        got = CONSISTENCY[probe](answer, data)
    if got:
        raise Unmet(
            f"an answer of the form that the probe {probe} gives",
            got,
            "the probe itself did not answer: does your code change what it imports, or print in its place?",
        )
    return answer


def misfit(value: Plain, form: Plain, place: str = "the answer") -> str:
    """What came in place of a form, and where; empty if the value fits."""
    match form:
        case Array():
            return "" if form.fits(value) else f"{place} is {described(value)} in place of {form}"
        case Either(forms):
            misfits = [misfit(value, choice, place) for choice in forms]
            return "" if "" in misfits else max(misfits, key=len)
        case Named() | dict():
            return _misfit_of_dict(value, form, place)
        case tuple() | list():
            return _misfit_of_list(value, form, place)
        case None:
            return "" if value is None else f"{place} is {described(value)} in place of None"
        case _:
            is_of_type = type(value) is form and (form is not int or abs(value) < LARGEST)
            return "" if is_of_type else f"{place} is {described(value)} in place of {form.__name__}"


def _misfit_of_dict(value: Plain, form: Named | dict[str, Plain], place: str) -> str:
    if isinstance(form, Named):
        if type(value) is not dict:
            return f"{place} is {described(value)} in place of a dict"
        return _first(misfit(item, form.values, f"{place}[{name[:40]!r}]") for name, item in value.items())
    if type(value) is not dict or set(value) != set(form):
        return f"{place} is {described(value)} in place of a dict with {', '.join(form)}"
    return _first(misfit(value[name], of_item, f"{place}[{name!r}]") for name, of_item in form.items())


def _misfit_of_list(value: Plain, form: tuple[Plain, ...] | list[Plain], place: str) -> str:
    if isinstance(form, tuple):
        if type(value) is not list or len(value) != len(form):
            return f"{place} is {described(value)} in place of a list of {len(form)}"
        forms = form
    else:
        if type(value) is not list:
            return f"{place} is {described(value)} in place of a list"
        forms = (form[0],) * len(value)
    pairs = enumerate(zip(value, forms, strict=True))
    return _first(misfit(item, of_item, f"{place}[{number}]") for number, (item, of_item) in pairs)


def _first(misfits: Iterable[str]) -> str:
    """The first one that is not empty."""
    return next(filter(None, misfits), "")


def described(value: Plain) -> str:
    """A value in a few words."""
    match value:
        case np.ndarray():
            return f"an array of {value.dtype} of shape {value.shape}"
        case dict():
            names = [str(name)[:20] for name in value]
            return f"a dict with {', '.join(names[:8]) or 'nothing'}{', ...' if len(names) > 8 else ''}"
        case list():
            return f"a list of {len(value)}"
        case None:
            return "None"
        case bool() | str():
            return f"{type(value).__name__} {str(value)[:40]!r}"
    return f"{type(value).__name__} {value:.6g}" if abs(value) < LARGEST or value != value else "a huge number"


def _wrong_length(place: str, got: int, wanted: int) -> str:
    return "" if got == wanted else f"{place} has {got} entries in place of {wanted}"


def _check_forward(answer: Plain, data: Mapping[str, Plain]) -> str:
    return _wrong_length("alone", len(answer["alone"]), len(data["images"]) if data.get("one_by_one") else 0)


def _check_backward(answer: Plain, data: Mapping[str, Plain]) -> str:
    count, _, height, width = data["images"].shape
    for level, channels in enumerate(data["net"]["channels"], start=1):
        gradient, wanted = answer["tap_gradients"][f"x{level}"], (count, channels, height >> level, width >> level)
        if gradient is not None and gradient.shape != wanted:
            return f"the gradient at x{level} has shape {gradient.shape} in place of {wanted}"
    return ""


def _check_response(answer: Plain, data: Mapping[str, Plain]) -> str:
    shapes = {array.shape for array in (answer["plain"], *answer["moved"])}
    if len(shapes) > 1:
        return f"logits of one network for images of one size have the shapes {sorted(shapes)[:4]}"
    return _wrong_length("moved", len(answer["moved"]), len(data["cells"]))


def _check_in_turn(answer: Plain, data: Mapping[str, Plain]) -> str:
    return _wrong_length("the answer", len(answer), len(data["functions"]))


def _check_head(answer: Plain, _: Mapping[str, Plain]) -> str:
    """New parameters, and no others, come with their values."""
    for parameter in answer["parameters"]:
        position, has_values = parameter["position"], parameter["values"] is not None
        if (position == -1) != has_values:
            return f"parameter {position} {'with' if has_values else 'without'} values"
    return ""


def _check_network(answer: Plain, _: Mapping[str, Plain]) -> str:
    names = [name for name, _ in (*answer["earlier"], *answer["calls"])]
    if unknown := set(names) - set(known_challengers(names)):
        return f"a network that was never loaded: there is no classifier {min(unknown)[:80]!r} at mini size"
    return _wrong_length("collected", len(answer["collected"]), len(answer["parameters"]))


# By probe, what an answer of the right form must satisfy besides: its parts fit each other and the question. Each gives
# what does not fit, empty if everything does.
CONSISTENCY: dict[str, Callable[[Plain, Mapping[str, Plain]], str]] = {
    "fcn.forward": _check_forward,
    "fcn.backward": _check_backward,
    "fcn.response": _check_response,
    "freezing.in_turn": _check_in_turn,
    "heads.replace": _check_head,
    "heads.replace_torchvision": _check_head,
    "heads.replace_again": _check_head,
    "transfer.case": _check_network,
    "transfer.challenger": _check_network,
}
