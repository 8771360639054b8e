"""Zip files whose bytes depend on nothing but their content."""

import io
import zipfile
from collections.abc import Mapping

WHEN = (2000, 1, 1, 0, 0, 0)
FILE, PROGRAM = 0o100644, 0o100755
UNIX = 3  # the system whose permissions a zip file holds


def zipped(files: Mapping[str, bytes], programs: frozenset[str]) -> bytes:
    """A zip file with these files, sorted by path, whatever the clock, the umask and the system say.

    Args:
        programs: the paths of the files that can be executed.
    """
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for path in sorted(files):
            entry = zipfile.ZipInfo(path, WHEN)
            entry.compress_type = zipfile.ZIP_DEFLATED
            entry.create_system = UNIX
            entry.external_attr = (PROGRAM if path in programs else FILE) << 16
            archive.writestr(entry, files[path])
    return content.getvalue()
