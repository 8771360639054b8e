"""Reads tar archives that may be hostile, packed by gzip or not."""

import re
import tarfile
from collections.abc import Iterator
from functools import partial
from gzip import GzipFile
from io import BytesIO

from grading.intake.member import CHUNK, DAMAGED, DamagedArchive, Kind, Member
from grading.protocol.submission import MAX_BYTES, MAX_ENTRIES

MAGIC = (257, b"ustar")  # where a tar archive says what it is
MAX_TAR = MAX_BYTES + MAX_ENTRIES * 2 * tarfile.BLOCKSIZE  # bytes, with a header and padding for each entry
MAX_EXTENSION = 64 * 1024  # bytes of one entry's further header, which holds a long name, dates and attributes
MANY_DIGITS = re.compile(rb"\d{64}")


def is_tar(archive: bytes) -> bool:
    """Whether bytes say that they are a tar archive."""
    offset, magic = MAGIC
    return archive[offset : offset + len(magic)] == magic


def unpacked_gzip(archive: bytes) -> bytes:
    """What gzip packed.

    Raises:
        DamagedArchive: it cannot be read, or is larger than any tar archive of a submission.
    """
    try:
        unpacked = GzipFile(fileobj=BytesIO(archive)).read(MAX_TAR + 1)
    except MemoryError:
        raise
    # It reads from memory, so whatever else it raises is the archive's fault.
    except Exception:
        raise DamagedArchive(DAMAGED) from None
    if len(unpacked) > MAX_TAR:
        raise DamagedArchive(f"unpacks to more than {MAX_BYTES >> 20} MiB; hand in code only")
    return unpacked


def tar_members(archive: bytes) -> Iterator[Member]:
    """The entries of a tar archive.

    Raises:
        DamagedArchive: it cannot be read, here or in a member's content.
    """
    try:
        with tarfile.open(fileobj=_Headers(archive), mode="r:") as tar:
            # There may be no end of entries: a hostile header sends tarfile back. The caller counts.
            for entry in tar:
                yield Member(entry.name, _kind(entry), partial(_content, archive, entry.offset_data, entry.size))
    except MemoryError:
        raise
    except Exception:
        raise DamagedArchive(DAMAGED) from None


class _Headers(BytesIO):
    """A tar archive of which tarfile reads only the headers.

    Some versions of Python take quadratic time for digits in a further header.
    """

    def read(self, size: int | None = -1, /) -> bytes:
        if size is None or not 0 <= size <= MAX_EXTENSION:
            raise tarfile.ReadError
        header = super().read(size)
        if size > tarfile.BLOCKSIZE and MANY_DIGITS.search(header):
            raise tarfile.ReadError
        return header


def _kind(entry: tarfile.TarInfo) -> Kind:
    if entry.isdir():
        return Kind.FOLDER
    if entry.issym() or entry.islnk():
        return Kind.LINK
    return Kind.FILE if entry.isreg() and not entry.issparse() else Kind.OTHER


def _content(archive: bytes, start: int, length: int) -> Iterator[bytes]:
    if length < 0 or start + length > len(archive):
        raise DamagedArchive(DAMAGED)
    for place in range(start, start + length, CHUNK):
        yield archive[place : min(place + CHUNK, start + length)]
