"""Unpacks an archive within the limits of a submission, whatever it holds and whatever its name says that it is."""

from collections.abc import Iterator
from pathlib import Path

from grading.intake.files import read_file
from grading.intake.member import DamagedArchive, Kind, Member
from grading.intake.tars import is_tar, tar_members, unpacked_gzip
from grading.intake.unpacking import Unpacking
from grading.intake.zips import zip_members
from grading.protocol.submission import SubmissionError

ZIP_STARTS = (b"PK\x03\x04", b"PK\x05\x06")  # the second is an empty archive's
GZIP_START = b"\x1f\x8b"
OTHER_FORMATS = {
    b"Rar!": "RAR",
    b"7z\xbc\xaf": "7z",
    b"\xfd7zXZ": "xz",
    b"BZh": "bzip2",
    b"\x28\xb5\x2f\xfd": "Zstandard",
}


def extract(archive: Path, name: str, folder: Path) -> None:
    """Write the files of an archive into a folder.

    Links and devices are not written; if one is called like a Python file, that is an error. An archive in the archive
    stays packed.

    Args:
        archive: the file that was handed in.
        name: what the student calls it.
        folder: an existing, empty folder; after an error it may hold some of the files.

    Raises:
        SubmissionError: it is no zip or tar archive, or something in it is wrong.
        OSError: the grader cannot write.
    """
    packed = read_file(archive, name)
    unpacking = Unpacking(folder, name, len(packed))
    try:
        for member in _members(packed):
            _write(member, unpacking)
    except DamagedArchive as error:
        raise SubmissionError(f"{name} {error}") from None


def _members(packed: bytes) -> Iterator[Member]:
    if packed.startswith(ZIP_STARTS):
        return zip_members(packed)
    unpacked = unpacked_gzip(packed) if packed.startswith(GZIP_START) else packed
    if is_tar(unpacked):
        return tar_members(unpacked)
    for start, kind in OTHER_FORMATS.items():
        if packed.startswith(start):
            raise DamagedArchive(f"is packed by {kind}; hand in a zip archive")
    raise DamagedArchive("is not what its name says; hand in a zip archive")


def _write(member: Member, unpacking: Unpacking) -> None:
    parts = unpacking.place(member.name)
    if not parts:
        return
    if member.kind is Kind.FILE:
        unpacking.write(parts, member.content())
    elif member.kind is Kind.FOLDER:
        unpacking.make_folder(parts)
    elif parts[-1].endswith(".py"):
        raise unpacking.refused(member.name, "is a link; hand in the file itself")
