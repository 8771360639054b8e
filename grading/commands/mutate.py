"""Change the reference in many small ways and see whether the tests notice: `python -m grading mutate [MODULE...]`.

The changes are those of cosmic-ray's operators. A change that no test notices is either a hole in the tests or makes no
difference; the latter are listed in docs/mutants.md, each with the reason, and only others are reported.
"""

import argparse
import difflib
import os
import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

from grading import ROOT
from grading.checker.trials import Task, prepare, run_all
from grading.commands.exits import as_command
from grading.protocol.submission import MODULES

LIMIT_S = 120.0
EQUIVALENTS = ROOT / "docs" / "mutants.md"

# They need arguments of their own, or only change annotations.
LEFT_OUT = re.compile("Variable|ReplaceBinaryOperator_BitOr")


@dataclass(frozen=True)
class Mutant:
    """One change of a module: the lines before and after it."""

    module: str
    source: str
    before: str
    after: str


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Exit status: 0 every change is noticed or listed, 1 not, 2 bad usage, 4 the grader broke."""
    parser = argparse.ArgumentParser(prog="python -m grading mutate", description=__doc__.splitlines()[0])
    parser.add_argument("modules", metavar="MODULE", nargs="*", default=MODULES, help=f"of {', '.join(MODULES)}")
    parser.add_argument("-j", "--jobs", metavar="N", type=int, default=os.cpu_count() or 1, help="processes")
    options = parser.parse_args(arguments)
    if unknown := set(options.modules) - set(MODULES):
        parser.error(f"no such module: {', '.join(sorted(unknown))}")
    if find_spec("cosmic_ray") is None:
        parser.error('cosmic-ray is not installed: pip install -e ".[dev]"')
    listed = equivalents()
    prepare()
    unnoticed = 0
    for module in options.modules:
        mutants = list(mutants_of(module))
        by_name = {f"{module}/{number}": mutant for number, mutant in enumerate(mutants)}
        tasks = [Task(name, module, mutant.source, (module,)) for name, mutant in by_name.items()]
        survivors = [by_name[trial.task.name] for trial in run_all(tasks, options.jobs, LIMIT_S) if trial.survived]
        new = [mutant for mutant in survivors if not listed & {(mutant.before, mutant.after), (mutant.before, "")}]
        unnoticed += len(new)
        print(
            f"{module}: {len(mutants)} mutants, {len(survivors)} survived, {len(survivors) - len(new)} of them listed"
        )
        for mutant in new:
            print(f"  - {mutant.before}\n  + {mutant.after}", flush=True)
    return int(unnoticed > 0)


def mutants_of(module: str) -> Iterator[Mutant]:
    """Every change of one module, each once."""
    from cosmic_ray.mutating import mutate_code
    from cosmic_ray.plugins import get_operator, operator_names

    source = (ROOT / "solutions" / f"{module}.py").read_text(encoding="utf-8")
    seen = {source}
    for name in operator_names():
        if LEFT_OUT.search(name):
            continue
        for occurrence in range(1000):
            mutated = mutate_code(source, get_operator(name)(), occurrence)
            if mutated is None:
                break
            if mutated not in seen and _compiles(mutated):
                seen.add(mutated)
                yield Mutant(module, mutated, *_changed(source, mutated))


def _compiles(source: str) -> bool:
    """Whether it is Python: the star before keyword arguments is no product."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", SyntaxWarning)
            compile(source, "mutant", "exec")
    except SyntaxError:
        return False
    return True


def _changed(before: str, after: str) -> tuple[str, str]:
    """The lines that differ, each side on one line."""
    lines = [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "-+"]
    return tuple(" ".join(line[2:].strip() for line in lines if line[0] == sign) for sign in "-+")  # type: ignore


def equivalents() -> set[tuple[str, str]]:
    """The changes that docs/mutants.md lists: the first two cells of its tables, in backquotes; `any` change is ""."""
    rows = re.findall(r"^\| `(.*?)` \| (?:`(.*?)`|any) \|", EQUIVALENTS.read_text(encoding="utf-8"), re.MULTILINE)
    return {(before.replace("\\|", "|"), after.replace("\\|", "|")) for before, after in rows}
