"""A hand-in becomes the submission that a careful instructor would take it for, or is refused in one line."""

import os
import shutil
import subprocess
import zipfile
from pathlib import Path

import pytest

from grading.intake.hand_in import HandIn
from grading.intake.unpack import unpack
from grading.protocol.submission import FOLDER_PACKAGE, MODULES, Submission, SubmissionError, locate
from grading.reporting.discussion import read_discussion
from grading.sandbox.staging import set_aside

ALL = [f"{module}.py" for module in MODULES]


def lay(folder: Path, *places: str) -> Path:
    """Make files, each of which holds its own path, so that no two are equal."""
    for place in places:
        (folder / place).parent.mkdir(parents=True, exist_ok=True)
        (folder / place).write_text(f"# {place}\n")
    return folder


def modules(*folders: str) -> list[str]:
    return [f"{folder}/{name}" for folder in folders for name in ALL]


def packed(folder: Path, archive: Path) -> Path:
    with zipfile.ZipFile(archive, "w") as file:
        for path in sorted(folder.rglob("*")):
            file.write(path, path.relative_to(folder))
    return archive


class Desk:
    """A place to lay out hand-ins, and to unpack them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.number = 0

    def unpack(self, *sources: Path, platform: str = "folders") -> Submission:
        self.number += 1
        out = self.folder / f"out{self.number}"
        out.mkdir()
        submission = unpack(HandIn("ada", sources, platform=platform), out)
        assert submission.name == "ada"
        assert submission.package == FOLDER_PACKAGE
        assert submission.folder.is_relative_to(out)
        assert locate(submission.argument).fingerprint() == submission.fingerprint()
        return submission

    def both(self, *places: str) -> list[str]:
        """The place whose modules are taken, from a folder and from the same folder packed; or the refusal."""
        folder = lay(self.folder / "in", *places)
        archive = packed(folder, self.folder / "hw4.zip")
        return [self.chosen(folder), self.chosen(archive)]

    def chosen(self, source: Path) -> str:
        try:
            submission = self.unpack(source)
        except SubmissionError as error:
            return str(error)
        texts = {str(Path(path.read_text()[2:-1]).parent) for path in submission.folder.glob("*.py")}
        assert len(texts) == 1
        return texts.pop()


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


@pytest.mark.parametrize(
    ("places", "chosen"),
    [
        (ALL, "."),
        (modules("hw4"), "hw4"),
        (modules("homework-4/hw4"), "homework-4/hw4"),
        (modules("a/b/c"), "a/b/c"),
        (["hw4/heads.py"], "hw4"),
        # The handout's own files, which have the names of modules.
        ([*modules("hw4", "solutions", "grading/worker/probes"), "benchmarks/metrics.py", "tests/x/fcn.py"], "hw4"),
        (["hw4/heads.py", *modules("grading/worker/probes"), *modules("tests/mine")], "hw4"),
        (modules("ada/hw4", "ada/grading/worker/probes", "ada/solutions"), "ada/hw4"),
        (modules("solutions"), "solutions"),
        # What programs keep.
        ([*modules("hw4", ".git/x", "__MACOSX/hw4", "venv/hw4", ".ipynb_checkpoints", "__pycache__")], "hw4"),
        ([*modules("hw4", "env/lib/python3.12"), "env/pyvenv.cfg"], "hw4"),
        # More modules beat fewer.
        ([*modules("hw4"), "metrics.py"], "hw4"),
        ([*modules("hw4"), "old/heads.py", "old/fcn.py", "old/metrics.py"], "hw4"),
        ([*ALL, "old/heads.py", "old/fcn.py", "old/metrics.py", "old/classes.py", "old/transfer.py"], "."),
        ([*modules("hw4"), "hw4/draft/heads.py"], "hw4"),
    ],
)
def test_the_folder_with_the_modules(places: list[str], chosen: str, desk: Desk) -> None:
    assert desk.both(*places) == [chosen, chosen]


@pytest.mark.parametrize(
    ("places", "shown"),
    [
        (modules("hw4", "hw4_final"), ["hw4/", "hw4_final/"]),
        ([*ALL, *modules("hw4")], ["hw4/", "the top folder"]),
        (modules("hw4", "hw4/copy"), ["hw4/", "hw4/copy/"]),
        (["q1/heads.py", "q1/freezing.py", "q2/fcn.py"], ["q1/", "q2/"]),
        ([*modules("hw4")[1:], *modules("draft")], ["draft/", "hw4/"]),
        (modules(*(f"v{number}" for number in range(9))), ["v0/", "v1/", "v2/", "v3/", "..."]),
    ],
)
def test_two_folders_that_may_be_meant(places: list[str], shown: list[str], desk: Desk) -> None:
    inside, packed_too = desk.both(*places)
    assert f"ada: several folders hold modules ({', '.join(shown)}); hand in one folder with freezing.py" in inside
    assert packed_too.startswith("ada: several folders hold modules (hw4.zip/")


@pytest.mark.parametrize(
    "places",
    [
        ["report.pdf"],
        ["hw4/Heads.py"],
        ["heads.py.txt"],
        ["a/b/c/d/e/f/heads.py"],
        modules("grading/worker/probes"),
        modules(".hidden"),
    ],
)
def test_no_modules(places: list[str], desk: Desk) -> None:
    message = "ada: no module was found; hand in one folder with freezing.py, heads.py, "
    assert all(refusal.startswith(message) for refusal in desk.both(*places))


def test_a_clone_of_the_handout(desk: Desk, repository: Path, tmp_path: Path) -> None:
    """This repository itself, as if it were the clone of a student's."""
    names = subprocess.run(["git", "ls-files", "-z"], cwd=repository, capture_output=True, check=True, text=True).stdout
    clone = tmp_path / "hw4-ada"
    for name in names.split("\0"):
        if (repository / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(repository / name, clone / name)
    submission = desk.unpack(clone, platform="github")
    assert submission.fingerprint() == locate(str(repository / "hw4")).fingerprint()
    shutil.rmtree(clone / "hw4")
    shutil.rmtree(clone / "solutions")
    with pytest.raises(SubmissionError, match="no module was found"):
        desk.unpack(clone, platform="github")


def test_nothing_is_run(desk: Desk, tmp_path: Path) -> None:
    (lay(tmp_path, "in/heads.py") / "in" / "__init__.py").write_text("raise SystemExit(7)\n")
    assert (desk.unpack(tmp_path / "in").folder / "__init__.py").is_file()


# --- what lies in a folder


def test_links_out_of_a_folder(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "eve/hw4/heads.py", "in/hw4/fcn.py", "secret.py")
    (tmp_path / "in" / "stolen").symlink_to("../eve/hw4")
    (tmp_path / "in" / "hw4" / "metrics.py").symlink_to("/etc/passwd")
    (tmp_path / "in" / "hw4" / "heads.py").symlink_to("fcn.py")
    folder = desk.unpack(tmp_path / "in").folder
    assert set(os.listdir(folder)) == {"fcn.py", "heads.py", "metrics.py"}
    assert (folder / "heads.py").read_text() == "# in/hw4/fcn.py\n"
    assert os.readlink(folder / "metrics.py") == "/nowhere"
    with set_aside(locate(str(folder))) as copy:
        assert copy.fingerprint() == locate(str(tmp_path / "in" / "hw4")).fingerprint()


def test_a_folder_of_links_alone(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "eve/heads.py", "in/README")
    (tmp_path / "in" / "heads.py").symlink_to("../eve/heads.py")
    with pytest.raises(SubmissionError, match="no module was found"):
        desk.unpack(tmp_path / "in")


def test_odd_files_in_a_folder(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "in/heads.py", "in/modules/more.py")
    os.mkfifo(tmp_path / "in" / "fcn.py")
    (tmp_path / "in" / os.fsdecode(b"M\xfcller\n.py")).touch()
    assert set(os.listdir(desk.unpack(tmp_path / "in").folder)) == {
        "heads.py",
        "modules",
        os.fsdecode(b"M\xfcller\n.py"),
    }


def test_a_folder_that_holds_too_much(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "in/heads.py")
    with (tmp_path / "in" / "weights.bin").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(SubmissionError, match="ada: more than 2000 files or 50 MiB; hand in code only"):
        desk.unpack(tmp_path / "in")


def test_many_files_beside_the_modules(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "in/hw4/heads.py", *(f"in/data/{number}.txt" for number in range(3000)))
    assert os.listdir(desk.unpack(tmp_path / "in").folder) == ["heads.py"]


def test_an_archive_in_a_folder(desk: Desk, tmp_path: Path) -> None:
    """As Moodle exports: a folder for each student, with the file that was handed in."""
    packed(lay(tmp_path, "x/hw4/heads.py") / "x", tmp_path / "work.zip")
    lay(tmp_path, "in/report.pdf", "in/._work.zip")
    shutil.move(tmp_path / "work.zip", tmp_path / "in")
    assert os.listdir(desk.unpack(tmp_path / "in").folder) == ["heads.py"]
    lay(tmp_path, "in/hw4/fcn.py")
    assert os.listdir(desk.unpack(tmp_path / "in").folder) == ["fcn.py"]


def test_an_archive_in_an_archive_is_not_opened(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "x/hw4/heads.py", "y/README")
    packed(tmp_path / "x", tmp_path / "y" / "inner.zip")
    with pytest.raises(SubmissionError, match="no module was found"):
        desk.unpack(packed(tmp_path / "y", tmp_path / "hw4.zip"))


# --- Canvas's loose files


def canvas(folder: Path, *names: str) -> list[Path]:
    lay(folder, *(f"kingada_LATE_101_{900 + number}_{name}" for number, name in enumerate(names)))
    return sorted(folder.iterdir())


@pytest.mark.parametrize(
    ("names", "files"),
    [
        (["heads.py", "fcn.py"], {"heads.py", "fcn.py"}),
        (["heads-1.py", "fcn-12.py", "discussion-2.md"], {"heads.py", "fcn.py", "discussion.md"}),
        (["heads (1).py", "fcn(2).py"], {"heads.py", "fcn.py"}),
        (["heads.py", "my_util-1.py", "plot 2.py", "report.pdf"], {"heads.py", "my_util-1.py", "plot 2.py"}),
        (["heads.py", "3_4_fcn.py"], {"heads.py", "3_4_fcn.py"}),
    ],
)
def test_loose_files(names: list[str], files: set[str], desk: Desk, tmp_path: Path) -> None:
    submission = desk.unpack(*canvas(tmp_path / "in", *names), platform="canvas")
    assert set(os.listdir(submission.folder)) == files


def test_one_module_twice(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"ada: heads\.py is there twice"):
        desk.unpack(*canvas(tmp_path / "in", "heads.py", "heads-1.py"), platform="canvas")


def test_loose_files_beside_archives(desk: Desk, tmp_path: Path) -> None:
    work = packed(lay(tmp_path, "x/hw4/heads.py") / "x", tmp_path / "work.zip")
    figures = packed(lay(tmp_path, "y/figure.png") / "y", tmp_path / "figures.zip")
    (tmp_path / "again").mkdir()
    again = Path(shutil.copy(figures, tmp_path / "again"))
    discussion = lay(tmp_path, "discussion.md") / "discussion.md"
    folder = desk.unpack(work, figures, again, discussion).folder
    assert set(os.listdir(folder)) == {"heads.py", "discussion.md"}
    loose = lay(tmp_path, "fcn.py") / "fcn.py"
    with pytest.raises(SubmissionError, match=r"several folders hold modules \(loose files/, work\.zip/hw4/\)"):
        desk.unpack(work, loose)


def test_too_many_archives(desk: Desk, tmp_path: Path) -> None:
    work = packed(lay(tmp_path, "x/hw4/heads.py") / "x", tmp_path / "0.zip")
    copies = [Path(shutil.copy(work, tmp_path / f"{number}.zip")) for number in range(1, 6)]
    with pytest.raises(SubmissionError, match="ada: 5 archives; hand in one"):
        desk.unpack(*copies)


@pytest.mark.parametrize("name", ["text.html", "hw4.ipynb", "report.pdf", "hw4"])
def test_what_is_neither_an_archive_nor_python(name: str, desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(
        SubmissionError, match=rf"ada: neither an archive nor Python files \({name}\); hand in one folder"
    ):
        desk.unpack(*canvas(tmp_path / "in", name), platform="canvas")


def test_many_files_that_are_no_python(desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match=r"\(0\.png, 1\.png, 2\.png, 3\.png, \.\.\.\)"):
        desk.unpack(*canvas(tmp_path / "in", *(f"{number}.png" for number in range(9))), platform="canvas")


def test_loose_files_are_bounded_together(desk: Desk, tmp_path: Path) -> None:
    files = canvas(tmp_path / "in", *(f"data{number}.py" for number in range(9)))
    for path in files:
        with path.open("wb") as file:
            file.truncate(30 * 2**20)
    with pytest.raises(SubmissionError, match="more than 2000 files or 50 MiB"):
        desk.unpack(*files, platform="canvas")


@pytest.mark.parametrize("sources", [(), ("missing",), ("gone.zip", "gone.py")])
def test_nothing_is_there(sources: tuple[str, ...], desk: Desk, tmp_path: Path) -> None:
    with pytest.raises(SubmissionError, match="ada: the platform's export holds no file of this submission"):
        desk.unpack(*(tmp_path / name for name in sources))


# --- the discussion

ANSWER = "## Q1-4\nFine-tuned.\n"


@pytest.mark.parametrize("place", ["hw4/discussion.md", "discussion.md"])
def test_the_discussion_is_kept(place: str, desk: Desk, tmp_path: Path) -> None:
    (lay(tmp_path, "in/hw4/heads.py") / "in" / place).write_text(ANSWER)
    archive = packed(tmp_path / "in", tmp_path / "hw4.zip")
    for source in (tmp_path / "in", archive):
        assert read_discussion(desk.unpack(source).folder) == {"Q1-4": "Fine-tuned."}


def test_the_discussion_beside_the_modules_counts(desk: Desk, tmp_path: Path) -> None:
    lay(tmp_path, "in/hw4/heads.py", "in/discussion.md")
    (tmp_path / "in/hw4/discussion.md").write_text(ANSWER)
    assert read_discussion(desk.unpack(tmp_path / "in").folder) == {"Q1-4": "Fine-tuned."}


def test_a_discussion_of_somebody_else_is_not_taken(desk: Desk, tmp_path: Path) -> None:
    """Above what was handed in lies the class, and a link may lead anywhere."""
    for place in ("discussion.md", "class/discussion.md"):
        (lay(tmp_path, place) / place).write_text(ANSWER)
    lay(tmp_path, "class/ada/heads.py", "class/bob/hw4/heads.py")
    (tmp_path / "class" / "bob" / "discussion.md").symlink_to("../discussion.md")
    for student in ("ada", "bob"):
        assert os.listdir(desk.unpack(tmp_path / "class" / student).folder) == ["heads.py"]


# --- the grader's own faults


def test_a_full_disk_is_not_the_student_s_fault(desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    lay(tmp_path, "in/hw4/heads.py")
    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(OSError, match="No space left"):
        desk.unpack(tmp_path / "in")
