"""What a reader sees of a page."""

from html.parser import HTMLParser


def text_of(html: str) -> str:
    """The text of a page, and what stands in attributes that are shown or read aloud, with single spaces."""
    return " ".join(_Text(html).shown.split())


class _Text(HTMLParser):
    def __init__(self, text: str) -> None:
        super().__init__()
        self.shown, self._open = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._open = tag
        self.shown += " ".join(value or "" for name, value in attrs if name in ("alt", "title", "data-label")) + " "

    def handle_data(self, data: str) -> None:
        self.shown += data if self._open != "style" else ""
