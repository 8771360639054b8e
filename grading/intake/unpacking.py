"""Where the files of an archive are written: below one folder, and no more than a submission may hold."""

import os
import re
import unicodedata
from collections.abc import Iterable
from pathlib import Path

from grading.intake.modules_folder import is_passed_over
from grading.protocol.submission import MAX_BYTES, MAX_DEPTH, MAX_ENTRIES, MAX_FILES, MAX_PATH, SubmissionError
from grading.protocol.text import one_line

MAX_PART = 255  # bytes of one name: file systems take no more
MAX_RATIO = 200  # of unpacked to packed bytes; code is packed to a tenth, zeros to a thousandth
MIN_BYTES = 4 * 2**20  # below it the ratio does not count
SHOWN = 100  # letters of a name in a message
DRIVE = re.compile(r"[A-Za-z]:")

Parts = tuple[str, ...]


class Unpacking:
    """Writes the files of one archive, and counts what it writes: an archive's own figures may lie.

    Args:
        folder: an existing, empty folder.
        name: what the student calls the archive.
        packed_bytes: the archive's size.
    """

    def __init__(self, folder: Path, name: str, packed_bytes: int) -> None:
        self._name = name
        self._entries_left = MAX_ENTRIES
        self._files_left = MAX_FILES
        self._folders_left = MAX_FILES
        self._most_bytes = min(MAX_BYTES, max(MIN_BYTES, MAX_RATIO * packed_bytes))
        self._bytes_left = self._most_bytes
        # By folded parts: see `_folded`.
        self._folders: dict[Parts, Path] = {(): folder}
        self._files: set[Parts] = set()

    def place(self, entry: str) -> Parts | None:
        """The parts of the path of one entry of the archive; None if nothing there belongs to a submission.

        A backslash separates, too: programs on Windows write them.

        Raises:
            SubmissionError: the path leads out of the folder, or is too long, or there are too many entries.
        """
        self._entries_left -= 1
        if self._entries_left < 0:
            raise self._too_large()
        path = entry.replace("\\", "/")
        parts = tuple(part for part in path.split("/") if part not in ("", "."))
        if path.startswith("/") or ".." in parts or any(map(DRIVE.match, parts)) or "\0" in path:
            raise self.refused(entry, "leads out of the archive; pack one folder, and nothing by its full path")
        if any(map(is_passed_over, parts)):
            return None
        longest = max((len(os.fsencode(part)) for part in parts), default=0)
        if longest > MAX_PART or len(os.fsencode("/".join(parts))) > MAX_PATH or len(parts) > MAX_DEPTH:
            raise self.refused(entry, "lies too deep or has too long a name; choose shorter names")
        return parts

    def make_folder(self, parts: Parts) -> Path:
        """Make a folder, and those above it that do not exist yet.

        Raises:
            SubmissionError: the archive has a file in its place, or too many folders.
            OSError: the grader cannot write.
        """
        folded = _folded(parts)
        path = self._folders[()]
        for depth in range(1, len(parts) + 1):
            if folded[:depth] in self._files:
                raise self.refused("/".join(parts[:depth]), "is a file and a folder at once; rename one of them")
            if folded[:depth] not in self._folders:
                self._folders_left -= 1
                if self._folders_left < 0:
                    raise self._too_large()
                (path / parts[depth - 1]).mkdir()
                self._folders[folded[:depth]] = path / parts[depth - 1]
            path = self._folders[folded[:depth]]
        return path

    def write(self, parts: Parts, content: Iterable[bytes]) -> None:
        """Write a file that nobody can execute.

        Raises:
            SubmissionError: the archive has something else in its place, or holds too much.
            OSError: the grader cannot write.
        """
        folder = self.make_folder(parts[:-1])
        folded = _folded(parts)
        if folded in self._folders:
            raise self.refused("/".join(parts), "is a file and a folder at once; rename one of them")
        if folded in self._files:
            raise self.refused("/".join(parts), "is there twice (case does not count); leave one of them out")
        self._files.add(folded)
        self._files_left -= 1
        if self._files_left < 0:
            raise self._too_large()
        descriptor = os.open(folder / parts[-1], os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        with open(descriptor, "wb") as file:
            for chunk in content:
                self._bytes_left -= len(chunk)
                if self._bytes_left < 0:
                    raise self._too_large()
                file.write(chunk)

    def refused(self, entry: str, why: str) -> SubmissionError:
        """The error for one entry of the archive."""
        shown = one_line(entry)
        return SubmissionError(f"{self._name}: {shown[:SHOWN]}{'...' if len(shown) > SHOWN else ''} {why}")

    def _too_large(self) -> SubmissionError:
        if self._bytes_left < 0 and self._most_bytes < MAX_BYTES:
            return SubmissionError(f"{self._name}: unpacks to more than {MAX_RATIO} times its size; hand in code only")
        return too_large(self._name)


def too_large(name: str) -> SubmissionError:
    """The error for an archive that holds more than a submission may."""
    return SubmissionError(f"{name}: more than {MAX_FILES} files or {MAX_BYTES >> 20} MiB; hand in code only")


def _folded(parts: Parts) -> Parts:
    """Equal for paths that are one path on a system that ignores case, or writes letters in another normal form."""
    return tuple(unicodedata.normalize("NFC", part.casefold()) for part in parts)
