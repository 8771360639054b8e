"""What README.md, CONTRIBUTING.md and docs/ tell a reader to type is understood, and works.

Each command there is in a table: `TRIED` and `TRIED_SLOWLY` run it, `LONG` says why no test does, `FOREIGN` names what
another program needs. Commands of this project are read by their own parsers, too.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence
from glob import glob
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from grading import ROOT
from grading.__main__ import COMMANDS
from grading.__main__ import main as grading_command
from grading.assignment.assignment import read_assignment
from grading.commands import check_class
from grading.protocol.submission import MODULES
from grading.running.meant import markers_of
from grading.tests.command_tables import EXAMPLES, OPTION_TABLES, OTHER_OPTIONS, TABLES, TRIED, TRIED_SLOWLY
from grading.tests.documented import Command, documents, is_command, simple_commands
from grading.tests.fresh_python import run_python

DOCUMENTS = documents(ROOT)


def benchmarks(arguments: list[str]) -> int:
    """`python -m benchmarks`: the grader imports nothing of it."""
    return int(import_module("benchmarks.__main__").main(arguments))


def unique_commands() -> dict[str, Command]:
    """The first place of each command."""
    commands: dict[str, Command] = {}
    for document in DOCUMENTS:
        for command in document.commands():
            commands.setdefault(command.text, command)
    return commands


COMMANDS_OF_READERS = unique_commands()


def tables_of(text: str) -> list[tuple[str, str]]:
    """The tables, and the patterns in them, that a command fits. What runs comes before what is only named."""
    return [(name, row) for name, table in TABLES.items() for row in table if re.fullmatch(row, text)]


def in_tables(*names: str) -> list[str]:
    return [text for text in COMMANDS_OF_READERS if any(name in names for name, _ in tables_of(text)[:1])]


@pytest.mark.parametrize("text", COMMANDS_OF_READERS)
def test_every_command_is_tried_or_named(text: str) -> None:
    assert tables_of(text), (
        f"{COMMANDS_OF_READERS[text].where} says `{text}`, which no table of command_tables.py knows. "
        "Let TRIED run it. If it takes minutes, or needs the internet, a GPU or a platform, add it to LONG or FOREIGN "
        "with the reason. If nobody types it, mark its block of code with a word such as `text`."
    )


def test_every_row_of_the_tables_is_needed() -> None:
    used = {row for text in COMMANDS_OF_READERS for _, row in tables_of(text)[:1]}
    unused = [f"{name}: {row}" for name, table in TABLES.items() for row in table if row not in used]
    assert not unused


def test_code_with_options_names_its_program() -> None:
    unclear = [mention for document in DOCUMENTS for mention in document.unclear_code()]
    assert unclear == []


# --- The parsers read it ---------------------------------------------------------------------------------------------


def with_examples(text: str) -> str:
    """The text with names that there are, in place of those that the reader chooses."""
    for placeholder, example in EXAMPLES.items():
        text = re.sub(rf"(?<![A-Za-z]){placeholder}(?![A-Za-z])", example, text)
    return text


@pytest.fixture
def only_parsers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Commands end when their parser has read the command line."""
    parse = argparse.ArgumentParser.parse_args

    def parse_and_exit(self: argparse.ArgumentParser, arguments: Sequence[str] | None = None) -> None:
        parse(self, arguments)
        raise SystemExit(0)

    monkeypatch.setattr(argparse.ArgumentParser, "parse_args", parse_and_exit)


def expect_accepted(words: Sequence[str], config: pytest.Config, capsys: pytest.CaptureFixture[str]) -> None:
    """The program's own parser takes this command line."""
    match [word for word in words if word not in ("...", "[MODULE...]")]:
        case ["python", "grading/run_all.py", *arguments]:
            expect_exit(grading_command, ["grade", *arguments], capsys)
        case ["python", "-m", "grading", "check_class", *arguments]:
            _, others = check_class.parse(arguments)
            expect_exit(grading_command, ["class", "SUBMISSIONS", "--out", "GRADEBOOK", *others], capsys)
        case ["python", "-m", "grading", *arguments] if arguments:
            expect_exit(grading_command, arguments, capsys)
        case ["python", "-m", "benchmarks", *arguments]:
            expect_exit(benchmarks, arguments, capsys)
        case ["pytest", *arguments] | ["python", "-m", "pytest", *arguments]:
            expect_pytest_accepts(arguments, config)
        case ["python", "-c", program]:
            compile(program, "<documented>", "exec")
        case ["python", "-m", module, *_]:
            assert find_spec(module) is not None
        case ["python", script, *_]:
            assert (ROOT / script).is_file()
        case other:
            raise AssertionError(f"{other[0]} is a program of others: it belongs to FOREIGN")


def expect_exit(main: Callable[[list[str]], int], arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as ended:
        status = ended.code
    assert status == 0, capsys.readouterr().err


def expect_pytest_accepts(arguments: Sequence[str], config: pytest.Config) -> None:
    """pytest has these options, and finds the files and the markers."""
    options, unknown = config._parser.parse_known_and_unknown_args(arguments)
    assert unknown == []
    places = options.file_or_dir or ["tests"]
    assert [pattern for place in places for pattern in braces_expanded(place) if not exists(pattern)] == []
    markers = {line.partition(":")[0].partition("(")[0] for line in config.getini("markers")}
    assert set(re.findall(r"\w+", markers_of(options.markexpr))) <= markers | {"not", "and", "or"}


def braces_expanded(pattern: str) -> list[str]:
    """As a shell expands `a{b,c}d`."""
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", pattern)
    return [pattern] if found is None else [f"{found[1]}{part}{found[3]}" for part in found[2].split(",")]


def exists(pattern: str) -> bool:
    """Whether a place of tests is there; a `*` stands for any characters."""
    return bool(glob(str(ROOT / pattern.partition("::")[0])))


@pytest.mark.parametrize("text", in_tables("TRIED", "TRIED_SLOWLY", "LONG"))
def test_parsers_accept_every_command_of_this_project(
    text: str, pytestconfig: pytest.Config, only_parsers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    words = [with_examples(word) for word in COMMANDS_OF_READERS[text].words]
    expect_accepted(words, pytestconfig, capsys)


def nested_commands() -> list[tuple[str, ...]]:
    """Commands of this project that another program is told to run."""
    every = [command.words for command in COMMANDS_OF_READERS.values() if "--" in command.words]
    return [words[words.index("--") + 1 :] for words in every if "python" in words]


@pytest.mark.parametrize("words", nested_commands(), ids=" ".join)
def test_parsers_accept_what_another_program_runs(
    words: tuple[str, ...], pytestconfig: pytest.Config, only_parsers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    expect_accepted(words, pytestconfig, capsys)


def rows_of_option_tables() -> Iterator[tuple[str, str]]:
    """Each option in a table, and the command that has it; `document, table 1` if OPTION_TABLES does not know it."""
    for document in DOCUMENTS:
        for table in document.option_tables():
            programs = [*OPTION_TABLES.get(document.name, []), f"{document.name}, table {table.number + 1}"]
            yield from ((programs[min(table.number, len(programs) - 1)], option) for option in table.options)


@pytest.mark.parametrize(("program", "option"), [*rows_of_option_tables()])
def test_parsers_accept_every_option_in_a_table(
    program: str, option: str, pytestconfig: pytest.Config, only_parsers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    assert is_command(program), f"OPTION_TABLES does not say whose options these are: {program}"
    words = next(simple_commands(with_examples(f"{program} {option}")))
    expect_accepted(words, pytestconfig, capsys)


def options_of_commands(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """All options that any command of this project has."""
    found: set[str] = set()
    add = argparse._ActionsContainer.add_argument

    def note(self: argparse._ActionsContainer, *names: str, **settings: object) -> argparse.Action:
        found.update(name for name in names if name.startswith("-"))
        return add(self, *names, **settings)  # type: ignore[arg-type]

    monkeypatch.setattr(argparse._ActionsContainer, "add_argument", note)
    for main, name in [*((grading_command, name) for name in COMMANDS), (benchmarks, "metrics")]:
        with pytest.raises(SystemExit):
            main([name, "--help"])
    return found


def test_options_in_the_text_exist(monkeypatch: pytest.MonkeyPatch, pytestconfig: pytest.Config) -> None:
    known = options_of_commands(monkeypatch) | OTHER_OPTIONS
    mentions = [mention for document in DOCUMENTS for mention in document.options() if mention.text not in known]
    assert [mention for mention in mentions if not is_option_of_pytest(mention.text, pytestconfig)] == []


def is_option_of_pytest(option: str, config: pytest.Config) -> bool:
    try:
        return config._parser.parse_known_and_unknown_args([option])[1] == []
    except pytest.UsageError:
        return True  # it has one, which wants a value


# --- It works --------------------------------------------------------------------------------------------------------


def expect_works(text: str, folder: Path) -> None:
    """A command ends as its row says."""
    trial = next(table[row] for table in (TRIED, TRIED_SLOWLY) for row in table if re.fullmatch(row, text))
    for words in every_example(COMMANDS_OF_READERS[text].words):
        done = typed([*with_submissions(words, folder), *trial.more.format(folder=folder).split()])
        assert done.returncode == trial.status, done.stdout + done.stderr
        assert trial.prints in done.stdout


def typed(words: Sequence[str]) -> CompletedProcess[str]:
    """What becomes of a command in the checkout."""
    match words:
        case ["python", ("-m" | "-c") as kind, *arguments]:
            return run_python(kind, *arguments, folder=ROOT)
        case ["python", *arguments]:
            return run([sys.executable, *arguments], cwd=ROOT, capture_output=True, text=True, encoding="utf-8")
        case [program, *arguments]:
            return run_python("-m", program, *arguments, folder=ROOT)
    raise AssertionError("no program")


def every_example(words: Sequence[str]) -> Iterator[list[str]]:
    """The command with names that there are: with each command of this project, if it is for all of them."""
    for command in COMMANDS if "COMMAND" in words else [""]:
        yield [with_examples(command if word == "COMMAND" else word) for word in words]


def with_submissions(words: Sequence[str], folder: Path) -> list[str]:
    """The command with a folder that holds what one student has handed in, if it is about a class."""
    if "SUBMISSIONS" not in words:
        return list(words)
    shutil.copytree(ROOT / "solutions", folder / "submissions" / "ada")
    return [str(folder / "submissions") if word == "SUBMISSIONS" else word for word in words]


@pytest.mark.parametrize("text", [text for text in in_tables("TRIED") if "draw_floors" not in text])
def test_works(text: str, tmp_path: Path) -> None:
    expect_works(text, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize("text", in_tables("TRIED_SLOWLY"))
def test_works_in_some_seconds(text: str, tmp_path: Path) -> None:
    expect_works(text, tmp_path)


def test_the_floors_are_drawn_as_they_are(tmp_path: Path) -> None:
    """`python docs/draw_floors.py` in a copy draws the picture that is here."""
    drawing = "import runpy, sys; print(runpy.run_path(sys.argv[1])['drawing'](), end='')"
    done = run([sys.executable, "-c", drawing, "docs/draw_floors.py"], cwd=ROOT, capture_output=True, check=True)
    assert done.stdout.decode("utf-8") == (ROOT / "docs" / "floors.svg").read_text("utf-8")


@pytest.mark.parametrize(
    "line",
    [
        "python grading/run_all.py --nonsense",
        "python -m grading nonsense",
        "python -m grading class --out GRADEBOOK",
        "python -m grading package gradescope --out a.zip --only",
        "python -m grading check_class --submissions 20 --nonsense",
        "python -m benchmarks nonsense",
        "pytest --nonsense",
        "pytest tests/test_nonsense.py",
        "pytest -m nonsense",
        "python docs/nonsense.py",
        "python -m nonsense",
        "nonsense",
    ],
)
def test_what_no_parser_accepts_fails(
    line: str, pytestconfig: pytest.Config, only_parsers: None, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(AssertionError):
        expect_accepted(line.split(), pytestconfig, capsys)


def test_names_that_the_reader_chooses_are_replaced() -> None:
    assert with_examples("tests/test_MODULE.py MODULE/ID --seeds N NAMES") == (
        "tests/test_metrics.py metrics/iou-dice --seeds 2 NAMES"
    )
    assert EXAMPLES["MODULE"] in MODULES
    assert {"Q1-1", "Q2-3"} <= {question.id for question in read_assignment().questions}
    assert is_command("python -m grading check_tests --only MODULE/ID")
