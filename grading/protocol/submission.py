"""A submission: an importable package or a folder with the student's modules, and the files that belong to it."""

import hashlib
import os
import stat
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from errno import EINVAL
from importlib.machinery import PathFinder
from itertools import islice
from pathlib import Path

from grading.protocol.text import one_line, printable

MODULES = ("freezing", "heads", "transfer", "augmentation", "fcn", "classes", "metrics")

# A folder is imported under the assignment's name, whatever it is called on disk: both `from .heads import ...` and
# `from hw4.heads import ...` then mean the submission itself.
FOLDER_PACKAGE = "hw4"

SKIPPED = frozenset({"__pycache__", ".git", ".venv", "venv", ".hypothesis"})
MAX_BYTES = 50 * 2**20
MAX_FILES = 2000
MAX_ENTRIES = 20_000  # of all folders together, including what is passed over
MAX_DEPTH = 32  # of folders: no module lies deeper
MAX_PATH = 1024  # bytes of a path in the submission

# If each folder of a path is opened in the one before, nobody can put a link into the path meanwhile. Windows cannot do
# it; there, only the student trains the submission.
OPENS_IN_FOLDERS = os.open in os.supports_dir_fd and os.scandir in os.supports_fd


# Opens a file, refuses a symbolic link, and does not wait for the other end of a pipe. Windows has no such flags.
CAUTIOUSLY = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)


class SubmissionError(Exception):
    """The submission cannot be graded: one line for the person who named it, whatever characters its name holds."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Submission:
    """Where a submission lies and the package name it is imported as.

    Attributes:
        name: what results call it: the importable name, or the folder's name, made printable.
        folder: the folder with its modules.
        package: the name to import it by.
        notes: what a reader should know of what was handed in with it; see `grading.protocol.handed_out`.
    """

    name: str
    folder: Path
    package: str
    notes: tuple[str, ...] = ()

    @property
    def argument(self) -> str:
        """What `locate` finds it by from any working directory: `FOLDER`, or `PACKAGE@FOLDER`."""
        return str(self.folder) if self.package == FOLDER_PACKAGE else f"{self.package}@{self.folder}"

    def fingerprint(self) -> str:
        """SHA-256 of the names and contents of its Python files, in hexadecimal.

        Raises:
            SubmissionError: see `handed_in`.
        """
        digest = hashlib.sha256()
        for file in handed_in(self):
            if file.place.suffix == ".py":
                digest.update(os.fsencode(file.place.as_posix()) + b"\0")
                content = b"a link" if file.content is None else file.content
                digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class HandedIn:
    """One file of a submission.

    Attributes:
        place: where it lies in the submission's folder.
        content: of the regular file; None for a symbolic link that does not lead to a file of the submission.
    """

    place: Path
    content: bytes | None


def handed_in(submission: Submission) -> Iterator[HandedIn]:
    """What belongs to a submission, in a fixed order, whatever lies in its folder and whoever changes it meanwhile.

    Regular files belong to it, and symbolic links to regular files of the submission. Sockets, pipes, devices, folders
    below MAX_DEPTH, and files that the grader may not read and that are no modules do not. Symbolic links to anything
    else are named without content, so that whoever imports them can be told.

    Raises:
        SubmissionError: there are more than MAX_FILES files, MAX_ENTRIES entries or MAX_BYTES bytes, or a folder or a
            module cannot be read.
    """
    files_left, bytes_left = MAX_FILES, MAX_BYTES
    for place, is_link in _places(submission):
        file = _file_at(submission, place, is_link, bytes_left + 1)
        if file is None:
            continue
        files_left -= 1
        bytes_left -= len(file.content or b"")
        if files_left < 0 or bytes_left < 0:
            raise _too_large(submission)
        yield file


def _places(submission: Submission) -> Iterator[tuple[Path, bool]]:
    """Every place of a submission at which there is no folder, and whether it is a symbolic link, in a fixed order."""
    entries_left = MAX_ENTRIES
    unvisited = [Path()]
    while unvisited:
        folder = unvisited.pop()
        try:
            entries = _entries(submission.folder, folder, entries_left + 1)
        except OSError as error:
            raise _unreadable(submission, folder, error) from None
        entries_left -= len(entries)
        if entries_left < 0:
            raise _too_large(submission)
        for entry in entries:
            place = folder / entry.name
            if not entry.is_dir(follow_symlinks=False):
                if len(os.fsencode(place)) <= MAX_PATH:
                    yield place, entry.is_symlink()
            elif entry.name not in SKIPPED and len(place.parts) <= MAX_DEPTH:
                unvisited.append(place)


def _file_at(submission: Submission, place: Path, is_link: bool, most_bytes: int) -> HandedIn | None:
    """What belongs to a submission at a place; None if nothing does."""
    source = regular_file(submission.folder / place, submission.folder)
    if source is None:
        return HandedIn(place, None) if is_link else None
    try:
        return HandedIn(place, read_regular_file(submission.folder, source, most_bytes))
    except OSError as error:
        if place.suffix == ".py":
            raise _unreadable(submission, place, error) from None
        return None


def _too_large(submission: Submission) -> SubmissionError:
    return SubmissionError(
        f"{submission.name}: more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB; hand in code only"
    )


def _unreadable(submission: Submission, place: Path, error: OSError) -> SubmissionError:
    return SubmissionError(f"{submission.name}: {place} cannot be read ({error.strerror}); change its permissions")


def regular_file(path: Path, folder: Path) -> Path | None:
    """The regular file at a path in the submission's folder, or the one in this folder to which the link there leads.

    Returns:
        Its place in the submission's folder; None if there is no such file.
    """
    try:
        if path.is_symlink():
            path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
            if not path.is_relative_to(folder):
                return None
        return path.relative_to(folder) if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def _entries(folder: Path, place: Path, most: int) -> list[os.DirEntry[str]]:
    """The entries of a folder at a place in a submission's folder, by name: all, or `most` of them."""
    with ExitStack() as stack:
        opened: Path | int = folder / place
        if OPENS_IN_FOLDERS:
            opened = _open(folder, place, os.O_DIRECTORY)
            stack.callback(os.close, opened)
        entries = stack.enter_context(os.scandir(opened))
        return sorted(islice(entries, most), key=lambda entry: entry.name)


def read_regular_file(folder: Path, place: Path, most: int) -> bytes:
    """The first `most` bytes of a regular file in a submission's folder, which may grow meanwhile.

    A file of at least that size is not read, and gives zeros: it may be a hole of any size.

    Raises:
        OSError: it cannot be read, is not a regular file any more, or a part of the place is a symbolic link.
    """
    with open(_open(folder, place, os.O_NONBLOCK) if OPENS_IN_FOLDERS else folder / place, "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(EINVAL, "it is not a regular file any more")
        if status.st_size >= most:
            return bytes(most)
        return file.read(most)


def _open(folder: Path, place: Path, flags: int) -> int:
    """A descriptor of what lies at a place in a folder.

    Raises:
        OSError: a part of the place is a symbolic link, or cannot be opened.
    """
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for number, part in enumerate(place.parts, 1):
        part_flags = flags if number == len(place.parts) else os.O_DIRECTORY
        try:
            part_descriptor = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | part_flags, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = part_descriptor
    return descriptor


def locate(submission: str) -> Submission:
    """Find a submission without running any of its code.

    Args:
        submission: a folder, the name of an importable package, or `PACKAGE@FOLDER`.

    Raises:
        SubmissionError: there is neither such a folder nor such a package, or it has none of the modules.
    """
    package, at, place = submission.partition("@")
    if os.path.isdir(submission):
        folder = Path(submission).resolve()
        located = Submission(printable(folder.name).replace("\n", "\\n"), folder, FOLDER_PACKAGE)
    elif at and os.path.isdir(place) and all(part.isidentifier() for part in package.split(".")):
        located = Submission(package, Path(place).resolve(), package)
    else:
        located = Submission(submission, _package_folder(submission), submission)
    if not any(os.path.isfile(located.folder / f"{module}.py") for module in MODULES):
        raise SubmissionError(f"{submission}: none of {', '.join(m + '.py' for m in MODULES)} in {located.folder}")
    return located


def _package_folder(name: str) -> Path:
    """The folder of an importable package. Its parents are not imported, as `importlib.util.find_spec` would do.

    Raises:
        SubmissionError: there is no such package.
    """
    path = [str(Path.cwd()), *sys.path]
    for part in name.split("."):
        spec = PathFinder.find_spec(part, path) if part.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise SubmissionError(f"{name or repr(name)}: neither a folder nor an importable package")
        path = list(spec.submodule_search_locations)
    return Path(path[0]).resolve()
