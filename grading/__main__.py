"""`python -m grading COMMAND`: the list of commands, each imported only when it is called."""

import sys
from collections.abc import Sequence
from importlib import import_module

COMMANDS = {
    "grade": ("grading.commands.grade", "grade a submission, as `python grading/run_all.py` does"),
    "calibrate": ("grading.commands.calibrate", "measure what the reference and other right designs reach"),
    "fetch": ("grading.commands.fetch", "download ImageNet weights and CamVid"),
    "pretrain": ("grading.commands.pretrain", "pretrain one network of the mini profile for this machine"),
    "check_tests": (
        "grading.commands.check_tests",
        "test the tests of the student API: right and wrong modules",
    ),
    "check_verdicts": ("grading.commands.check_verdicts", "measure how often the gates are right"),
    "mutate": ("grading.commands.mutate", "change the reference in small ways, and see whether the tests notice"),
    "list_tests": ("grading.commands.list_tests", "write tests/ids.txt anew, after tests were added or renamed"),
}
"""By name: the module whose `main` takes the other arguments and returns an exit status, and what the command does."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        Its exit status; 2 if there is no such command.
    """
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    if name.replace("-", "_") not in COMMANDS:
        print(f"{_usage()}\n\nerror: there is no command {name}", file=sys.stderr)
        return 2
    from grading.commands.exits import as_command

    @as_command
    def run() -> int:
        module, _ = COMMANDS[name.replace("-", "_")]
        return int(import_module(module).main(rest))

    return run()


def _usage() -> str:
    width = max(map(len, COMMANDS))
    lines = [f"  {name:<{width}}  {what}" for name, (_, what) in COMMANDS.items()]
    return "\n".join(["usage: python -m grading COMMAND [--help]", "", "commands:", *lines])


if __name__ == "__main__":
    sys.exit(main())
