"""Faces are read correctly from a folder and from CelebA, and each defect is reported in one line."""

import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from grading.data.arrays import DataError, Dataset
from grading.data.faces import faces, faces_from_celeba, faces_from_folder

SIDE = 64


def flat(value: int, height: int = SIDE, width: int = SIDE) -> Image.Image:
    return Image.fromarray(np.full((height, width, 3), value, np.uint8))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two classes whose images have grey values of their own: without make-up below 100, with it above."""
    folder = tmp_path / "faces"
    for part, first, counts in (("train", 0, (4, 2)), ("val", 50, (1, 2))):
        for name, start, count in zip(("bare", "made_up"), (first, first + 100), counts, strict=True):
            (folder / part / name).mkdir(parents=True)
            for value in range(start, start + count):
                flat(value).save(folder / part / name / f"{value:03}.png")
    return folder


def grey_values(images: NDArray[np.uint8]) -> list[int]:
    return [int(image[0, 0, 0]) for image in images]


class TestFolder:
    def test_labels_follow_the_alphabet_and_the_classes_are_mixed(self, folder: Path, tmp_path: Path) -> None:
        dataset = faces(folder, tmp_path / "cache", train_count=2)
        assert dataset.train_labels.tolist() == [0, 1, 0, 0, 1, 0]
        assert grey_values(dataset.train_images.stacked()) == [0, 100, 1, 2, 101, 3]
        assert dataset.validation_labels.tolist() == [1, 0, 1]
        assert grey_values(dataset.validation_images.stacked()) == [150, 50, 151]
        assert dataset.train_labels.dtype == dataset.validation_labels.dtype == np.uint8

    def test_images_may_have_different_sizes(self, folder: Path, tmp_path: Path) -> None:
        flat(0, 70, 90).save(folder / "train" / "bare" / "000.png")
        dataset = faces_from_folder(folder, tmp_path / "cache")
        assert dataset.train_images[0].shape == (70, 90, 3)
        assert dataset.train_images[1].shape == (64, 64, 3)

    def test_hidden_files_and_files_beside_the_classes_are_ignored(self, folder: Path, tmp_path: Path) -> None:
        (folder / "train" / ".ipynb_checkpoints").mkdir()
        (folder / "train" / "README.txt").touch()
        (folder / "val" / "bare" / ".DS_Store").touch()
        assert len(faces_from_folder(folder, tmp_path / "cache").train_images) == 6

    def test_changed_pixels_are_decoded_anew(self, folder: Path, tmp_path: Path) -> None:
        before = faces_from_folder(folder, tmp_path / "cache")
        flat(255).save(folder / "val" / "bare" / "050.png")
        after = faces_from_folder(folder, tmp_path / "cache")
        assert grey_values(after.validation_images.stacked()) == [150, 255, 151]
        assert faces_from_folder(folder, tmp_path / "cache") == after != before

    def test_the_same_images_in_other_classes_are_other_data(self, folder: Path, tmp_path: Path) -> None:
        before = faces_from_folder(folder, tmp_path / "cache")
        for part in ("train", "val"):
            (folder / part / "bare").rename(folder / part / "not_made_up")
        after = faces_from_folder(folder, tmp_path / "cache")
        assert before.validation_labels.tolist() == [1, 0, 1]
        assert after.validation_labels.tolist() == [0, 1, 0]


class TestPictures:
    """An image of any format is decoded as a person would see it."""

    def decoded(self, folder: Path, tmp_path: Path) -> NDArray[np.uint8]:
        return faces_from_folder(folder, tmp_path / "cache").train_images[0]

    @pytest.mark.parametrize("mode", ["L", "1", "P", "RGBA", "LA", "CMYK"])
    def test_any_mode_becomes_rgb(self, folder: Path, tmp_path: Path, mode: str) -> None:
        image = Image.new("RGB", (SIDE, SIDE), (255, 255, 255))
        image.paste((0, 0, 0), (0, 0, 20, SIDE))  # black on the left: every mode can hold it
        file = folder / "train" / "bare" / "000.png"
        image.convert(mode).save(file, "TIFF" if mode == "CMYK" else "PNG")
        np.testing.assert_array_equal(self.decoded(folder, tmp_path), np.asarray(image))

    @pytest.mark.filterwarnings("error")
    def test_a_palette_with_a_transparent_colour_keeps_its_colours(self, folder: Path, tmp_path: Path) -> None:
        image = flat(51).convert("P")  # 51 is in Pillow's palette
        image.save(folder / "train" / "bare" / "000.png", transparency=bytes([0, 128] * 128))
        assert (self.decoded(folder, tmp_path) == 51).all()

    @pytest.mark.parametrize("orientation", range(1, 9))
    def test_a_phone_photo_is_turned_upright(self, folder: Path, tmp_path: Path, orientation: int) -> None:
        upright = np.zeros((80, 96, 3), np.uint8)
        upright[:40, :48] = 200  # only the upper left is light
        turned = {
            1: upright,
            2: upright[:, ::-1],
            3: upright[::-1, ::-1],
            4: upright[::-1],
            5: upright.transpose(1, 0, 2),
            6: np.rot90(upright, 1),
            7: upright[::-1, ::-1].transpose(1, 0, 2),
            8: np.rot90(upright, -1),
        }[orientation]
        exif = Image.Exif()
        exif[0x0112] = orientation
        file = folder / "train" / "bare" / "000.png"
        Image.fromarray(np.ascontiguousarray(turned)).save(file, exif=exif)
        np.testing.assert_array_equal(self.decoded(folder, tmp_path), upright)

    @pytest.mark.parametrize(
        ("size", "expected"),
        [
            ((512, 700), (512, 700)),
            ((300, 900), (300, 900)),
            ((1024, 600), (874, 512)),
            ((600, 3000), (512, 2560)),
        ],
        ids=["512 stays", "less stays", "landscape", "portrait"],
    )
    def test_a_large_photo_is_shrunk_to_512(
        self, folder: Path, tmp_path: Path, size: tuple[int, int], expected: tuple[int, int]
    ) -> None:
        left_half = Image.new("RGB", size)
        left_half.paste((240, 120, 60), (0, 0, size[0] // 2, size[1]))
        left_half.save(folder / "train" / "bare" / "000.png")
        image = self.decoded(folder, tmp_path)
        assert image.shape == (expected[1], expected[0], 3)
        assert (image[:, : expected[0] // 2 - 8] == (240, 120, 60)).all()
        assert (image[:, expected[0] // 2 + 8 :] == 0).all()


ROWS = 60  # images in the small CelebA: the odd ones wear heavy make-up


@pytest.fixture
def celeba(tmp_path: Path) -> Path:
    """The first third is CelebA's training part, the second its validation part, the third its test part."""
    folder = tmp_path / "celeba"
    (folder / "img_align_celeba").mkdir(parents=True)
    names = [f"{number:06}.jpg" for number in range(ROWS)]
    for number, name in enumerate(names):
        flat(4 * number).save(folder / "img_align_celeba" / name)
    rows = [f"{name}  {'-1' if i % 3 else ' 1'} {' 1' if i % 2 else '-1'}" for i, name in enumerate(names)]
    header = f"{ROWS}\nBlond_Hair Heavy_Makeup \n"
    (folder / "list_attr_celeba.txt").write_text(header + "\n".join(rows) + "\n")
    parts = [f"{name} {number * 3 // ROWS}\n" for number, name in enumerate(names)]
    (folder / "list_eval_partition.txt").write_text("".join(parts))
    return folder


def image_numbers(images: NDArray[np.uint8]) -> list[int]:
    """The numbers of images of the small CelebA, read from their grey values."""
    return [round(image.mean() / 4) for image in images]


def chosen(dataset: Dataset) -> tuple[list[int], list[int]]:
    return image_numbers(dataset.train_images.stacked()), image_numbers(dataset.validation_images.stacked())


class TestCelebA:
    def test_parts_follow_celebas_partition_and_are_balanced(self, celeba: Path, tmp_path: Path) -> None:
        dataset = faces(celeba, tmp_path / "cache", train_count=20, validation_count=8)
        train, validation = chosen(dataset)
        assert sorted(train) == list(range(20))
        assert len(set(validation)) == 8
        assert set(validation) <= set(range(20, 40))
        assert [number % 2 for number in train] == dataset.train_labels.tolist() == [0, 1] * 10
        assert [number % 2 for number in validation] == dataset.validation_labels.tolist() == [0, 1] * 4

    def test_without_a_partition_no_image_is_in_both_parts(self, celeba: Path, tmp_path: Path) -> None:
        (celeba / "list_eval_partition.txt").unlink()
        train, validation = chosen(faces_from_celeba(celeba, tmp_path / "cache", 40, 20))
        assert sorted(train + validation) == list(range(60))

    @pytest.mark.parametrize("parts", [True, False], ids=["with parts", "without parts"])
    def test_more_training_faces_leave_the_others_as_they_are(self, celeba: Path, tmp_path: Path, parts: bool) -> None:
        if not parts:
            (celeba / "list_eval_partition.txt").unlink()
        few, validation = chosen(faces_from_celeba(celeba, tmp_path / "cache", 6, 10))
        many, same_validation = chosen(faces_from_celeba(celeba, tmp_path / "cache", 14, 10))
        assert validation == same_validation
        assert many[:6] == few

    def test_a_seed_decides_the_choice(self, celeba: Path, tmp_path: Path) -> None:
        first, again, other = (
            faces_from_celeba(celeba, tmp_path / f"cache{run}", 10, 10, seed) for run, seed in enumerate((0, 0, 1))
        )
        assert chosen(first) == chosen(again)
        assert first.fingerprint == again.fingerprint != other.fingerprint
        assert chosen(first)[0] != chosen(other)[0]
        assert chosen(first)[1] != chosen(other)[1]
        counts = {"train_count": 10, "validation_count": 10}
        assert faces(celeba, tmp_path / "cache0", **counts) == first
        assert faces(celeba, tmp_path / "cache2", **counts, seed=1) == other

    def test_400_validation_faces_are_the_default(self, celeba: Path, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="not the 200 asked for"):
            faces(celeba, tmp_path / "cache", train_count=2)

    @pytest.mark.parametrize("counts", [(3, 4), (4, 3), (0, 4), (4, -2)])
    def test_a_count_that_cannot_be_balanced_is_refused(
        self, celeba: Path, tmp_path: Path, counts: tuple[int, int]
    ) -> None:
        with pytest.raises(ValueError, match="positive even number"):
            faces_from_celeba(celeba, tmp_path / "cache", *counts)


def remove_part(folder: Path) -> None:
    (folder / "val").rename(folder / "test")


def remove_both_parts(folder: Path) -> None:
    (folder / "train").rename(folder / "training")


def empty_class(folder: Path) -> None:
    for file in (folder / "val" / "bare").iterdir():
        file.unlink()


def third_class(folder: Path) -> None:
    (folder / "train" / "painted").mkdir()


def no_class(folder: Path) -> None:
    for name in ("bare", "made_up"):
        (folder / "train" / name).rename(folder / name)


def rename_class(folder: Path) -> None:
    (folder / "val" / "bare").rename(folder / "val" / "naked")


def truncate(folder: Path) -> None:
    file = folder / "val" / "made_up" / "151.png"
    noise = np.random.default_rng(0).integers(0, 256, (SIDE, SIDE, 3), np.uint8)
    Image.fromarray(noise).save(file, "JPEG")
    file.write_bytes(file.read_bytes()[:2000])


def add_text(folder: Path) -> None:
    (folder / "train" / "bare" / "notes.txt").write_text("not a picture")


def add_folder(folder: Path) -> None:
    (folder / "train" / "bare" / "more").mkdir()


def add_pipe(folder: Path) -> None:
    os.mkfifo(folder / "train" / "bare" / "pipe")


def too_small(folder: Path) -> None:
    flat(0, 63, 200).save(folder / "train" / "bare" / "002.png")


def too_deep(folder: Path) -> None:
    Image.fromarray(np.zeros((SIDE, SIDE), np.uint16)).save(folder / "train" / "bare" / "002.png")


def too_large(folder: Path) -> None:
    """A small file whose header promises 10^10 pixels."""
    header = f"P6 {10**5} {10**5} 255\n".encode()
    (folder / "train" / "bare" / "002.png").write_bytes(header)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (remove_part, r"/val: no such folder; put a folder for each of the two classes there"),
        (remove_both_parts, r"faces: holds neither train/ and val/ nor img_align_celeba/; give the folder"),
        (empty_class, r"val/bare: an empty class; put its images there"),
        (third_class, r"train: needs exactly two classes, but has 3 \(bare, made_up, painted\); keep one"),
        (no_class, r"train: needs exactly two classes, but has 0 \(none\); keep one"),
        (rename_class, r"val/made_up: a class of another name than .*train/bare; use the same two names"),
        (truncate, r"val/made_up/151\.png: damaged or too large \(.*truncated.*\); replace it"),
        (add_text, r"train/bare/notes\.txt: not a readable image; save it as JPEG or PNG, or take it out"),
        (add_folder, r"train/bare/more: cannot be read \(Is a directory\); restore it or take it out"),
        (add_pipe, r"train/bare/pipe: cannot be read \(not a regular file\); restore it or take it out"),
        (too_small, r"train/bare/002\.png: 200x63 pixels, but each side needs 64; take it out"),
        (too_deep, r"train/bare/002\.png: has more than 8 bits a channel; save it as an 8-bit image"),
        (too_large, r"train/bare/002\.png: damaged or too large \(.*\); replace it"),
    ],
    ids=lambda value: value.__name__ if callable(value) else "",
)
def test_a_defect_of_a_folder_is_reported_in_one_line(
    folder: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(folder)
    with pytest.raises(DataError, match=message) as caught:
        faces(folder, tmp_path / "cache", train_count=2)
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/*"))


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le"])
def test_celebas_lists_may_be_saved_by_other_programs(celeba: Path, tmp_path: Path, encoding: str) -> None:
    before = faces(celeba, tmp_path / "cache", train_count=20, validation_count=20)
    for name in ("list_attr_celeba.txt", "list_eval_partition.txt"):
        text = (celeba / name).read_text().replace("000004.jpg", "img_align_celeba\\000004.jpg")
        (celeba / name).write_text(text.replace("\n", " \r\n") + "\r\n \r\n", encoding=encoding)
    assert faces(celeba, tmp_path / "cache", train_count=20, validation_count=20) == before


def test_celebas_messages_have_no_invisible_characters(celeba: Path, tmp_path: Path) -> None:
    file = celeba / "list_attr_celeba.txt"
    file.write_text("6\u200b0\x1b[31m" + file.read_text()[2:])
    with pytest.raises(DataError, match=r"its first line says 6\\u200b0\\x1b\[31m; download") as caught:
        faces(celeba, tmp_path / "cache", train_count=20, validation_count=20)
    assert str(caught.value).isprintable()


def edit(name: str, pattern: str, replacement: str) -> Callable[[Path], None]:
    def damage(celeba: Path) -> None:
        before = (celeba / name).read_text()
        after = re.sub(pattern, replacement, before, count=1)
        assert after != before
        (celeba / name).write_text(after)

    return damage


def remove(name: str) -> Callable[[Path], None]:
    return lambda celeba: (celeba / name).unlink()


def truncate_attributes(celeba: Path) -> None:
    file = celeba / "list_attr_celeba.txt"
    file.write_text("\n".join(file.read_text().splitlines()[:-5]))


def empty_attributes(celeba: Path) -> None:
    (celeba / "list_attr_celeba.txt").write_text("")


def empty_partition(celeba: Path) -> None:
    (celeba / "list_eval_partition.txt").write_text("")


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (
            remove("list_attr_celeba.txt"),
            r"list_attr_celeba\.txt: cannot be read .*; put the published list there",
        ),
        (empty_attributes, r"list_attr_celeba\.txt: is empty; download the list again"),
        (truncate_attributes, r"list_attr_celeba\.txt: has 55 images, but its first line says 60; download"),
        (
            edit("list_attr_celeba.txt", "Heavy_Makeup", "Makeup"),
            r"list_attr_celeba\.txt: has no attribute Heavy_Makeup; download",
        ),
        (
            edit("list_attr_celeba.txt", r"000004\.jpg  -1", "000004.jpg"),
            r"list_attr_celeba\.txt: line 7 is not a name and 2 times 1 or -1; download",
        ),
        (
            edit("list_attr_celeba.txt", r"(000004\.jpg  -1) -1", r"\1 0"),
            r"list_attr_celeba\.txt: line 7 is not a name and 2 times 1 or -1; download",
        ),
        (empty_partition, r"list_eval_partition\.txt: is empty; download"),
        (
            edit("list_eval_partition.txt", r"000004\.jpg 0", "000004.jpg 3"),
            r"list_eval_partition\.txt: line 5 is not a name and 0, 1 or 2; download",
        ),
        (
            edit("list_eval_partition.txt", r"000004\.jpg 0", "000004.jpg"),
            r"list_eval_partition\.txt: line 5 is not a name and 0, 1 or 2; download",
        ),
        (
            edit("list_eval_partition.txt", r"000004\.jpg 0", "000004.jpg 2"),
            r"list_attr_celeba\.txt: 9 training faces with Heavy_Makeup False, not the 10 asked for; ask",
        ),
        (
            edit("list_eval_partition.txt", r"000021\.jpg 1", "000021.jpg 2"),
            r"list_attr_celeba\.txt: 9 validation faces with Heavy_Makeup True, not the 10 asked for; ask",
        ),
        (
            remove("img_align_celeba/000004.jpg"),
            r"img_align_celeba/000004\.jpg: cannot be read \(No such file.*\); restore it",
        ),
    ],
)
def test_a_defect_of_celeba_is_reported_in_one_line(
    celeba: Path, tmp_path: Path, damage: Callable[[Path], None], message: str
) -> None:
    damage(celeba)
    with pytest.raises(DataError, match=message) as caught:
        faces(celeba, tmp_path / "cache", train_count=20, validation_count=20)
    assert str(caught.value).startswith(str(celeba))
    assert "\n" not in str(caught.value)
    assert not list(tmp_path.glob("cache/*"))
