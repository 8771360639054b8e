"""The tiers of sandboxes: where a submission's code runs so that it can neither harm nor learn anything.

- `bubblewrap` (`grading.sandbox.bubblewrap`): namespaces of its own, no capabilities, an empty environment, a read-only
  system without the grader, files in memory only, no network, an ordinary user.
- `own-user` (`grading.sandbox.own_user`): a user of its own, who can read nothing of the grader's. The network is open,
  and other processes can be seen. For root on machines that block user namespaces, as Gradescope's containers do.
- `none`: nothing holds the submission back. Results are marked as unverified.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

from grading.sandbox.confined import Confined, environment_of, python_command, start_process


class Sandbox(ABC):
    """A tier: how a submission's process is confined.

    A new tier states what it promises, and `start`s a process. It is used only if `self_test` finds that nothing is
    possible inside but what it `allows`.

    Attributes:
        tier: its name in results.
        promise: what it prevents, in one line.
        verified: whether results can be trusted whatever the submission does.
        allows: the escapes that the tier does not promise to prevent, by their names in the self-test.
    """

    tier: ClassVar[str]
    promise: ClassVar[str]
    verified: ClassVar[bool] = True
    allows: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        """Start Python inside.

        Args:
            arguments: of the interpreter.
            workspace: a folder that is readable inside, under the same name; `workspace/code` is its PYTHONPATH.
            keep: a descriptor that stays open.
            output: where standard output and error go.
        """


def is_weaker(sandbox: Sandbox, other: Sandbox) -> bool:
    """Whether a sandbox promises less than another one."""
    return other.verified and not (sandbox.verified and sandbox.allows <= other.allows)


class Unconfined(Sandbox):
    """No sandbox at all."""

    tier = "none"
    promise = "no sandbox: the submission could read and write everything, its results prove nothing"
    verified = False

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        return Confined(start_process(python_command(arguments), environment_of(workspace), keep, output))
