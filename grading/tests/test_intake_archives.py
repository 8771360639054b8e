"""An archive is unpacked below one folder and within limits, or refused in one line, whatever it holds."""

import io
import os
import resource
import stat
import struct
import tarfile
import time
import zipfile
import zlib
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from grading.intake.archives import extract
from grading.protocol.submission import MAX_BYTES, MAX_ENTRIES, MAX_FILES, SubmissionError

MIB = 2**20
Make = Callable[[dict[str, bytes]], bytes]


def make_zip(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def make_tar(files: dict[str, bytes], mode: str = "w:gz") -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as archive:  # type: ignore[call-overload]
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


def make_plain_tar(files: dict[str, bytes]) -> bytes:
    return make_tar(files, "w")


def one_entry(name: str, mode: int, content: bytes = b"../elsewhere") -> bytes:
    entry = zipfile.ZipInfo(name)
    entry.external_attr = mode << 16
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(entry, content)
    return buffer.getvalue()


def one_tar_entry(name: str, kind: bytes, link: str = "") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.linkname = kind, link
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        archive.addfile(entry)
    return buffer.getvalue()


def unpacked(archive: bytes, folder: Path) -> dict[str, bytes]:
    """Extract an archive into a new folder in a folder, and return its files by path."""
    (folder / "hw4.zip").write_bytes(archive)
    (folder / "out").mkdir()
    extract(folder / "hw4.zip", "hw4.zip", folder / "out")
    files = [path for path in (folder / "out").rglob("*") if not path.is_dir()]
    return {str(path.relative_to(folder / "out")): path.read_bytes() for path in files}


def refusal(archive: bytes, folder: Path) -> str:
    with pytest.raises(SubmissionError) as raised:
        unpacked(archive, folder)
    message = str(raised.value)
    assert message.isprintable()
    assert message.startswith("hw4.zip")
    assert len(message) < 250
    assert set(os.listdir(folder)) == {"hw4.zip", "out"}
    return message


FORMATS = pytest.mark.parametrize("make", [make_zip, make_tar, make_plain_tar])


@FORMATS
def test_files_and_folders(make: Make, tmp_path: Path) -> None:
    files = {"hw4/heads.py": b"x = 1\n", "hw4/müller 王.txt": b"", "README": bytes(200_000)}
    assert unpacked(make(files), tmp_path) == files
    modes = {stat.S_IMODE(path.stat().st_mode) & 0o111 for path in (tmp_path / "out").rglob("*") if path.is_file()}
    assert modes == {0}


@pytest.mark.parametrize("mode", [0o100777, 0o104755, 0o777, 0])
def test_nothing_can_be_executed(mode: int, tmp_path: Path) -> None:
    assert unpacked(one_entry("run.sh", mode), tmp_path) == {"run.sh": b"../elsewhere"}
    assert stat.S_IMODE((tmp_path / "out" / "run.sh").stat().st_mode) & 0o7133 == 0


@FORMATS
@pytest.mark.parametrize(
    "name",
    [
        "/etc/x.py",
        "../x.py",
        "hw4/../../x.py",
        "hw4/..",
        "C:\\x.py",
        "c:x.py",
        "..\\x.py",
        "\\\\host\\x.py",
        "a/D:/x.py",
    ],
)
def test_a_path_that_leads_out_is_refused(name: str, make: Make, tmp_path: Path) -> None:
    assert "leads out of the archive" in refusal(make({name: b"1"}), tmp_path)


@FORMATS
@pytest.mark.parametrize(
    ("name", "place"),
    [("./hw4//./heads.py", "hw4/heads.py"), ("hw4\\heads.py", "hw4/heads.py"), ("hw4/a..b.py", "hw4/a..b.py")],
)
def test_an_odd_path_of_a_good_place(name: str, place: str, make: Make, tmp_path: Path) -> None:
    assert unpacked(make({name: b"1"}), tmp_path) == {place: b"1"}


@FORMATS
def test_what_programs_leave_is_not_unpacked(make: Make, tmp_path: Path) -> None:
    names = ["__MACOSX/hw4/._heads.py", ".git/config", "hw4/__pycache__/heads.pyc", "venv/lib/heads.py", ".DS_Store"]
    assert unpacked(make(dict.fromkeys([*names, "hw4/heads.py"], b"1")), tmp_path) == {"hw4/heads.py": b"1"}


def test_folders_by_windows_names(tmp_path: Path) -> None:
    files = {"hw4\\": b"", "hw4\\heads.py": b"1", "hw4\\empty\\": b""}
    assert unpacked(make_zip(files), tmp_path) == {"hw4/heads.py": b"1"}
    assert (tmp_path / "out" / "hw4" / "empty").is_dir()


@FORMATS
@pytest.mark.parametrize(
    ("names", "why"),
    [
        (("Heads.py", "heads.py"), "is there twice"),
        (("hw4/\u00e9.py", "hw4/e\u0301.py"), "is there twice"),
        (("hw4", "hw4/heads.py"), "a file and a folder at once"),
        (("hw4/heads.py", "hw4"), "a file and a folder at once"),
        (("HW4", "hw4/heads.py"), "a file and a folder at once"),
    ],
)
def test_two_entries_for_one_place(names: tuple[str, ...], why: str, make: Make, tmp_path: Path) -> None:
    assert why in refusal(make(dict.fromkeys(names, b"1")), tmp_path)


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_one_name_twice(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("heads.py", "1")
        archive.writestr("heads.py", "2")
    assert "heads.py is there twice" in refusal(buffer.getvalue(), tmp_path)


@FORMATS
def test_one_folder_in_two_cases_is_one_folder(make: Make, tmp_path: Path) -> None:
    files = {"HW4/heads.py": b"1", "hw4/fcn.py": b"2"}
    assert unpacked(make(files), tmp_path) == {"HW4/heads.py": b"1", "HW4/fcn.py": b"2"}


@FORMATS
@pytest.mark.parametrize(
    "name", ["x" * 300 + ".py", "王" * 90 + ".py", "/".join(["deep"] * 40), "/".join(["d" * 200] * 6)]
)
def test_too_long_names(name: str, make: Make, tmp_path: Path) -> None:
    assert "choose shorter names" in refusal(make({name: b"1"}), tmp_path)


@FORMATS
def test_nasty_names_are_shown_harmlessly(make: Make, tmp_path: Path) -> None:
    assert r"\x1b[31m\u202e" in refusal(make({"../\x1b[31m\u202e": b"1"}), tmp_path)


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFSOCK])
def test_links_and_devices_in_a_zip(kind: int, tmp_path: Path) -> None:
    assert "heads.py is a link" in refusal(one_entry("heads.py", kind | 0o777), tmp_path)
    (tmp_path / "data").mkdir()
    assert unpacked(one_entry("data", kind | 0o777), tmp_path / "data") == {}


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.BLKTYPE, tarfile.FIFOTYPE])
def test_links_and_devices_in_a_tar(kind: bytes, tmp_path: Path) -> None:
    assert "heads.py is a link" in refusal(one_tar_entry("heads.py", kind, "/etc/passwd"), tmp_path)
    (tmp_path / "data").mkdir()
    assert unpacked(one_tar_entry("data", kind, "/etc"), tmp_path / "data") == {}


def test_nobody_writes_through_a_link(tmp_path: Path) -> None:
    """The link is not made, so a folder takes its place."""
    buffer = io.BytesIO(one_tar_entry("hw4", tarfile.SYMTYPE, str(tmp_path)))
    with tarfile.open(fileobj=buffer, mode="a") as archive:
        archive.addfile(tarfile.TarInfo("hw4/heads.py"), io.BytesIO())
    assert unpacked(buffer.getvalue(), tmp_path) == {"hw4/heads.py": b""}
    assert set(os.listdir(tmp_path)) == {"hw4.zip", "out"}


# --- damaged, encrypted, something else


def encrypted() -> bytes:
    archive = bytearray(make_zip({"heads.py": b"x = 1"}))
    for signature, offset in ((b"PK\3\4", 6), (b"PK\1\2", 8)):
        archive[archive.index(signature) + offset] |= 1
    return bytes(archive)


def with_wrong_content() -> bytes:
    archive = bytearray(make_zip({"heads.py": b"x = 1"}, zipfile.ZIP_STORED))
    archive[archive.index(b"x = 1")] ^= 1
    return bytes(archive)


ZIP = make_zip({"hw4/heads.py": os.urandom(1000)})
GZIP = make_tar({"hw4/heads.py": os.urandom(1000)})


@pytest.mark.parametrize(
    ("archive", "message"),
    [
        (b"", "is not what its name says"),
        (b"<html>Log in first</html>", "is not what its name says"),
        (b"Rar!\x1a\x07\x01\x00", "is packed by RAR; hand in a zip archive"),
        (b"7z\xbc\xaf\x27\x1c", "is packed by 7z"),
        (b"\xfd7zXZ\x00", "is packed by xz"),
        (ZIP[:-30], "is damaged"),
        (ZIP[:300], "is damaged"),
        (ZIP[:4], "is damaged"),
        (GZIP[:-30], "is damaged"),
        (GZIP[:12], "is damaged"),
        (b"\x1f\x8b" + b"x" * 100, "is damaged"),
        (zlib.compress(b"x", wbits=31), "is not what its name says"),
        (make_plain_tar({"heads.py": bytes(5000)})[:2000], "is damaged"),
        (encrypted(), "is encrypted; pack it without a password"),
        (with_wrong_content(), "is damaged"),
        (make_zip({"a.py": b"1"}, zipfile.ZIP_LZMA), "is packed by an unusual method"),
        (make_zip({"a.py": b"1"}, zipfile.ZIP_BZIP2), "is packed by an unusual method"),
    ],
    ids=lambda value: "archive" if isinstance(value, bytes) else None,
)
def test_what_cannot_be_unpacked(archive: bytes, message: str, tmp_path: Path) -> None:
    assert message in refusal(archive, tmp_path)


def test_an_empty_archive_holds_nothing(tmp_path: Path) -> None:
    assert unpacked(make_zip({}), tmp_path) == {}


@pytest.mark.parametrize("kind", ["missing", "folder", "link", "pipe", "unreadable device"])
def test_what_is_no_file(kind: str, tmp_path: Path) -> None:
    place = tmp_path / "hw4.zip"
    if kind == "folder":
        place.mkdir()
    elif kind == "link":
        (tmp_path / "secret").write_bytes(ZIP)
        place.symlink_to("secret")
    elif kind == "pipe":
        os.mkfifo(place)
    elif kind == "unreadable device":
        place.symlink_to("/dev/zero")
    with pytest.raises(SubmissionError, match=r"hw4\.zip: (cannot be read|is no file|is a link)"):
        extract(place, "hw4.zip", tmp_path)


# --- bombs


def zeros(count: int) -> Iterable[bytes]:
    return (bytes(MIB) for _ in range(count))


def zip_of_zeros(mebibytes: int, level: int = 9) -> bytes:
    buffer = io.BytesIO()
    archive = zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=level)
    with archive, archive.open("hw4/heads.py", "w") as file:
        for chunk in zeros(mebibytes):
            file.write(chunk)
    return buffer.getvalue()


def gzip_of_zeros(mebibytes: int) -> bytes:
    packer = zlib.compressobj(wbits=31)
    return b"".join([*(packer.compress(chunk) for chunk in zeros(mebibytes)), packer.flush()])


def tar_of_zeros(mebibytes: int) -> bytes:
    entry = tarfile.TarInfo("hw4/heads.py")
    entry.size = mebibytes * MIB
    packer = zlib.compressobj(wbits=31)
    chunks = (packer.compress(chunk) for chunk in (entry.tobuf(), *zeros(mebibytes), bytes(1024)))
    return b"".join([*chunks, packer.flush()])


def lying_zip(mebibytes: int, claimed: int) -> bytes:
    """Both headers of its only file state another size."""
    archive = bytearray(zip_of_zeros(mebibytes))
    place = archive.index(b"PK\1\2")
    archive[place + 24 : place + 28] = struct.pack("<I", claimed)
    return bytes(archive)


def overlapping_zip(entries: int) -> bytes:
    """Every entry of the directory leads to the same content: 10 MiB of zeros."""
    archive = make_zip({"00000.py": bytes(10 * MIB)})
    start = archive.index(b"PK\1\2")
    entry = archive[start : archive.index(b"PK\5\6")]
    directory = b"".join(entry.replace(b"00000.py", b"%05d.py" % number) for number in range(entries))
    end = struct.pack("<4s4H2IH", b"PK\5\6", 0, 0, entries, entries, len(directory), start, 0)
    return archive[:start] + directory + end


def many(files: int) -> bytes:
    return make_zip({f"{number}.py": b"" for number in range(files)}, zipfile.ZIP_STORED)


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "1 GiB of zeros": (lambda: zip_of_zeros(1024, level=1), "more than 2000 files or 50 MiB"),
    "100 MiB of zeros in a tar": (lambda: tar_of_zeros(100), "more than 50 MiB"),
    "100 MiB of zeros that are no tar": (lambda: gzip_of_zeros(100), "more than 50 MiB"),
    "a small archive": (lambda: zip_of_zeros(10), "more than 200 times its size"),
    "a small tar": (lambda: tar_of_zeros(10), "more than 200 times its size"),
    "a smaller size in the directory": (lambda: lying_zip(100, 10), "is damaged"),
    "a larger size in the directory": (lambda: lying_zip(3, 30 * MIB), "is damaged"),
    "overlaps": (lambda: overlapping_zip(1000), "overlap"),
    "many files": (lambda: many(MAX_FILES + 1), "more than 2000 files"),
    "many entries": (lambda: many(MAX_ENTRIES + 1), "more than 20000 entries"),
    "many hidden entries": (
        lambda: make_plain_tar({f".git/{number}": b"" for number in range(MAX_ENTRIES + 1)}),
        "more than 2000 files",
    ),
    "many folders": (
        lambda: make_zip({f"{number}/{number}/{number}/": b"" for number in range(MAX_FILES)}),
        "more than 2000 files",
    ),
    "a large archive": (lambda: ZIP + bytes(MAX_BYTES), "more than 50 MiB"),
}


@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_before_it_does_harm(name: str, tmp_path: Path) -> None:
    make, message = BOMBS[name]
    archive = make()
    memory, processor = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    assert message in refusal(archive, tmp_path)
    assert time.process_time() - processor < 2
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - memory < 250 * 1024
    written = sum(path.stat().st_size for path in (tmp_path / "out").rglob("*") if path.is_file())
    assert written <= MAX_BYTES


def test_an_archive_in_the_archive_stays_packed(tmp_path: Path) -> None:
    inner = zip_of_zeros(30)
    assert unpacked(make_zip({"inner.zip": inner}), tmp_path) == {"inner.zip": inner}


def test_the_limits_themselves_are_allowed(tmp_path: Path) -> None:
    files = {f"{number}.py": b"" for number in range(MAX_FILES - 1)} | {"data": os.urandom(MAX_BYTES // 2)}
    assert unpacked(make_zip(files, zipfile.ZIP_STORED), tmp_path) == files


def test_code_is_never_taken_for_a_bomb(tmp_path: Path, repository: Path) -> None:
    files = {str(path.relative_to(repository)): path.read_bytes() for path in (repository / "hw4").rglob("*.py")}
    files["labels.py"] = b"MASK = [" + b"0, " * 10**6 + b"]\n"
    assert unpacked(make_zip(files), tmp_path) == files


# --- anything


@given(
    make=st.sampled_from([make_zip, make_tar, make_plain_tar]),
    names=st.lists(st.text(st.sampled_from("aA./\\:~ \n\x1b\u202eé王\udcff"), max_size=12), max_size=8, unique=True),
)
@example(make=make_zip, names=["/", ".", "\\"])
@example(make=make_tar, names=["", "./", "a/.."])
@settings(deadline=None)
def test_any_names_stay_below_the_folder(
    make: Make, names: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("outer")
    if make is make_zip:  # zipfile writes no empty name, and none that is not UTF-8
        names = [name.replace("\udcff", "\x7f") for name in names if name]
    with suppress(SubmissionError):
        unpacked(make(dict.fromkeys(names, b"1")), folder)
    assert set(os.listdir(folder)) == {"hw4.zip", "out"}


@given(
    archive=st.sampled_from(
        [ZIP, GZIP, make_plain_tar({"a.py": b"1", "b/c.py": bytes(600)}), make_zip({"a.py": b"1", "b/": b""})]
    ),
    changes=st.lists(st.tuples(st.integers(0, 10**4), st.binary(min_size=1, max_size=8)), min_size=1, max_size=4),
)
@settings(deadline=None)
def test_a_damaged_archive_is_refused_or_harmless(
    archive: bytes, changes: list[tuple[int, bytes]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(archive)
    for place, content in changes:
        place %= len(damaged)
        damaged[place : place + len(content)] = content
    folder = tmp_path_factory.mktemp("outer")
    with suppress(SubmissionError):
        unpacked(bytes(damaged), folder)
    assert set(os.listdir(folder)) == {"hw4.zip", "out"}


# --- tar archives that stop Python's own reader


def tar_header(kind: bytes, size: int, name: str = "x") -> bytes:
    entry = tarfile.TarInfo(name)
    entry.type, entry.size = kind, max(size, 0)
    header = bytearray(entry.tobuf(tarfile.GNU_FORMAT))
    if size < 0:
        header[124:136] = (256**12 + size).to_bytes(12, "big")
    header[148:156] = b"%06o\0 " % (sum(header[:148]) + sum(header[156:]) + 8 * 32)
    return bytes(header)


def padded(content: bytes) -> bytes:
    return content + bytes(-len(content) % 512)


@pytest.mark.parametrize(
    "archive",
    [
        tar_header(tarfile.REGTYPE, -512),
        tar_header(tarfile.XHDTYPE, -512),
        tar_header(tarfile.GNUTYPE_LONGNAME, -1024),
        tar_header(tarfile.XHDTYPE, 10 * MIB) + b"1" * 10 * MIB,
        300
        * (
            tar_header(tarfile.XHDTYPE, 20_000)
            + padded(b"20000 comment=" + b"1" * 19_985 + b"\n")
            + tar_header(b"0", 0, ".x")
        ),
        b"".join(tar_header(tarfile.XHDTYPE, 512) + padded(b"11 path=abc\n") for _ in range(20_000)),
        tar_header(tarfile.REGTYPE, 60 * MIB),
    ],
)
def test_a_hostile_tar_is_refused_at_once(archive: bytes, tmp_path: Path) -> None:
    processor = time.process_time()
    assert "hw4.zip" in refusal(archive + bytes(1024), tmp_path)
    assert time.process_time() - processor < 2


def test_long_names_in_a_tar(tmp_path: Path) -> None:
    files = {"/".join(["folder" * 10] * 10) + "/heads.py": b"1"}
    assert unpacked(make_plain_tar(files), tmp_path) == files


# --- the grader's own faults


def test_a_full_disk_is_not_the_student_s_fault(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "mkdir", full)
    (tmp_path / "hw4.zip").write_bytes(ZIP)
    with pytest.raises(OSError, match="No space left"):
        extract(tmp_path / "hw4.zip", "hw4.zip", tmp_path)


@pytest.mark.parametrize("place", ["ZipFile", "ZipExtFile.read"])
def test_too_little_memory_is_not_the_student_s_fault(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object, **__: object) -> None:
        raise MemoryError

    (tmp_path / "hw4.zip").write_bytes(ZIP)
    monkeypatch.setattr(f"grading.intake.zips.zipfile.{place}", full)
    with pytest.raises(MemoryError):
        extract(tmp_path / "hw4.zip", "hw4.zip", tmp_path)
