"""Tries a handout as a student would: installed into an empty environment, in a folder of its own."""

import json
import os
import subprocess
import sys
import sysconfig
import tempfile
import venv
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import import_module
from pathlib import Path

from grading.protocol.text import one_line
from grading.running.clean_pytest import INHERITED

RECORDS = "records.jsonl"
NO_TESTS = 5  # an exit status of pytest, as 0 is that all passed: `_check_outcomes` says what is wrong
SECONDS = 300.0  # of each step


class HandoutError(Exception):
    """A handout cannot be given to students; one line."""


def rehearse(files: Mapping[str, bytes], questions: Sequence[str]) -> None:
    """Install a handout, run its tests on its stubs, and list its trainings.

    The libraries that it needs are those of this Python; nothing else of this environment or checkout is found.

    Args:
        questions: those that have tests.

    Raises:
        HandoutError: it cannot be installed or run, or a stub passes a test.
    """
    with tempfile.TemporaryDirectory(prefix="handout-") as place:
        folder = Path(place) / "hw4 handout"
        write_files(files, folder)
        python = _installed(folder, Path(place) / "venv")
        records = Path(place) / RECORDS
        _run([python, "-m", "pytest", "-q", f"--records={records}"], folder, statuses=(0, 1, NO_TESTS))
        _check_outcomes(records, questions)
        _run([python, "grading/run_all.py", "--list"], folder)


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write files by their paths in a folder, which is made.

    Raises:
        OSError: one cannot be written.
    """
    for path, content in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content)


def _installed(folder: Path, environment: Path) -> str:
    """A Python into which the handout was installed, as its README says, but for the libraries."""
    builder = venv.EnvBuilder(with_pip=False, symlinks=os.name != "nt")
    builder.create(environment)
    python = str(builder.ensure_directories(environment).env_exe)
    # A path in a .pth file finds packages, but no other .pth file: this checkout's own installation stays unknown.
    libraries = dict.fromkeys(sysconfig.get_paths()[kind] for kind in ("purelib", "platlib"))
    asked = "import sysconfig; print(sysconfig.get_paths()['purelib'])"
    packages = Path(_run([python, "-c", asked], folder).strip())
    (packages / "libraries.pth").write_text("\n".join(libraries) + "\n", encoding="utf-8")
    install = ["-m", "pip", "--python", python, "install", "-q", "--no-deps", "--disable-pip-version-check"]
    isolation = ["--no-build-isolation"] if _can_build() else []
    _run([sys.executable, *install, *isolation, "-e", "."], folder)
    return python


def _can_build() -> bool:
    """Whether setuptools is here in a release that builds the handout; else pip fetches one."""
    try:
        release = str(import_module("setuptools").__version__)
    except ImportError:
        return False
    return int(release.partition(".")[0]) >= 77


def _run(command: Sequence[str], folder: Path, statuses: Sequence[int] = (0,)) -> str:
    """What a command prints that ends with one of these exit statuses.

    Raises:
        HandoutError: it ends otherwise, or takes too long.
    """
    kept = {name: os.environ[name] for name in (*INHERITED, "SYSTEMROOT", "TEMP", "TMP") if name in os.environ}
    environment = kept | {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONUTF8": "1"}
    shown = " ".join(["python", *command[1:]])
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            errors="replace",
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        raise HandoutError(f"in the handout, `{shown}` took more than {SECONDS:.0f} s") from None
    if done.returncode not in statuses:
        last = next((line for line in reversed(done.stdout.splitlines()) if line.strip()), "nothing was printed")
        raise HandoutError(f"in the handout, `{shown}` ended with {done.returncode}: {one_line(last)}")
    return done.stdout


def _check_outcomes(records: Path, questions: Sequence[str]) -> None:
    """Check that the stubs fail every test of every question.

    Raises:
        HandoutError: one passes, or no test of a question was run.
    """
    outcomes: dict[str, str] = {}
    asked: dict[str, list[str]] = defaultdict(list)
    for line in records.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        if "question" in entry:
            asked[entry["question"]].append(entry["test"])
        else:
            outcomes[entry["test"]] = entry["outcome"]
    for question in questions:
        if not asked[question]:
            raise HandoutError(f"no test of {question} runs on the stubs")
        for test in asked[question]:
            if (outcome := outcomes.get(test)) != "FAIL":
                raise HandoutError(f"{test} ({question}) must FAIL on the stubs: {outcome or 'it did not run'}")
