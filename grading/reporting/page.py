"""HTML from a template: every text is escaped, and holds no character that a browser obeys or nobody sees."""

from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from grading.protocol.text import cleaned, printable


def page(template: str, **facts: Any) -> str:
    """The text of a page.

    Args:
        template: its path below this folder.
        facts: what the template names.
    """
    return _environment().get_template(template).render(**facts)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        finalize=lambda value: printable(value) if type(value) is str else value,
    )
    environment.filters["cleaned"] = cleaned
    return environment
