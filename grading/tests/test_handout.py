"""What students get: what is in it, that it is checked before it is written, and that it works."""

import ast
import json
import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest

from grading import ROOT
from grading.assignment.assignment import read_assignment
from grading.commands import handout
from grading.commands.handout import check_leaks, main, write_whole_folder
from grading.platforms.handout import files as handout_files_module
from grading.platforms.handout.files import handout_files
from grading.platforms.handout.rehearsal import HandoutError, rehearse, write_files
from grading.protocol.handed_out import MANIFEST
from grading.protocol.sources import imported_modules
from grading.protocol.submission import MODULES
from grading.running.clean_pytest import environment

FILES = handout_files(ROOT)
QUESTIONS = [question.id for question in read_assignment().questions if question.test_points]

# What would give solutions, thresholds or the grader's own checks away, or is of no use to students.
KEPT = (
    *("solutions/", "tests/checker/", "tests/evil/", "benchmarks/", "grading/assignment/calibrations/"),
    *("grading/tests/", "grading/confinement/", "grading/nightly/", "grading/checker/", "grading/classroom/"),
    *("grading/intake/", "grading/reporting/gradebook/", "grading/platforms/handout/", "docs/mutants.md", "CHANGELOG"),
    *(f"grading/commands/{name}.py" for name in ("class_", "calibrate", "check_tests", "mutate", "handout")),
)


@pytest.fixture
def unrehearsed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The rehearsal takes half a minute."""
    monkeypatch.setattr(handout, "rehearse", lambda *_: None)


def test_what_is_kept_from_students() -> None:
    assert [path for path in FILES if path.startswith(KEPT)] == []
    assert all((ROOT / kept).exists() or kept == "CHANGELOG" for kept in KEPT)


def test_every_test_of_the_student_api_is_in_it() -> None:
    assert {f"tests/test_{module}.py" for module in MODULES} | {"tests/ids.txt"} <= set(FILES)
    for module in MODULES:
        assert FILES[f"hw4/{module}.py"] == (ROOT / "hw4" / f"{module}.py").read_bytes()


def test_whatever_a_file_imports_is_in_it(tmp_path: Path) -> None:
    write_files(FILES, tmp_path)
    for path in FILES:
        if not path.endswith(".py"):
            continue
        for module in imported_modules(tmp_path / path):
            place = module.replace(".", "/")
            assert {f"{place}.py", f"{place}/__init__.py"} & set(FILES), f"{path} imports {module}"
        if path.startswith("tests/"):
            for node in ast.walk(ast.parse(FILES[path])):
                if isinstance(node, ast.ImportFrom) and node.level:
                    assert f"tests/{node.module}.py" in FILES, f"{path} imports {node.module}"


def test_its_configuration_of_pytest_is_the_projects_own() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    table = tomllib.loads(FILES["pyproject.toml"].decode())
    ours, theirs = (each["tool"]["pytest"]["ini_options"] for each in (project, table))
    assert {key: theirs[key] for key in ("testpaths", "addopts", "markers")} == {
        key: ours[key] for key in ("testpaths", "addopts", "markers")
    }
    assert table["project"]["entry-points"] == project["project"]["entry-points"]
    assert table["project"]["dependencies"] == project["project"]["dependencies"]
    assert table["project"]["optional-dependencies"] == {"test": project["project"]["optional-dependencies"]["test"]}
    assert "scripts" not in table["project"]


def test_the_readme_names_every_question_and_only_files_that_are_there() -> None:
    text = FILES["README.md"].decode()
    assert all(f"| {question.id}: " in text for question in read_assignment().questions)
    assert "{{" not in text
    assert "{%" not in text
    for link in ("hw4/discussion.md", "docs/assignment.md"):
        assert (f"({link})" in text) == (link in FILES)


def test_the_assignment_comes_with_its_figures(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("grading", "hw4", "tests", "solutions", "LICENSE", "setup.py", ".gitignore", "pyproject.toml"):
        (tmp_path / name).symlink_to(ROOT / name)
    folder = tmp_path / "docs" / "assignment"
    folder.mkdir(parents=True)
    for path in (folder.with_suffix(".md"), folder / "fcn.svg", folder / "faces.png", folder / "draw.py"):
        path.write_text("some", encoding="utf-8")
    found = handout_files(tmp_path)
    added = {path for path in found if path.startswith("docs/")}
    assert added == {"docs/assignment.md", "docs/assignment/fcn.svg", "docs/assignment/faces.png"}
    assert "(docs/assignment.md)" in found["README.md"].decode()


def test_the_same_checkout_gives_the_same_files() -> None:
    assert handout_files(ROOT) == FILES
    fixed = json.loads(FILES[MANIFEST])["files"]
    assert set(fixed) == {path for path in FILES if path.startswith(("grading/", "tests/"))}


@pytest.mark.parametrize("path", ["tests/test_heads.py", "docs/assignment.md", "grading/tasks/task.py", "hw4/heads.py"])
def test_a_leak_is_refused_and_nothing_is_written(
    path: str, tmp_path: Path, unrehearsed: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    solution = (ROOT / "solutions" / "heads.py").read_bytes()
    leaking = FILES | {path: FILES.get(path, b"") + b"\n" + solution}
    monkeypatch.setattr(handout, "handout_files", lambda _: leaking)
    assert main([str(tmp_path / "out")]) == 2
    error = capsys.readouterr().err
    assert error == f"error: not written: {path} holds the solution of heads.replace_head (100% of its body)\n"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", ["a file", "a folder with a file", "a dangling link", "a handout"])
def test_nothing_is_overwritten(
    kind: str, tmp_path: Path, unrehearsed: None, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    if kind == "a file":
        out.touch()
    elif kind == "a dangling link":
        out.symlink_to(tmp_path / "nowhere")
    else:
        out.mkdir()
        (out / ".git").touch()
    if kind == "a handout":
        (out / ".git").unlink()
        assert main([str(out)]) == 0
        capsys.readouterr()
    before = sorted(tmp_path.rglob("*"))
    assert main([str(out)]) == 2
    assert capsys.readouterr().err == f"error: {out}: is there already, and is no empty folder\n"
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["new", "empty", "in a new folder/out", "with spaces \u00e4\u4e2d", "empty/"])
def test_it_is_written_into_a_new_or_an_empty_folder(name: str, tmp_path: Path, unrehearsed: None) -> None:
    out = tmp_path / name
    if "empty" in name:
        out.mkdir()
    assert main([str(out)]) == 0
    written = {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()}
    assert written == set(FILES)
    assert [path for path in out.parent.iterdir() if path.name.endswith(".part")] == []


def test_a_full_disk_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = Path.write_bytes

    def full(path: Path, content: bytes) -> int:
        if path.name == "pyproject.toml":
            raise OSError(28, "No space left on device")
        return write(path, content)

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space"):
        write_whole_folder(FILES, tmp_path / "out")
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_command_left_is_no_obstacle(tmp_path: Path) -> None:
    (tmp_path / ".out.part").mkdir()
    (tmp_path / ".out.part" / "solution.py").touch()
    write_whole_folder({"a/b.txt": b"c"}, tmp_path / "out")
    assert sorted(tmp_path.rglob("*")) == [tmp_path / "out", tmp_path / "out" / "a", tmp_path / "out" / "a" / "b.txt"]


def test_this_checkout_holds_no_leak() -> None:
    check_leaks(FILES)


def without(path: str) -> dict[str, bytes]:
    return {other: content for other, content in FILES.items() if other != path}


def with_a_solution() -> dict[str, bytes]:
    return FILES | {"hw4/classes.py": (ROOT / "solutions" / "classes.py").read_bytes()}


def with_a_skip() -> dict[str, bytes]:
    mark = b"\npytestmark = pytest.mark.skip\n\n\n@pytest.mark.q2_3"
    return FILES | {"tests/test_classes.py": FILES["tests/test_classes.py"].replace(b"\n@pytest.mark.q2_3", mark, 1)}


@pytest.mark.slow
@pytest.mark.parametrize(
    ("files", "why"),
    [
        (lambda: without("grading/commands/grade.py"), "run_all.py --list` ended with 4"),
        (lambda: FILES | {"pyproject.toml": b"[project]\n"}, "pip"),
        (with_a_solution, r"\(Q2-3\) must FAIL on the stubs: PASS"),
        (lambda: FILES | {"tests/test_classes.py": b""}, "no test of Q2-3 runs on the stubs"),
    ],
)
def test_what_does_not_work_is_not_given_out(files: Callable[[], dict[str, bytes]], why: str) -> None:
    few = {path: content for path, content in files().items() if not path.startswith("tests/test_")}
    few["tests/test_classes.py"] = files()["tests/test_classes.py"]  # the others take a quarter of a minute
    with pytest.raises(HandoutError, match=why):
        rehearse(few, ["Q2-3"])


@pytest.mark.slow
def test_the_command_rehearses_what_it_writes(tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert main([str(out)]) == 0
    assert {path.relative_to(out).as_posix() for path in out.rglob("*") if path.is_file()} == set(FILES)


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run Python in a handout."""
    kept = {name: os.environ[name] for name in ("HW4_CACHE", "HOME") if name in os.environ}
    variables = environment() | kept | {"PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(
        [sys.executable, *arguments], cwd=folder, env=variables, capture_output=True, text=True, check=False
    )


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("handout") / "mine"
    write_files(FILES, folder)
    return folder


def test_it_lists_only_the_commands_that_it_has(written: Path) -> None:
    printed = run(written, "-m", "grading").stdout
    listed = [line.split()[0] for line in printed.splitlines() if line.startswith("  ")]
    assert sorted(listed) == sorted(handout_files_module.COMMANDS)
    done = run(written, "-m", "grading", "calibrate")
    assert done.returncode == 2
    assert "there is no command calibrate" in done.stderr
    for command in handout_files_module.COMMANDS:
        assert run(written, "-m", "grading", command, "--help").returncode == 0


@pytest.mark.slow
def test_a_run_of_a_handout_is_no_grade_and_says_so(written: Path, tmp_path: Path) -> None:
    """By default it takes the stubs, whose tests fail; nothing of the reference is there."""
    out = tmp_path / "out"
    done = run(written, "grading/run_all.py", "--unsafe", "--tests-only", "--only", "Q2-3", "--out", str(out))
    assert done.returncode == 3, done.stderr
    results = json.loads((out / "results.json").read_text(encoding="utf-8"))["extra_data"]
    assert results["submission"] == "hw4"
    (note,) = results["submission_notes"]
    assert "this is not the grade" in note
    assert f"note: {note}" in done.stdout
    assert note in (out / "report.html").read_text(encoding="utf-8")
