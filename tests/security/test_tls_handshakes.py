"""Row 24, exhaustion by connections: a client that never ends its TLS handshake takes no place from
others."""

import select
import socket
import ssl
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from shared.hosting.host import Host
from shared.hosting.http_server.connection import ConnectionTimeouts
from shared.hosting.http_server.server import Certificate, ConnectionLimits
from tests.support.authorities import CertificateAuthority
from tests.support.sample_app import build_app
from tests.support.server import Address, read_all, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")

REQUEST = b"GET /any HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
MOST = 3


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> CertificateAuthority:
    return CertificateAuthority.create(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def certificate(authority: CertificateAuthority) -> Certificate:
    return authority.issue("127.0.0.1")


@pytest.fixture(scope="module")
def limited(certificate: Certificate) -> Generator[Address]:
    """Serve few connections."""
    limits = ConnectionLimits(connections=MOST)
    with served_app(Host(build_app()), certificate=certificate, limits=limits) as served:
        yield served


@contextmanager
def encrypted(address: Address, authority: Path) -> Generator[ssl.SSLSocket]:
    context = ssl.create_default_context(cafile=authority)
    with context.wrap_socket(address.connect(), server_hostname="127.0.0.1") as connection:
        yield connection


def test_connections_in_their_handshake_count_as_connections(
    limited: Address, authority: CertificateAuthority
) -> None:
    with ExitStack() as stack:
        silent = {stack.enter_context(limited.connect()) for _ in range(5 * MOST)}
        while len(silent) > MOST:
            ended, _, _ = select.select(silent, [], [], ConnectionTimeouts().handshake_seconds / 2)
            assert ended
            assert {read_all(each) for each in ended} == {b""}
            silent.difference_update(ended)
        with encrypted(limited, authority.file) as connection:
            connection.sendall(REQUEST)
            assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("sent", [b"", b"\x16\x03\x01\x02\x00\x01"])
def test_a_handshake_that_takes_too_long_ends(certificate: Certificate, sent: bytes) -> None:
    timeouts = ConnectionTimeouts(handshake_seconds=0.3)
    with (
        served_app(Host(build_app()), certificate=certificate, timeouts=timeouts) as address,
        address.connect() as connection,
    ):
        connection.sendall(sent)
        assert read_all(connection) == b""


@pytest.mark.parametrize("sent", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x16\x03\x01"])
def test_a_handshake_that_fails_harms_nobody(
    limited: Address, authority: CertificateAuthority, sent: bytes
) -> None:
    for _ in range(2 * MOST):
        with limited.connect() as connection:
            connection.sendall(sent)
            connection.shutdown(socket.SHUT_WR)
            assert not read_all(connection).startswith(b"HTTP/")
    with encrypted(limited, authority.file) as connection:
        connection.sendall(REQUEST)
        assert read_all(connection).startswith(b"HTTP/1.1 200 OK\r\n")
