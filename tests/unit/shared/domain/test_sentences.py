"""Names and lines of which only the first are shown."""

import pytest

from shared.domain.sentences import counted, listed, named


@pytest.mark.parametrize(
    ("count", "joint", "expected"),
    [
        (1, ", ", "n0"),
        (3, ", ", "n0, n1, n2"),
        (4, ", ", "n0, n1, n2 and 1 more"),
        (1_003, ", ", "n0, n1, n2 and 1,000 more"),
        (3, "; ", "n0; n1; n2"),
        (5, "; ", "n0; n1; n2; and 2 more"),
    ],
)
def test_a_sentence_names_the_first_and_counts_the_others(
    count: int, joint: str, expected: str
) -> None:
    assert named([f"n{number}" for number in range(count)], 3, joint) == expected


@pytest.mark.parametrize(
    ("number", "expected"),
    [(0, "0 entries"), (1, "1 entry"), (2, "2 entries"), (2_000, "2,000 entries")],
)
def test_one_thing_is_counted_in_the_singular(number: int, expected: str) -> None:
    assert counted(number, "entry", "entries") == expected


def test_names_that_were_left_out_before_are_counted_too() -> None:
    assert named(["a", "b"], 3, count=12) == "a, b and 10 more"
    assert named(["a", "b"], 1, count=12) == "a and 11 more"
    assert named(["a", "b"], 3, count=2) == "a, b"


def test_a_list_of_a_mail_has_a_line_each_and_no_control_characters() -> None:
    assert listed(["a", "b\nTo: all"], 2) == "  a\n  b To: all"
    assert listed(["a", "b", "c"], 2) == "  a\n  b\n  and 1 more"
    assert listed(["a"] * 1_002, 1) == "  a\n  and 1,001 more"
