"""Change the reference in many small ways and see whether the tests notice: `python -m grading mutate [MODULE...]`.

The changes are made by cosmic-ray's operators. A change that no test notices is a hole in the tests, or makes no
difference. Those that make no difference are listed in docs/mutants.md with the reason; only the others are reported.
"""

import difflib
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from grading import ROOT
from grading.checker.trials import Task, prepare, run_all, test_file
from grading.commands.exits import as_command
from grading.commands.help import new_parser
from grading.protocol.submission import MODULES

LIMIT_S = 120.0
EQUIVALENTS = ROOT / "docs" / "mutants.md"

# Operators that need arguments, or only change annotations.
SKIPPED_OPERATORS = re.compile("Variable|ReplaceBinaryOperator_BitOr")


@dataclass(frozen=True)
class Mutant:
    """One change of a module.

    Attributes:
        source: of the changed module.
        before, after: the lines that differ, each on one line.
    """

    module: str
    source: str
    before: str
    after: str


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 every change is noticed or listed, 1 not, 2 bad usage, 4 the grader broke."""
    parser = new_parser("python -m grading mutate", __doc__)
    parser.add_argument("modules", metavar="MODULE", nargs="*", default=MODULES, help=f"of {', '.join(MODULES)}")
    parser.add_argument("-j", "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    if find_spec("cosmic_ray") is None:
        parser.error('cosmic-ray is not installed: pip install -e ".[dev]"')
    prepare()
    unnoticed = [mutant for module in options.modules for mutant in unnoticed_mutants(module, options.jobs)]
    return int(bool(unnoticed))


def unnoticed_mutants(module: str, jobs: int) -> list[Mutant]:
    """Test every change of a module, and print those that are neither noticed nor listed."""
    listed = equivalents()
    mutants = {f"{module}/{number}": mutant for number, mutant in enumerate(mutants_of(module))}
    tasks = [Task(name, module, mutant.source, (test_file(module),)) for name, mutant in mutants.items()]
    survivors = [mutants[trial.task.name] for trial in run_all(tasks, jobs, LIMIT_S) if trial.survived]
    new = [mutant for mutant in survivors if not listed & {(mutant.before, mutant.after), (mutant.before, "")}]
    print(f"{module}: {len(mutants)} mutants, {len(survivors)} survived, {len(survivors) - len(new)} of them listed")
    for mutant in new:
        print(f"  - {mutant.before}\n  + {mutant.after}", flush=True)
    return new


def mutants_of(module: str) -> Iterator[Mutant]:
    """Every change of one module, each once."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = (ROOT / "solutions" / f"{module}.py").read_text(encoding="utf-8")
    seen = {source}
    for name in operator_names():
        if SKIPPED_OPERATORS.search(name):
            continue
        for occurrence in range(1000):
            mutated = mutate_code(source, get_operator(name)(), occurrence)
            if mutated is None:
                break
            if mutated not in seen and _compiles(mutated):
                seen.add(mutated)
                yield Mutant(module, mutated, *_changed(source, mutated))


def _compiles(source: str) -> bool:
    """Whether it is Python: an operator may have replaced the star before keyword arguments as if it were a product."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _changed(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, those before on one line and those after on one line."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "-+"]
    return tuple(" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")  # type: ignore


def equivalents() -> set[tuple[str, str]]:
    """The changes that docs/mutants.md lists: the first two cells of its tables, in backquotes.

    Returns:
        Lines before and after the change; the latter are empty for `any` change.
    """
    rows = re.findall(r"^\| `(.*?)` \| (?:`(.*?)`|any) \|", EQUIVALENTS.read_text(encoding="utf-8"), re.MULTILINE)
    return {(before.replace("\\|", "|"), after.replace("\\|", "|")) for before, after in rows}
