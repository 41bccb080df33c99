"""What is announced, when it is shown, and what an administrator may write."""

from datetime import timedelta

import pytest

from shared.domain.errors.base import InvalidRequest
from shared.domain.notices import (
    ENDED_NOTICES_KEPT,
    MAX_NOTICE_LENGTH,
    MAX_NOTICE_PERIOD,
    MAX_NOTICES,
    Notice,
    NoticeBoard,
    NoticeDraft,
    NoticeKind,
    NoticeStage,
    ReadOnlyState,
    parse_read_only_reason,
)
from tests.support.refusals import raises_refusal

NOW = 1_800_000_000_000
HOUR = 3_600_000
DAY = 24 * HOUR


def notice(
    name: str = "n", mood: NoticeKind = NoticeKind.INFORMATION, *, begins: int = 0, ends: int = HOUR
) -> Notice:
    return Notice(id=name, text=name, mood=mood, from_ms=NOW + begins, until_ms=NOW + ends)


def draft(text: str = "Hello.", mood: str = "warning", link: str = "", *span: str) -> NoticeDraft:
    begins, ends = span or ("", "")
    return NoticeDraft.parse(text, mood, link, span=(begins, ends), now_ms=NOW)


def test_a_notice_begins_now_and_ends_in_a_week_unless_said_otherwise() -> None:
    written = draft("  Two\n lines. ")
    assert (written.text, written.mood) == ("Two lines.", NoticeKind.WARNING)
    assert (written.from_ms, written.until_ms) == (NOW, NOW + 7 * DAY)


def test_times_are_in_utc() -> None:
    written = draft("x", "warning", "", "2027-01-16T00:00", "2027-01-16T02:00+01:00")
    assert (written.from_ms, written.until_ms - written.from_ms) == (1_800_057_600_000, HOUR)


@pytest.mark.parametrize(
    "text", ["", " \n", "...", "x" * (MAX_NOTICE_LENGTH + 1), "bell\a", "\x85x\x9b"]
)
def test_a_text_is_one_or_two_sentences(text: str) -> None:
    with pytest.raises(InvalidRequest, match="1 to 300 characters"):
        draft(text)


def test_a_mood_is_one_of_three() -> None:
    with pytest.raises(InvalidRequest, match="maintenance, warning, information"):
        draft("x", "party")


@pytest.mark.parametrize(
    "link",
    ["", "/", "/about/status", "/packages/acme/greet?x=1#y", "https://status.example.org/now",
     "https://example.org", "https://example.org:8443?x"],
)  # fmt: skip
def test_a_link_leads_to_a_page_of_ours_or_over_https(link: str) -> None:
    assert draft("x", "warning", link).link == link


@pytest.mark.parametrize(
    "link",
    ["//evil.example", "/\\evil.example", "http://example.org", "javascript:alert(1)", "about",
     "https://", "https://user@example.org", "https://example.org/\"onclick=", "/a b", "/\u202e",
     "https://example.org\\@evil", "/" + "x" * 500, "data:text/html,x", "https:///x"],
)  # fmt: skip
def test_any_other_link_is_refused(link: str) -> None:
    with pytest.raises(InvalidRequest, match="begins with https://"):
        draft("x", "warning", link)


@pytest.mark.parametrize(
    "span",
    [
        ("2027-01-20T00:00", "2027-01-19T00:00"),
        ("", "2020-01-01T00:00"),
        ("", "2027-06-01T00:00"),
    ],
)
def test_a_notice_ends_after_it_begins_and_within_ninety_days(span: tuple[str, str]) -> None:
    with pytest.raises(InvalidRequest, match="within 90 days"):
        draft("x", "warning", "", *span)


def test_a_notice_that_begins_in_the_past_begins_now() -> None:
    assert draft("x", "warning", "", "2020-01-01T00:00", "").from_ms == NOW


def test_an_invalid_time_is_refused() -> None:
    with pytest.raises(InvalidRequest, match="parameter until is a time"):
        draft("x", "warning", "", "", "tomorrow")


def test_a_notice_is_shown_from_its_beginning_up_to_its_end() -> None:
    shown = notice(begins=0, ends=HOUR)
    at = {offset: shown.stage(NOW + offset) for offset in (-1, 0, HOUR - 1, HOUR)}
    assert list(at.values()) == [
        NoticeStage.COMING,
        NoticeStage.CURRENT,
        NoticeStage.CURRENT,
        NoticeStage.ENDED,
    ]


def test_the_gravest_is_shown_first_and_read_only_before_all() -> None:
    moods = [NoticeKind.INFORMATION, NoticeKind.MAINTENANCE, NoticeKind.WARNING]
    board = NoticeBoard(notices=tuple(notice(mood.value, mood) for mood in moods))
    assert [each.text for each in board.banners(NOW)] == [
        "maintenance",
        "warning",
        "information",
    ]
    read_only = board.model_copy(update={"read_only": ReadOnlyState(reason="why", since_ms=1)})
    first = read_only.banners(NOW + DAY)
    assert [each.text for each in first] == [
        "This registry is in read-only mode: why. Packages can still be searched and pulled."
    ]
    assert first[0].mood is NoticeKind.MAINTENANCE


def test_a_link_to_another_site_shows_its_host() -> None:
    [ours] = NoticeBoard(notices=(notice().model_copy(update={"link": "/about"}),)).banners(NOW)
    assert ours.host == ""
    away = notice().model_copy(update={"link": "https://status.example.org:8443/now?x#y"})
    [other] = NoticeBoard(notices=(away,)).banners(NOW)
    assert other.host == "status.example.org:8443"


def test_there_are_a_few_notices_at_a_time_and_the_last_ended_ones_remain() -> None:
    board = NoticeBoard()
    for number in range(ENDED_NOTICES_KEPT + 5):
        board = board.with_notice(notice(f"old{number}", begins=number - DAY, ends=-1), NOW)
    for number in range(MAX_NOTICES):
        board = board.with_notice(notice(f"new{number}"), NOW)
    assert len(board.at_stage(NoticeStage.ENDED, NOW)) == ENDED_NOTICES_KEPT
    assert board.at_stage(NoticeStage.ENDED, NOW)[-1].id == f"old{ENDED_NOTICES_KEPT + 4}"
    with raises_refusal("too-many-notices", match="5 active and scheduled notices"):
        board.with_notice(notice("more"), NOW)


def test_an_end_can_be_another_or_now() -> None:
    board = NoticeBoard(notices=(notice("a"), notice("b", begins=HOUR, ends=2 * HOUR)))
    later = board.with_end("a", NOW + DAY, NOW)
    assert later.open_notice("a", NOW).until_ms == NOW + DAY
    for name in ("a", "b"):
        ended = board.with_end(name, 0, NOW)
        assert [each.id for each in ended.at_stage(NoticeStage.ENDED, NOW)] == [name]
        with raises_refusal("notice-not-found"):
            ended.with_end(name, NOW + DAY, NOW)


def test_an_end_before_the_beginning_or_too_late_is_refused() -> None:
    board = NoticeBoard(notices=(notice("b", begins=HOUR, ends=2 * HOUR),))
    for until_ms in (NOW + HOUR, NOW + MAX_NOTICE_PERIOD // timedelta(milliseconds=1) + 1):
        with pytest.raises(InvalidRequest):
            board.with_end("b", until_ms, NOW)


def test_an_unknown_notice_cannot_be_ended() -> None:
    with raises_refusal("notice-not-found", match="no active or scheduled notice 'x'"):
        NoticeBoard().with_end("x", 0, NOW)


def test_a_reason_is_a_part_of_a_sentence() -> None:
    assert parse_read_only_reason(" moving house\nuntil 22:00. ") == "moving house until 22:00"
    for text in ("", "!", "x" * 201, "\a"):
        with pytest.raises(InvalidRequest, match="A reason has 1 to 200"):
            parse_read_only_reason(text)
