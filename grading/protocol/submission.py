"""Finding an implementation: an importable package, or a folder with the student's modules."""

import hashlib
import importlib
import importlib.util
import os
import stat
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from errno import EINVAL
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from itertools import islice
from pathlib import Path
from types import ModuleType

from grading.protocol.text import one_line, printable

MODULES = ("freezing", "heads", "transfer", "augmentation", "fcn", "classes", "metrics")

# A folder is imported under the assignment's own name, whatever it is called on disk: so both
# `from .heads import ...` and `from hw4.heads import ...` mean the submission itself.
FOLDER_PACKAGE = "hw4"

SKIPPED = frozenset({"__pycache__", ".git", ".venv", "venv", ".hypothesis"})
MAX_BYTES = 50 * 2**20
MAX_FILES = 2000
MAX_ENTRIES = 20_000  # of its folders together, what is passed over included
MAX_DEPTH, MAX_PATH = 32, 1024  # of folders, and bytes of a path in the submission: no module lies deeper


class SubmissionError(Exception):
    """The submission cannot be found; one line for the person who named it, whatever its name holds."""

    def __init__(self, message: str) -> None:
        super().__init__(one_line(message))


@dataclass(frozen=True)
class Submission:
    """Where a submission lies and the package name it is imported as.

    Attributes:
        name: what results call it: the importable name, or the folder's name, made printable.
        folder: the folder with its modules.
        package: the name to import it by.
    """

    name: str
    folder: Path
    package: str

    @property
    def argument(self) -> str:
        """What `locate` finds it by, from any working directory: `FOLDER`, or `PACKAGE@FOLDER`."""
        return str(self.folder) if self.package == FOLDER_PACKAGE else f"{self.package}@{self.folder}"

    def fingerprint(self) -> str:
        """sha256 over the names and contents of its Python files, hexadecimal.

        Raises:
            SubmissionError: see `handed_in`.
        """
        digest = hashlib.sha256()
        for file in handed_in(self):
            if file.place.suffix == ".py":
                digest.update(os.fsencode(file.place) + b"\0")
                content = b"a link" if file.content is None else file.content
                digest.update(hashlib.sha256(content).digest())
        return digest.hexdigest()


@dataclass(frozen=True)
class HandedIn:
    """One file of a submission.

    Attributes:
        place: where it lies in the submission's folder.
        content: of the regular file; None for a symbolic link to no file of the submission.
    """

    place: Path
    content: bytes | None


def handed_in(submission: Submission) -> Iterator[HandedIn]:
    """What belongs to a submission, in a fixed order, whatever lies in its folder and whoever is changing it.

    Regular files do, and symbolic links to regular files of the submission. Sockets, pipes, devices, other files than
    modules that the grader may not read, and folders below MAX_DEPTH do not. Links that lead elsewhere, to a folder or
    nowhere are named, so that who imports them can be told.

    Raises:
        SubmissionError: there are more than MAX_FILES files, MAX_ENTRIES entries or MAX_BYTES bytes, or a folder or a
            module cannot be read.
    """
    too_much = SubmissionError(
        f"{submission.name}: more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB; hand in code only"
    )
    count, entries_left, bytes_left = 0, MAX_ENTRIES, MAX_BYTES
    waiting = [Path()]
    while waiting:
        inner = waiting.pop()
        try:
            entries = _entries(submission.folder, inner, entries_left + 1)
        except OSError as error:
            raise _unreadable(submission, inner, error) from None
        entries_left -= len(entries)
        if entries_left < 0:
            raise too_much
        for entry in entries:
            place = inner / entry.name
            if entry.is_dir(follow_symlinks=False):
                if entry.name not in SKIPPED and len(place.parts) <= MAX_DEPTH:
                    waiting.append(place)
                continue
            if len(os.fsencode(place)) > MAX_PATH:
                continue
            content = None
            source = regular_file(submission.folder / place, submission.folder)
            if source is not None:
                try:
                    content = _content(submission.folder, source, bytes_left + 1)
                except OSError as error:
                    if place.suffix == ".py":
                        raise _unreadable(submission, place, error) from None
                    continue
            elif not entry.is_symlink():
                continue
            count, bytes_left = count + 1, bytes_left - len(content or b"")
            if count > MAX_FILES or bytes_left < 0:
                raise too_much
            yield HandedIn(place, content)


def _unreadable(submission: Submission, place: Path, error: OSError) -> SubmissionError:
    return SubmissionError(f"{submission.name}: {place} cannot be read ({error.strerror}); change its permissions")


def regular_file(path: Path, folder: Path) -> Path | None:
    """The regular file that a path stands for: itself, or the one in the submission's folder that a link leads to.

    Returns:
        Its place in the submission's folder.
    """
    try:
        if path.is_symlink():
            path, folder = Path(os.path.realpath(path)), Path(os.path.realpath(folder))
            if not path.is_relative_to(folder):
                return None
        return path.relative_to(folder) if stat.S_ISREG(path.lstat().st_mode) else None
    except OSError:
        return None


def _entries(folder: Path, inner: Path, most: int) -> list[os.DirEntry[str]]:
    """The first entries of a folder inside a submission's, by name."""
    descriptor = _opened(folder, inner, os.O_DIRECTORY)
    try:
        with os.scandir(descriptor) as entries:
            return sorted(islice(entries, most), key=lambda entry: entry.name)
    finally:
        os.close(descriptor)


def _content(folder: Path, place: Path, most: int) -> bytes:
    """The first bytes of a regular file in a submission's folder, which may grow meanwhile.

    Nothing is read from a file that is said to be longer: it may be a hole of any size.
    """
    with open(_opened(folder, place, os.O_NONBLOCK), "rb") as file:
        status = os.fstat(file.fileno())
        if not stat.S_ISREG(status.st_mode):
            raise OSError(EINVAL, "it is not a regular file any more")
        if status.st_size >= most:
            return bytes(most)
        return file.read(most)


def _opened(folder: Path, place: Path, flags: int) -> int:
    """A descriptor of what lies at a place in a folder; no part of the place is a symbolic link."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    for number, part in enumerate(place.parts, 1):
        kind = flags if number == len(place.parts) else os.O_DIRECTORY
        try:
            inner = os.open(part, os.O_RDONLY | os.O_NOFOLLOW | kind, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        descriptor = inner
    return descriptor


def locate(submission: str) -> Submission:
    """Find `submission`, a folder, an importable package name or both, without running any of its code.

    See `Submission.argument`.

    Raises:
        SubmissionError: there is neither such a folder nor such a package, or it has none of the modules.
    """
    package, at, place = submission.partition("@")
    if os.path.isdir(submission):
        folder = Path(submission).resolve()
        found = Submission(printable(folder.name).replace("\n", "\\n"), folder, FOLDER_PACKAGE)
    elif at and os.path.isdir(place) and all(part.isidentifier() for part in package.split(".")):
        found = Submission(package, Path(place).resolve(), package)
    else:
        found = Submission(submission, _package_folder(submission), submission)
    if not any(os.path.isfile(found.folder / f"{module}.py") for module in MODULES):
        raise SubmissionError(f"{submission}: none of {', '.join(m + '.py' for m in MODULES)} in {found.folder}")
    return found


def load_package(submission: Submission) -> None:
    """Make the package importable in this process, under `submission.package`.

    Raises:
        Exception: whatever the submission's `__init__.py` raises.
    """
    init = submission.folder / "__init__.py"
    _refuse_link(init, submission.folder)
    others = [finder for finder in sys.meta_path if not isinstance(finder, _OwnModules)]
    sys.meta_path[:] = [_OwnModules(submission), *others]
    if submission.package != FOLDER_PACKAGE:
        parent = submission.folder.parents[submission.package.count(".")]
        if str(parent) not in sys.path:
            sys.path.append(str(parent))
        importlib.import_module(submission.package)
        return
    for name in [name for name in sys.modules if name.split(".")[0] == FOLDER_PACKAGE]:
        del sys.modules[name]
    if not init.is_file():
        package = ModuleType(FOLDER_PACKAGE)
        package.__path__ = [str(submission.folder)]
        sys.modules[FOLDER_PACKAGE] = package
        return
    spec = importlib.util.spec_from_file_location(
        FOLDER_PACKAGE, init, submodule_search_locations=[str(submission.folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[FOLDER_PACKAGE] = package
    spec.loader.exec_module(package)


class _OwnModules(MetaPathFinder):
    """A submission's modules are the files that it hands in, here as in the sandbox.

    For a folder there are no others: an editable install offers this project's stubs.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith(f"{self._submission.package}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            # Python passes over a link that leads nowhere.
            name = fullname.rpartition(".")[2]
            places = [Path(folder, name + suffix) for folder in path for suffix in (".py", "")]
        else:
            places = [Path(place) for place in (spec.origin, *(spec.submodule_search_locations or ())) if place]
        for place in places:
            _refuse_link(place, self._submission.folder)
        if spec is None and self._submission.package == FOLDER_PACKAGE:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec


def _refuse_link(path: Path, folder: Path) -> None:
    """ImportError where a path is a symbolic link to no file of the submission."""
    if path.is_symlink() and regular_file(path, folder) is None:
        raise ImportError(f"hand in {path.name} itself, not a link that leads elsewhere")


def load_module(submission: Submission, name: str) -> ModuleType:
    """Import one module of a loaded submission.

    Raises:
        Exception: whatever importing it raises, ModuleNotFoundError if it is missing.
    """
    return importlib.import_module(f"{submission.package}.{name}")


def _package_folder(name: str) -> Path:
    """Walk a dotted name without importing its parents, as `importlib.util.find_spec` would."""
    path = [str(Path.cwd()), *sys.path]
    for part in name.split("."):
        spec = PathFinder.find_spec(part, path) if part.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise SubmissionError(f"{name or repr(name)}: neither a folder nor an importable package")
        path = list(spec.submodule_search_locations)
    return Path(path[0]).resolve()
