"""Solutions are found by their content, whatever they are called and wherever they stand."""

import ast
import re
from collections.abc import Callable

import pytest

from grading import ROOT
from grading.platforms.handout.files import handout_files
from grading.platforms.handout.leaks import SHARE, Reference
from grading.protocol.submission import MODULES


def source_of(package: str, module: str) -> str:
    return (ROOT / package / f"{module}.py").read_text(encoding="utf-8")


REFERENCE = Reference({m: source_of("solutions", m) for m in MODULES}, [source_of("hw4", m) for m in MODULES])
FILES = handout_files(ROOT)
LOOKED_FOR = sorted(REFERENCE.bodies)


def body_source(name: str) -> str:
    """The statements of a function of the reference, without its docstring."""
    module, *path = name.split(".")
    node: ast.AST = ast.parse(source_of("solutions", module))
    for part in path:
        inner = (each for each in ast.walk(node) if isinstance(each, (ast.FunctionDef, ast.ClassDef)))
        node = next(each for each in inner if each.name == part)
    assert isinstance(node, ast.FunctionDef)
    statements = node.body[1:] if ast.get_docstring(node) is not None else node.body
    return "\n".join(map(ast.unparse, statements))


class Renamed(ast.NodeTransformer):
    """Gives other names to all that an author names: functions, arguments, variables and own attributes."""

    def __init__(self, tree: ast.AST) -> None:
        names = {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)} - {"self"}
        for node in ast.walk(tree):
            if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
                names.add(node.id)
            if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
                names.add(node.attr)
        self._new = {name: f"thing_{number}" for number, name in enumerate(sorted(names - {"requires_grad"}))}

    def visit_Name(self, node: ast.Name) -> ast.AST:
        return ast.Name(self._new.get(node.id, node.id), node.ctx)

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        self.generic_visit(node)
        is_own = isinstance(node.value, ast.Name) and node.value.id == "self"
        return ast.Attribute(node.value, self._new.get(node.attr, node.attr) if is_own else node.attr, node.ctx)


def renamed(body: str) -> str:
    tree = ast.parse(f"def f():\n{indented(body)}")
    return "\n".join(map(ast.unparse, Renamed(tree).visit(tree).body[0].body))


class OtherWords(ast.NodeTransformer):
    """Says something else in each message."""

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        return ast.parse("raise ValueError('this is not what I had expected')").body[0]


def reworded(body: str) -> str:
    return ast.unparse(OtherWords().visit(ast.parse(body)))


def indented(text: str, margin: str = "    ") -> str:
    return "".join(f"{margin}{line}\n" for line in text.splitlines())


def reformatted(body: str) -> str:
    """Broken after every bracket and comma, with other quotes and spaces."""
    return re.sub(r"([(\[,])", r"\1\n        ", body.replace("'", '"').replace(" = ", "=").replace(": ", ":"))


def commented(body: str) -> str:
    """With a sentence above each line."""
    return "".join(f"# what is this for, and why not in another way?\n{line}\n" for line in body.splitlines())


HIDDEN: dict[str, Callable[[str], str]] = {
    "in a function of another name": lambda body: f"def _inner(a, b):\n{indented(body)}",
    "with other variables": lambda body: f"def f():\n{indented(renamed(body))}",
    "with other messages": reworded,
    "reformatted": reformatted,
    "with comments between the lines": commented,
    "with other variables, reformatted, with comments": lambda body: commented(reformatted(renamed(body))),
    "in a comment": lambda body: indented(renamed(body), "    # "),
    "in a docstring": lambda body: f'"""How it works.\n\nFor example:\n\n{indented(renamed(body))}"""\n',
    "in Markdown": lambda body: f"# Hints\n\n1. Try this:\n\n```python\n{renamed(body)}\n```\n\nGood luck!\n",
    "quoted in Markdown": lambda body: f"Somebody wrote:\n\n{indented(body, '> ')}",
    "in a string with escapes": lambda body: repr(f"{renamed(body)}\n"),
    "in a test": lambda body: f"import pytest\n\n\ndef test_it():\n{indented(renamed(body))}    assert f() == 3\n",
}


@pytest.mark.parametrize("how", HIDDEN)
@pytest.mark.parametrize("name", LOOKED_FOR)
def test_a_hidden_copy_is_found(name: str, how: str) -> None:
    host = FILES["tests/test_metrics.py"].decode() + "\n\n" + FILES["README.md"].decode()
    text = f"{host}\n{HIDDEN[how](body_source(name))}\n{host}"
    found = {leak.function for leak in REFERENCE.leaks({"tests/some.py": text.encode()})}
    assert name in found


@pytest.mark.parametrize("module", MODULES)
def test_a_copied_module_is_found_under_any_name(module: str) -> None:
    leaks = REFERENCE.leaks({"docs/ideas.txt": source_of("solutions", module).encode()})
    assert {leak.path for leak in leaks} == {"docs/ideas.txt"}
    assert {leak.function.partition(".")[0] for leak in leaks} >= {module}


def test_every_module_is_looked_for() -> None:
    assert {name.partition(".")[0] for name in LOOKED_FOR} == set(MODULES)
    assert len(LOOKED_FOR) >= 13


def test_stubs_with_the_docstrings_of_the_reference_are_no_leak() -> None:
    for module in MODULES:
        assert REFERENCE.leaks({"hw4.py": source_of("hw4", module).encode()}) == []


def test_no_file_of_a_handout_comes_near_a_leak() -> None:
    """Else a change of the grader's own code would soon be taken for one."""
    shares = {
        f"{path}: {function}": share
        for path, content in FILES.items()
        for function, share in REFERENCE.shares(content).items()
    }
    assert max(shares.values()) < SHARE / 2, max(shares, key=shares.__getitem__)


def test_bytes_that_are_no_text_are_searched_too() -> None:
    picture = b"\x89PNG\r\n\x1a\n\0\xff" + bytes(range(256))
    assert REFERENCE.leaks({"docs/figure.png": picture}) == []
    (leak,) = REFERENCE.leaks({"docs/figure.png": picture + body_source("heads.replace_head").encode()})
    assert str(leak) == "docs/figure.png holds the solution of heads.replace_head (100% of its body)"
