"""Why a release is withheld, as somebody may say it."""

import pytest

from shared.domain.errors import InvalidRequest
from shared.domain.withheld import MAX_REASON_LENGTH, parse_reason


def test_a_reason_is_one_line() -> None:
    assert (
        parse_reason("  steals\n tokens\t\tfrom <b>builds</b> ")
        == "steals tokens from <b>builds</b>"
    )
    assert parse_reason("x" * MAX_REASON_LENGTH) == "x" * MAX_REASON_LENGTH


@pytest.mark.parametrize("text", ["", " \n\t ", "x" * (MAX_REASON_LENGTH + 1)])
def test_no_reason_and_a_story_are_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"Say why|501 characters, and 500 fit"):
        parse_reason(text)
