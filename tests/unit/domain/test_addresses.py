"""Who a request came from: the peer, unless it is a proxy that the operator trusts."""

from ipaddress import ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.domain.addresses import (
    client_address,
    is_shared,
    is_within,
    neighbourhood,
    parse_networks,
)

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
        ("fe80::1%eth0", "fe80::1"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
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
    ],
)
def test_a_trusted_proxy_speaks_for_the_one_before_it(forwarded: str, address: str) -> None:
    assert client_address(forwarded, PROXIES) == address


@pytest.mark.parametrize(
    ("forwarded", "address"),
    [
        ("127.0.0.1, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("10.0.0.9, 203.0.113.7, 10.0.0.1", "203.0.113.7"),
        ("10.0.0.9, 203.0.113.7", "203.0.113.7"),
        ("203.0.113.7, nonsense, 10.0.0.1", "10.0.0.1"),
        ("203.0.113.7, , 10.0.0.1", "10.0.0.1"),
        ("203.0.113.7, unknown", ""),
        ("for=203.0.113.7, 10.0.0.1", "10.0.0.1"),
    ],
)
def test_what_is_claimed_behind_the_last_proxy_is_not_believed(
    forwarded: str, address: str
) -> None:
    assert client_address(forwarded, PROXIES) == address


def test_where_every_hop_is_ours_the_farthest_is_the_caller() -> None:
    assert client_address("10.0.0.3, 10.0.0.2, 10.0.0.1", PROXIES) == "10.0.0.3"


@pytest.mark.parametrize("forwarded", ["", " ", "198.51.100.1,"])
def test_a_request_that_came_from_nowhere_has_no_address(forwarded: str) -> None:
    assert client_address(forwarded, PROXIES) == ""


def test_a_long_chain_is_read_like_a_short_one() -> None:
    claims = "1.1.1.1, " * 10_000
    assert client_address(f"{claims}198.51.100.1, 10.0.0.1", PROXIES) == "198.51.100.1"


@given(claims=st.text(max_size=200), peer=st.ip_addresses())
def test_no_claim_changes_who_an_untrusted_peer_is(claims: str, peer: object) -> None:
    alone = client_address(str(peer), NOBODY)
    assert client_address(f"{claims},{peer}", NOBODY) == alone


@given(text=st.text(max_size=200))
def test_an_address_is_one_or_empty_whatever_is_sent(text: str) -> None:
    found = client_address(text, PROXIES)
    assert found == "" or ip_address(found)


@pytest.mark.parametrize("text", ["10.0.0.1/8", "300.0.0.0/8", "example.org", "10.0.0.0/8 x"])
def test_what_is_no_network_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not appear to be|has host bits"):
        parse_networks(text)


def test_an_address_lies_in_its_networks() -> None:
    assert is_within(ip_address("10.1.2.3"), PROXIES)
    assert not is_within(ip_address("11.1.2.3"), PROXIES)
    assert not is_within(ip_address("::10.1.2.3"), PROXIES)


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
    assert neighbourhood(address) == one


@pytest.mark.parametrize("address", ["127.0.0.1", "::1", "10.1.2.3", "2001:db8:f::1", ""])
def test_this_machine_and_proxies_speak_for_many_callers(address: str) -> None:
    assert is_shared(address, PROXIES)
    assert not is_shared("203.0.113.7", PROXIES)
