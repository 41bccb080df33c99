"""Addresses of other servers: which may be called, and which can never be."""

import re
from collections.abc import Collection
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from urllib.parse import urlsplit

Address = IPv4Address | IPv6Address

DEFAULT_PORTS = {"http": 80, "https": 443}  # By the schemes that are called.

# The unicast range of IPv6. Outside it are local addresses and forms that contain an IPv4 address
# (mapped, NAT64); inside it, 6to4 addresses contain one too.
_UNICAST = IPv6Network("2000::/3")
_SIX_TO_FOUR = IPv6Network("2002::/16")
# It looks public, but is the platform of every virtual machine of Azure.
_PLATFORM = frozenset({IPv4Address("168.63.129.16")})


def is_public(address: Address) -> bool:
    """Check whether an address is public: the same server for everybody."""
    if isinstance(address, IPv6Address) and (address not in _UNICAST or address in _SIX_TO_FOUR):
        return False
    return address.is_global and not address.is_multicast and address not in _PLATFORM


def is_inside(address: Address) -> bool:
    """Check whether an address is one of the own network; metadata services have others."""
    if isinstance(address, IPv6Address) and address.ipv4_mapped:
        return False
    is_special = address.is_link_local or address.is_multicast
    is_special = is_special or address.is_unspecified or address.is_reserved
    return address.is_loopback or (address.is_private and not is_special)


_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?")
_LONGEST_NAME = 253  # Characters, of DNS.
# Ends of names that no public DNS has: RFC 6761, 6762, 7686 and 8375, and ICANN for internal.
_NEVER_PUBLIC = (".localhost", ".local", ".internal", ".invalid", ".onion", ".home.arpa")


def can_be_called(url: str, inside: Collection[str]) -> bool:
    """Check whether the address of a server could be called, whatever its name resolves to.

    `inside` are hosts of the operator's network, in lower case, as `host` or `host:port`. Each
    request is checked again, because names resolve anew.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower()
        port = parts.port
    except ValueError:
        return False
    if port == 0:
        return False
    is_named = host in inside or f"{host}:{port}" in inside
    try:
        address = ip_address(host)
    except ValueError:
        return is_named or (parts.scheme == "https" and _is_public_name(host))
    if parts.scheme == "http":
        return is_named and address.is_loopback
    return is_public(address) or (is_named and is_inside(address))


def _is_public_name(host: str) -> bool:
    name = host.removesuffix(".")
    labels = name.split(".")
    if len(name) > _LONGEST_NAME or not all(map(_LABEL.fullmatch, labels)):
        return False
    is_numeric = labels[-1].isdigit()  # Readers take 127.1 and 2130706433 for addresses.
    return len(labels) > 1 and not is_numeric and not name.endswith(_NEVER_PUBLIC)
