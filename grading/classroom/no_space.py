"""A full disk."""

import errno

FULL = (errno.ENOSPC, errno.EDQUOT)


def is_no_space(error: BaseException | None) -> bool:
    """Whether an error says, or comes from one that says, that a disk takes no more."""
    while error is not None:
        if isinstance(error, OSError) and error.errno in FULL:
            return True
        error = error.__cause__ or error.__context__
    return False
