"""Sheets of small pictures with words, as SVG: the words keep their size, and fit light and dark pages."""

import io
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from grading.reporting.page import page
from grading.reporting.pictures.theme import FONT, TEXT, style

SHARPEST = 2  # pixels of a picture for each CSS pixel: more than a screen shows
WEBP_QUALITY = 80
SMALL = 96  # pixels: a smaller picture is shown pixel by pixel, and kept without loss


@dataclass(frozen=True)
class Tile:
    """A picture in a sheet.

    Attributes:
        uri: its file, as an address.
        pixelated: whether its pixels are shown as squares.
    """

    uri: str
    pixelated: bool


@dataclass(frozen=True)
class Place:
    """Where a tile is shown. A tile may be shown more than once, and is kept once."""

    tile: Tile
    x: float
    y: float
    opacity: float = 1.0


@dataclass(frozen=True)
class Text:
    """A line of words.

    Attributes:
        y: of its foot.
        quiet: whether it is less important than others.
    """

    x: float
    y: float
    words: str
    quiet: bool = False


@dataclass(frozen=True)
class Swatch:
    """A small square of a legend."""

    x: float
    y: float
    colour: str


@dataclass
class Sheet:
    """A sheet that is being filled.

    Attributes:
        side: of each tile, in CSS pixels.
    """

    width: int
    side: int
    height: int = 0
    places: list[Place] = field(default_factory=list)
    texts: list[Text] = field(default_factory=list)
    swatches: list[Swatch] = field(default_factory=list)

    def add(self, tile: Tile, x: float, y: float, opacity: float = 1.0) -> None:
        """Show a tile here, over what is there."""
        self.places.append(Place(tile, x, y, opacity))

    def svg(self) -> bytes:
        """The file."""
        ids = {tile: f"t{number}" for number, tile in enumerate(dict.fromkeys(place.tile for place in self.places))}
        tiles = {id: tile for tile, id in ids.items()}
        text = page("pictures/sheet.svg", sheet=self, ids=ids, tiles=tiles, style=style(), font=FONT, size=TEXT)
        return text.encode()

    def add_legend(self, names: Sequence[str], colours: Sequence[str], columns: int) -> None:
        """Add a square and a name for each class below what is there."""
        self.height += 8
        for number, (name, colour) in enumerate(zip(names, colours, strict=True)):
            row, column = divmod(number, columns)
            x, y = column * self.width / columns, self.height + 18 * row
            self.swatches.append(Swatch(x + 0.5, y + 0.5, colour))
            self.texts.append(Text(x + 18, y + 11, name))
        self.height += 18 * -(-len(names) // columns)


def photo(pixels: NDArray[np.uint8], side: int) -> Tile:
    """A tile of a picture, not sharper than needed.

    Args:
        pixels: uint8 (H, W, 3).
        side: at which it is shown, in CSS pixels.
    """
    from PIL import Image

    picture = Image.fromarray(np.ascontiguousarray(pixels))
    picture.thumbnail((SHARPEST * side, SHARPEST * side))
    file = io.BytesIO()
    if max(picture.size) <= SMALL:
        picture.save(file, "PNG", optimize=True)
        return Tile(_uri("image/png", file), True)
    picture.save(file, "WEBP", quality=WEBP_QUALITY)
    return Tile(_uri("image/webp", file), False)


def label_map(labels: NDArray[np.uint8], colours: Sequence[str], other: str, side: int) -> Tile:
    """A tile of classes in their colours, not sharper than needed.

    Args:
        labels: uint8 (H, W).
        colours: of the classes; any other label has the colour `other`.
        side: at which it is shown, in CSS pixels.
    """
    from PIL import Image, ImageColor

    picture = Image.fromarray(np.minimum(labels, len(colours)).astype(np.uint8))
    picture.thumbnail((SHARPEST * side, SHARPEST * side), Image.Resampling.NEAREST)
    picture.putpalette([part for colour in (*colours, other) for part in ImageColor.getrgb(colour)])
    file = io.BytesIO()
    picture.save(file, "PNG", optimize=True)
    return Tile(_uri("image/png", file), True)


def _uri(media: str, file: io.BytesIO) -> str:
    return f"data:{media};base64,{b64encode(file.getvalue()).decode()}"
