"""Finding an implementation: an importable package, or a folder with the student's modules."""

import hashlib
import importlib
import importlib.util
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.abc import MetaPathFinder
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType

MODULES = ("freezing", "heads", "transfer", "augmentation", "fcn", "classes", "metrics")

# A folder is imported under the assignment's own name, whatever it is called on disk: so both
# `from .heads import ...` and `from hw4.heads import ...` mean the submission itself.
FOLDER_PACKAGE = "hw4"


class SubmissionError(Exception):
    """The submission cannot be found; one line for the person who named it."""


@dataclass(frozen=True)
class Submission:
    """Where a submission lies and the package name it is imported as.

    Attributes:
        name: what results call it: the importable name, or the folder's name.
        folder: the folder with its modules.
        package: the name to import it by.
    """

    name: str
    folder: Path
    package: str

    def fingerprint(self) -> str:
        """sha256 over the names and contents of its Python files, hexadecimal."""
        digest = hashlib.sha256()
        for path in sorted(self.folder.rglob("*.py")):
            digest.update(f"{path.relative_to(self.folder)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
        return digest.hexdigest()


def locate(submission: str) -> Submission:
    """Find `submission`, a folder or an importable package name, without running any of its code.

    Raises:
        SubmissionError: there is neither such a folder nor such a package, or it has none of the modules.
    """
    folder = Path(submission)
    if folder.is_dir():
        found = Submission(folder.resolve().name, folder.resolve(), FOLDER_PACKAGE)
    else:
        found = Submission(submission, _package_folder(submission), submission)
    if not any((found.folder / f"{module}.py").is_file() for module in MODULES):
        raise SubmissionError(f"{submission}: none of {', '.join(m + '.py' for m in MODULES)} in {found.folder}")
    return found


def load(submission: Submission) -> None:
    """Make the package importable in this process, under `submission.package`.

    Raises:
        Exception: whatever the submission's `__init__.py` raises.
    """
    if submission.package != FOLDER_PACKAGE:
        parent = submission.folder.parents[submission.package.count(".")]
        if str(parent) not in sys.path:
            sys.path.append(str(parent))
        importlib.import_module(submission.package)
        return
    for name in [name for name in sys.modules if name.split(".")[0] == FOLDER_PACKAGE]:
        del sys.modules[name]
    if _NO_OTHER not in sys.meta_path:
        sys.meta_path.insert(0, _NO_OTHER)
    init = submission.folder / "__init__.py"
    if not init.is_file():
        package = ModuleType(FOLDER_PACKAGE)
        package.__path__ = [str(submission.folder)]
        sys.modules[FOLDER_PACKAGE] = package
        return
    spec = importlib.util.spec_from_file_location(
        FOLDER_PACKAGE, init, submodule_search_locations=[str(submission.folder)]
    )
    assert spec is not None
    assert spec.loader is not None
    package = importlib.util.module_from_spec(spec)
    sys.modules[FOLDER_PACKAGE] = package
    spec.loader.exec_module(package)


class _NoOther(MetaPathFinder):
    """Modules of the submission's package are those in its folder: an editable install offers this project's stubs."""

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if path is None or fullname.split(".")[0] != FOLDER_PACKAGE:
            return None
        spec = PathFinder.find_spec(fullname, path, target)
        if spec is None:
            raise ModuleNotFoundError(f"No module named {fullname!r}", name=fullname)
        return spec


_NO_OTHER = _NoOther()


def module(submission: Submission, name: str) -> ModuleType:
    """Import one module of a loaded submission.

    Raises:
        Exception: whatever importing it raises, ModuleNotFoundError where it is missing.
    """
    return importlib.import_module(f"{submission.package}.{name}")


def _package_folder(name: str) -> Path:
    """Walk a dotted name without importing its parents, as `importlib.util.find_spec` would."""
    path = [str(Path.cwd()), *sys.path]
    for part in name.split("."):
        spec = PathFinder.find_spec(part, path) if part.isidentifier() else None
        if spec is None or not spec.submodule_search_locations:
            raise SubmissionError(f"{name}: neither a folder nor an importable package")
        path = list(spec.submodule_search_locations)
    return Path(path[0]).resolve()
