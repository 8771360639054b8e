"""A pytest plugin that asks each test of the student API a probe that answers in a wrong form.

It is used as `-p grading.nightly.wrong_forms`: the reference answers, and its answers are changed. For each test, the
forms that neither passed nor were refused are written as a JSON line into the file that WRONG_FORMS names.
"""

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import Phase, settings

from grading.protocol.questions import StudentRaised
from grading.protocol.submission import locate
from grading.worker.student import LocalStudent
from tests.conftest import FormChecked
from tests.expect import Unmet
from tests.telling import unwrapped_flaky

settings.register_profile(
    "one example", parent=settings.get_profile("student"), phases=[Phase.explicit, Phase.generate]
)

Change = Callable[[Any], Any]


def everywhere(kind: type, change: Change) -> Change:
    """Change every part of an answer that has this type."""

    def walk(value: Any) -> Any:
        if type(value) is kind:
            return change(value)
        if type(value) is list:
            return [walk(one) for one in value]
        return {name: walk(one) for name, one in value.items()} if type(value) is dict else value

    return walk


def in_a_dict(change: Change) -> Change:
    return lambda answer: change(answer) if type(answer) is dict else None


WRONG: dict[str, Change] = {
    "nothing": lambda _: None,
    "a text": lambda _: "0.5",
    "a huge number": lambda _: 10**400,
    "a number": lambda _: 7,
    "an empty list": lambda _: [],
    "a nested list": lambda _: [[[1], 2], "x"],
    "an empty dict": lambda _: {},
    "other names": lambda _: {"other": 1},
    "an array": lambda _: np.zeros((2, 2)),
    "one name more": in_a_dict(lambda answer: {**answer, "more": 1}),
    "one name less": in_a_dict(lambda answer: dict(list(answer.items())[1:])),
    "lists for arrays": everywhere(np.ndarray, lambda array: array.tolist()),
    "texts for arrays": everywhere(np.ndarray, str),
    "arrays of integers": everywhere(np.ndarray, lambda array: array.astype("int64")),
    "arrays of truths": everywhere(np.ndarray, lambda array: array.astype("bool")),
    "empty arrays": everywhere(np.ndarray, lambda array: np.zeros(0, array.dtype)),
    "arrays without axes": everywhere(np.ndarray, lambda array: np.zeros((), array.dtype)),
    "arrays in an array": everywhere(np.ndarray, lambda array: array[None]),
    "infinite arrays": everywhere(
        np.ndarray, lambda array: np.full_like(array, 3e38 if array.dtype.kind == "f" else 9)
    ),
    "arrays of NaN": everywhere(
        np.ndarray, lambda array: np.full_like(array, np.nan if array.dtype.kind == "f" else 9)
    ),
    "empty lists": everywhere(list, lambda _: []),
    "lists twice": everywhere(list, lambda values: values * 2),
    "texts for numbers": everywhere(float, str),
    "numbers for texts": everywhere(str, lambda _: 3),
    "other texts": everywhere(str, lambda _: "x" * 3000),
    "texts for truths": everywhere(bool, str),
    "huge numbers": everywhere(int, lambda _: 2**70),
    "other numbers": everywhere(int, lambda _: 10**6),
    "no truths": everywhere(bool, lambda _: None),
}


class ChangedAnswers:
    """The reference with changed answers; an equal question is computed once."""

    def __init__(self) -> None:
        self._student = LocalStudent(locate("solutions"))
        self._answers: dict[bytes, Any] = {}
        self.change: Change = lambda answer: answer

    def ask(self, probe: str, **data: Any) -> Any:
        key = pickle.dumps((probe, data))
        if key not in self._answers:
            self._answers[key] = self._student.ask(probe, **data)
        return self.change(self._answers[key])


class WrongForms:
    """Runs each test once for each wrong form."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("w", encoding="utf-8")

    @pytest.hookimpl(tryfirst=True)
    def pytest_pyfunc_call(self, pyfuncitem: pytest.Function) -> bool:
        arguments = {name: pyfuncitem.funcargs[name] for name in pyfuncitem._fixtureinfo.argnames}
        if "benchmark" in arguments:
            arguments["benchmark"] = lambda ask, *given, **keywords: ask(*given, **keywords)
        student = ChangedAnswers()
        arguments["student"] = FormChecked(student)
        errors = {}
        for name, change in WRONG.items():
            student.change = change
            try:
                pyfuncitem.obj(**arguments)
            except Exception as error:
                error = unwrapped_flaky(error)  # type: ignore[assignment]
                if not isinstance(error, (Unmet, StudentRaised)):
                    errors[name] = repr(error)[:300]
        self._file.write(json.dumps({"test": pyfuncitem.nodeid, "errors": errors}) + "\n")
        self._file.flush()
        return True


def pytest_configure(config: pytest.Config) -> None:
    config.pluginmanager.register(WrongForms(Path(os.environ["WRONG_FORMS"])))
