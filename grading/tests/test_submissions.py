"""A submission is located, copied and imported, whatever lies in its folder."""

import os
import shutil
import socket
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from grading.commands.grade import main
from grading.protocol.questions import StudentRaised
from grading.protocol.submission import MAX_ENTRIES, MAX_FILES, Submission, SubmissionError, locate
from grading.sandbox.choose import choose
from grading.sandbox.staging import NOWHERE, Workspace, set_aside
from grading.sandbox.worker import Worker
from grading.tests.fresh_python import run_python


def package(folder: Path, **modules: str) -> Path:
    folder.mkdir(parents=True)
    for name, text in modules.items():
        (folder / f"{name}.py").write_text(text)
    return folder


@pytest.fixture(params=[True, False], ids=["folder by folder", "as on Windows"])
def any_system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """With and without folders that are opened one in another."""
    monkeypatch.setattr("grading.protocol.submission.OPENS_IN_FOLDERS", request.param)


FREEZING = "from {origin} import marker\ndef freeze(module):\n    return marker\n"


@pytest.mark.slow
@pytest.mark.parametrize("name", ["my-hw 4", "json", "torch", "hw4", "42"])
@pytest.mark.parametrize("origin", [".classes", "hw4.classes"])
@pytest.mark.parametrize("init", [True, False])
def test_a_folder_of_any_name_is_a_package(
    tmp_path: Path, repository: Path, name: str, origin: str, init: bool
) -> None:
    modules = {"freezing": FREEZING.format(origin=origin), "classes": "marker = 'own'\n"}
    folder = package(tmp_path / name, **modules, **({"__init__": ""} if init else {}))
    program = (
        "import sys; from grading.protocol.importing import *; from grading.protocol.submission import *\n"
        "found = locate(sys.argv[1]); load_package(found)\n"
        "print(load_module(found, 'freezing').freeze(None)); import json; json.dumps"
    )
    done = run_python("-c", program, str(folder), folder=repository)
    assert done.stdout == "own\n", done.stderr


@pytest.mark.slow
def test_an_importable_name(tmp_path: Path, repository: Path) -> None:
    package(tmp_path / "cohort" / "ada", freezing="def freeze(module):\n    return __name__\n", __init__="")
    program = (
        f"import sys; sys.path.append({str(tmp_path)!r})\n"
        "from grading.protocol.importing import *\nfrom grading.protocol.submission import *\n"
        "found = locate('cohort.ada')\n"
        "assert 'cohort' not in sys.modules\nload_package(found)\n"
        "print(found.name, load_module(found, 'freezing').freeze(None))"
    )
    done = run_python("-c", program, folder=repository)
    assert done.stdout == "cohort.ada cohort.ada.freezing\n", done.stderr


def test_locating_runs_no_code(tmp_path: Path) -> None:
    folder = package(tmp_path / "evil", freezing="raise SystemExit(7)", __init__="raise SystemExit(7)")
    assert locate(str(folder)).folder == folder


@pytest.mark.parametrize("name", ["no_such_package", "no/such/folder", "", "json"])
def test_a_name_that_is_no_submission_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SubmissionError):
        locate(name)


def test_a_folder_without_modules(tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"freezing\.py"):
        locate(str(package(tmp_path / "empty", notes="")))


@pytest.mark.usefixtures("any_system")
def test_fingerprint_follows_the_code(tmp_path: Path) -> None:
    folder = package(tmp_path / "one", freezing="a = 1\n")
    before = locate(str(folder)).fingerprint()
    (folder / "freezing.py").write_text("a = 2\n")
    assert locate(str(folder)).fingerprint() != before


def litter(folder: Path) -> None:
    """Add what lies about in the folders of students: odd names, files of every kind, links, many levels."""
    add_editor_leftovers(folder)
    add_odd_names(folder)
    add_pipe_and_socket(folder)
    add_links(folder)
    add_levels(folder)


def add_editor_leftovers(folder: Path) -> None:
    (folder / ".#freezing.py").symlink_to("ada@laptop.1234:1700000000")
    (folder / "old.py").mkdir()
    (folder / "old.py" / "freezing.py").write_text("1 / 0\n")


def add_odd_names(folder: Path) -> None:
    for name in (
        b"M\xfcller.py",
        b"line\nbreak.py",
        b"tab\there\x1b[31m.py",
        b"-rf",
        b" ",
        b"*",
        "e\u0301\u202e.py".encode(),
    ):
        Path(os.fsdecode(os.fsencode(folder) + b"/" + name)).write_text("x = 1\n", encoding="utf-8")
    Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9")).mkdir()


def add_pipe_and_socket(folder: Path) -> None:
    os.mkfifo(folder / "pipe.py")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.getcwd()
        os.chdir(folder)  # the path of a socket has at most 107 bytes
        try:
            listener.bind("socket.py")
        finally:
            os.chdir(here)


def add_links(folder: Path) -> None:
    (folder / "loop").symlink_to(".")
    (folder / "loop.py").symlink_to("loop.py")
    (folder / "nowhere").symlink_to("/no/such/file")


def add_levels(folder: Path) -> None:
    deep = folder
    for _ in range(300):
        deep = deep / "deep"
        deep.mkdir()


@pytest.mark.usefixtures("any_system")
def test_odd_files_do_not_stop_a_submission(tmp_path: Path) -> None:
    folder = package(tmp_path / "bob", freezing="def freeze(module):\n    return 'own'\n")
    bare = locate(str(folder)).fingerprint()
    litter(folder)
    submission = locate(str(folder))
    assert submission.fingerprint() == submission.fingerprint() != bare
    staged = Workspace(submission)
    try:
        names = os.listdir(os.fsencode(staged.submission.folder))
        assert {b"freezing.py", b"M\xfcller.py", b"line\nbreak.py", b"-rf"} <= set(names)
        assert not {b"pipe.py", b"socket.py", b"__pycache__"} & set(names)
        for name in (".#freezing.py", "loop", "loop.py", "nowhere"):
            assert os.readlink(staged.submission.folder / name) == NOWHERE
        (staged.submission.folder / "old.py" / "freezing.py").read_text()
    finally:
        staged.remove()
    assert not staged.folder.exists()


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        (b"[late] bob", "[late] bob"),
        (b"hw4", "hw4"),
        (b"M\xfcller", r"M\xfcller"),
        (b"line\nbreak", r"line\nbreak"),
        (b"\x1b[31mred", r"\x1b[31mred"),
        ("m\u00fcller \u4e2d".encode(), "m\u00fcller \u4e2d"),
        ("\u202eevil".encode(), r"\u202eevil"),
    ],
)
def test_a_submissions_name_can_be_shown(name: bytes, shown: str, tmp_path: Path) -> None:
    folder = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
    submission = locate(str(package(folder, freezing="")))
    assert submission.name == shown
    assert submission.folder == folder
    assert locate(submission.argument) == submission


@pytest.mark.parametrize("name", ["n" * 300, "n" * 5000, "a\0b", "/", "."])
def test_an_odd_name_is_refused(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SubmissionError):
        locate(name)


@pytest.mark.usefixtures("any_system")
def test_too_many_files_are_refused(tmp_path: Path) -> None:
    folder = package(tmp_path / "bob", freezing="")
    for number in range(MAX_FILES):
        (folder / f"{number}.txt").touch()
    with pytest.raises(SubmissionError, match="bob: more than 2000 files"):
        locate(str(folder)).fingerprint()


def link_out(folder: Path) -> None:
    (folder.parent / "elsewhere.py").write_text(CLASSES)
    (folder / "classes.py").symlink_to("../elsewhere.py")


def link_nowhere(folder: Path) -> None:
    (folder / "classes.py").symlink_to("no_such_file.py")


def link_to_itself(folder: Path) -> None:
    (folder / "classes.py").symlink_to("classes.py")


def link_to_a_pipe(folder: Path) -> None:
    os.mkfifo(folder / "pipe")
    (folder / "classes.py").symlink_to("pipe")


def link_to_a_folder(folder: Path) -> None:
    package(folder / "parts", __init__=CLASSES)
    (folder / "classes").symlink_to("parts")


def link_to_a_folder_outside(folder: Path) -> None:
    package(folder.parent / "parts", __init__=CLASSES)
    (folder / "classes").symlink_to("../parts")


def link_inside_out(folder: Path) -> None:
    link_out(folder)
    (folder / "classes.py").rename(folder / "step.py")
    (folder / "classes.py").symlink_to("step.py")


def link_for_the_package(folder: Path) -> None:
    (folder.parent / "elsewhere.py").write_text("")
    (folder / "__init__.py").unlink(missing_ok=True)
    (folder / "__init__.py").symlink_to("../elsewhere.py")
    (folder / "classes.py").write_text(CLASSES)


def link_inside(folder: Path) -> None:
    (folder / "parts").mkdir()
    (folder / "parts" / "mine.py").write_text(CLASSES)
    (folder / "classes.py").symlink_to("parts/mine.py")


def link_twice_inside(folder: Path) -> None:
    link_inside(folder)
    (folder / "classes.py").rename(folder / "step.py")
    (folder / "classes.py").symlink_to(folder / "step.py")


CLASSES = "def reduce_classes(labels, mapping, *, ignore_index=255):\n    return labels\n"
IMPORT = """
import sys
from pathlib import Path
from grading.protocol.importing import load_module, load_package
from grading.protocol.submission import Submission
name, folder, package = sys.argv[1:]
submission = Submission(name, Path(folder), package)
try:
    load_package(submission)
    load_module(submission, "classes")
    print("imported")
except Exception as error:
    print(type(error).__name__, error)
"""


def link_message(file: str) -> str:
    return f"hand in {file} itself, not a link that leads elsewhere"


def imported(submission: Submission, code: Path) -> str:
    """Import a submission's `classes` in a fresh process: "imported", or the error."""
    done = run_python("-c", IMPORT, submission.name, str(submission.folder), submission.package, folder=code)
    return done.stdout.strip() or done.stderr


@pytest.mark.slow
@pytest.mark.parametrize("importable", [False, True])
@pytest.mark.parametrize(
    ("link", "file"),
    [
        (link_out, "classes.py"),
        (link_nowhere, "classes.py"),
        (link_to_itself, "classes.py"),
        (link_to_a_pipe, "classes.py"),
        (link_to_a_folder, "classes"),
        (link_to_a_folder_outside, "classes"),
        (link_inside_out, "classes.py"),
        (link_for_the_package, "__init__.py"),
        (link_inside, None),
        (link_twice_inside, None),
    ],
)
def test_links_are_treated_alike_before_and_after_staging(
    link: Callable[[Path], None],
    file: str | None,
    importable: bool,
    tmp_path: Path,
    repository: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    folder = package(tmp_path / "cohort" / "bob", freezing="", __init__="")
    link(folder)
    monkeypatch.syspath_prepend(tmp_path)
    submission = locate("cohort.bob" if importable else str(folder))
    staged = Workspace(submission)
    try:
        outcomes = [imported(submission, repository), imported(staged.submission, staged.code)]
    finally:
        staged.remove()
    assert outcomes == 2 * ["imported" if file is None else f"ImportError {link_message(file)}"]


@pytest.mark.slow
def test_links_in_the_sandbox(tmp_path: Path) -> None:
    folder = package(tmp_path / "bob", freezing="")
    link_out(folder)
    with (
        Worker(locate(str(folder)), choose(unsafe=True)) as worker,
        pytest.raises(StudentRaised, match=f"ImportError: {link_message('classes.py')}$"),
    ):
        worker.ask("classes.reduce", labels=np.zeros(1, np.uint8), mapping=[])


def huge(folder: Path) -> None:
    with (folder / "classes.py").open("wb") as file:
        file.truncate(200 * 2**30)


def many_files(folder: Path) -> None:
    for number in range(2100):
        (folder / f"{number}.py").touch()


def many_folders(folder: Path) -> None:
    for number in range(MAX_ENTRIES + 1):
        (folder / f"{number}").mkdir()


def link_to_a_huge_file(folder: Path) -> None:
    with (folder / "weights.bin").open("wb") as file:
        file.truncate(200 * 2**30)
    (folder / "classes.py").symlink_to("weights.bin")


@pytest.mark.slow
@pytest.mark.parametrize("make", [huge, many_files, many_folders, link_to_a_huge_file])
def test_a_too_large_submission_is_refused_in_one_line(
    make: Callable[[Path], None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = package(tmp_path / "bob", freezing="")
    make(folder)
    assert main([str(folder), "--unsafe", "--profile", "mini", "--out", str(tmp_path / "out")]) == 2
    assert capsys.readouterr().err == "error: bob: more than 2000 files or 50 MiB; hand in code only\n"
    assert not (tmp_path / "out").exists()


def zeros(folder: Path) -> None:
    (folder / "classes.py").symlink_to("/dev/zero")


def device(folder: Path) -> None:
    os.mknod(folder / "classes.py", 0o600 | stat.S_IFCHR, os.makedev(1, 5))


def folder_for_a_module(folder: Path) -> None:
    (folder / "classes.py").mkdir()
    (folder / "classes.py" / "classes.py").touch()


def levels(folder: Path) -> None:
    here = os.open(folder, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("deep", dir_fd=here)
        deeper = os.open("deep", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = deeper
    os.close(here)


def links_in_a_ring(folder: Path) -> None:
    for number in range(3):
        (folder / f"ring{number}.py").symlink_to(f"ring{(number + 1) % 3}.py")


@pytest.mark.usefixtures("any_system")
@pytest.mark.parametrize("make", [zeros, device, folder_for_a_module, levels, links_in_a_ring, litter])
def test_odd_files_are_not_copied(make: Callable[[Path], None], tmp_path: Path) -> None:
    folder = package(tmp_path / "bob", freezing="")
    if make is device and os.getuid() != 0:
        pytest.skip("only root makes devices")
    make(folder)
    with set_aside(locate(str(folder))) as copy:
        assert copy.fingerprint() == locate(str(folder)).fingerprint()
        assert (copy.folder / "freezing.py").read_text() == ""
        assert all(path.is_symlink() or path.is_file() or path.is_dir() for path in copy.folder.rglob("*"))
    subprocess.run(["rm", "-rf", str(folder)], check=True)


@pytest.mark.usefixtures("any_system")
def test_a_file_that_grows_while_it_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its size is given as 0, as for the files of /proc."""
    folder = package(tmp_path / "bob", freezing="")
    (folder / "classes.py").write_bytes(bytes(1000))
    true_fstat = os.fstat

    def fstat(descriptor: int) -> os.stat_result:
        values = list(true_fstat(descriptor))
        values[stat.ST_SIZE] = 0
        return os.stat_result(values)

    monkeypatch.setattr("grading.protocol.submission.os.fstat", fstat)
    monkeypatch.setattr("grading.protocol.submission.MAX_BYTES", 999)
    with pytest.raises(SubmissionError, match="hand in code only"):
        locate(str(folder)).fingerprint()
    monkeypatch.setattr("grading.protocol.submission.MAX_BYTES", 1000)
    locate(str(folder)).fingerprint()


def test_a_folder_that_becomes_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It becomes one between listing and reading: nothing from outside is read."""
    folder = package(tmp_path / "bob", freezing="")
    package(folder / "inner", more="own")
    package(tmp_path / "outside", more="secret")

    def swapped(path: Path, _: Path) -> Path:
        if path.parent.name == "inner" and not path.parent.is_symlink():
            shutil.rmtree(path.parent)
            path.parent.symlink_to("../outside")
        return path.relative_to(folder)

    monkeypatch.setattr("grading.protocol.submission.regular_file", swapped)
    with pytest.raises(SubmissionError, match=r"inner/more\.py cannot be read"):
        locate(str(folder)).fingerprint()


@pytest.mark.slow
@pytest.mark.parametrize("place", ["inner", "inner/more.py"])
def test_a_file_that_cannot_be_read_is_reported(place: str, tmp_path: Path, repository: Path) -> None:
    folder = package(tmp_path / "bob", freezing="")
    package(folder / "inner", more="")
    program = (
        "import os, sys; from grading.protocol.submission import *; os.chmod(sys.argv[2], 0)\n"
        "if os.getuid() == 0: os.seteuid(65534)\n"
        "try: locate(sys.argv[1]).fingerprint()\nexcept SubmissionError as error: print(error)"
    )
    parents = [path for path in tmp_path.parents if path.name.startswith(("pytest-", "popen-"))]
    for path in [tmp_path, *parents, *folder.rglob("*")]:
        path.chmod(0o755)
    done = run_python("-c", program, str(folder), str(folder / place), folder=repository)
    assert done.stdout == f"bob: {place} cannot be read (Permission denied); change its permissions\n", done.stderr


@pytest.mark.parametrize("importable", [False, True])
def test_a_copy_can_be_located(importable: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = package(tmp_path / "cohort" / "bob", freezing="", __init__="")
    monkeypatch.syspath_prepend(tmp_path)
    submission = locate("cohort.bob" if importable else str(folder))
    with set_aside(submission) as copy:
        assert copy.folder != submission.folder
        again = locate(copy.argument)
        assert (again.name, again.package, again.folder) == (submission.name, submission.package, copy.folder)
        assert again.fingerprint() == submission.fingerprint()
