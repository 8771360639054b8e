"""The tiers of sandboxes: where a submission's code runs so that it can neither harm nor learn anything.

- `bubblewrap` (`grading.sandbox.bubblewrap`): namespaces of its own, no capabilities, an empty environment, a read-only
  system without the grader, files in memory only, no network, an ordinary user.
- `own-user` (`grading.sandbox.own_user`): a user of its own, who can read nothing of the grader's. The network is open,
  and other processes can be seen. For root on machines that block user namespaces, as Gradescope's containers do.
- `none`: nothing holds the submission back. Results are marked as unverified.
- `own-process`: there is no sandbox for this system; the submission runs in the process of whoever calls it, who is the
  student (`grading.sandbox.own_process`). Results are marked as unverified.
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, ClassVar

from grading.sandbox.confined import Confined, environment_of, python_command, start_process


class Tier:
    """What holds a submission, and what that promises.

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


class Sandbox(Tier, ABC):
    """A tier of which each submission gets a process of its own.

    A new one states what it promises, and `start`s a process. It is used only if `self_test` finds that nothing is
    possible inside but what it `allows`.
    """

    @abstractmethod
    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        """Start Python inside.

        Args:
            arguments: of the interpreter.
            workspace: a folder that is readable inside, under the same name; `workspace/code` is its PYTHONPATH.
            keep: a descriptor that stays open.
            output: where standard output and error go.
        """


class OwnProcess(Tier):
    """The process that grades, on systems that have no sandbox: students train their own code there."""

    tier = "own-process"
    promise = "unverified: your own process; nothing is confined"
    verified = False


def is_weaker(tier: Tier, other: Tier) -> bool:
    """Whether a tier promises less than another one."""
    return other.verified and not (tier.verified and tier.allows <= other.allows)


class Unconfined(Sandbox):
    """No sandbox at all."""

    tier = "none"
    promise = "no sandbox: the submission could read and write everything, its results prove nothing"
    verified = False

    def start(self, arguments: Sequence[str], workspace: Path, *, keep: int, output: int | IO[Any]) -> Confined:
        return Confined(start_process(python_command(arguments), environment_of(workspace), keep, output))
