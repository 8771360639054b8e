"""CamVid is read correctly in its released form, and each defect is reported in one line."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from grading.data.arrays import DataError
from grading.data.camvid import camvid
from grading.data.download import CAMVID_FINGERPRINT, camvid_fingerprint

HEIGHT, WIDTH = 256, 288
NAMES = {"train": ("b", "a", "c"), "val": ("d", "e")}  # in the order of the list files


def picture(name: str) -> NDArray[np.uint8]:
    return np.full((HEIGHT, WIDTH, 3), (ord(name), 50, 200), np.uint8)


def classes(name: str) -> NDArray[np.uint8]:
    """All twelve labels, in another order for each image."""
    return (np.arange(HEIGHT * WIDTH) + ord(name)).astype(np.uint8).reshape(HEIGHT, WIDTH) % 12


@pytest.fixture
def release(tmp_path: Path) -> Path:
    folder = tmp_path / "CamVid"
    for part, names in NAMES.items():
        for name in names:
            for kind, pixels in ((part, picture(name)), (f"{part}annot", classes(name))):
                (folder / kind).mkdir(parents=True, exist_ok=True)
                Image.fromarray(pixels).save(folder / kind / f"{name}.png", compress_level=1)
        lines = [f"/SegNet/CamVid/{part}/{name}.png /SegNet/CamVid/{part}annot/{name}.png\n" for name in names]
        (folder / f"{part}.txt").write_text("".join(lines))
    return folder


def test_images_and_labels_come_in_the_order_of_the_lists(release: Path, tmp_path: Path) -> None:
    dataset = camvid(release, tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train_images.stacked(), [picture(name) for name in "bac"])
    np.testing.assert_array_equal(dataset.train_labels, [classes(name) for name in "bac"])
    np.testing.assert_array_equal(dataset.validation_images.stacked(), [picture(name) for name in "de"])
    np.testing.assert_array_equal(dataset.validation_labels, [classes(name) for name in "de"])
    assert dataset.train_labels.dtype == dataset.validation_labels.dtype == np.uint8


def test_only_listed_images_are_read(release: Path, tmp_path: Path) -> None:
    lines = (release / "train.txt").read_text().splitlines()
    (release / "train.txt").write_text(f"{lines[2]}\n\n{lines[0]}\n\n")
    dataset = camvid(release, tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train_images.stacked(), [picture(name) for name in "cb"])


def test_without_lists_whole_folders_are_taken_in_order(release: Path, tmp_path: Path) -> None:
    (release / "train.txt").unlink()
    (release / "val.txt").unlink()
    (release / "train" / ".DS_Store").touch()
    dataset = camvid(release, tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train_images.stacked(), [picture(name) for name in "abc"])
    np.testing.assert_array_equal(dataset.train_labels, [classes(name) for name in "abc"])


def test_palette_indices_are_read_as_labels(release: Path, tmp_path: Path) -> None:
    image = Image.fromarray(classes("b"))
    image.putpalette(bytes(range(255, 255 - 36, -1)))  # colours that are nothing like the indices
    assert image.mode == "P"
    image.save(release / "trainannot" / "b.png")
    np.testing.assert_array_equal(camvid(release, tmp_path / "cache").train_labels[0], classes("b"))


def test_a_changed_label_is_decoded_anew_and_an_equal_copy_is_not(release: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    before = camvid(release, cache)
    assert camvid(release.rename(tmp_path / "moved"), cache) == before
    Image.fromarray(classes("z")).save(tmp_path / "moved" / "valannot" / "d.png")
    after = camvid(tmp_path / "moved", cache)
    assert after.fingerprint != before.fingerprint
    np.testing.assert_array_equal(after.validation_labels[0], classes("z"))
    np.testing.assert_array_equal(before.validation_labels[0], classes("d"))


def test_the_same_images_in_another_order_are_other_data(release: Path, tmp_path: Path) -> None:
    camvid(release, tmp_path / "cache")
    lines = (release / "val.txt").read_text().splitlines()
    (release / "val.txt").write_text("\n".join(reversed(lines)))
    dataset = camvid(release, tmp_path / "cache")
    np.testing.assert_array_equal(dataset.validation_images.stacked(), [picture(name) for name in "ed"])


@pytest.mark.parametrize("root", ["/my data/CamVid", "C:\\my data\\CamVid", "..", ".", "/a b/ c d/train/x"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("name", ["b", "my b"])
def test_lists_may_hold_paths_of_other_machines(
    release: Path, tmp_path: Path, root: str, encoding: str, name: str
) -> None:
    for kind in ("train", "trainannot"):
        (release / kind / "b.png").rename(release / kind / f"{name}.png")
    slash = "\\" if "\\" in root else "/"
    paths = [slash.join([root, kind, f"{name}.png"]) for kind in ("train", "trainannot")]
    (release / "train.txt").write_text("\t".join(paths) + " \r\n\r\n", encoding=encoding)
    dataset = camvid(release, tmp_path / "cache")
    np.testing.assert_array_equal(dataset.train_images.stacked(), [picture("b")])


def remove_folder(release: Path) -> None:
    (release / "valannot").rename(release / "elsewhere")


def remove_list(release: Path) -> None:
    (release / "val.txt").unlink()


def remove_listed_image(release: Path) -> None:
    (release / "train" / "a.png").unlink()


def remove_listed_labels(release: Path) -> None:
    (release / "valannot" / "e.png").unlink()


def damage_list(release: Path) -> None:
    (release / "train.txt").write_text("/SegNet/CamVid/train/a.png\n")


def spread_folders(release: Path) -> None:
    (release / "train.txt").write_text("/my data/train/x.png /my data/trainannot/x.png\n")


def fill_list_with_noise(release: Path) -> None:
    (release / "train.txt").write_bytes(bytes(range(256)) * 40)


def empty_list(release: Path) -> None:
    (release / "train.txt").write_text("\n")


def truncate_image(release: Path) -> None:
    random = np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)
    file = release / "val" / "d.png"
    Image.fromarray(random).save(file)
    file.write_bytes(file.read_bytes()[:100_000])


def replace_image_by_text(release: Path) -> None:
    (release / "val" / "d.png").write_text("<html>")


def enlarge_labels(release: Path) -> None:
    Image.fromarray(classes("e")).resize((WIDTH, HEIGHT + 1)).save(release / "valannot" / "e.png")


def enlarge_image(release: Path) -> None:
    Image.fromarray(picture("e")).resize((WIDTH + 32, HEIGHT)).save(release / "val" / "e.png")


def shrink_image(release: Path) -> None:
    Image.fromarray(picture("b")).resize((WIDTH, 255)).save(release / "train" / "b.png")


def raise_label(release: Path) -> None:
    labels = classes("a")
    labels[-1, -1] = 12
    Image.fromarray(labels).save(release / "trainannot" / "a.png")


def colour_labels(release: Path) -> None:
    Image.fromarray(picture("a")).save(release / "trainannot" / "a.png")


def deepen_labels(release: Path) -> None:
    Image.fromarray(classes("a").astype(np.uint16)).save(release / "trainannot" / "a.png")


def forget_labels_without_lists(release: Path) -> None:
    (release / "train.txt").unlink()
    (release / "val.txt").unlink()
    (release / "valannot" / "d.png").unlink()


def forget_image_without_lists(release: Path) -> None:
    (release / "train.txt").unlink()
    (release / "val.txt").unlink()
    (release / "train" / "c.png").unlink()


def empty_folders_without_lists(release: Path) -> None:
    for file in (
        "train.txt",
        "val.txt",
        *(f"val{kind}/{name}.png" for kind in ("", "annot") for name in "de"),
    ):
        (release / file).unlink()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_folder, r"valannot: no such folder; give the folder"),
        (remove_list, r"val\.txt: missing, though its twin is there; restore it"),
        (remove_listed_image, r"train/a\.png: missing, but line 2 of train\.txt names it; restore it"),
        (remove_listed_labels, r"valannot/e\.png: missing, but line 2 of val\.txt names it; restore it"),
        (damage_list, r"train\.txt: line 1 does not name an image and its labels; restore"),
        (spread_folders, r"train/x\.png: missing, but line 1 of train\.txt names it; restore it"),
        (fill_list_with_noise, r"train\.txt: line \d+ does not name an image and its labels; restore"),
        (empty_list, r"train\.txt: names no images; restore"),
        (truncate_image, r"val/d\.png: damaged or too large \(.*truncated.*\); replace it"),
        (replace_image_by_text, r"val/d\.png: not a readable image; save it as"),
        (enlarge_labels, r"valannot/e\.png: 288x257 pixels, but .*val/e\.png has 288x256; restore it"),
        (enlarge_image, r"val/e\.png: 320x256 pixels, but .*train/b\.png has 288x256; restore it"),
        (shrink_image, r"train/b\.png: 288x255 pixels, but each side needs 256; take it out"),
        (raise_label, r"trainannot/a\.png: has label 12, but the greatest is 11; use the labels"),
        (colour_labels, r"trainannot/a\.png: .* single channel of class numbers, not RGB; use the labels"),
        (
            deepen_labels,
            r"trainannot/a\.png: .* single channel of class numbers, not I(;16)?; use the labels",
        ),
        (forget_labels_without_lists, r"valannot/d\.png: missing, but its other half is there; restore it"),
        (forget_image_without_lists, r"train/c\.png: missing, but its other half is there; restore it"),
        (empty_folders_without_lists, r"val: holds no images; unpack CamVid again"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_defect_is_reported_in_one_line(
    release: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(release)
    with pytest.raises(DataError, match=message) as caught:
        camvid(release, tmp_path / "cache")
    assert str(caught.value).startswith(str(release))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/*"))


@pytest.mark.slow
class TestRealCamVid:
    @pytest.fixture
    def real(self) -> Path:
        shared = os.environ.get("HW4_SHARED", str(Path(__file__).parents[2].parent / "shared"))
        folder = Path(shared, "data", "CamVid")
        if not folder.is_dir():
            pytest.skip(f"the real CamVid is not at {folder}; HW4_SHARED names the folder that holds data/CamVid")
        return folder

    def test_it_is_what_fetch_downloads(self, real: Path) -> None:
        assert camvid_fingerprint(real) == CAMVID_FINGERPRINT

    def test_its_sizes_labels_and_pixels(self, real: Path, tmp_path: Path) -> None:
        dataset = camvid(real, tmp_path)
        assert dataset.train_images.stacked().shape == (367, 360, 480, 3)
        assert dataset.validation_images.stacked().shape == (101, 360, 480, 3)
        assert dataset.train_labels.shape == (367, 360, 480)
        assert dataset.validation_labels.shape == (101, 360, 480)
        assert np.count_nonzero(np.bincount(dataset.train_labels.ravel())) == 12
        assert np.count_nonzero(np.bincount(dataset.validation_labels.ravel())) == 12
        with Image.open(real / "train" / "0016E5_08640.png") as last:  # the last line of train.txt
            np.testing.assert_array_equal(dataset.train_images[366], np.asarray(last))
