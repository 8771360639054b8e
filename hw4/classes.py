"""Merging the classes of a label image into fewer (Q2-3)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from torch import Tensor

if TYPE_CHECKING:
    from jaxtyping import Integer


def reduce_classes(
    labels: Integer[Tensor, "*shape"], mapping: Mapping[int, int], *, ignore_index: int = 255
) -> Integer[Tensor, "*shape"]:
    """Replace every label by `mapping[label]` (Q2-3).

    Pointwise and simultaneous: `{0: 1, 1: 0}` swaps two classes. Labels, keys, new labels and `ignore_index` are
    class labels, whole numbers from 0 to 255, in both dtypes: so a mask per class, a look-up table of 256 entries
    and a loop are all right.

    Args:
        labels: uint8 or int64, any shape (0-d and empty too), any memory layout (a transposed view); left untouched.
        mapping: from old label to new label. Any `Mapping`, in any order, empty too; left untouched. Several old
            labels may have the same new label.
        ignore_index: the new label of every label that is not a key of `mapping`. It may also be a key or a new label.

    Returns:
        A new tensor of the same shape and dtype.
    """
    raise NotImplementedError("Q2-3: reduce_classes")
