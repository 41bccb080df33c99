"""Ranges of addresses: from where a credential may be used."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import (
    IPv4Address,
    IPv4Network,
    IPv6Address,
    IPv6Network,
    ip_address,
    ip_network,
)

from shared.domain.errors import InvalidRequest

MAX_RANGES = 20  # Enough for every office and every runner; each is compared with each request.
LONGEST_RANGE = 49  # Characters: an IPv6 address in full, with an IPv4 tail, a slash and a prefix.

_MAPPED_BITS = 96  # Of an IPv6 address that holds an IPv4 one, these come first.

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def parse_ranges(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ranges in their one spelling, each once; raise `InvalidRequest` for the first
    that is none."""
    ranges = tuple(dict.fromkeys(_spelled(text.strip()) for text in texts))
    if len(ranges) > MAX_RANGES:
        message = (
            f"A token takes {MAX_RANGES} ranges of addresses at most, not {len(ranges)}. "
            "Join neighbours into larger ranges."
        )
        raise InvalidRequest(message)
    return ranges


def allows(ranges: tuple[str, ...], address: str) -> bool:
    """Say whether a request from `address` is within the ranges; no ranges are no limit.

    An address that cannot be read is within none: who hides where they are is not let in.
    """
    if not ranges:
        return True
    try:
        asked = _unmapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(asked in network for network in _networks(ranges))


def are_within(ranges: tuple[str, ...], limits: tuple[str, ...]) -> bool:
    """Say whether the ranges hold nothing that the limits do not; no ranges are everywhere."""
    if not limits:
        return True
    return bool(ranges) and all(
        any(_is_part(inner, outer) for outer in _networks(limits)) for inner in _networks(ranges)
    )


def _is_part(inner: Network, outer: Network) -> bool:
    if isinstance(inner, IPv4Network):
        return isinstance(outer, IPv4Network) and inner.subnet_of(outer)
    return isinstance(outer, IPv6Network) and inner.subnet_of(outer)


@lru_cache(maxsize=1024)
def _networks(ranges: tuple[str, ...]) -> tuple[Network, ...]:
    return tuple(ip_network(text) for text in ranges)


def _spelled(text: str) -> str:
    try:
        network = _unmapped_network(_network(text))
    except ValueError:
        raise InvalidRequest(_no_range(text)) from None
    if network.prefixlen == network.max_prefixlen:
        return str(network.network_address)
    return str(network)


def _network(text: str) -> Network:
    """Read an address, or a range whose bits behind the prefix are 0."""
    # A netmask such as /255.0.0.0 is read by the library, and by nobody else the same way.
    prefix = text.partition("/")[2]
    if len(text) > LONGEST_RANGE or "%" in text or not (prefix.isdecimal() or "/" not in text):
        raise ValueError
    return ip_network(text)


def _no_range(text: str) -> str:
    return (
        f"{text[:LONGEST_RANGE]!r} is no range of addresses. Write one address, such as "
        "203.0.113.7, or the first address of a range with its prefix, such as 203.0.113.0/24 or "
        "2001:db8::/32."
    )


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _unmapped_network(network: Network) -> Network:
    """Return the IPv4 range that an IPv6 one stands for, such as ::ffff:192.0.2.0/120."""
    first = _unmapped(network.network_address)
    if isinstance(network, IPv6Network) and isinstance(first, IPv4Address):
        return ip_network((first, network.prefixlen - _MAPPED_BITS))
    return network
