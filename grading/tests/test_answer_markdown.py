"""A student's Markdown is shown, and can do nothing."""

import time
from html.parser import HTMLParser

import pytest

from grading.reporting.answer_markdown import MOST_LETTERS, TAGS, answer_html
from grading.tests.hostile_texts import ATTACKS, LONG
from grading.tests.test_reporting import NASTY


class Tags(HTMLParser):
    """The tags of some HTML, and their attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: set[tuple[str, str]] = set()
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes |= {(tag, name) for name, _ in attrs}


@pytest.mark.parametrize("text", [*ATTACKS, *NASTY, *LONG.values()])
def test_only_harmless_tags_come_out(text: str) -> None:
    html = answer_html(text)
    found = Tags(html)
    assert found.tags <= TAGS
    assert found.attributes <= {("ol", "start")}
    assert html.replace("\n", "").isprintable()


@pytest.mark.parametrize(
    ("text", "html"),
    [
        ("**bold** and *not*", "<p><strong>bold</strong> and <em>not</em></p>"),
        ("# A heading", "<h4>A heading</h4>"),
        ("- one\n- two", "<ul>\n<li>one</li>\n<li>two</li>\n</ul>"),
        ("3. third", '<ol start="3">\n<li>third</li>\n</ol>'),
        ("a < b && `c > d`", "<p>a &lt; b &amp;&amp; <code>c &gt; d</code></p>"),
        ("~~no~~", "<p><s>no</s></p>"),
        ("[shown](http://as.written)", "<p>[shown](http://as.written)</p>"),
        ("<b>as written</b>", "<p>&lt;b&gt;as written&lt;/b&gt;</p>"),
        ("&#x202e;&#8203;", "<p>\\u202e\\u200b</p>"),
    ],
)
def test_markdown_is_shown(text: str, html: str) -> None:
    assert answer_html(text).strip() == html


def test_a_table_is_shown() -> None:
    assert "<td>0.84</td>" in answer_html("| case | tail |\n| --- | ---: |\n| 1 | 0.84 |")


def test_a_long_text_is_shown_as_it_was_written() -> None:
    text = "*a* <b>" * MOST_LETTERS
    assert answer_html(text) == f"<pre>{'*a* &lt;b&gt;' * MOST_LETTERS}</pre>"


@pytest.mark.parametrize(
    "piece", ["[", "![", "*a ", "_a", "**a *b ", "~~a", "`", "<", "&", "|a|\n|-|\n", "|\n", "> ", "- ", "1. "]
)
def test_no_text_keeps_the_parser_busy(piece: str) -> None:
    start = time.process_time()
    answer_html((piece * MOST_LETTERS)[:MOST_LETTERS])
    assert time.process_time() - start < 3
