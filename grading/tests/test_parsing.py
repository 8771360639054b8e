"""Python's parser, used by one thread at a time."""

import pytest

from grading.protocol.parsing import TRIES, parse_alone


@pytest.mark.parametrize("failures", [0, 1, TRIES - 1])
def test_what_another_parser_disturbs_is_tried_again(failures: int) -> None:
    calls: list[int] = []

    def parse() -> str:
        calls.append(1)
        if len(calls) <= failures:
            raise SystemError("AST constructor recursion depth mismatch (before=72, after=217)")
        return "parsed"

    assert parse_alone(parse) == "parsed"
    assert len(calls) == failures + 1


@pytest.mark.parametrize("error", [SystemError("always"), SyntaxError("no"), OSError("gone")])
def test_other_errors_are_raised(error: Exception) -> None:
    def parse() -> None:
        raise error

    for _ in range(2):  # and the lock is free again
        with pytest.raises(type(error)):
            parse_alone(parse)
