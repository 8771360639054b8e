"""Decoded data on disk: what is saved is read back exactly, and no reader sees half of a data set."""

import multiprocessing
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from grading.data.arrays import (
    DataError,
    Images,
    build_once,
    cache_folder,
    fingerprint,
    save_dataset,
    save_images,
)


def random_images(*sizes: tuple[int, int]) -> list[NDArray[np.uint8]]:
    random = np.random.default_rng(0)
    return [random.integers(0, 256, (height, width, 3), np.uint8) for height, width in sizes]


def save_small_dataset(folder: Path) -> None:
    images = random_images((4, 5), (6, 7), (8, 9))
    save_dataset(folder, images[:2], np.array([1, 0], np.uint8), images[2:], np.array([1], np.uint8))


class TestImages:
    def test_images_of_any_sizes_are_read_back_exactly(self, tmp_path: Path) -> None:
        written = random_images((2, 3), (5, 1), (1, 1), (4, 4))
        assert save_images(tmp_path, iter(written)) == 4
        read = Images.open(tmp_path)
        assert len(read) == 4
        for index, image in enumerate(written):
            assert read[index].dtype == np.uint8
            np.testing.assert_array_equal(read[index], image)

    def test_views_of_images_are_saved_as_they_look(self, tmp_path: Path) -> None:
        (image,) = random_images((4, 6))
        save_images(tmp_path, [image[:, ::-1], image.transpose(1, 0, 2)])
        read = Images.open(tmp_path)
        np.testing.assert_array_equal(read[0], image[:, ::-1])
        np.testing.assert_array_equal(read[1], image.transpose(1, 0, 2))

    def test_negative_indices_count_from_the_end_and_others_are_refused(self, tmp_path: Path) -> None:
        written = random_images((2, 3), (3, 2))
        save_images(tmp_path, written)
        read = Images.open(tmp_path)
        np.testing.assert_array_equal(read[-1], written[1])
        for index in (2, -3):
            with pytest.raises(IndexError):
                read[index]

    def test_pixels_are_mapped_and_cannot_be_changed(self, tmp_path: Path) -> None:
        save_images(tmp_path, random_images((2, 3)))
        image = Images.open(tmp_path)[0]
        with pytest.raises(ValueError, match="read-only"):
            image[0, 0, 0] = 1

    def test_stacked_is_a_view_of_all_images(self, tmp_path: Path) -> None:
        written = random_images((2, 3), (2, 3))
        save_images(tmp_path, written)
        read = Images.open(tmp_path)
        np.testing.assert_array_equal(read.stacked(), np.stack(written))
        assert np.shares_memory(read.stacked(), read.pixels)

    def test_images_of_two_sizes_cannot_be_stacked(self, tmp_path: Path) -> None:
        save_images(tmp_path, random_images((2, 6), (3, 4)))  # equally many pixels: only the sizes differ
        with pytest.raises(ValueError, match="different sizes"):
            Images.open(tmp_path).stacked()

    def test_numpy_itself_reads_the_files(self, tmp_path: Path) -> None:
        written = random_images(*[(7, 11)] * 60)
        save_images(tmp_path, written)
        np.testing.assert_array_equal(np.load(tmp_path / "pixels.npy"), np.stack(written).ravel())

    @pytest.mark.parametrize(
        "image",
        [np.zeros((2, 2, 3), np.float32), np.zeros((2, 2, 4), np.uint8), np.zeros((2, 2), np.uint8)],
        ids=["float", "RGBA", "grey"],
    )
    def test_only_uint8_rgb_is_saved(self, tmp_path: Path, image: NDArray[np.uint8]) -> None:
        with pytest.raises(ValueError, match="not a uint8"):
            save_images(tmp_path, [image])

    def test_no_images_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(ValueError, match="no images"):
            save_images(tmp_path, [])

    def test_a_damaged_folder_names_itself(self, tmp_path: Path) -> None:
        folder = tmp_path / "key" / "train"
        save_images(folder, random_images((2, 3), (2, 3)))
        np.save(folder / "shapes.npy", np.array([[2, 3]]))
        with pytest.raises(DataError, match=r"train: .* delete .*key$"):
            Images.open(folder)
        pixels = (folder / "pixels.npy").read_bytes()
        for damaged in (pixels[:-1], b"", b"<html>"):
            (folder / "pixels.npy").write_bytes(damaged)
            with pytest.raises(DataError, match=r"pixels\.npy: missing or damaged; delete .*key$"):
                Images.open(folder)


class TestDataset:
    def test_both_parts_are_read_back(self, tmp_path: Path) -> None:
        dataset = build_once(tmp_path, "key", save_small_dataset)
        assert dataset.train_images.shapes.tolist() == [[4, 5], [6, 7]]
        assert dataset.validation_images.shapes.tolist() == [[8, 9]]
        assert dataset.train_labels.tolist() == [1, 0]
        assert dataset.validation_labels.tolist() == [1]
        assert dataset.fingerprint == "key"

    def test_validation_labels_have_a_folder_of_their_own(self, tmp_path: Path) -> None:
        folder = build_once(tmp_path, "key", save_small_dataset).folder
        files = {path.relative_to(folder).as_posix() for path in folder.rglob("*.npy")}
        assert files == {
            *(f"train/{name}.npy" for name in ("pixels", "shapes", "labels")),
            *(f"validation/{name}.npy" for name in ("pixels", "shapes")),
            "validation_labels/labels.npy",
        }

    @pytest.mark.parametrize("labels", [np.zeros(3, np.uint8), np.zeros(2, np.int64)], ids=["count", "type"])
    def test_labels_must_fit_the_images(self, tmp_path: Path, labels: NDArray[np.uint8]) -> None:
        images = random_images((2, 2), (2, 2))
        with pytest.raises(ValueError, match="as many uint8 labels"):
            save_dataset(tmp_path, images, labels, images, np.zeros(2, np.uint8))


class TestBuildOnce:
    def test_it_builds_only_once(self, tmp_path: Path) -> None:
        built: list[Path] = []

        def build(folder: Path) -> None:
            built.append(folder)
            save_small_dataset(folder)

        first, second = build_once(tmp_path, "key", build), build_once(tmp_path, "key", build)
        assert first == second
        assert len(built) == 1

    def test_a_failed_build_leaves_nothing(self, tmp_path: Path) -> None:
        def fail(folder: Path) -> None:
            save_small_dataset(folder)
            raise DataError("no")

        with pytest.raises(DataError, match="no"):
            build_once(tmp_path, "key", fail)
        assert list(tmp_path.iterdir()) == []

    def test_after_a_killed_build_the_data_set_is_built_anew(self, tmp_path: Path) -> None:
        def build_half(folder: Path) -> None:
            save_images(folder / "train", random_images((2, 2)))
            os._exit(1)  # like a kill: no handler runs

        process = multiprocessing.get_context("fork").Process(target=build_once, args=(tmp_path, "key", build_half))
        process.start()
        process.join()
        assert len(list(tmp_path.iterdir())) == 1  # the leftovers
        assert build_once(tmp_path, "key", save_small_dataset).train_labels.tolist() == [1, 0]

    def test_leftovers_of_a_killed_build_are_removed_a_day_later(self, tmp_path: Path) -> None:
        old = tmp_path / ".hw4-unfinished-key-0"
        recent = tmp_path / ".hw4-unfinished-key-1"
        foreign = tmp_path / ".config"
        for folder in (old, recent, foreign):
            folder.mkdir()
        for folder in (old, foreign):
            os.utime(folder, (time.time() - 2 * 86400,) * 2)
        build_once(tmp_path, "key", save_small_dataset)
        assert {path.name for path in tmp_path.iterdir()} == {"key", recent.name, foreign.name}

    def test_of_two_simultaneous_builds_the_first_is_kept(self, tmp_path: Path) -> None:
        def build_while_another_does(folder: Path) -> None:
            build_once(tmp_path, "key", save_small_dataset)
            save_dataset(
                folder,
                random_images((9, 9)),
                np.zeros(1, np.uint8),
                random_images((9, 9)),
                np.ones(1, np.uint8),
            )

        dataset = build_once(tmp_path, "key", build_while_another_does)
        assert [path.name for path in tmp_path.iterdir()] == ["key"]
        assert dataset.train_images[0].shape == (4, 5, 3)  # the complete data set of the first build

    def test_a_data_set_that_disappears_while_it_is_built_is_an_error(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match="cannot write decoded data there"):
            build_once(tmp_path, "key", shutil.rmtree)  # as if someone had cleared the cache meanwhile

    def test_a_cache_that_cannot_be_written_is_reported_with_the_variable_to_set(self, tmp_path: Path) -> None:
        (tmp_path / "file").touch()
        with pytest.raises(DataError, match=r"file/cache: cannot write .*\(Not a directory\).* HW4_CACHE"):
            build_once(tmp_path / "file" / "cache", "key", save_small_dataset)


class TestCacheFolder:
    @pytest.mark.parametrize(
        ("variables", "expected"),
        [
            ({"HW4_CACHE": "/a", "XDG_CACHE_HOME": "/b"}, "/a"),
            ({"XDG_CACHE_HOME": "/b"}, "/b/hw4-grader"),
            ({"XDG_CACHE_HOME": "relative"}, "/home/someone/.cache/hw4-grader"),
            ({}, "/home/someone/.cache/hw4-grader"),
        ],
        ids=["HW4_CACHE", "XDG", "relative XDG", "home"],
    )
    def test_the_first_variable_that_is_set_decides(
        self, monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], expected: str
    ) -> None:
        monkeypatch.delenv("HW4_CACHE", raising=False)
        monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
        monkeypatch.setenv("HOME", "/home/someone")
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        assert cache_folder() == Path(expected)


class TestFingerprint:
    def test_it_changes_with_content_name_and_parameters_only(self, tmp_path: Path) -> None:
        first, second = tmp_path / "first", tmp_path / "second"
        first.write_text("1")
        second.write_text("2")
        original = fingerprint({"a": first, "b": second}, size=3)
        assert len(original) == 64
        assert fingerprint({"b": second, "a": first}, size=3) == original
        others = {
            fingerprint({"a": first, "b": second}, size=4),
            fingerprint({"a": first, "c": second}, size=3),
            fingerprint({"a": second, "b": first}, size=3),
            fingerprint({"a": first}, size=3),
        }
        assert original not in others
        assert len(others) == 4
        moved = first.rename(tmp_path / "elsewhere")
        assert fingerprint({"a": moved, "b": second}, size=3) == original

    def test_a_missing_file_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=r"gone: cannot be read \(No such file or directory\)"):
            fingerprint({"a": tmp_path / "gone"})
