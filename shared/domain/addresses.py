"""Addresses of callers: what proxies pass on is believed of configured ones alone."""

from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

# Whoever has an IPv6 address has 64 bits of others to choose from, so all of them are one caller.
_PREFIX = 64

_LONGEST = 200  # Characters that a request through five proxies brings.


def parse_networks(text: str) -> Networks:
    """Read networks in CIDR form, or single addresses, between commas or spaces.

    Raises `ValueError`, which names the first that is none.
    """
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def is_within(address: Address, networks: Networks) -> bool:
    """Say whether the address lies in one of the networks."""
    return any(address in network for network in networks)


def is_shared(address: str, proxies: Networks) -> bool:
    """Say whether many callers may have the address: this machine, a proxy of ours, or none."""
    parsed = _parsed(address)
    return parsed is None or parsed.is_loopback or is_within(parsed, proxies)


def client_address(forwarded: str, proxies: Networks) -> str:
    """Return who a request came from, or an empty text where nothing tells.

    `forwarded` is `X-Forwarded-For` with the peer at its end, where the host has put it. The peer
    is the caller, unless it is one of our `proxies`: then it is the next one to the left, and so
    on. What stands further left is anybody's claim, and is not looked at.
    """
    # The same few clients ask again and again; what is longer than any chain is not kept.
    read = _remembered if len(forwarded) <= _LONGEST else _read
    return read(forwarded, proxies)


def _read(forwarded: str, proxies: Networks) -> str:
    nearest = ""
    for claim in reversed(forwarded.split(",")):
        address = _parsed(claim)
        if address is None:
            return nearest  # A proxy of ours that passes on nonsense speaks for itself.
        nearest = str(address)
        if not is_within(address, proxies):
            return nearest
    return nearest


_remembered = lru_cache(maxsize=4_096)(_read)


@lru_cache(maxsize=4_096)  # Addresses as they are written here, never as they are sent.
def neighbourhood(address: str) -> str:
    """Return what counts as one caller: an IPv4 address, or the first of an IPv6 network."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(IPv6Network((parsed, _PREFIX), strict=False).network_address)


def _parsed(text: str) -> Address | None:
    """Read an address with or without a port, as proxies and front ends write them."""
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address
