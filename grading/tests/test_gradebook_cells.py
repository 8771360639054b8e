"""No cell is a formula, whatever a student is called, and a text comes back as it was."""

import csv
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grading.protocol.text import number
from grading.reporting.gradebook.cells import armed, csv_text, disarmed

SIGNS = "=+-@\t\r\uff1d\uff0b\uff0d\uff20"
TRICKY = st.text(st.sampled_from([*SIGNS, *"',;|\n\"a1 "]), max_size=12)


@given(TRICKY | st.text())
def test_a_text_comes_back(text: str) -> None:
    assert armed(disarmed(text)) == text


@given(TRICKY)
def test_no_part_of_a_cell_begins_a_formula(text: str) -> None:
    """Neither the cell, nor what another separator than ours would make a cell."""
    shown = disarmed(text)
    for before, letter in zip([",", *shown], shown, strict=False):
        if before in ",;|\n":
            assert letter not in SIGNS


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "x;=1", "x\n=1", "\uff1d1"])
def test_a_formula_gets_an_apostrophe(text: str) -> None:
    assert "'" in disarmed(text)


@pytest.mark.parametrize("text", ["'tis", "a=b", "O'Neill, Jean-Luc", "2 - 1", ""])
def test_other_texts_stay(text: str) -> None:
    assert disarmed(text) == text


@pytest.mark.parametrize(
    ("value", "shown"), [(2.5, "2.5"), (1 / 3, "0.33"), (100, "100"), (-1.0, "-1"), (-0.001, "0"), (0.0, "0")]
)
def test_numbers_stay_numbers(value: float, shown: str) -> None:
    assert number(value) == shown
    assert csv_text([[value, None, "x"]]) == f"{shown},,x\n"


@given(st.lists(st.text(), min_size=1, max_size=4))
def test_one_row_stays_one_line(cells: list[str]) -> None:
    (row,) = csv.reader(StringIO(csv_text([["student", *cells]]), newline=""))
    assert len(row) == len(cells) + 1
