"""Addresses of clients behind proxies, networks as callers, and the ranges of a token."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network

from shared.domain.errors.base import InvalidRequest

Address = IPv4Address | IPv6Address
Networks = tuple[IPv4Network | IPv6Network, ...]

# An IPv6 client has a whole /64 network, so its addresses count as one caller.
_PREFIX = 64


def parse_networks(text: str) -> Networks:
    """Parse networks in CIDR form, or single addresses, separated by commas or spaces.

    Raises `ValueError`, which names the first that is invalid.
    """
    return tuple(ip_network(part) for part in text.replace(",", " ").split())


def is_within(address: Address, networks: Networks) -> bool:
    return any(address in network for network in networks)


def is_loopback(host: str) -> bool:
    """Check whether a host is this machine, by its name or address."""
    parsed = _parsed(host)
    return host == "localhost" if parsed is None else parsed.is_loopback


def is_shared(address: str, proxies: Networks) -> bool:
    """Check whether many callers may share the address: this machine, a proxy of ours, or none."""
    parsed = _parsed(address)
    return parsed is None or parsed.is_loopback or is_within(parsed, proxies)


def client_address(forwarded: str, proxies: Networks) -> str:
    """Return the address of the client; empty where it is unknown.

    `forwarded` is `X-Forwarded-For` with the peer at its end, where the host adds it. The peer is
    the client, unless it is one of our `proxies`: then the next address to the left is, and so on.
    Addresses further left are ignored: anybody can write them.
    """
    nearest = ""
    for claim in reversed(forwarded.split(",")):
        address = _parsed(claim)
        if address is None:
            return nearest  # The proxy counts as the client when it forwards nonsense.
        nearest = str(address)
        if not is_within(address, proxies):
            return nearest
    return nearest


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


@lru_cache(maxsize=4_096)  # The keys are canonical addresses, not what clients send.
def caller_network(address: str) -> str:
    """Return the network that counts as one caller: an IPv4 address, or the /64 network of an IPv6
    address."""
    parsed = _parsed(address)
    if not isinstance(parsed, IPv6Address):
        return address
    return str(IPv6Network((parsed, _PREFIX), strict=False).network_address)


MAX_RANGES = 20  # Each is compared with each request.
LONGEST_RANGE = 49  # Characters: an IPv6 address in full, with an IPv4 tail, a slash and a prefix.

_MAPPED_BITS = 96  # The prefix of an IPv6 address that maps an IPv4 one.
Network = IPv4Network | IPv6Network


def parse_ranges(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the ranges in canonical spelling, without duplicates.

    Raises `InvalidRequest` for the first that is invalid.
    """
    ranges = tuple(dict.fromkeys(_spelled(text.strip()) for text in texts))
    if len(ranges) > MAX_RANGES:
        message = (
            f"A token takes {MAX_RANGES} ranges of addresses at most, not {len(ranges)}. "
            "Join neighbours into larger ranges."
        )
        raise InvalidRequest(message)
    return ranges


def is_address_allowed(ranges: tuple[str, ...], address: str) -> bool:
    """Check whether `address` is in one of the ranges; no ranges means no limit.

    An unreadable address is in no range.
    """
    if not ranges:
        return True
    try:
        asked = _unmapped(ip_address(address.partition("%")[0]))
    except ValueError:
        return False
    return any(asked in network for network in _networks(ranges))


def are_ranges_within(ranges: tuple[str, ...], limits: tuple[str, ...]) -> bool:
    """Check that `ranges` hold nothing outside `limits`; no ranges means every address."""
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
    """Read an address, or a range whose bits after the prefix are 0."""
    # ip_network also reads netmasks such as /255.0.0.0, which other tools read differently.
    prefix = text.partition("/")[2]
    if len(text) > LONGEST_RANGE or "%" in text or not (prefix.isdecimal() or "/" not in text):
        raise ValueError
    return ip_network(text)


def _no_range(text: str) -> str:
    return (
        f"{text[:LONGEST_RANGE]!r} is not a range of addresses. Write one address, such as "
        "203.0.113.7, or the first address of a range with its prefix, such as 203.0.113.0/24 or "
        "2001:db8::/32."
    )


def _unmapped(address: Address) -> Address:
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return mapped or address


def _unmapped_network(network: Network) -> Network:
    """Return the IPv4 range that an IPv6 range maps, such as ::ffff:192.0.2.0/120."""
    first = _unmapped(network.network_address)
    if isinstance(network, IPv6Network) and isinstance(first, IPv4Address):
        return ip_network((first, network.prefixlen - _MAPPED_BITS))
    return network
