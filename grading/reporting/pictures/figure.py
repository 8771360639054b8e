"""A picture for a page."""

from base64 import b64encode
from dataclasses import dataclass
from urllib.parse import quote

SVG = "image/svg+xml"
URL_SAFE = " !$&'()*+,-./:;=?@[]^_`{|}~"  # letters and digits are safe anyway


@dataclass(frozen=True)
class Figure:
    """A picture for a page.

    An SVG picture is light or dark, as the `color-scheme` of the element is in which it stands, and light in print.

    Attributes:
        media: "image/svg+xml", "image/png" or "image/webp".
        content: bytes of the file.
        alt: the facts in it, for whoever does not see it: one to three sentences.
        caption: one line below it.
        width: CSS pixels that it is made for.
        for_students: whether a student's page may show it: it holds no validation picture, no threshold and no expected
            value.
    """

    media: str
    content: bytes
    alt: str
    caption: str
    width: int
    for_students: bool

    def data_uri(self) -> str:
        """The file as an address, in ASCII, for the `src` of an image."""
        if self.media == SVG:  # half as long as in base64, in which its own pictures are already
            return f"data:{SVG},{quote(self.content, safe=URL_SAFE)}"
        return f"data:{self.media};base64,{b64encode(self.content).decode()}"
