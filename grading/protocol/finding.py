"""What is wrong with a submission, from where it is noticed to where a person reads it."""

from dataclasses import dataclass

LABEL = 7  # the width of `asked: `


@dataclass(frozen=True)
class Finding:
    """What was asked, what came back, and what is probably wrong; an empty part says nothing.

    Attributes:
        title: the question and the property that does not hold; or a whole message that has no other parts.
        asked: what should be true.
        call: the call that it should be true of.
        got: what came back: a value, or an exception.
        frames: where the student's code raised, innermost last.
        hint: what is probably wrong.
        inputs: the arguments that hypothesis drew, one text for each failing example.
    """

    title: str = ""
    asked: str = ""
    call: str = ""
    got: str = ""
    frames: tuple[str, ...] = ()
    hint: str = ""
    inputs: tuple[str, ...] = ()

    @property
    def parts(self) -> list[tuple[str, str]]:
        """Each part that says something, but the title: its name, and its text."""
        parts = [("asked", self.asked), ("call", self.call), ("got", "\n".join((self.got, *self.frames)))]
        parts += [("hint", self.hint), *(("input", example) for example in self.inputs)]
        return [(name, text) for name, text in parts if text]

    def __str__(self) -> str:
        lines = [labelled(name, text) for name, text in self.parts]
        return "\n".join([self.title, *lines] if self.title else lines)


def labelled(name: str, text: str) -> str:
    """A part with its name before the first line and the others below it."""
    return f"{name + ':':{LABEL}}" + text.replace("\n", "\n" + " " * LABEL)
