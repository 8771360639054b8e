"""The form of an answer: what each probe gives, whatever a student's code does.

Everything inside the sandbox is the submission, the probes too, so an answer may be anything that crosses the wire.
It is held against its form once, where it arrives; what the tests then read is there, and of the right kind.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from grading.backbones.challengers import known_challengers

from .expect import Unmet

Plain = Any
LARGEST = 2**63


@dataclass(frozen=True)
class Array:
    """An array of one of some dtypes, with a number of axes if that is always the same."""

    dtypes: tuple[str, ...]
    axes: int | None = None

    def __str__(self) -> str:
        return f"an array of {' or '.join(self.dtypes)}{'' if self.axes is None else f' with {self.axes} axes'}"


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
OF_A_HEAD = {"position": int, "digest": str, "trains": bool, "values": either(ANY_ARRAY, None)}
HEAD = either(
    {"parameters": [{**OF_A_HEAD, "collected": bool}], "buffers": [str], "logits": ANY_ARRAY},
    {"parameters": [OF_A_HEAD], "buffers": [str], "error": str},
)
# A type is that type exactly, a list any number of one form, a tuple a list of just these, a dict just these keys.
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
    """The answer to a question, of which every part is there and of its kind.

    Raises:
        Unmet: it has another form than the probe gives.
    """
    got = misfit(answer, FORMS[probe])
    if not got and probe in WHOLE:
        got = WHOLE[probe](answer, data)
    if got:
        raise Unmet(
            f"an answer of the form that the probe {probe} gives",
            got,
            "the probe itself did not answer: does your code change what it imports, or print in its place?",
        )
    return answer


def misfit(value: Plain, form: Plain, place: str = "the answer") -> str:
    """What a value is in place of a form; empty if it fits."""
    match form:
        case Array(dtypes, axes):
            if type(value) is not np.ndarray or value.dtype.name not in dtypes or axes not in (None, value.ndim):
                return f"{place} is {described(value)} in place of {form}"
        case Named(values):
            if type(value) is not dict:
                return f"{place} is {described(value)} in place of a dict"
            return _first(misfit(one, values, f"{place}[{name[:40]!r}]") for name, one in value.items())
        case Either(forms):
            found = [misfit(value, one, place) for one in forms]
            return "" if "" in found else max(found, key=len)
        case dict():
            if type(value) is not dict or set(value) != set(form):
                return f"{place} is {described(value)} in place of a dict with {', '.join(form)}"
            return _first(misfit(value[name], one, f"{place}[{name!r}]") for name, one in form.items())
        case tuple():
            if type(value) is not list or len(value) != len(form):
                return f"{place} is {described(value)} in place of a list of {len(form)}"
            return _first(misfit(one, of, f"{place}[{n}]") for n, (one, of) in enumerate(zip(value, form, strict=True)))
        case [of]:
            if type(value) is not list:
                return f"{place} is {described(value)} in place of a list"
            return _first(misfit(one, of, f"{place}[{n}]") for n, one in enumerate(value))
        case None:
            return "" if value is None else f"{place} is {described(value)} in place of None"
        case _:
            if type(value) is not form or (form is int and abs(value) >= LARGEST):
                return f"{place} is {described(value)} in place of {form.__name__}"
    return ""


def _first(found: Any) -> str:
    return next(filter(None, found), "")


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


def _lengths(place: str, got: int, wanted: int) -> str:
    return "" if got == wanted else f"{place} has {got} entries in place of {wanted}"


def _forward(answer: Plain, data: Mapping[str, Plain]) -> str:
    return _lengths("alone", len(answer["alone"]), len(data["images"]) if data.get("one_by_one") else 0)


def _backward(answer: Plain, data: Mapping[str, Plain]) -> str:
    count, _, height, width = data["images"].shape
    for level, channels in enumerate(data["net"]["channels"], start=1):
        gradient, wanted = answer["tap_gradients"][f"x{level}"], (count, channels, height >> level, width >> level)
        if gradient is not None and gradient.shape != wanted:
            return f"the gradient at x{level} has shape {gradient.shape} in place of {wanted}"
    return ""


def _response(answer: Plain, data: Mapping[str, Plain]) -> str:
    shapes = {array.shape for array in (answer["plain"], *answer["moved"])}
    if len(shapes) > 1:
        return f"logits of one network for images of one size have the shapes {sorted(shapes)[:4]}"
    return _lengths("moved", len(answer["moved"]), len(data["cells"]))


def _in_turn(answer: Plain, data: Mapping[str, Plain]) -> str:
    return _lengths("the answer", len(answer), len(data["functions"]))


def _head(answer: Plain, _: Mapping[str, Plain]) -> str:
    for one in answer["parameters"]:
        if (one["position"] == -1) != (one["values"] is not None):
            return f"parameter {one['position']} {'without' if one['values'] is None else 'with'} values"
    return ""


def _network(answer: Plain, _: Mapping[str, Plain]) -> str:
    names = [name for name, _ in (*answer["earlier"], *answer["calls"])]
    if unknown := set(names) - set(known_challengers(names)):
        return f"a network that was never loaded: there is no classifier {min(unknown)[:80]!r} at mini size"
    return _lengths("collected", len(answer["collected"]), len(answer["parameters"]))


# What the parts of an answer have to do with each other and with the question.
WHOLE: dict[str, Callable[[Plain, Mapping[str, Plain]], str]] = {
    "fcn.forward": _forward,
    "fcn.backward": _backward,
    "fcn.response": _response,
    "freezing.in_turn": _in_turn,
    "heads.replace": _head,
    "heads.replace_torchvision": _head,
    "heads.replace_again": _head,
    "transfer.case": _network,
    "transfer.challenger": _network,
}
