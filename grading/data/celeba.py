"""CelebA as it was published: one folder of aligned faces, and text files that say what each one shows."""

from hashlib import sha256
from pathlib import Path

from grading.data.arrays import DataError
from grading.data.lists import last_parts, read_list
from grading.protocol.text import one_line

IMAGES = "img_align_celeba"
ATTRIBUTES = "list_attr_celeba.txt"
PARTITION = "list_eval_partition.txt"
TRAIN, VALIDATION = "0", "1"  # as the partition file writes them

Classes = tuple[list[Path], list[Path]]  # the chosen images without and with the attribute


def choose(folder: Path, attribute: str, train_count: int, validation_count: int, seed: int) -> tuple[Classes, Classes]:
    """As many images without as with the attribute, in two parts without an image in common.

    Where the partition file is there, they are CelebA's own training and validation part, which share no
    person. Validation does not depend on `train_count`, and a larger training set includes a smaller one.

    Raises:
        DataError: a list is missing or damaged, or has too few images of a class.
        ValueError: a count is odd or not positive.
    """
    for count in (train_count, validation_count):
        if count <= 0 or count % 2:
            raise ValueError(f"a balanced choice needs a positive even number of images, not {count}")
    has_attribute = _read_attribute(folder / ATTRIBUTES, attribute)
    part_of = _read_partition(folder / PARTITION) if (folder / PARTITION).is_file() else None
    train, validation = [], []
    for positive in (False, True):
        ranked = [name for name, has in has_attribute.items() if has == positive]
        ranked.sort(
            key=lambda name: sha256(f"{seed} {name}".encode(errors="surrogateescape")).digest()
        )  # the same in every version
        if part_of is None:
            unseen, rest = ranked, ranked[validation_count // 2 :]
        else:
            unseen = [name for name in ranked if part_of.get(name) == VALIDATION]
            rest = [name for name in ranked if part_of.get(name) == TRAIN]
        kind = f"faces with {attribute} {positive}"
        validation.append(_first(unseen, validation_count // 2, folder, f"validation {kind}"))
        train.append(_first(rest, train_count // 2, folder, f"training {kind}"))
    return (train[0], train[1]), (validation[0], validation[1])


def _first(names: list[str], count: int, folder: Path, what: str) -> list[Path]:
    if len(names) < count:
        raise DataError(f"{folder / ATTRIBUTES}: {len(names)} {what}, not the {count} asked for; ask for fewer")
    return [folder / IMAGES / name for name in names[:count]]


def _read_attribute(path: Path, attribute: str) -> dict[str, bool]:
    """Which image has the attribute. Lines: a count, the attributes' names, then `000001.jpg -1 1 ...`."""
    (_, count), (_, header), *rows = _read_lines(path, at_least=2)
    names = header.split()
    if attribute not in names:
        raise DataError(f"{path}: has no attribute {attribute}; download the list again")
    if count != str(len(rows)):
        first = one_line(count[:20])
        raise DataError(f"{path}: has {len(rows)} images, but its first line says {first}; download it again")
    column = names.index(attribute) + 1
    has_attribute = {}
    for number, row in rows:
        cells = row.rsplit(maxsplit=len(names))
        if len(cells) != len(names) + 1 or not {"1", "-1"}.issuperset(cells[1:]):
            raise DataError(f"{path}: line {number} is not a name and {len(names)} times 1 or -1; download it again")
        has_attribute[last_parts(cells[0], 1)] = cells[column] == "1"
    return has_attribute


def _read_partition(path: Path) -> dict[str, str]:
    """The part of each image. Lines: `000001.jpg 0`."""
    part_of = {}
    for number, row in _read_lines(path, at_least=1):
        cells = row.rsplit(maxsplit=1)
        if len(cells) != 2 or cells[1] not in (TRAIN, VALIDATION, "2"):
            raise DataError(f"{path}: line {number} is not a name and 0, 1 or 2; download the list again")
        part_of[last_parts(cells[0], 1)] = cells[1]
    return part_of


def _read_lines(path: Path, at_least: int) -> list[tuple[int, str]]:
    lines = read_list(path)
    if len(lines) < at_least:
        raise DataError(f"{path}: is empty; download the list again")
    return lines
