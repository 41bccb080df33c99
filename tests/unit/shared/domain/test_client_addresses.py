"""Who a request came from, and the ranges of addresses that may use a credential."""

import pytest

from shared.domain.client_addresses import (
    MAX_RANGES,
    are_ranges_within,
    caller_network,
    client_address,
    is_address_allowed,
    is_shared,
    parse_networks,
    parse_ranges,
)
from shared.domain.errors.base import InvalidRequest

NOBODY = parse_networks("")
PROXIES = parse_networks("10.0.0.0/8, 2001:db8:f::/48, 192.0.2.1")


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("203.0.113.7:50123", "203.0.113.7"),
        ("198.51.100.1, 203.0.113.7:50123", "203.0.113.7"),
        ("10.0.0.1,203.0.113.7", "203.0.113.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("2001:DB8:0:0::7", "2001:db8::7"),
        ("[2001:db8::7]:50123", "2001:db8::7"),
        ("[2001:db8::7]:50123]", "2001:db8::7"),
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("198.51.100.1,", ""),
    ],
)
def test_without_proxies_the_caller_is_the_peer_whatever_it_claims(
    forwarded: str, address: str
) -> None:
    assert client_address(forwarded, NOBODY) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("198.51.100.1, 10.0.0.1", "198.51.100.1"),
        ("198.51.100.1, 10.0.0.2, 10.0.0.1", "198.51.100.1"),
        ("198.51.100.1, 192.0.2.1, 2001:db8:f::1", "198.51.100.1"),
        ("198.51.100.1:4711, [2001:db8:f::1]:443", "198.51.100.1"),
        ("198.51.100.1, ::ffff:10.0.0.1", "198.51.100.1"),
        ("10.0.0.3, 10.0.0.2, 10.0.0.1", "10.0.0.3"),  # Every hop is ours.
        ("10.0.0.9, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("203.0.113.7, , 10.0.0.1", "10.0.0.1"),
        ("203.0.113.7, unknown", ""),
        ("for=203.0.113.7, 10.0.0.1", "10.0.0.1"),
    ],
)
def test_a_trusted_proxy_is_believed_only_about_the_one_before_it(
    forwarded: str, address: str
) -> None:
    assert client_address(forwarded, PROXIES) == address


def test_a_long_chain_is_read_like_a_short_one() -> None:
    claims = "1.1.1.1, " * 10_000
    assert client_address(f"{claims}198.51.100.1, 10.0.0.1", PROXIES) == "198.51.100.1"


@pytest.mark.parametrize("text", ["10.0.0.1/8", "300.0.0.0/8", "example.org", "10.0.0.0/8 x"])
def test_an_invalid_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits"):
        parse_networks(text)


@pytest.mark.parametrize(
    ("address", "one"),
    [
        ("203.0.113.7", "203.0.113.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::"),
        ("", ""),
        ("nonsense", "nonsense"),
    ],
)
def test_all_addresses_of_one_network_are_one_caller(address: str, one: str) -> None:
    assert caller_network(address) == one


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "2001:db8:f::1", ""])
def test_this_machine_and_proxies_speak_for_many_callers(address: str) -> None:
    assert is_shared(address, PROXIES)
    assert not is_shared("203.0.113.7", PROXIES)


@pytest.mark.parametrize(
    ("text", "spelled"),
    [
        ("203.0.113.7", "203.0.113.7"),
        (" 203.0.113.7/32 ", "203.0.113.7"),
        ("203.0.113.0/24", "203.0.113.0/24"),
        ("0.0.0.0/0", "0.0.0.0/0"),
        ("2001:DB8:0::/32", "2001:db8::/32"),
        ("2001:db8::1/128", "2001:db8::1"),
        ("::/0", "::/0"),
        ("::ffff:192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.0/120", "192.0.2.0/24"),
        ("::ffff:0:0/96", "0.0.0.0/0"),
    ],
)
def test_a_range_has_one_spelling(text: str, spelled: str) -> None:
    assert parse_ranges([text, spelled]) == (spelled,)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "/24",
        "acme",
        "203.0.113.7/24",
        "203.0.113.0/33",
        "203.0.113.0/",
        "203.0.113.0/-1",
        "203.0.113.0/255.255.255.0",
        "203.0.113",
        "203.0.113.01",
        "203.0.113.0/24/24",
        "fe80::1%eth0",
        "203.0.113.0-203.0.113.9",
        "2001:db8::1/32",
        "::ffff:0:0/95",
        "1" * 500,
        "\N{ARABIC-INDIC DIGIT ONE}.1.1.1",
        "1.1.1.0/\N{ARABIC-INDIC DIGIT TWO}4",
    ],
)
def test_an_invalid_range_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InvalidRequest, match=r"is not a range of addresses\. Write one address"):
        parse_ranges(["10.0.0.0/8", text])


def test_there_are_only_so_many_ranges() -> None:
    ranges = [f"10.0.{number}.0/24" for number in range(MAX_RANGES + 1)]
    assert len(parse_ranges(ranges[:-1])) == MAX_RANGES
    with pytest.raises(InvalidRequest, match="20 ranges of addresses at most, not 21"):
        parse_ranges(ranges)


@pytest.mark.parametrize(
    ("address", "allowed"),
    [
        ("203.0.113.255", True),
        ("::ffff:cb00:7109", True),
        ("203.0.112.255", False),
        ("203.0.114.0", False),
        ("2001:db8:ffff::1", True),
        ("2001:db8::1%eth0", True),
        ("::203.0.113.9", False),
        ("64:ff9b::203.0.113.9", False),
        ("", False),
        ("203.0.113.9:443", False),
    ],
)
def test_an_address_is_within_the_ranges_or_it_is_not(address: str, allowed: bool) -> None:
    assert is_address_allowed(("203.0.113.0/24", "2001:db8::/32"), address) is allowed
    assert is_address_allowed((), address)


@pytest.mark.parametrize(
    ("ranges", "limits", "within"),
    [
        ((), (), True),
        ((), ("10.0.0.0/8",), False),
        (("10.1.0.0/16", "10.2.0.1"), ("10.0.0.0/8",), True),
        (("10.0.0.0/8",), ("10.0.0.0/8",), True),
        (("10.0.0.0/7",), ("10.0.0.0/8",), False),
        (("10.0.0.0/8", "11.0.0.1"), ("10.0.0.0/8",), False),
        (("10.0.0.1", "2001:db8::1"), ("10.0.0.0/8", "2001:db8::/32"), True),
        (("2001:db8::1",), ("0.0.0.0/0",), False),
    ],
)
def test_ranges_are_within_limits_or_reach_further(
    ranges: tuple[str, ...], limits: tuple[str, ...], within: bool
) -> None:
    assert are_ranges_within(ranges, limits) is within
