"""What is noted of a client."""

import pytest

from shared.auth.client import LONGEST_AGENT, Client, shown_agent
from shared.auth.token import AccessToken
from shared.domain.addresses import parse_networks
from tests.fakes.randomness import FakeRandomness

TOKEN = AccessToken.mint("local", "0123456789", FakeRandomness()).text.reveal()


def test_a_client_is_an_address_and_a_name() -> None:
    headers = {"x-forwarded-for": "203.0.113.7", "user-agent": "ballerina/2201.13.4 (linux-64)"}
    assert Client.of(headers, ()) == Client("203.0.113.7", "ballerina/2201.13.4 (linux-64)")


def test_a_client_that_tells_nothing_is_nobody_in_particular() -> None:
    assert Client.of({}, ()) == Client("", "")


def test_a_trusted_proxy_tells_where_the_client_is() -> None:
    headers = {"x-forwarded-for": "203.0.113.7, 10.0.0.1"}
    assert Client.of(headers, parse_networks("10.0.0.0/8")).address == "203.0.113.7"
    assert Client.of(headers, ()).address == "10.0.0.1"


@pytest.mark.parametrize(
    ("sent", "shown"),
    [
        (f"curl/8 {TOKEN}", "curl/8 blr_****"),
        ("x" * 5_000, "x" * LONGEST_AGENT),
        ("curl\x1b[31m/8\r\nnext: line", "curl[31m/8next: line"),
        ("  \t ", ""),
    ],
)
def test_what_a_client_calls_itself_is_short_printable_and_no_token(sent: str, shown: str) -> None:
    assert shown_agent(sent) == shown
