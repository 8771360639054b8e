"""One entry of an archive, of any format."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum, auto

CHUNK = 64 * 1024  # bytes
DAMAGED = "is damaged or was not uploaded completely; pack it and hand it in again"


class Kind(Enum):
    FILE = auto()
    FOLDER = auto()
    LINK = auto()
    OTHER = auto()


class DamagedArchive(Exception):
    """An archive cannot be read. The message goes on after the archive's name: `is encrypted; ...`."""


@dataclass(frozen=True)
class Member:
    """One entry of an archive.

    Attributes:
        name: its path as the archive has it, which may be anything.
        kind: what it is; links are symbolic or hard, and devices are other.
        content: opens a file's content, in chunks; raises DamagedArchive if it cannot be read on.
    """

    name: str
    kind: Kind
    content: Callable[[], Iterator[bytes]]
