"""How other servers are reached: the certificates that they may show, the proxy on the way to them,
and why one was not reached, in words.

Everything that leaves this machine is built with one `Network`: requests (`http_fetcher.py`), mail
(`mail.py`), and the libraries of Azure (`azure_transports.py`).
"""

import os
import re
import socket
import ssl
import time
from collections.abc import Sequence
from functools import cache
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from typing import TYPE_CHECKING

import certifi

from shared.domain.proxies import Address, Proxy, ProxyRules
from shared.ports.http_client import CertificateUntrusted, ProxyFailed, ServerUnreachable
from shared.runtime.connection_problems import has_untrusted_certificate, reason_of

if TYPE_CHECKING:
    import httpx

_MAX_HEAD = 16 * 1024  # Bytes of the answer of a proxy.
_STATUS_LINE = re.compile(rb"HTTP/1\.[01] (\d{3}) ?([ -~]*)")


class Network:
    """The certificates that are trusted, and the proxies."""

    def __init__(self, proxies: ProxyRules | None = None, ca_file: Path | None = None) -> None:
        """Trust the certificates of `ca_file` beside those of the system."""
        self.proxies = proxies or ProxyRules()
        self._ca_file = ca_file
        self._trust: ssl.SSLContext | None = None

    @property
    def trust(self) -> ssl.SSLContext:
        """The certificates that servers may show."""
        if self._ca_file is None:
            return _system_trust()
        if self._trust is None:
            self._trust = _new_trust()
            self._trust.load_verify_locations(self._ca_file)
        return self._trust

    @property
    def is_plain(self) -> bool:
        """Whether libraries may connect as they do by themselves."""
        return self._ca_file is None and self.proxies == ProxyRules()

    def transport(self, proxy: Proxy | None = None) -> "httpx.AsyncBaseTransport":
        """Return a transport for one request."""
        import httpx  # noqa: PLC0415 - imported with the first request.

        way = None
        if proxy is not None:
            credentials = (proxy.user, proxy.password) if proxy.user else None
            way = httpx.Proxy(proxy.url, auth=credentials, ssl_context=self._proxy_trust(proxy))
        return httpx.AsyncHTTPTransport(verify=self.trust, trust_env=False, proxy=way)

    def connect(self, host: str, port: int, timeout_s: float) -> socket.socket:
        """Return a connection to a server of the operator, through the proxy of https if the rules
        say so. Blocks; each step has the time. Raises `ServerUnreachable`."""
        proxy = self.proxies.proxy_for("https", host, port)
        if proxy is not None:
            proxy = self.proxies.proxy_for("https", host, port, _addresses(host, port))
        try:
            if proxy is None:
                return socket.create_connection((host, port), timeout_s)
            return _open_tunnel(proxy, host, port, timeout_s)
        except OSError as error:
            raise unreachable(error, proxy) from None

    def _proxy_trust(self, proxy: Proxy) -> ssl.SSLContext | None:
        return self.trust if proxy.scheme == "https" else None


DIRECT = Network()


@cache
def _system_trust() -> ssl.SSLContext:
    return _new_trust()


def _new_trust() -> ssl.SSLContext:
    """Trust what the system trusts, and, where SSL_CERT_FILE and SSL_CERT_DIR do not name other
    certificates, what browsers trust."""
    trust = ssl.create_default_context()  # Reads both variables.
    if not (os.environ.get("SSL_CERT_FILE") or os.environ.get("SSL_CERT_DIR")):
        trust.load_verify_locations(certifi.where())
    return trust


def unreachable(
    error: BaseException, proxy: Proxy | None, *, is_beyond_proxy: bool = False
) -> ServerUnreachable:
    """Return why a server was not reached; `is_beyond_proxy` if the proxy let the connection
    through."""
    if proxy is not None and not is_beyond_proxy:
        return ProxyFailed(f"the proxy {proxy} is not reached: {reason_of(error)}")
    if has_untrusted_certificate(error):
        return CertificateUntrusted(reason_of(error))
    return ServerUnreachable(reason_of(error))


def proxy_refusal(proxy: Proxy, status: int, phrase: str) -> ProxyFailed:
    """Explain the answer of a proxy that did not open a connection."""
    answer = f"{status} {phrase}".strip()
    if status == HTTPStatus.PROXY_AUTHENTICATION_REQUIRED:
        problem = "does not accept the user and password" if proxy.user else "asks for a user"
        return ProxyFailed(f"the proxy {proxy} {problem} ({answer})")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ProxyFailed(f"the proxy {proxy} does not reach the server ({answer})")
    return ProxyFailed(f"the proxy {proxy} refuses the connection ({answer})")


def _addresses(host: str, port: int) -> Sequence[Address]:
    """Return the addresses of a host; none if its name does not resolve here."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError:
        return ()
    return [ip_address(entry[4][0]) for entry in found]


def _open_tunnel(proxy: Proxy, host: str, port: int, timeout_s: float) -> socket.socket:
    """Let a proxy connect to a server (RFC 9110, 9.3.6)."""
    if proxy.scheme != "http":
        message = f"mail does not pass the proxy {proxy}, whose address begins with https"
        raise ProxyFailed(message)
    until = time.monotonic() + timeout_s
    connection = socket.create_connection((proxy.host, proxy.port), timeout_s)
    try:
        target = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        lines = [f"CONNECT {target} HTTP/1.1", f"Host: {target}"]
        if proxy.authorization:
            lines.append(f"Proxy-Authorization: {proxy.authorization}")
        connection.sendall("\r\n".join([*lines, "", ""]).encode("ascii"))
        _require_tunnel(_read_head(connection, until), proxy)
        connection.settimeout(timeout_s)
    except BaseException:
        connection.close()
        raise
    return connection


def _read_head(connection: socket.socket, until: float) -> bytes:
    """Read the answer of a proxy, and not a byte more: a mail server speaks first."""
    head = bytearray()
    while not head.endswith(b"\r\n\r\n"):
        connection.settimeout(max(until - time.monotonic(), 0.001))
        piece = connection.recv(1)
        if not piece or len(head) > _MAX_HEAD:
            break
        head += piece
    return bytes(head)


def _require_tunnel(head: bytes, proxy: Proxy) -> None:
    line = _STATUS_LINE.match(head)
    if line is None or not head.endswith(b"\r\n\r\n"):
        message = f"the proxy {proxy} gives no answer of HTTP"
        raise ProxyFailed(message)
    status = int(line[1])
    if not HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
        raise proxy_refusal(proxy, status, line[2].decode("ascii"))
