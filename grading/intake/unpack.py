"""Makes a submission of what one student has handed in, without running any of it."""

import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

from grading.intake.archives import extract
from grading.intake.canvas import original_name
from grading.intake.files import read_file
from grading.intake.hand_in import HandIn
from grading.intake.listing import archive_ending
from grading.intake.modules_folder import HOW, MOST_NAMED, find_modules, is_passed_over
from grading.intake.names import fit_name
from grading.intake.unpacking import Unpacking
from grading.protocol.handed_out import notes_on
from grading.protocol.submission import MAX_BYTES, MODULES, Submission, SubmissionError, handed_in, locate

DISCUSSION = "discussion.md"
LOOSE = "loose files"  # the folder beside those of archives
MAX_ARCHIVES = 4
NOWHERE = "/nowhere"  # a link to it stands for a link out of the folder: to import it is an error that says so

# Canvas and browsers number a file whose name was handed in before: freezing-1.py, freezing (1).py.
NUMBERED = re.compile(r"(?P<stem>\w+)(-\d+| ?\(\d+\))(?P<ending>\.\w+)")
KNOWN_FILES = frozenset({DISCUSSION, *(f"{module}.py" for module in MODULES)})


def unpack(hand_in: HandIn, folder: Path) -> Submission:
    """Copy or unpack a hand-in into a folder, and find the student's modules there.

    The student's `discussion.md` comes to lie beside the modules, also if it was handed in one folder above them.

    Args:
        hand_in: one of a class, or of one student alone.
        folder: an existing, empty folder, which nobody else writes into. After an error some files may lie there.

    Returns:
        The submission in `folder`, with the student's name.

    Raises:
        SubmissionError: it cannot be graded; one line for the student.
        OSError: the grader cannot write.
    """
    student = hand_in.student
    if not any(map(os.path.lexists, hand_in.sources)):
        raise SubmissionError(f"{student}: the platform's export holds no file of this submission; hand it in again")
    source = hand_in.sources[0]
    if not os.path.isdir(source):
        return _from_files(student, {path: _name(hand_in, path) for path in hand_in.sources}, folder)
    modules = find_modules(source, student)
    if modules:
        submission = _copy(student, modules, [] if modules == source else [modules.parent], folder)
        return replace(submission, notes=notes_on(modules, source))
    archives = {source / name: name for name in sorted(os.listdir(source)) if _is_archive(source / name)}
    if not archives:
        raise _no_modules(student)
    return _from_files(student, archives, folder)


def _is_archive(path: Path) -> bool:
    """Whether a visible file is called like an archive."""
    return bool(archive_ending(path.name)) and not is_passed_over(path.name) and path.is_file()


def _name(hand_in: HandIn, path: Path) -> str:
    """What the student called a file."""
    return original_name(path.name) if hand_in.platform == "canvas" else path.name


def _from_files(student: str, names: Mapping[Path, str], folder: Path) -> Submission:
    """A submission made of archives and loose files.

    Args:
        names: what the student calls each file.
    """
    archives = {path: name for path, name in names.items() if archive_ending(name)}
    loose = {path: _without_number(name) for path, name in names.items() if path not in archives}
    loose = {path: name for path, name in loose.items() if name.endswith(".py") or name == DISCUSSION}
    if not archives and not loose:
        named = ", ".join(list(names.values())[:MOST_NAMED]) + (", ..." if len(names) > MOST_NAMED else "")
        raise SubmissionError(f"{student}: neither an archive nor Python files ({named}); {HOW}")
    if len(archives) > MAX_ARCHIVES:
        raise SubmissionError(f"{student}: {len(archives)} archives; hand in one")
    loose_folder = folder / LOOSE
    loose_folder.mkdir()
    _copy_loose(student, loose, loose_folder)
    for path, name in archives.items():
        unpacked = _new_folder(folder, fit_name(name))
        extract(path, name, unpacked)
    modules = find_modules(folder, student)
    if not modules:
        raise _no_modules(student)
    _bring_discussion(modules, [modules.parent, loose_folder])
    return replace(locate(str(modules)), name=student, notes=notes_on(modules, folder))


def _copy_loose(student: str, names: Mapping[Path, str], folder: Path) -> None:
    copying = Unpacking(folder, student, MAX_BYTES)
    for path, name in names.items():
        parts = copying.place(name)
        if parts:
            copying.write(parts, [read_file(path, name)])


def _new_folder(folder: Path, name: str) -> Path:
    """A folder of that name, or of a longer one if there is such a folder."""
    while (folder / name).exists():
        name += "'"
    (folder / name).mkdir()
    return folder / name


def _without_number(name: str) -> str:
    match = NUMBERED.fullmatch(name)
    return original if match and (original := match["stem"] + match["ending"]) in KNOWN_FILES else name


def _copy(student: str, modules: Path, above: Iterable[Path], folder: Path) -> Submission:
    """A copy of the files in a folder with modules, and of a discussion that lies in one of the folders above.

    What is passed over in an archive is not copied either: packed or not, it is the same submission.
    """
    submission = replace(locate(str(modules)), name=student)
    target = folder / submission.package
    target.mkdir()
    for file in handed_in(submission):
        if any(map(is_passed_over, file.place.parts)):
            continue
        copy = target / file.place
        copy.parent.mkdir(parents=True, exist_ok=True)
        if file.content is None:
            copy.symlink_to(NOWHERE)
        else:
            copy.write_bytes(file.content)
    _bring_discussion(target, above)
    return replace(submission, folder=target.resolve())


def _bring_discussion(modules: Path, others: Iterable[Path]) -> None:
    """Copy the discussion from the first of the other folders that has it, if the modules' own folder has none."""
    for other in others:
        if os.path.lexists(modules / DISCUSSION):
            return
        with suppress(SubmissionError):
            content = read_file(other / DISCUSSION, DISCUSSION)
            (modules / DISCUSSION).write_bytes(content)


def _no_modules(student: str) -> SubmissionError:
    return SubmissionError(f"{student}: no module was found; {HOW}")
