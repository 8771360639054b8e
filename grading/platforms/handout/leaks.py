"""Whether text holds something of the reference, by content and not by name.

Text of any kind is read as a sequence of tokens: keywords, numbers, operators and the names that a copy keeps, such as
those of attributes and arguments of PyTorch's. Names that a copy may change, quotes, comments' signs and the layout
are left out. So a copied body is found under other names, reformatted, in a comment, a docstring or Markdown.
Signatures and docstrings, which stubs and solutions share, are not looked for.
"""

import ast
import builtins
import keyword
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

LENGTH = 6  # tokens of a sequence that is looked for
FEWEST = 2  # sequences of a body; one with fewer is an idiom that anybody would write
SHARE = 0.6  # of a body's sequences that make a copy; the grader's own code shares less than 0.2 by chance
TELLING = 2  # tokens of a sequence that are neither keywords nor operators

TOKEN = re.compile(r"[A-Za-z_]\w*|\d+(?:\.\d+)?|\*\*|//|==|!=|<=|>=|[-+*/%@=<>]")
COMMENT = re.compile(r"#.*")
MARGIN = re.compile(r"^[ \t]*(?:#+|>+|\|+|\*(?=\s))+", re.MULTILINE)  # of comments, quotations, tables and lists
MESSAGE = re.compile(r"""f?"[^"\n]* [^"\n]*"|f?'[^'\n]* [^'\n]*'""")
KEYWORDS = frozenset(keyword.kwlist)

Sequences = frozenset[tuple[str, ...]]


@dataclass(frozen=True)
class Leak:
    """A body of the reference that stands in a file.

    Attributes:
        function: such as `heads.replace_head`.
        share: of its sequences that the file holds.
    """

    path: str
    function: str
    share: float

    def __str__(self) -> str:
        return f"{self.path} holds the solution of {self.function} ({self.share:.0%} of its body)"


class Reference:
    """What is looked for.

    Args:
        modules: the source of each module of the reference, by its name.
        stubs: the source of each stub: the names that it defines are public, so a copy keeps them.
    """

    def __init__(self, modules: Mapping[str, str], stubs: Iterable[str]) -> None:
        trees = {name: ast.parse(source) for name, source in modules.items()}
        public = {name for source in stubs for name in _public_names(ast.parse(source))}
        self._names = _kept_names(trees.values()) | public
        self.bodies: dict[str, tuple[Sequences, ...]] = {}
        for module, tree in trees.items():
            for function, versions in _bodies(tree):
                bodies = tuple(map(self.sequences, versions))
                if min(map(len, bodies)) >= FEWEST:
                    self.bodies[f"{module}.{function}"] = bodies

    def leaks(self, files: Mapping[str, bytes]) -> list[Leak]:
        """The bodies that stand in files, which may hold anything."""
        found = []
        for path, content in files.items():
            for function, share in self.shares(content).items():
                if share >= SHARE:
                    found.append(Leak(path, function, share))
        return found

    def shares(self, content: bytes) -> dict[str, float]:
        """How much of each body some content holds: the share of its sequences."""
        text = content.decode("utf-8", errors="replace").replace("\\n", "\n")
        # Comments between the lines of a copy, and other messages, must not hide it; and a copy may be a comment.
        texts = (MARGIN.sub("", text), COMMENT.sub("", text))
        versions = [self.sequences(version) for each in texts for version in (each, MESSAGE.sub("", each))]
        return {
            function: max(len(body & version) / len(body) for body in bodies for version in versions)
            for function, bodies in self.bodies.items()
        }

    def sequences(self, text: str) -> Sequences:
        """The sequences of tokens in a text that say something about where it comes from."""
        tokens = [token for token in TOKEN.findall(text) if self._is_kept(token)]
        every = (tuple(tokens[start : start + LENGTH]) for start in range(len(tokens) - LENGTH + 1))
        return frozenset(each for each in every if sum(map(_is_telling, each)) >= TELLING)

    def _is_kept(self, token: str) -> bool:
        return not (token[0].isalpha() or token[0] == "_") or token in self._names or token in KEYWORDS


def _is_telling(token: str) -> bool:
    return token not in KEYWORDS and token[0].isalnum()


def _public_names(tree: ast.Module) -> Iterator[str]:
    """The names of the functions and classes that a module defines."""
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_"):
            yield node.name


def _kept_names(trees: Iterable[ast.Module]) -> set[str]:
    """The names in the reference that a copy keeps: attributes, arguments of calls, builtins, and words in strings."""
    kept, chosen = set[str](), set[str]()  # chosen: by the author, so anybody who copies may choose others
    for node in (node for tree in trees for node in ast.walk(tree)):
        match node:
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name) | ast.arg(arg=name):
                chosen.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                chosen.add(name)
            case ast.Attribute(value=ast.Name(id="self"), attr=name, ctx=ast.Store()):
                chosen.add(name)
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                kept.add(name)
            case ast.Name(id=name) if hasattr(builtins, name):
                kept.add(name)
            case ast.Constant(value=str(name)) if name.isidentifier():
                kept.add(name)
    return kept - chosen


def _bodies(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    """The name of each function and method, and its statements without docstring: as they are, and without messages."""
    for node in ast.walk(tree):
        for inner in ast.iter_child_nodes(node):
            if isinstance(inner, ast.FunctionDef):
                name = f"{node.name}.{inner.name}" if isinstance(node, ast.ClassDef) else inner.name
                statements = inner.body[1:] if ast.get_docstring(inner) is not None else inner.body
                whole = "\n".join(map(ast.unparse, statements))
                yield name, (whole, ast.unparse(_WithoutMessages().visit(ast.parse(whole))))


class _WithoutMessages(ast.NodeTransformer):
    """Empties strings that are no single word: a copy may say it in other words."""

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.copy_location(ast.Constant(""), node)

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        if isinstance(node.value, str) and not node.value.isidentifier():
            return ast.copy_location(ast.Constant(""), node)
        return node
