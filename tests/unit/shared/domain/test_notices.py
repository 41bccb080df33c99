"""The banners of the notice board, and the reason of the read-only mode."""

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.notices import Banner, NoticeBoard, ReadOnlyState, parse_read_only_reason


def test_read_only_mode_is_shown_before_the_notice() -> None:
    board = NoticeBoard(notice="Hello.", read_only=ReadOnlyState(reason="why", since_ms=1))
    text = "This registry is in read-only mode: why. Packages can still be searched and pulled."
    assert board.banners == (Banner(text, is_about_read_only=True), Banner("Hello."))
    assert NoticeBoard().banners == ()


def test_a_reason_is_a_part_of_a_sentence() -> None:
    assert parse_read_only_reason(" moving house\nuntil 22:00. ") == "moving house until 22:00"
    for text in ("", "!", "x" * 201, "\a"):
        with pytest.raises(InvalidRequest, match="A reason has 1 to 200"):
            parse_read_only_reason(text)
