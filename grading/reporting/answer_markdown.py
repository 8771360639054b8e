"""A student's Markdown as HTML that does nothing: text, lists, tables and code, but no link, picture or own markup.

The parser makes no links and takes no HTML, and what it makes goes through an allow-list of tags besides: a mistake of
one of the two is caught by the other.
"""

import nh3
from markdown_it import MarkdownIt
from markdown_it.token import Token
from markupsafe import Markup

from grading.protocol.text import printable

# A link is shown as it was written, so that the reader sees where it would lead.
LEFT_AS_TEXT = ["autolink", "html_block", "html_inline", "image", "link", "reference"]
TAGS = {
    *("blockquote", "br", "code", "em", "h4", "h5", "h6", "hr", "li", "ol", "p", "pre", "s", "strong", "ul"),
    *("table", "tbody", "td", "th", "thead", "tr"),
}
HIGHEST = 4  # the page's own headings are the higher ones
MOST_LETTERS = 10_000  # a longer text is no answer of a few sentences, and may be made to keep the parser busy


def answer_html(text: str) -> Markup:
    """The text of a discussion as HTML without attributes that a browser acts on.

    Args:
        text: as `grading.reporting.discussion` reads it. If it is longer than MOST_LETTERS, it is shown as it was
            written.
    """
    text = printable(text)
    if len(text) > MOST_LETTERS:
        return Markup("<pre>{}</pre>").format(text)
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable(LEFT_AS_TEXT)
    tokens = parser.parse(text)
    for token in tokens:
        _lower(token)
    html = nh3.clean(parser.renderer.render(tokens, parser.options, {}), tags=TAGS, attributes={"ol": {"start"}})
    # An entity such as `&#x202e;` has become a character only now.
    return Markup(printable(html))


def _lower(token: Token) -> None:
    """Make a heading one of a level below the page's own."""
    if token.type in ("heading_open", "heading_close"):
        token.tag = f"h{min(6, int(token.tag[1]) + HIGHEST - 1)}"
