"""Finding and importing an implementation."""

import subprocess
import sys
from pathlib import Path

import pytest

from grading.submissions import SubmissionError, locate


def package(folder: Path, **modules: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


FREEZING = "from {origin} import marker\ndef freeze(module):\n    return marker\n"


@pytest.mark.parametrize("name", ["my-hw 4", "json", "torch", "hw4", "42"])
@pytest.mark.parametrize("origin", [".classes", "hw4.classes"])
@pytest.mark.parametrize("init", [True, False])
def test_a_folder_is_a_package_whatever_it_is_called(
    tmp_path: Path, repository: Path, name: str, origin: str, init: bool
) -> None:
    modules = {"freezing": FREEZING.format(origin=origin), "classes": "marker = 'own'\n"}
    folder = package(tmp_path / name, **modules, **({"__init__": ""} if init else {}))
    program = (
        "import sys; from grading.submissions import *\n"
        "found = locate(sys.argv[1]); load(found)\n"
        "print(module(found, 'freezing').freeze(None)); import json; json.dumps"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(folder)],
        cwd=repository,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "own\n", done.stderr


def test_an_importable_name(tmp_path: Path, repository: Path) -> None:
    package(tmp_path / "cohort" / "ada", freezing="def freeze(module):\n    return __name__\n", __init__="")
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "from grading.submissions import *\nfound = locate('cohort.ada')\n"
        "assert 'cohort' not in sys.modules\nload(found); print(found.name, module(found, 'freezing').freeze(None))"
    )
    done = subprocess.run([sys.executable, "-c", program], cwd=repository, capture_output=True, text=True, check=False)
    assert done.stdout == "cohort.ada cohort.ada.freezing\n", done.stderr


def test_locating_runs_no_code(tmp_path: Path) -> None:
    folder = package(tmp_path / "evil", freezing="raise SystemExit(7)", __init__="raise SystemExit(7)")
    assert locate(str(folder)).folder == folder


@pytest.mark.parametrize("name", ["no_such_package", "no/such/folder", "", "json"])
def test_what_is_no_submission(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SubmissionError):
        locate(name)


def test_a_folder_without_modules(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"freezing\.py"):
        locate(str(package(tmp_path / "empty", notes="")))


def test_fingerprint_follows_the_code(tmp_path: Path) -> None:
    folder = package(tmp_path / "one", freezing="a = 1\n")
    before = locate(str(folder)).fingerprint()
    (folder / "freezing.py").write_text("a = 2\n")
    assert locate(str(folder)).fingerprint() != before
