"""Each probe knows which student functions it calls, and an import that failed answers no probe."""

import importlib
import inspect
from pathlib import Path

import numpy as np
import pytest

from grading.protocol.questions import StudentRaised, functions_of
from grading.protocol.submission import MODULES, locate
from grading.protocol.wire import Plain
from grading.tests.fresh_python import run_python
from grading.worker.student import LocalStudent
from tests.strategies import lone_linear

LABELS: dict[str, Plain] = {"labels": np.array([1], "uint8"), "mapping": []}
QUESTIONS: dict[str, tuple[str, dict[str, Plain]]] = {
    "freezing": ("freezing.trainable", {"net": lone_linear(frozen=False)}),
    "classes": ("classes.reduce", LABELS),
    "metrics": (
        "metrics.measure",
        {"metric": "pixel_accuracy", "pred": np.array([1]), "target": np.array([1])},
    ),
}


def probes() -> list[tuple[str, inspect.Signature]]:
    """The name and signature of every probe: a public function whose first parameter is the student's module."""
    signatures = []
    for name in MODULES:
        module = importlib.import_module(f"grading.worker.probes.{name}")
        for function, value in vars(module).items():
            if inspect.isfunction(value) and value.__module__ == module.__name__ and not function.startswith("_"):
                signature = inspect.signature(value)
                if next(iter(signature.parameters), "") == "module":
                    signatures.append((f"{name}.{function}", signature))
    return signatures


@pytest.mark.parametrize(("probe", "signature"), probes())
def test_every_probe_is_bound_to_functions_of_its_module(
    repository: Path, probe: str, signature: inspect.Signature
) -> None:
    stubs = (repository / "hw4" / f"{probe.partition('.')[0]}.py").read_text("utf-8")
    public = [line.split("(")[0].split()[1] for line in stubs.splitlines() if line.startswith(("def ", "class "))]
    for name in public:
        arguments = {"function": name, "metric": name, "cases": []}
        functions = functions_of(probe, {key: arguments.get(key) for key in signature.parameters})
        assert functions
        assert set(functions) <= set(public)


@pytest.mark.parametrize(
    "probe", ["freezing.melt", "nothing.change", "freezing", "freezing.build", "transfer.Loader", ""]
)
def test_an_unknown_probe_is_refused(probe: str) -> None:
    with pytest.raises(ValueError, match="no such probe"):
        functions_of(probe, {})
    with pytest.raises(ValueError, match="no such probe"):
        LocalStudent(locate("solutions")).ask(probe)


def test_transfer_probes_call_build_case_or_build_challenger() -> None:
    assert functions_of("transfer.shared", {"cases": []}) == ("build_challenger",)
    assert functions_of("transfer.shared", {"cases": ["scratch"]}) == ("build_case",)
    assert functions_of("freezing.in_turn", {}) == ("freeze", "unfreeze", "trainable_parameters")


BROKEN = {
    "not installed": "import no_such_library_anywhere\n",
    "syntax error": "def freeze(:\n",
    "raises": "raise RuntimeError('not today')\n",
    "ends the program": "import sys\nsys.exit(3)\n",
    "half done": "from . import classes\nfrom . import freezing\nraise ImportError('half done')\n",
    "the second time it works": (
        "import builtins\nif not hasattr(builtins, 'hw4_tried'):\n"
        "    builtins.hw4_tried = True\n    raise RuntimeError('first')\n"
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_package_that_cannot_be_imported_answers_nothing(tmp_path: Path, source: str) -> None:
    program = (
        "import sys\nfrom grading.protocol.questions import StudentRaised\n"
        "from grading.protocol.submission import locate\nfrom grading.worker.student import LocalStudent\n"
        "from grading.tests.test_probes import QUESTIONS\nstudent = LocalStudent(locate(sys.argv[1]))\n"
        "for probe, data in [*QUESTIONS.values()] * 2:\n"
        "    try:\n        student.ask(probe, **data)\n"
        "    except StudentRaised as error:\n        print(error.kinds[0])\n"
        "    else:\n        print('answered')\n"
    )
    for path in Path("solutions").glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "__init__.py").write_text(source)
    done = run_python("-c", program, str(tmp_path), folder=Path.cwd())
    raised = done.stdout.split()
    assert len(raised) == 6, done.stderr
    assert len(set(raised)) == 1
    assert raised[0] != "answered"


@pytest.mark.parametrize("source", BROKEN.values(), ids=BROKEN)
def test_a_module_that_cannot_be_imported_answers_nothing(
    tmp_path: Path, source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("builtins.hw4_tried", None, raising=False)
    monkeypatch.delattr("builtins.hw4_tried")
    for path in Path("solutions").glob("*.py"):
        (tmp_path / path.name).write_text(path.read_text("utf-8"), encoding="utf-8")
    (tmp_path / "classes.py").write_text(source)
    student = LocalStudent(locate(str(tmp_path)))
    for _ in range(2):
        with pytest.raises(StudentRaised):
            student.ask("classes.reduce", **LABELS)
        for module in ("freezing", "metrics"):
            probe, data = QUESTIONS[module]
            student.ask(probe, **data)
