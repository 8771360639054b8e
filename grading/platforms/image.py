"""Prepare an autograder's image, and check that it grades: `python -m grading.platforms.image`, which setup.sh calls.

The machine's secret, drawn pictures and pretrained networks go into HW4_CACHE. Each image gets a secret of its own.
"""

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence

from grading import ROOT
from grading.assignment.assignment import Assignment, read_assignment
from grading.backbones.weights import NoWeights, mini_file, provide
from grading.data.arrays import DataError, cache_folder, writable
from grading.platforms.settings import FILE, Settings, backbones, marked, read_settings, tested
from grading.protocol.text import one_line
from grading.sandbox.choose import NoSandbox, choose
from grading.scoring.blinding import site_key

WEIGHTS = "weights"  # the folder of networks that came with the package, one file for each
TRIAL = ("--epochs", "1", "--limit", "12", "--seeds", "1")
UNDECIDED = 3  # the exit status of a trial


class NotReady(Exception):
    """The image cannot grade; one line says why."""


def main() -> int:
    """Exit status: 0 the image grades, 1 it does not (one line says why)."""
    settings, assignment = read_settings(ROOT / FILE), read_assignment()
    try:
        prepare(settings, assignment)
        check(settings, assignment)
    except (NotReady, NoSandbox, DataError, OSError) as error:
        print(f"error: {one_line(str(error))}", file=sys.stderr, flush=True)
        return 1
    return 0


def prepare(settings: Settings, assignment: Assignment) -> None:
    """Make what is made once: the secret, and the pretrained networks. The check that follows draws the pictures.

    Raises:
        NotReady, NoSandbox, DataError, OSError: something is missing here.
    """
    unsafe = "--unsafe" in settings.arguments
    sandbox = choose(unsafe=unsafe)
    say(f"sandbox: {sandbox.tier} ({sandbox.promise})")
    cache = writable(cache_folder())
    site_key(cache)
    names = backbones(settings.chosen(assignment), settings.challengers)
    for name in names:
        packed, file = ROOT / WEIGHTS / f"{name}.safetensors", mini_file(name, cache)
        if packed.is_file() and not file.is_file():
            say(f"{name}: pretrained already, it came with the package")
            shutil.copyfile(packed, file)
    try:
        provide(names, "mini", None, cache, say)
    except NoWeights as error:
        raise NotReady("; ".join(error.reasons.values())) from None


def check(settings: Settings, assignment: Assignment) -> None:
    """Grade the reference on trial: every training for an epoch, and every test, in the sandbox.

    Raises:
        NotReady: a part of it does not work here.
    """
    say("self-check: each configuration is trained for one epoch with the reference")
    with tempfile.TemporaryDirectory() as out:
        arguments = [*settings.arguments, *TRIAL, "--out", f"{out}/trial"]
        _expect(["grading/run_all.py", "solutions", *arguments], UNDECIDED, "a trial with the reference")
    say("self-check: the tests of the student API on the reference")
    questions = tested(assignment, settings.chosen(assignment))
    unsafe = ["--unsafe"] if "--unsafe" in settings.arguments else []
    if questions:
        chosen = ["-m", marked(questions)]
        tests = ["-m", "pytest", "-q", "--sandbox", *unsafe, "--impl", "solutions", *chosen, "tests"]
        _expect(tests, 0, "the tests of the student API")


def say(line: str) -> None:
    """Print one line at once: what programs print comes between."""
    print(f"== image: {line}", flush=True)


def _expect(arguments: Sequence[str], status: int, what: str) -> None:
    """Run Python in the checkout.

    Raises:
        NotReady: it ends with another status.
    """
    done = subprocess.run([sys.executable, *arguments], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    if done.returncode != status:
        raise NotReady(f"{what} ended with status {done.returncode} in place of {status}; see above")


if __name__ == "__main__":
    sys.exit(main())
