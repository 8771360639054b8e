"""Tables fit into a terminal, and no word of them is cut."""

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from grading.protocol.text import one_line
from grading.reporting.tables import GAP, Column, table_lines

TABLE = [
    Column("configuration", ["Q1-1", "Q2-3-first-three"]),
    Column("verdict", ["PASS", "INCOMPLETE"], styles=["green", "yellow"]),
    Column("what it is", ["a title", "a title of many words, which needs more lines than one"], below=True),
    Column("initial", ["0.1234", "-"], is_number=True, dispensable=2),
    Column("tail", ["0.9", "0.87654"], is_number=True),
    Column("best", ["0.95", "0.9"], is_number=True, dispensable=1),
]


def shown(columns: list[Column], width: int) -> list[str]:
    return [line.plain for line in table_lines(columns, width)]


def test_a_wide_terminal_shows_every_column() -> None:
    heads, first, second = shown(TABLE, 140)
    assert heads.split() == ["configuration", "verdict", "what", "it", "is", "initial", "tail", "best"]
    assert first.split() == ["Q1-1", "PASS", "a", "title", "0.1234", "0.9", "0.95"]
    assert second.endswith("0.87654   0.9")
    assert len(heads) == len(first) == len(second)


def test_what_is_too_wide_goes_below_its_row_and_then_away() -> None:
    for width, heads in (
        (60, "configuration     verdict     initial     tail  best"),
        (45, "configuration     verdict        tail  best"),
        (40, "configuration     verdict        tail"),
    ):
        lines = shown(TABLE, width)
        assert lines[0] == heads
        assert lines[1].startswith("Q1-1              PASS ")
        assert lines[2] == "  a title"
        assert " ".join(" ".join(lines[4:]).split()) == TABLE[2].cells[1]


def test_a_narrow_terminal_shows_rows_one_below_the_other() -> None:
    lines = shown(TABLE, 30)
    assert lines[:3] == ["Q1-1", "  verdict: PASS", "  what it is: a title"]
    assert "  tail: 0.87654" in lines
    assert "  initial: 0.1234" in lines


def test_verdicts_keep_their_colours() -> None:
    styles = {span.style for line in table_lines(TABLE, 80) for span in line.spans}
    assert {"green", "yellow"} <= styles


WORDS = st.text(st.sampled_from("ab-1 ä中\x1b\n"), min_size=1, max_size=9)


@given(st.lists(st.tuples(WORDS, WORDS, WORDS, WORDS), min_size=1, max_size=4), st.integers(1, 60))
def test_no_terminal_cuts_a_word(rows: list[tuple[str, ...]], width: int) -> None:
    cells = [list(column) for column in zip(*rows, strict=True)]
    columns = [
        Column("id", cells[0]),
        Column("tail", cells[1], is_number=True),
        Column("more", cells[2], dispensable=1),
        Column("what", cells[3], below=True),
    ]
    lines = shown(columns, width)
    written = " ".join(lines)
    assert all(line.isprintable() for line in lines)
    for cell in (*cells[0], *cells[1]):
        assert set(one_line(cell).split()) <= set(written.split())
    longest = max(cell_len(word) for line in lines for word in line.split())
    assert all(cell_len(line) <= max(width, longest + GAP) for line in lines if line.isascii())
