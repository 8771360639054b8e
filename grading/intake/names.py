"""The names of students in a gradebook: each is a row, and a folder that every system can make."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha256

from grading.protocol.text import one_line

MAX_NAME = 100  # bytes
NAMELESS = "student"

# What a gradebook itself writes beside the folders of its students.
GRADEBOOK_FILES = frozenset({"gradebook.csv", "canvas.csv", "class.html", "marks.csv", "changes.csv"})

FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# Windows opens a device under these names, whatever follows a dot.
DEVICES = re.compile(r"(con|prn|aux|nul|conin\$|conout\$|(com|lpt)[0-9\u00b9\u00b2\u00b3]) *(\.|$)", re.IGNORECASE)
# A program takes such a name for an option, a shell for a home, a spreadsheet for a formula.
MISLEADING = ("-", "~", "=", "+", "@")


@dataclass(frozen=True)
class Wish:
    """How a student should be called, and what tells two students of that name apart.

    Attributes:
        name: any text.
        distinctions: texts to append after a dash if another student would have the same name, the best first.
        key: what no other student of the class has.
    """

    name: str
    distinctions: tuple[str, ...]
    key: str


def fit_name(text: str, most: int = MAX_NAME) -> str:
    """A text made fit for the name of a folder and for a cell of a table; a fit name stays as it is.

    The result is in Unicode's form NFC, printable, and of 1 to `most` bytes of UTF-8. It has no separator, no dot in
    front, no dot or space at the end, and is neither a Windows device nor a file of the gradebook. Letters of any
    script stay.
    """
    shown = FORBIDDEN.sub("_", one_line(unicodedata.normalize("NFC", text)))
    name = _cut(unicodedata.normalize("NFC", shown).lstrip(". "), most)
    if name.startswith(MISLEADING) or DEVICES.match(name) or name.casefold() in GRADEBOOK_FILES:
        return _cut(f"_{name}", most)
    return name or NAMELESS


def unique_names(wishes: Sequence[Wish]) -> list[str]:
    """A name for each wish, in the same order: `fit_name` of what is wished, and of no two the same.

    Names are compared without case, because some systems do not tell `Ada` from `ada`. If several students would have
    the same name, each of them gets its distinction: no name passes from one student to another when a third hands in.
    """
    lists = [[""] + [f"-{text}" for text in _suffixes(wish)] for wish in wishes]
    while True:
        names = [_with_suffix(wish.name, suffixes[0]) for wish, suffixes in zip(wishes, lists, strict=True)]
        counts = Counter(map(_folded, names))
        clashes = [suffixes for name, suffixes in zip(names, lists, strict=True) if counts[_folded(name)] > 1]
        if not any(len(suffixes) > 1 for suffixes in clashes):
            return names
        for suffixes in clashes:
            if len(suffixes) > 1:
                del suffixes[0]


def _suffixes(wish: Wish) -> list[str]:
    """Its distinctions, and last two digests of its key, the second too long for an accident."""
    digest = sha256(wish.key.encode(errors="surrogatepass")).hexdigest()
    return [text for text in wish.distinctions if text] + [digest[:8], digest]


def _with_suffix(name: str, suffix: str) -> str:
    room = MAX_NAME - len(suffix.encode(errors="replace"))
    return fit_name(fit_name(name, max(room, MAX_NAME // 3)) + suffix) if suffix else fit_name(name)


def _cut(text: str, most: int) -> str:
    return text.encode()[:most].decode(errors="ignore").rstrip(". ")


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())
