"""Reads zip archives that may be hostile."""

import stat
import zipfile
from collections.abc import Iterator
from functools import partial
from io import BytesIO
from itertools import pairwise

from grading.intake.member import CHUNK, DAMAGED, DamagedArchive, Kind, Member
from grading.protocol.submission import MAX_ENTRIES

ENTRY_SIGNATURE = b"PK\x01\x02"  # begins each entry of the directory
LOCAL_HEADER = 30  # bytes in front of a file's name and content
ENCRYPTED = 0x1
METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


def zip_members(archive: bytes) -> Iterator[Member]:
    """The entries of a zip archive.

    Raises:
        DamagedArchive: it cannot be read, here or in a member's content.
    """
    # Each entry of the directory takes twenty times as much memory as in the archive, so they are counted first.
    if archive.count(ENTRY_SIGNATURE) > MAX_ENTRIES:
        raise DamagedArchive(f"has more than {MAX_ENTRIES} entries; hand in code only")
    try:
        directory = zipfile.ZipFile(BytesIO(archive))
        entries = directory.infolist()
    except MemoryError:
        raise
    # It reads from memory, so whatever else it raises is the archive's fault.
    except Exception:
        raise DamagedArchive(DAMAGED) from None
    _check_overlaps(entries)
    for entry in entries:
        yield Member(entry.filename, _kind(entry), partial(_content, directory, entry))


def _check_overlaps(entries: list[zipfile.ZipInfo]) -> None:
    """Raise DamagedArchive if two entries share content: so a small archive pretends to be a large one."""
    for entry, following in pairwise(sorted(entries, key=lambda entry: entry.header_offset)):
        if entry.header_offset + LOCAL_HEADER + entry.compress_size > following.header_offset:
            raise DamagedArchive("has entries that overlap, as archive bombs have; pack it anew")


def _kind(entry: zipfile.ZipInfo) -> Kind:
    if entry.filename.endswith(("/", "\\")):
        return Kind.FOLDER
    # Programs on Unix keep the file's mode there; others leave it 0.
    kind = stat.S_IFMT(entry.external_attr >> 16)
    if kind in (0, stat.S_IFREG):
        return Kind.FILE
    return {stat.S_IFLNK: Kind.LINK, stat.S_IFDIR: Kind.FOLDER}.get(kind, Kind.OTHER)


def _content(directory: zipfile.ZipFile, entry: zipfile.ZipInfo) -> Iterator[bytes]:
    if entry.flag_bits & ENCRYPTED:
        raise DamagedArchive("is encrypted; pack it without a password")
    if entry.compress_type not in METHODS:
        raise DamagedArchive("is packed by an unusual method; pack a plain zip archive")
    length = 0
    try:
        with directory.open(entry) as file:
            while chunk := file.read(CHUNK):
                length += len(chunk)
                yield chunk
    except MemoryError:
        raise
    except Exception:
        raise DamagedArchive(DAMAGED) from None
    if length != entry.file_size:
        raise DamagedArchive(DAMAGED)
