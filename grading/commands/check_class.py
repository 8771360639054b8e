"""Check the class command on a made-up class: `python -m grading check_class`.

The class hands in right, wrong and hostile submissions and some that cannot be read, in all kinds of archives. It is
graded once undisturbed, and once by a grader that is killed again and again, as an out-of-memory killer does, and
started anew. Both gradebooks must be equal, but for times. Some submissions are graded alone, by `run_all`: they must
get the same scores. No process and no temporary file may be left.

Options that are not listed here are passed on to `class` and `run_all`: `--tests-only` (200 submissions then take an
hour on two cores), or `--seeds 1 --epochs 1 --limit 4`.
"""

import json
import random
import tempfile
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from grading.assignment.files import write_whole
from grading.checker.class_command import Command
from grading.checker.class_exports import EXPORTS
from grading.checker.gradebook_comparison import differences, parts_left, results, scores
from grading.checker.synthetic_class import Student, make_class
from grading.commands import class_
from grading.commands.exits import BAD_USAGE, BROKEN, FAILED, PASSED, UNDECIDED, as_command, refuse
from grading.commands.help import new_parser
from grading.commands.options import CANNOT_START, positive
from grading.reporting.console import Console
from grading.reporting.markdown import table_of
from grading.running.needed import needed_tests
from grading.running.resolve import make_plan

HEADER = ("check", "what was done", "problems")
MOST_SHOWN = 5  # problems of a check in the table
LEAST_SECONDS = 1.0  # before a kill

Check = tuple[str, str, list[str]]


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 the class command keeps its promises, 1 it does not, 2 bad usage, 4 the grader broke."""
    options, others = parse(arguments)
    console = Console()
    others = ["--only", options.only, *others]
    try:
        modules = needed_modules(class_.parse(["-", "--out", "-", *others]))
    except CANNOT_START as error:
        return refuse(error)
    out = options.out or Path(tempfile.mkdtemp(prefix="check-class-"))
    if out.exists() and any(out.iterdir()):
        return refuse(f"--out {out}: is not empty")
    out.mkdir(parents=True, exist_ok=True)
    out.chmod(0o755)  # a sandbox runs as a user who may otherwise not enter
    out = out.resolve()
    students = make_class(
        out / "class", out / "plain", options.submissions, modules, export=options.export, seed=options.seed
    )
    kinds = ", ".join(f"{number} {kind}" for kind, number in Counter(student.kind for student in students).items())
    console.say(f"{out}: {len(students)} submissions ({kinds}); modules of the catalogue: {', '.join(modules)}")
    checks = ClassCheck(out, students, options, others, console).run()
    write(out, students, checks)
    console.say((out / "check.md").read_text(encoding="utf-8"))
    return FAILED if any(problems for _, _, problems in checks) else PASSED


def parse(arguments: Sequence[str] | None) -> tuple[Namespace, list[str]]:
    """Read the command line: this command's options, and those that it passes on."""
    parser = new_parser("python -m grading check_class", __doc__)
    parser.allow_abbrev = False
    add = parser.add_argument
    add("--submissions", type=positive, default=200, metavar="N", help="of the class (default: %(default)s)")
    add("--kills", type=int, default=10, metavar="K", help="of the grader (default: %(default)s)")
    add("--one-by-one", type=int, default=10, metavar="N", help="submissions graded alone (default: %(default)s)")
    add("--export", choices=sorted(EXPORTS), default="folders", help="whose export it looks like")
    add("--only", default="Q2-3", metavar="Q1-1,Q2-1", help="questions or configurations (default: %(default)s)")
    add("--jobs", type=positive, metavar="N", help="tests and trainings at a time (default: one for each core)")
    add("--seed", type=int, default=0, metavar="N", help="of the class and the moments of the kills")
    add("--out", type=Path, metavar="DIR", help="an empty folder for all that is written (default: a temporary one)")
    return parser.parse_known_args(arguments)


def needed_modules(options: Namespace) -> list[str]:
    """The modules that the tests of the chosen questions are about."""
    files = {id.partition("::")[0] for id in needed_tests(make_plan(options, class_.stubs()))}
    return sorted(Path(file).stem.removeprefix("test_") for file in files)


class ClassCheck:
    """Grades one made-up class several times, and compares.

    Args:
        out: the folder of everything.
        others: options of the graders.
    """

    def __init__(
        self, out: Path, students: Sequence[Student], options: Namespace, others: Sequence[str], console: Console
    ) -> None:
        self._out = out
        self._students = students
        self._names = [student.name for student in students]
        self._options = options
        self._others = list(others)
        self._say = console.say
        self._command = Command(out)
        self._chance = random.Random(options.seed)
        self._seconds = 0.0  # of the undisturbed run

    def run(self) -> list[Check]:
        """All checks: the name of each, what was done, and the problems that it found."""
        return [self._undisturbed(), *self._killed(), self._one_by_one()]

    def _undisturbed(self) -> Check:
        start = time.monotonic()
        status = self._command.run(*self._arguments("undisturbed"))
        self._seconds = time.monotonic() - start
        problems = [*self._status_problems(status), *self._fault_problems(), *self._left("undisturbed")]
        speed = 60 * len(self._students) / self._seconds
        done = f"{len(self._students)} submissions in {self._seconds:.0f} s: {speed:.1f} per minute"
        self._say(f"undisturbed: {done}")
        return "undisturbed", done, problems

    def _killed(self) -> list[Check]:
        """Grade it with a grader that is killed; a gradebook that is whole is compared, and another one begun."""
        finished: list[str] = []
        survivors: list[str] = []
        different: list[str] = []
        left: list[str] = []
        kills = starts = 0
        while kills < self._options.kills or starts:
            name = f"killed-{len(finished)}"
            starts += 1
            if kills < self._options.kills:
                # Longer than it takes to start, for else nothing would ever be done between two kills.
                seconds = self._chance.uniform(LEAST_SECONDS, max(20.0, self._seconds / 2))
                status, alive = self._command.run_and_kill(*self._arguments(name), seconds=seconds)
                survivors += [f"after {seconds:.1f} s: {process}" for process in alive]
            else:
                status = self._command.run(*self._arguments(name))
            if status is None:
                kills += 1
                self._say(f"killed {kills} times; {self._done_in(name)} submissions are done")
                continue
            finished.append(f"{starts} starts")
            different += self._status_problems(status)
            hostile = [student.name for student in self._students if student.kind == "evil"]
            different += differences(self._out / "undisturbed", self._out / name, self._names, hostile)
            left += self._left(name)
            starts = 0
        if not self._options.kills:
            return []
        return [
            ("processes of a killed grader", f"{kills} kills", survivors),
            ("gradebook of killed graders", f"{len(finished)} gradebooks, after {', '.join(finished)}", different),
            ("what killed graders left", f"{len(finished)} gradebooks", left),
        ]

    def _one_by_one(self) -> Check:
        gradable = [student for student in self._students if student.plain is not None]
        sample = self._chance.sample(gradable, min(self._options.one_by_one, len(gradable)))
        problems = []
        for student in sample:
            out = self._out / "alone" / student.name
            status = self._command.run("grade", str(student.plain), "--out", str(out), *self._others)
            if status in (BAD_USAGE, BROKEN):
                problems.append(f"{student.name} ({student.about}): run_all ended with {status}")
                continue
            alone, together = scores(out), scores(self._out / "undisturbed" / student.name)
            if alone != together:
                problems.append(f"{student.name} ({student.about}): {together} in the class, {alone} alone")
        problems += self._command.leftovers()
        return "one by one", f"{len(sample)} of {len(gradable)} submissions, by run_all", problems

    def _arguments(self, gradebook: str) -> list[str]:
        jobs = [] if self._options.jobs is None else ["--jobs", str(self._options.jobs)]
        return ["class", str(self._out / "class"), "--out", str(self._out / gradebook), *jobs, *self._others]

    def _status_problems(self, status: int) -> list[str]:
        """A class with unreadable submissions needs a person."""
        return [] if status in (PASSED, UNDECIDED) else [f"exit status {status}; see commands.log"]

    def _fault_problems(self) -> Iterable[str]:
        """Exactly the unreadable submissions have a fault, which is their own."""
        for student in self._students:
            document = results(self._out / "undisturbed" / student.name)
            fault = document and document["extra_data"].get("fault")
            if document is None:
                yield f"{student.name} ({student.about}) has no results"
            elif (fault and fault["of"]) != ("submission" if student.kind == "unreadable" else None):
                yield f"{student.name} ({student.about}): {fault}"

    def _left(self, gradebook: str) -> list[str]:
        files = [str(path.relative_to(self._out)) for path in parts_left(self._out / gradebook)]
        return [*files, *self._command.leftovers()]

    def _done_in(self, gradebook: str) -> int:
        return sum((self._out / gradebook / name / "results.json").is_file() for name in self._names)


def write(out: Path, students: Sequence[Student], checks: Sequence[Check]) -> None:
    """Write `check.json`, which holds every student and problem, and `check.md`, a table with the first problems."""
    document = {
        "students": [{"name": s.name, "kind": s.kind, "about": s.about} for s in students],
        "checks": [dict(zip(HEADER, check, strict=True)) for check in checks],
    }
    write_whole(out / "check.json", json.dumps(document, indent=1) + "\n")
    rows = ([name, done, "; ".join(problems[:MOST_SHOWN]) or "none"] for name, done, problems in checks)
    write_whole(out / "check.md", table_of(HEADER, rows))
