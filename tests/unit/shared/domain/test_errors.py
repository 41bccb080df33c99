"""What is typed or configured wrongly is answered with a sentence: the thing, the reason, the way
out. Each is a golden, word for word."""

import json
from collections.abc import Callable

import pytest
from syrupy.assertion import SnapshotAssertion

from infra.cost.price_table import NoPrices, UnknownFigure
from shared.auth.access_tokens import AccessToken
from shared.domain.account_names import MAX_ACCOUNT_NAME_LENGTH, parse_account_name
from shared.domain.client_addresses import MAX_RANGES, parse_ranges
from shared.domain.coordinates import Package
from shared.domain.errors.base import InvalidRequest, Refusal, printable
from shared.domain.errors.packages import PackageNotFound, ReleaseNotFound, tool_not_found
from shared.domain.event_queries import EventQuery
from shared.domain.invitations import parse_invitation_label
from shared.domain.mail import parse_email
from shared.domain.notices import parse_notice, parse_read_only_reason
from shared.domain.organizations import parse_description, parse_display_name
from shared.domain.rate_limits import RateLimit, RateLimitClass
from shared.domain.reasons import parse_required_reason as parse_reason_for
from shared.domain.search import Query
from shared.domain.snapshots import SnapshotUnusable, from_line
from shared.domain.text_lines import MAX_DESCRIPTION, MAX_DISPLAY_NAME
from shared.domain.times import parse_time
from shared.domain.versions import MAX_VERSION_LENGTH, Version
from tests.fakes.system import FakeRandomness


def logs(**params: str) -> object:
    return EventQuery.parse(params)


REFUSED: dict[str, Callable[[], object]] = {
    "an account name of a sign": lambda: parse_account_name("a b"),
    "an account name that is long": lambda: parse_account_name("a" * (MAX_ACCOUNT_NAME_LENGTH + 1)),
    "an account name like an id": lambda: parse_account_name("abcdefghij"),
    "an account name like an actor": lambda: parse_account_name("operator"),
    "an address range": lambda: parse_ranges(["home"]),
    "too many address ranges": lambda: parse_ranges(
        [f"192.0.2.{n}" for n in range(MAX_RANGES + 1)]
    ),
    "a mail address": lambda: parse_email("kim"),
    "a notice without a text": lambda: parse_notice(" . "),
    "a reason for taking no changes": lambda: parse_read_only_reason("\0"),
    "a page of a log": lambda: logs(before="x"),
    "a time of a log": lambda: logs(since="yesterday"),
    "a moment": lambda: parse_time("until", "tomorrow"),
    "a moment that is long": lambda: parse_time("until", "x" * 60),
    "a display name that is long": lambda: parse_display_name("a" * (MAX_DISPLAY_NAME + 1)),
    "a description that is long": lambda: parse_description("a" * (MAX_DESCRIPTION + 1)),
    "a label with what nobody sees": lambda: parse_invitation_label("a\u202eb"),
    "a reason that is long": lambda: parse_reason_for("a" * (MAX_DESCRIPTION + 1), "the lock"),
    "a missing reason": lambda: parse_reason_for(" ", "the lock of kim"),
    "a limit": lambda: RateLimit.parse(RateLimitClass.PUSH, "token=120 user=1"),
    "a limit of nothing": lambda: RateLimit.parse(RateLimitClass.PUSH, "token=0"),
    "a limit that is there twice": lambda: RateLimit.parse(RateLimitClass.PUSH, "token=1 token=2"),
    "a line of a snapshot": lambda: from_line(b"{}"),
    "a version that is long": lambda: Version.parse("1" * (MAX_VERSION_LENGTH + 1)),
    "a version with build metadata": lambda: Version.parse("1.0.0+1"),
    "a version of two numbers": lambda: Version.parse("1.0"),
    "a version with a leading zero": lambda: Version.parse("1.01.0"),
    "a version with a number that is too large": lambda: Version.parse("1.0.99999999999"),
}


@pytest.mark.parametrize("refused", REFUSED)
def test_each_refusal_names_the_thing_the_reason_and_the_way_out(
    refused: str, snapshot: SnapshotAssertion
) -> None:
    with pytest.raises((Refusal, ValueError, SnapshotUnusable)) as found:
        REFUSED[refused]()
    assert str(found.value) == snapshot


def test_an_invalid_file_of_prices_is_refused_with_the_place_of_the_names(
    snapshot: SnapshotAssertion,
) -> None:
    assert [str(NoPrices()), str(UnknownFigure("logs"))] == snapshot
    assert json.loads(str(NoPrices()).partition("such as ")[2].partition(". `")[0])


def test_a_query_without_words_says_what_a_word_is(snapshot: SnapshotAssertion) -> None:
    assert Query.parse("!!!").problem == snapshot


def test_control_characters_of_a_refusal_are_replaced() -> None:
    shown = "tool not found: a\N{REPLACEMENT CHARACTER}b. Search for it with bal tool search."
    assert str(tool_not_found("a\0b")) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a" * 100, "a" * 100),
        ("é", "é"),
        ("a" * 101, "a" * 97 + "..."),
        ("a\nb", r"'a\nb'"),
        ("", "''"),
    ],
)
def test_other_texts_are_shortened_or_quoted(text: str, shown: str) -> None:
    assert printable(text) == shown


TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()


def test_no_refusal_repeats_a_token() -> None:
    package = Package.parse("acme", "greet")
    for refusal in (
        InvalidRequest(f"{TOKEN!r} is not a pattern for the package."),
        ReleaseNotFound(package, TOKEN),
        PackageNotFound(package),
    ):
        assert TOKEN[20:] not in str(refusal)
    assert str(ReleaseNotFound(package, TOKEN)).endswith("acme/greet:blr_****")
