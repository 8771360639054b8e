"""A checkout that nobody may write to, and names with spaces and letters of other scripts, whatever the locale."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from grading.checker.catalogue import write_submission
from grading.data.arrays import cache_folder

pytestmark = pytest.mark.slow

NEEDED = ("grading", "hw4", "solutions", "tests", "pyproject.toml")
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONIOENCODING": "ascii"}
NAME = "ada ö 中"
QUESTION = ["--unsafe", "--profile", "mini", "--only", "Q2-3", "--tests-only"]

# Root may write everywhere: a process without these capabilities may not.
WITHOUT_PRIVILEGES = """
import ctypes, os, sys
PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2
for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
    if os.geteuid() == 0 and ctypes.CDLL(None).prctl(PR_CAPBSET_DROP, capability):
        sys.exit("a capability cannot be given up")
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@pytest.fixture(scope="module")
def checkout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a grading needs of the project, read-only, in a folder with an odd name."""
    from grading import ROOT

    folder = tmp_path_factory.mktemp("Käse & 中") / "hw4 copy"
    folder.mkdir()
    for name in NEEDED:
        if (ROOT / name).is_dir():
            ignored = shutil.ignore_patterns("__pycache__", ".*")
            shutil.copytree(ROOT / name, folder / name, symlinks=True, ignore=ignored)
        else:
            shutil.copy(ROOT / name, folder)
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            path.chmod(path.stat().st_mode & ~0o222)
    return folder


def files(folder: Path) -> set[Path]:
    return set(folder.rglob("*"))


def run(
    checkout: Path, arguments: list[str], folder: Path, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    """Run Python in the checkout, as a user who may not write to it; returns when it has ended."""
    cache = folder / "cäche 中"
    if not cache.exists():
        cache_folder().mkdir(parents=True, exist_ok=True)
        cache.symlink_to(cache_folder())
    left_out = {"PYTHONPYCACHEPREFIX", "PYTHONDONTWRITEBYTECODE", "PYTHONPATH"}
    environment = {name: value for name, value in os.environ.items() if name not in left_out}
    environment |= {"HW4_CACHE": str(cache), **variables}
    before = files(checkout)
    command = [sys.executable, "-c", WITHOUT_PRIVILEGES, *arguments]
    done = subprocess.run(command, cwd=checkout, env=environment, capture_output=True, text=True, check=False)
    assert files(checkout) == before
    return done


def test_nobody_may_write_to_the_checkout(checkout: Path, tmp_path: Path) -> None:
    """Else the other tests say nothing."""
    for place in ("new", "grading/new", "runs/new"):
        program = f"import os; os.makedirs(os.path.dirname({place!r}) or '.', exist_ok=True); open({place!r}, 'w')"
        done = run(checkout, ["-c", program], tmp_path, {})
        assert done.returncode == 1
        assert "PermissionError" in done.stderr


@pytest.mark.parametrize("variables", [{}, ASCII], ids=["utf8", "ascii"])
def test_one_submission(variables: dict[str, str], checkout: Path, tmp_path: Path) -> None:
    submission = write_submission(tmp_path / "handed in" / NAME, {})
    out = tmp_path / "results ö" / "of ada"
    arguments = ["grading/run_all.py", str(submission), *QUESTION, "--out", str(out)]
    done = run(checkout, arguments, tmp_path, variables)
    assert done.returncode == 3, done.stderr
    results = json.loads((out / "results.json").read_text("utf-8"))
    assert results["score"] == 5, done.stdout
    assert results["extra_data"]["submission"] == NAME
    last = done.stdout.splitlines()[-1]
    assert last.startswith("report: '")
    assert NAME in (out / "report.html").read_text("utf-8")
    assert done.stdout.isascii() == bool(variables)


def test_a_class(checkout: Path, tmp_path: Path) -> None:
    """In another locale the same students are the same students."""
    for student in (NAME, "bob"):
        write_submission(tmp_path / "klässe" / student, {})
    book = tmp_path / "notenbuch ö 中"
    arguments = ["-m", "grading", "class", str(tmp_path / "klässe"), *QUESTION, "--out", str(book)]
    for variables in ({}, ASCII):
        done = run(checkout, arguments, tmp_path, variables)
        assert done.returncode == 3, done.stderr
        assert {path.name for path in book.iterdir() if path.is_dir()} == {NAME, "bob"}
        for student in (NAME, "bob"):
            assert json.loads((book / student / "results.json").read_text("utf-8"))["score"] == 5, done.stdout
        assert NAME in (book / "gradebook.csv").read_text("utf-8")
