"""`--help` shows options in groups, and examples that work."""

import importlib
import shlex

import pytest

from grading.__main__ import COMMANDS, GROUPS
from grading.commands import calibrate, check_class, class_, grade
from grading.commands.help import EXAMPLES, RUN_ALL, new_parser
from grading.commands.options import command_line

PARSERS = {RUN_ALL: grade.parse, "python -m grading class": class_.parse}
# What commands call after they have read their options.
FIRST_CALLS = (
    *("make_plan", "wheats", "find_spec", "fetch_weights", "fetch_camvid", "known_challengers", "needed_modules"),
    *("read_assignment", "writable", "table", "check_folder"),
)
EVERY_EXAMPLE = [(program, arguments) for program, examples in EXAMPLES.items() for arguments, _ in examples]


@pytest.mark.parametrize(("program", "arguments"), EVERY_EXAMPLE)
def test_every_example_is_a_command(
    program: str, arguments: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """argparse would end with 2, and the command itself ends here as soon as it has read its options."""
    if program in PARSERS:
        PARSERS[program](shlex.split(arguments))
        return
    command = importlib.import_module(f"grading.commands.{program.split()[-1]}")

    class Read(Exception):
        """The options were read."""

    def read(*_: object, **__: object) -> None:
        raise Read

    for name in FIRST_CALLS:
        monkeypatch.setattr(command, name, read, raising=False)
    assert command.main(shlex.split(arguments)) == 4
    assert "Read" in capsys.readouterr().err


@pytest.mark.parametrize("columns", [80, 60])
@pytest.mark.parametrize("parse", [grade.parse, class_.parse, calibrate.main, check_class.main])
def test_help_is_grouped_and_fits(
    parse: object, columns: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    with pytest.raises(SystemExit) as end:
        parse(["--help"])  # type: ignore[operator]
    assert end.value.code == 0
    lines = capsys.readouterr().out.splitlines()
    examples = lines.index("examples:")
    after_usage = lines.index("")
    assert max(map(len, lines[after_usage:examples])) <= columns
    assert lines[examples + 1].startswith("  python ")


def test_run_all_names_its_groups(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        grade.parse(["--help"])
    text = capsys.readouterr().out
    for group in ("what is graded", "data", "how it runs", "trials", "results", "what is shown"):
        assert f"\n{group}" in text
    assert "exit status: 0 every gate passed" in text


def test_commands_are_grouped_by_who_needs_them() -> None:
    assert sum(map(len, GROUPS.values())) == len(COMMANDS)
    assert set(EXAMPLES) <= {RUN_ALL, *(f"python -m grading {name}" for name in COMMANDS if name != "grade")}


def test_paragraphs_are_wrapped_and_indented_lines_left_alone(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    new_parser(RUN_ALL, f"{'one ' * 12}\n\n    left {'alone ' * 8}\n").print_help()
    lines = capsys.readouterr().out.splitlines()
    assert f"    left {'alone ' * 8}".rstrip() in [line.rstrip() for line in lines]
    assert "one one one one one one one" in lines


@pytest.mark.parametrize("given", [["-q", "-v"], ["--quiet", "--verbose"]])
def test_quiet_and_verbose_exclude_each_other(given: list[str]) -> None:
    with pytest.raises(SystemExit) as end:
        grade.parse(given)
    assert end.value.code == 2


def test_a_calibration_has_no_option_that_it_ignores() -> None:
    options = vars(command_line("python -m grading calibrate", "").parse_args([]))
    assert not {"list", "open", "tensorboard", "quiet", "verbose"} & set(options)
