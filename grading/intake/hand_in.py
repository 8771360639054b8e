"""What one student has handed in, as a fact."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class HandIn:
    """What one student has handed in; nothing of it has been opened.

    Attributes:
        student: the name of the student's row and folder in a gradebook: unique in its class, printable, and fit for
            the name of a file on every system.
        sources: the files and folders that were handed in: one folder, one archive, or loose files.
        late: whether the platform marks it as late.
        platform: whose export it came in: `"folders"`, `"gradescope"`, `"canvas"` or `"github"`.
        ids: what the platform calls the student, by the platform's own word, such as `{"id": "4711"}`.
    """

    student: str
    sources: tuple[Path, ...]
    late: bool = False
    platform: str = "folders"
    ids: Mapping[str, str] = field(default_factory=dict)
