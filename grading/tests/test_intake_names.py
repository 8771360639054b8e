"""Students' names are fit for folders and tables, and unique in their class."""

import re
import unicodedata
from pathlib import Path, PureWindowsPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.intake.names import GRADEBOOK_FILES, MAX_NAME, Wish, fit_name, unique_names

PIECES = [
    "ada",
    "Ada",
    "con",
    ".",
    " ",
    "/",
    "\\",
    "é",
    "e\u0301",
    "王",
    "-",
    "gradebook.csv",
    "\u202e",
    "\udcff",
    "c\x0c",
]
TEXTS = st.text(st.characters(codec=None, exclude_categories=()), max_size=150) | st.lists(
    st.sampled_from(PIECES), max_size=40
).map("".join)


def folded(name: str) -> str:
    return unicodedata.normalize("NFC", name.casefold())


@given(TEXTS)
def test_any_text_becomes_a_name_for_a_folder(text: str) -> None:
    name = fit_name(text)
    assert name.isprintable()
    assert 1 <= len(name.encode()) <= MAX_NAME
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    assert name == name.lstrip(".").rstrip(". ")
    assert not PureWindowsPath(name).is_reserved()
    assert name.casefold() not in GRADEBOOK_FILES
    assert name == unicodedata.normalize("NFC", name) == fit_name(name)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Zoë Müller", "Zoë Müller"),
        ("王小明", "王小明"),
        ("e\u0301va", "éva"),
        ("../../etc", "_.._etc"),
        ("..", "student"),
        ("", "student"),
        ("a/b\\c:d", "a_b_c_d"),
        ("ada. .", "ada"),
        ("nul", "_nul"),
        ("Com1.txt", "_Com1.txt"),
        ("console", "console"),
        ("Marks.CSV ", "_Marks.CSV"),
        ("-rf", "_-rf"),
        ("=1+1", "_=1+1"),
        ("\u202eada\x1b[31m", "_u202eada_x1b[31m"),
        ("ada\nlovelace", "ada lovelace"),
        ("王" * 50, "王" * 33),
    ],
)
def test_what_becomes_of_a_text(text: str, name: str) -> None:
    assert fit_name(text) == name


@given(st.lists(TEXTS, max_size=6), st.lists(TEXTS, min_size=6, max_size=6))
def test_no_two_students_have_one_name(texts: list[str], distinctions: list[str]) -> None:
    wishes = [Wish(text, (distinctions[i],), key=str(i)) for i, text in enumerate(texts)]
    names = unique_names(wishes)
    assert len({folded(name) for name in names}) == len(texts)
    assert names == [fit_name(name) for name in names]


def test_a_folder_can_be_made_for_every_name(tmp_path: Path) -> None:
    names = unique_names([Wish(text, (), key=str(i)) for i, text in enumerate(2 * PIECES)])
    for name in names:
        (tmp_path / name).mkdir()
    assert len(list(tmp_path.iterdir())) == 2 * len(PIECES)


def test_both_students_of_one_name_get_their_distinction() -> None:
    wishes = [Wish("ada", ("7",), "a"), Wish("bob", ("8",), "b"), Wish("Ada", ("9",), "c")]
    assert unique_names(wishes) == ["ada-7", "bob", "Ada-9"]


def test_a_distinction_may_be_another_student_s_name() -> None:
    wishes = [Wish("ada", ("7",), "a"), Wish("ada", ("8",), "b"), Wish("ada-7", ("9",), "c")]
    first, second, third = unique_names(wishes)
    assert second == "ada-8"
    assert len({first, second, third}) == 3
    assert third == "ada-7-9"


def test_names_do_not_depend_on_the_order() -> None:
    wishes = [Wish("ada", (), key) for key in "abc"]
    assert unique_names(wishes[::-1]) == unique_names(wishes)[::-1]


def test_long_names_keep_their_distinction() -> None:
    wishes = [Wish("x" * 200, ("71",), "a"), Wish("x" * 300, ("72",), "b")]
    assert unique_names(wishes) == ["x" * 97 + "-71", "x" * 97 + "-72"]
