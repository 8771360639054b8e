"""A message shows the expectation first and in full, however long the call is."""

import numpy as np
import pytest

from tests.asked import MOST_LINES, shortened, split, wrapped
from tests.expect import Unmet, expect, expect_close, refused

ASKED = {
    "reduce_classes(uint8 [0, 1], {0: 1, 1: 0}) = [1, 0]": ("[1, 0]", "reduce_classes(uint8 [0, 1], {0: 1, 1: 0})"),
    "f(net, ': ', ')', key=\"a: b\"): it trains": ("it trains", "f(net, ': ', ')', key=\"a: b\")"),
    "f(torchvision's AlexNet): its head: 2 scores": ("its head: 2 scores", "f(torchvision's AlexNet)"),
    "f(), called 12 times: the same": ("the same", "f(), called 12 times"),
    "f(net) is net": ("f(net) is net", ""),
    "f(x, skips=True) in eval mode": ("f(x, skips=True) in eval mode", ""),
    "f([[1, 2], [3, 4]]) = [[1.0,\n        2.0]]": ("[[1.0,\n        2.0]]", "f([[1, 2], [3, 4]])"),
    "f({0: 1}: broken": ("f({0: 1}: broken", ""),
}


@pytest.mark.parametrize("asked", ASKED)
def test_the_expectation_comes_first(asked: str) -> None:
    assert split(asked) == ASKED[asked]
    finding = Unmet(asked, "4", "a hint").finding
    assert (finding.asked, finding.call) == ASKED[asked]
    assert str(finding).startswith("asked: ")
    assert ("\ncall:  " in str(finding)) == bool(finding.call)


LONG = f"class_iou(pred=int64 {[[n % 3] * 6 for n in range(6)]}, target=int64 {[[n % 2] * 6 for n in range(6)]}, 3)"


@pytest.mark.parametrize("width", [60, 71, 91])
def test_the_call_is_shortened_and_the_expectation_is_not(width: int) -> None:
    value = np.linspace(0, 1, 36)
    with pytest.raises(Unmet) as unmet:
        expect_close(value + 1, value, LONG, "a hint")
    lines = wrapped(unmet.value.finding.asked, width)
    assert all(len(line) <= width for line in lines)
    assert len(lines) <= MOST_LINES
    assert " ".join(lines).startswith("[0. ")
    call = shortened(LONG, width)
    assert len(call) <= 2
    assert all(len(line) <= width for line in call)
    assert call[0].startswith("class_iou(pred=int64 [[0")
    assert "target=" in " ".join(call)


def test_a_text_that_fits_stays_as_it_is() -> None:
    call = "reduce_classes(uint8 [[0, 1, 0], [1, 1, 2]], {0: 1, 1: 0, 2: 2})"
    assert shortened(call, 71) == [call]
    assert wrapped("all 3 parameters train", 71) == ["all 3 parameters train"]


def test_an_error_that_was_expected_and_not_raised() -> None:
    message = "^asked: ValueError\ncall:  f\\(1\\)\ngot:   no error\nhint:  check$"
    with pytest.raises(Unmet, match=message), refused("f(1)", "check"):
        pass


def test_a_value_that_is_almost_right_is_shown_with_its_distance() -> None:
    with pytest.raises(Unmet, match=r"^asked: 0\.5 to 1e-09\ncall:  f\(\)\ngot:   off by 1e-05\n"):
        expect_close(0.50001, 0.5, "f()", "hint")


def test_a_long_expectation_ends_with_dots() -> None:
    with pytest.raises(Unmet) as unmet:
        expect(False, f"f(): {' '.join(map(str, range(400)))}", 1, "hint")
    lines = wrapped(str(unmet.value).partition("\n")[0].removeprefix("asked: "), 71)
    assert lines[0].startswith("0 1 2")
    assert lines[-1] == "..."
