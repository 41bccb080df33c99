"""Proxies to other networks: HTTPS_PROXY, HTTP_PROXY and NO_PROXY, as curl reads them.

NO_PROXY is a list of hosts, separated by commas or spaces, to which connections go directly:
`example.org` and `.example.org` are the host and everything below it, `10.0.0.0/8` is a network of
addresses, `example.org:8443` is one port, and `*` is every host.
"""

from base64 import b64encode
from collections.abc import Sequence
from ipaddress import ip_address, ip_network
from typing import Self
from urllib.parse import quote, unquote, urlsplit

from msgspec import Struct

from shared.domain.outbound_addresses import DEFAULT_PORTS, Address

_UNUSABLE = (
    "it is not the address of a proxy, such as http://proxy.example.org:3128 or "
    "http://user:password@proxy.example.org:3128"
)


class Proxy(Struct, frozen=True):
    """A proxy, and the credentials for it, which its text does not contain."""

    scheme: str
    host: str
    port: int
    user: str = ""
    password: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read an address, whose scheme is http if it has none; raise `ValueError`."""
        try:
            parts = urlsplit(text if "://" in text else f"http://{text}")
            port = parts.port
        except ValueError:
            raise ValueError(_UNUSABLE) from None
        is_address = parts.scheme in DEFAULT_PORTS and parts.hostname and parts.path in {"", "/"}
        if not is_address or parts.query or parts.fragment or not text.isascii():
            raise ValueError(_UNUSABLE)
        return cls(
            parts.scheme,
            parts.hostname or "",
            port or DEFAULT_PORTS[parts.scheme],
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The address without credentials."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"

    @property
    def url_with_credentials(self) -> str:
        """The address as libraries take it, with credentials."""
        if not self.user:
            return self.url
        credentials = f"{quote(self.user, safe='')}:{quote(self.password, safe='')}"
        return self.url.replace("://", f"://{credentials}@", 1)

    @property
    def authorization(self) -> str:
        """The value of `Proxy-Authorization`; empty without credentials."""
        if not self.user:
            return ""
        return f"Basic {b64encode(f'{self.user}:{self.password}'.encode()).decode()}"


class ProxyRules(Struct, frozen=True):
    """Which connections go through which proxy."""

    https: Proxy | None = None
    http: Proxy | None = None
    direct: tuple[str, ...] = ()  # The entries of NO_PROXY, in lower case.

    @classmethod
    def parse(cls, https: str = "", http: str = "", no_proxy: str = "") -> Self:
        """Read the values of the three variables; raise `ValueError` for an unusable proxy."""
        return cls(
            Proxy.parse(https.strip()) if https.strip() else None,
            Proxy.parse(http.strip()) if http.strip() else None,
            tuple(no_proxy.lower().replace(",", " ").split()),
        )

    def proxy_for(
        self, scheme: str, host: str, port: int, addresses: Sequence[Address] = ()
    ) -> Proxy | None:
        """Return the proxy for a server, or None if the connection goes directly.

        `addresses` are those of the host, where they are known. This machine and its link-local
        network, where clouds have their metadata, are never reached through a proxy: there the
        same address is another machine.
        """
        proxy = self.https if scheme == "https" else self.http
        if proxy is None:
            return None
        name = host.lower().rstrip(".")
        literal = _address(name)
        known = [literal] if literal else addresses
        if known and all(each.is_loopback or each.is_link_local for each in known):
            return None
        if is_local_name(name) or any(_matches(each, name, literal, port) for each in self.direct):
            return None
        return proxy


def is_local_name(name: str) -> bool:
    """Check for a name of this machine, whether or not a name server knows it (RFC 6761)."""
    name = name.lower().rstrip(".")
    return name == "localhost" or name.endswith(".localhost")


def _matches(entry: str, name: str, literal: Address | None, port: int) -> bool:
    """Check whether an entry of NO_PROXY means this host."""
    if entry == "*":
        return True
    if literal is not None and _has_address(entry, literal):
        return True
    host, colon, wanted = entry.rpartition(":")
    if colon and wanted.isdecimal() and "]" not in wanted and ":" not in host.strip("[]"):
        return port == int(wanted) and _matches(host, name, literal, port)
    if entry.startswith("[") and "]:" in entry:
        host, _, wanted = entry.rpartition("]:")
        return wanted == str(port) and _matches(f"{host}]", name, literal, port)
    if literal is not None:
        return False
    suffix = entry.removeprefix("*").removeprefix(".").rstrip(".")
    return bool(suffix) and (name == suffix or name.endswith(f".{suffix}"))


def _has_address(entry: str, address: Address) -> bool:
    try:
        network = ip_network(entry.strip("[]"), strict=False)
    except ValueError:
        return False
    return network.version == address.version and address in network


def _address(host: str) -> Address | None:
    try:
        return ip_address(host.strip("[]"))
    except ValueError:
        return None
