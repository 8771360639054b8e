"""Foreign text is made fit for a terminal, XML, JSON, HTML and files."""

import json
import unicodedata
from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.protocol.text import LETTERS, cleaned, one_line, printable

ANYTHING = st.text(st.characters(codec=None, exclude_categories=()), max_size=60)


@given(ANYTHING)
def test_a_cleaned_text_fits_every_output(text: str) -> None:
    for result in (cleaned(text), printable(text), one_line(text)):
        assert result.replace("\n", "").isprintable()
        assert result.encode().decode() == result
        assert json.loads(json.dumps(result)) == result
        element = ElementTree.Element("failure", message=result)
        assert ElementTree.fromstring(ElementTree.tostring(element)).get("message") == result


@given(ANYTHING)
def test_cleaning_twice_changes_nothing(text: str) -> None:
    assert cleaned(cleaned(text)) == cleaned(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[2J\x07\x00\x7f", r"\x1b[2J\x07\x00\x7f"),
        ("\ud800\udcfc", r"\ud800\xfc"),
        ("\u202eevil\u2066\u2069\u200b\u200d\ufeff\xad", r"\u202eevil\u2066\u2069\u200b\u200d\ufeff\xad"),
        ("\u3164\u115f\ufe0f\U000e0100\u034f", r"\u3164\u115f\ufe0f\U000e0100\u034f"),
        ("\ufffe\uffff\ue000", r"\ufffe\uffff\ue000"),
        ("one\r\ntwo\rthree\u2028four", "one\ntwo\nthree\\u2028four"),
        ("a\tb\xa0c\u3000d", "a   b c d"),
        ("M\xfcller \u4e2d\u6587 \U0001f600", "M\xfcller \u4e2d\u6587 \U0001f600"),
    ],
)
def test_cleaned_text(text: str, shown: str) -> None:
    assert cleaned(text) == shown


@pytest.mark.parametrize("letter", ["x", "\x1b", "\t", "\r\n", "\U000e0100"])
def test_a_long_text_is_cut(letter: str) -> None:
    assert LETTERS // 4 < len(cleaned(letter * 10**6)) <= LETTERS + 3
    assert cleaned(letter * 10**6).endswith("...")
    assert len(cleaned(letter * 10**6, 100)) <= 103


def test_visible_letters_stay() -> None:
    """Every visible letter, number, punctuation mark and symbol stays as it is."""
    visible = [chr(code) for code in range(0x20, 0x3000) if unicodedata.category(chr(code))[0] in "LNPS"]
    invisible = set("\u115f\u1160")
    assert [letter for letter in visible if letter not in invisible and cleaned(letter) != letter] == []
