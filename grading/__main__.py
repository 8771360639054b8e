"""`python -m grading COMMAND`: the list of commands, each imported only when it is called."""

import shutil
import sys
import textwrap
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from keyword import iskeyword

from grading.commands.encoding import use_utf8
from grading.commands.exits import as_command, refuse

FOR_ALL = {
    "grade": "grade a submission, as `python grading/run_all.py` does",
    "pretrain": "pretrain a network for the challenger of Q1-8, once",
}
FOR_A_CLASS = {
    "class": "grade a whole class: from a platform's export to a gradebook",
    "package": "pack what Gradescope or GitHub Classroom runs",
    "handout": "write what students get, checked for leaks",
    "fetch": "download ImageNet weights and CamVid",
    "calibrate": "measure what the reference and other right designs reach",
}
FOR_THE_PROJECT = {
    "check_class": "grade a made-up class, by a grader that is killed and goes on",
    "check_tests": "test the tests of the student API: right and wrong modules",
    "check_verdicts": "measure how often the gates are right",
    "mutate": "change the reference slightly, and see whether tests notice",
    "list_tests": "write tests/ids.txt anew, after tests were added or renamed",
}
GROUPS = {"students and instructors": FOR_ALL, "instructors": FOR_A_CLASS, "maintainers": FOR_THE_PROJECT}
COMMANDS = {name: what for group in GROUPS.values() for name, what in group.items()}
"""What each command does. It is `main` in the module of its name in `grading.commands`; that of `class` is `class_`."""

LINUX_ONLY = ("check_class", "check_tests", "check_verdicts", "class", "mutate", "package")
"""The commands that need a sandbox, forks, or files as Linux has them."""


@as_command
def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command.

    Returns:
        Its exit status; 2 if there is no such command.
    """
    if arguments is None:
        use_utf8()
    name, *rest = [*(sys.argv[1:] if arguments is None else arguments)] or ["--help"]
    if name in ("-h", "--help"):
        print(_usage())
        return 0
    command = name.replace("-", "_")
    if command not in COMMANDS or not _is_there(command):
        print(f"{_usage()}\n\nerror: there is no command {name}", file=sys.stderr)
        return 2
    if sys.platform != "linux" and command in LINUX_ONLY:
        return refuse(f"{name} needs Linux, and this is {sys.platform}; here you can train and test your own code")
    return int(import_module(_module(command)).main(rest))


def _module(command: str) -> str:
    return f"grading.commands.{command}_" if iskeyword(command) else f"grading.commands.{command}"


def _is_there(command: str) -> bool:
    """Whether this checkout has a command: a handout has some of them."""
    return find_spec(_module(command)) is not None


def _usage() -> str:
    width = max(map(len, COMMANDS))
    columns = shutil.get_terminal_size().columns
    lines = ["usage: python -m grading COMMAND [--help]"]
    for who, group in GROUPS.items():
        there = [f"  {name:<{width}}  {what}" for name, what in group.items() if _is_there(name)]
        lines += ["", f"for {who}:"] if there else []
        for line in there:
            lines += textwrap.wrap(line, columns, subsequent_indent=" " * (width + 4), break_on_hyphens=False)
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
