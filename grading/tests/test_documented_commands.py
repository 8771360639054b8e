"""What README.md, CONTRIBUTING.md and docs/ tell a reader to type is understood, and works.

Each command there is in a table: `TRIED` and `TRIED_SLOWLY` run it, `LONG` says why no test does, `FOREIGN` names what
another program needs. Commands of this project are read by their own parsers, too.
"""

import argparse
import re
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from importlib.util import find_spec
from pathlib import Path
from subprocess import CompletedProcess, run

import pytest

from benchmarks.__main__ import main as benchmarks
from grading import ROOT
from grading.__main__ import COMMANDS
from grading.__main__ import main as grading_command
from grading.assignment.assignment import read_assignment
from grading.commands import check_class
from grading.protocol.submission import MODULES
from grading.running.meant import markers_of
from grading.tests.documented import Command, Document, documents, is_command, simple_commands
from grading.tests.fresh_python import run_python

DOCUMENTS = documents(ROOT)


@dataclass(frozen=True)
class Trial:
    """How a command is tried.

    Attributes:
        more: options that make it short or keep its files out of the checkout; `{folder}` is an empty folder.
        status: the exit status; 1 for tests of stubs, 3 for a run without verdicts.
        prints: a text that it prints.
    """

    more: str = ""
    status: int = 0
    prints: str = ""


TRIED: Mapping[str, Trial] = {
    r"python -m grading": Trial(prints="commands:"),
    r"python -m grading COMMAND --help": Trial(prints="usage:"),
    r"python grading/run_all.py --(help|list)": Trial(prints="Q1-1"),
    r"python -m grading package github --out \w+": Trial("--out {folder}", prints="classroom.yml"),
    r"python docs/draw_floors.py": Trial(),
}
"""Those of a second."""

TRIED_SLOWLY: Mapping[str, Trial] = {
    r"pytest --(full|sandbox)": Trial("tests/test_classes.py", 1, "0 of  54 tests"),
    r"pytest -m (q1_1|Q1-1)": Trial("tests/test_freezing.py", 1, "37 failed"),
    r"pytest tests/test_heads.py": Trial(status=1, prints="27 failed"),
    r"pytest hw4/heads.py": Trial(status=1, prints="27 failed"),
    r"python grading/run_all.py hw4 --only Q1-1": Trial("--profile mini --out {folder}/out", 1, "0 of 5 points"),
    r"python -m grading class SUBMISSIONS --out GRADEBOOK": Trial(
        "--profile mini --only Q2-3 --tests-only --out {folder}/out", 3, "gradebook"
    ),
    r"python -m grading package gradescope --out autograder.zip": Trial("--out {folder}/a.zip", prints="points 65"),
    r"python -m grading check_tests --only MODULE/ID": Trial("--out {folder}", prints="1 of 1"),
    r"python -c .*self_test.*": Trial(prints="bubblewrap"),
}
"""Those of some seconds."""

RUNS_IN_CI = "minutes; .ci/run runs it"
WHOLE_RUN = "minutes; .ci/run trains all configurations of the same command"
BENCHMARK = "minutes on a quiet machine; test_benchmarks.py runs it on the least data"
OWN_DATA = "faces, CamVid or ImageNet weights, and a GPU or hours"
TESTS = "the grader's own tests, of which this is one"
CALIBRATION = "an hour; test_calibrate.py runs a short one"
VERDICTS = "half an hour; it trains a hundred times"
CLASS = "minutes, for a whole class; the command without further options is tried"
RAY = "a cluster of Ray; test_ray.py runs one on this machine"

LONG: Mapping[str, str] = {
    r"(python -m )?pytest (-n auto )?(-m not slow )?--impl solutions tests grading/tests": RUNS_IN_CI,
    r"pytest --impl solutions( --full -k benchmark| tests/test_MODULE.py)?": RUNS_IN_CI,
    r"pytest( --impl FOLDER)?": "half a minute; test_terminal.py runs it on stubs, and on several folders",
    r"pytest (-n auto )?grading/(tests|confinement|nightly).*": TESTS,
    r"python grading/run_all.py": RUNS_IN_CI,
    r"python grading/run_all.py .*--profile report.*": OWN_DATA,
    r"python grading/run_all.py (SUBMISSION|solutions|hw4)( --.*)?": WHOLE_RUN,
    r"python -m grading class .*--engine ray.*": RAY,
    r"python -m grading class (SUBMISSIONS|CLONES|submissions) --out (GRADEBOOK|gradebook) --(?!engine).*": CLASS,
    r"python -m grading class CLONES --out GRADEBOOK": CLASS,
    r"python -m grading calibrate --profile mini.*": CALIBRATION,
    r"python -m grading calibrate --profile report.*": OWN_DATA,
    r"python -m grading check_verdicts": VERDICTS,
    r"python -m grading check_tests( --only (MODULE/(NAME|\*)|metrics/iou-\*))?": RUNS_IN_CI,
    r"python -m grading check_class .*": "minutes; test_check_class.py runs a small one",
    r"python -m grading mutate.*": "hours; test_checker.py runs other trials of the same kind",
    r"python -m grading list_tests": "writes into the checkout; test_suite.py compares what it would write",
    r"python -m grading fetch.*": "the internet; test_fetch.py fetches from a server of its own",
    r"python -m grading pretrain \w+": "minutes; test_challengers.py pretrains a smaller network",
    r"python -m grading handout \w+": "seconds; test_handout.py makes one and runs it",
    r"python -m benchmarks .*": BENCHMARK,
    r"python docs/draw_(terminal|instructor|assignment).py": "writes into the checkout; seconds to minutes",
}
"""Those of this project that no test runs: why, and what is tested instead."""

STYLE = "the extra `dev`; .ci/run runs it"
PLATFORM_SCRIPTS = "a machine laid out as Gradescope's; test_image.py and test_autograder.py run both scripts"

FOREIGN: Mapping[str, str] = {
    r"(python -m )?pip install .*": "the internet",
    r"python3 -m venv .venv|\. .venv/bin/activate": "an environment of its own, of which pip makes something",
    r"git clone .*|cd hw4": "the internet",
    r"gh classroom clone .*": "the internet, and an account",
    r"python -c import torch.*": "a GPU",
    r"ruff (format --)?check \.|mypy|lint-imports|pre-commit install": STYLE,
    r"tox( -e .*)?": "the internet, and half an hour",
    r"(NIGHTLY=1 )?\.ci/run": "the internet, and 20 minutes",
    r"(srun )?ray .*": RAY,
    r"sudo sysctl.*": "a machine of one's own",
    r"chmod 700.*|kill -9": "what it changes, or ends, is the reader's",
    r"(mkdir|unzip|cp|export|cat) .*|/tmp/autograder/source/(setup.sh|run_autograder)": PLATFORM_SCRIPTS,
}
"""Those of other programs: what they need that a test does not have."""

TABLES: Mapping[str, Mapping[str, object]] = {
    "TRIED": TRIED,
    "TRIED_SLOWLY": TRIED_SLOWLY,
    "LONG": LONG,
    "FOREIGN": FOREIGN,
}

# What a document writes for a name that the reader chooses, and one that there is. Longer ones first.
EXAMPLES = {"COMMAND": "grade", "MODULE": "metrics", "NAME": "metrics", "THAT": "gate", "TIER": "bubblewrap"} | {
    "ID": "iou-dice",
    "N": "2",
}

OPTION_TABLES: Mapping[str, Sequence[str]] = {
    "README.md": [],
    "CONTRIBUTING.md": ["python -m grading check_tests"],
    "docs/grading-options.md": ["python grading/run_all.py"],
    "docs/class.md": ["python -m grading class SUBMISSIONS --out GRADEBOOK"],
    "docs/performance.md": ["python -m benchmarks metrics"],
    "docs/platforms.md": ["python -m grading package gradescope"],
}
"""By document: the commands that its tables of options belong to, in order."""

OTHER_OPTIONS = {"--train", "-submissions", "--security-opt"}
"""Options in the text that belong to a part of a command (`package github --train`) or to another program."""


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
        f"{COMMANDS_OF_READERS[text].where} says `{text}`, which no table of {Path(__file__).name} knows. "
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


# --- Links, and README's two marked commands -------------------------------------------------------------------------


def test_links_lead_to_files_and_headings() -> None:
    by_name = {document.name: document for document in DOCUMENTS}
    broken = []
    for document in DOCUMENTS:
        for link in document.links():
            target, _, anchor = link.text.partition("#")
            if re.match(r"[a-z]+:", target):
                continue
            path = (ROOT / document.name).parent / target if target else ROOT / document.name
            name = path.resolve().relative_to(ROOT).as_posix()
            if not path.exists() or (anchor and anchor not in by_name[name].anchors()):
                broken.append(link)
    assert broken == []


def test_readme_begins_with_the_two_commands_that_ci_runs() -> None:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    marked = {
        lines[n - 1]: lines[n + 1] for n, line in enumerate(lines) if line == "```" and lines[n - 1][:4] == "<!--"
    }
    install = 'python -m pip install -q -e ".[test]" && '
    assert marked == {
        "<!-- main-job -->": install + "python grading/run_all.py",
        "<!-- tests -->": install + "python -m pytest -n auto --impl solutions tests grading/tests",
    }
    assert lines.index("<!-- tests -->") < 20


# --- What counts as a command ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "commands"),
    [
        ("`pytest`", ["pytest"]),
        ("`git`, `head` and `solutions`", []),
        ("`python -m grading`", ["python -m grading"]),
        ("`SNAPSHOTS=write pytest tests/x.py`", ["pytest tests/x.py"]),
        ("`hw4.zip is encrypted; pack it without a password`", []),
        ("| a | b |\n| - | - |\n| `tox` | `a \\| b`, `pip install x` |", ["tox", "pip install x"]),
        ("```\nmystery --now\n```", ["mystery --now"]),
        ("```sh\na 'b c' && d \\\n  e   # why\n# f\n\ng; h | i\n```", ["a b c", "d e", "g", "h", "i"]),
        ("```text\nSUBMISSIONS/\n```", []),
        ("- list\n\n  ```\n  in it\n  ```\n", ["in it"]),
        ("`don't type this`", []),
    ],
)
def test_commands_of_a_document(text: str, commands: list[str]) -> None:
    assert [command.text for command in Document("x.md", text).commands()] == commands


def test_options_and_headings_of_a_document() -> None:
    table = "| option | b |\n| - | - |\n| `--seeds N`, `-j 2` | `--no` |\n"
    document = Document(
        "x.md", f"## What it's for: a `b`\n\n`--only=Q1`\n\n`check --only x`\n\n{table}\n| option |\n| - |\n| `-v` |"
    )
    assert [(t.number, t.options) for t in document.option_tables()] == [(0, ("--seeds N", "-j 2")), (1, ("-v",))]
    assert [m.text for m in document.options()] == ["--only", "--seeds", "-j", "--no", "-v"]
    assert [m.text for m in document.unclear_code()] == ["check --only x"]
    assert document.anchors() == {"what-its-for-a-b"}


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
