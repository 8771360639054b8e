"""The import of a submission, from the files that belong to it and from no others."""

import importlib
import importlib.util
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

from grading.protocol.submission import FOLDER_PACKAGE, Submission, regular_file


def load_package(submission: Submission) -> None:
    """Make the package importable in this process, under `submission.package`.

    Raises:
        Exception: whatever the submission's `__init__.py` raises.
    """
    _refuse_link(submission.folder / "__init__.py", submission.folder)
    others = [finder for finder in sys.meta_path if not isinstance(finder, _SubmissionFinder)]
    sys.meta_path[:] = [_SubmissionFinder(submission), *others]
    if submission.package == FOLDER_PACKAGE:
        _import_folder(submission.folder)
    else:
        _import_package(submission)


def load_module(submission: Submission, name: str) -> ModuleType:
    """Import one module of a loaded submission.

    Raises:
        Exception: whatever importing it raises, ModuleNotFoundError if it is missing.
    """
    return importlib.import_module(f"{submission.package}.{name}")


def _import_package(submission: Submission) -> None:
    """Import a submission under its dotted name."""
    parent = submission.folder.parents[submission.package.count(".")]
    if str(parent) not in sys.path:
        sys.path.append(str(parent))
    importlib.import_module(submission.package)


def _import_folder(folder: Path) -> None:
    """Import a folder as FOLDER_PACKAGE, in the place of any package of that name."""
    for name in [name for name in sys.modules if name.split(".")[0] == FOLDER_PACKAGE]:
        del sys.modules[name]
    init = folder / "__init__.py"
    if not init.is_file():
        package = ModuleType(FOLDER_PACKAGE)
        package.__path__ = [str(folder)]
        sys.modules[FOLDER_PACKAGE] = package
        return
    spec = importlib.util.spec_from_file_location(FOLDER_PACKAGE, init, submodule_search_locations=[str(folder)])
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[FOLDER_PACKAGE] = package
    spec.loader.exec_module(package)


class _SubmissionFinder(MetaPathFinder):
    """Finds a submission's modules among the files that belong to it, here as in the sandbox.

    For a folder there are no other modules: an editable install would offer this project's stubs.
    """

    def __init__(self, submission: Submission) -> None:
        self._submission = submission

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or not fullname.startswith(f"{self._submission.package}."):
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            # Python passes over a link that leads nowhere.
            name = fullname.rpartition(".")[2]
            places = [Path(folder, name + suffix) for folder in path for suffix in (".py", "")]
        else:
            places = [Path(place) for place in (spec.origin, *(spec.submodule_search_locations or ())) if place]
        for place in places:
            _refuse_link(place, self._submission.folder)
        if spec is None and self._submission.package == FOLDER_PACKAGE:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec


def _refuse_link(path: Path, folder: Path) -> None:
    """Refuse a symbolic link that does not lead to a file of the submission.

    Raises:
        ImportError: the path is such a link.
    """
    if path.is_symlink() and regular_file(path, folder) is None:
        raise ImportError(f"hand in {path.name} itself, not a link that leads elsewhere")
