"""What README.md, CONTRIBUTING.md and docs/ tell a reader to type: commands, options and links."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

PROGRAMS = frozenset(
    [
        *(
            ".",
            "apt",
            "apt-get",
            "bash",
            "brew",
            "cat",
            "cd",
            "chmod",
            "chown",
            "conda",
            "cp",
            "curl",
            "docker",
            "echo",
        ),
        *("export", "gh", "git", "hw4-grader", "kill", "lint-imports", "ls", "make", "mkdir", "mv", "mypy", "nice"),
        *(
            "nohup",
            "npm",
            "npx",
            "nvidia-smi",
            "open",
            "pip",
            "pip3",
            "pipx",
            "playwright",
            "podman",
            "pre-commit",
            "py",
        ),
        *("pytest", "python", "python3", "ray", "rm", "rsync", "ruff", "sbatch", "scp", "sh", "source", "srun", "ssh"),
        *("sudo", "tar", "timeout", "tox", "uname", "unzip", "uv", "uvx", "wget"),
    ]
)
"""What a command between backquotes begins with. In a block of code every line is one, whatever it begins with."""

ALONE = frozenset(["lint-imports", "mypy", "pytest", "tox"])
"""Programs that are a command without any argument, too. The name of another one, such as `git`, is only a name."""

SHELL = ("", "sh", "bash")
"""The words behind the three backquotes of a block that is typed. Any other one (`text`, `toml`) is only read."""


@dataclass(frozen=True)
class Command:
    """One command of a document.

    Attributes:
        words: the program and its arguments, without quotes; `NAME=value` in front is left out.
        where: file and line.
    """

    words: tuple[str, ...]
    where: str

    @property
    def text(self) -> str:
        return " ".join(self.words)


@dataclass(frozen=True)
class OptionTable:
    """A table whose first column is called `option`: what stands between backquotes there, such as `--seeds N`."""

    document: str
    number: int
    options: tuple[str, ...]


@dataclass(frozen=True)
class Mention:
    """A text of a document: an option between backquotes, or the target of a link."""

    text: str
    where: str


class Document:
    """One Markdown file.

    Args:
        name: how it is called in `where`, such as `docs/class.md`.
    """

    def __init__(self, name: str, text: str) -> None:
        self.name = name
        self._tokens = MarkdownIt("commonmark").enable("table").parse(text)

    def commands(self) -> Iterator[Command]:
        """All that a reader would type, in order."""
        for token in self._tokens:
            if token.type == "fence" and token.info.strip() in SHELL:
                yield from self._commands(token.content, token)
        for text, token in self._code():
            if is_command(text):
                yield from self._commands(text, token)

    def unclear_code(self) -> Iterator[Mention]:
        """Code that takes options, but no program that anybody knows."""
        for text, token in self._code():
            has_option = re.search(r"\s--?[a-z]", text) and not text.startswith("-")
            if has_option and not is_command(text):
                yield Mention(text, self._where(token))

    def option_tables(self) -> Iterator[OptionTable]:
        """Its tables of options, in order."""
        number = 0
        for rows in self._tables():
            if rows[0][0].content.strip() != "option":
                continue
            spans = [span.content for row in rows[1:] for span in row[0].children or [] if span.type == "code_inline"]
            yield OptionTable(self.name, number, tuple(spans))
            number += 1

    def options(self) -> Iterator[Mention]:
        """Each option between backquotes, such as `--seeds` of `--seeds N`."""
        for text, token in self._code():
            if text.startswith("-"):
                for word in text.split():
                    if re.match(r"--?[a-z]", word):
                        yield Mention(word.partition("=")[0], self._where(token))

    def links(self) -> Iterator[Mention]:
        """The targets of links and pictures."""
        for token in self._tokens:
            for child in token.children or []:
                target = child.attrGet("href") or child.attrGet("src")
                if target is not None:
                    yield Mention(str(target), self._where(token))

    def anchors(self) -> set[str]:
        """What links to its headings end with, as GitHub makes them."""
        titles = [t.content for before, t in zip(self._tokens, self._tokens[1:], strict=False) if _opens(before)]
        return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}

    def _code(self) -> Iterator[tuple[str, Token]]:
        for token in self._tokens:
            for child in token.children or []:
                if child.type == "code_inline":
                    yield child.content, token

    def _tables(self) -> Iterator[list[list[Token]]]:
        rows: list[list[Token]] = []
        for before, token in zip(self._tokens, self._tokens[1:], strict=False):
            if token.type == "table_open":
                rows = []
            elif token.type == "tr_open":
                rows.append([])
            elif token.type == "inline" and before.type in ("th_open", "td_open"):
                rows[-1].append(token)
            elif token.type == "table_close":
                yield rows

    def _commands(self, text: str, token: Token) -> Iterator[Command]:
        for line in text.replace("\\\n", " ").splitlines():
            for words in simple_commands(line):
                yield Command(words, self._where(token))

    def _where(self, token: Token) -> str:
        return f"{self.name}:{(token.map or [0])[0] + 1}"


def _opens(token: Token) -> bool:
    return token.type == "heading_open"


def is_command(text: str) -> bool:
    """Whether code between backquotes is something to type."""
    found = next(simple_commands(text), ())
    return bool(found) and (found[0].startswith(("./", ".ci/")) or found[0] in (PROGRAMS if len(found) > 1 else ALONE))


def simple_commands(line: str) -> Iterator[tuple[str, ...]]:
    """The words of each command in a line of shell: commands stand between `&&`, `||`, `|` and `;`."""
    reader = shlex.shlex(line, posix=True, punctuation_chars="&|;")
    reader.whitespace_split = True
    words: list[str] = []
    try:
        parts = [*reader]
    except ValueError:  # an apostrophe: this is no command
        return
    for part in [*parts, ";"]:
        if part and set(part) <= set("&|;"):
            if words:
                yield tuple(words)
            words = []
        elif words or not re.fullmatch(r"[A-Z][A-Z0-9_]*=.*", part):
            words.append(part)


def documents(root: Path) -> list[Document]:
    """All that is written for users and maintainers. CHANGELOG.md tells of what was, and is left out."""
    paths = [root / "README.md", root / "CONTRIBUTING.md", *sorted((root / "docs").glob("*.md"))]
    return [Document(path.relative_to(root).as_posix(), path.read_text("utf-8")) for path in paths]
