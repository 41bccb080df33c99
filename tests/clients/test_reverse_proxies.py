"""docs/run/self-hosting.md: the configurations of nginx and Caddy serve the registry as it is.

The client takes the public name and connects to this machine.
"""

import shutil
import socket
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from shared.hosting.http_server.server import bind
from shared.localhost import build_host
from tests.clients.recorded_registry import Recorder, with_tokens_of_today
from tests.support.archives import bala
from tests.support.authorities import CertificateAuthority
from tests.support.processes import free_port
from tests.support.reverse_proxies import NAME, PROXIES, SECONDS, ProxiedSite, running_proxy
from tests.support.server import served_app
from tests.support.world import Template, settings_of

URL = f"https://{NAME}"
# Caddy resets a connection half a second after an answer that came before it had the whole body, so
# a slow client may lose the end of the answer, and asks again.
REPEATS = {"nginx": (), "caddy": ("--retry", "5", "--retry-all-errors")}
MOST_AT_ONCE = 200  # Of an address, by nginx.conf.


@dataclass(frozen=True)
class Proxied:
    """A registry behind a reverse proxy, and what the registry was asked."""

    folder: Path
    port: int
    plain_port: int
    token: str
    recorder: Recorder
    repeats: tuple[str, ...]  # Options of curl for an answer that comes before the whole body.

    def curl(self, *arguments: str) -> bytes:
        """Run curl as a client that knows the registry by its public name."""
        ports = {443: self.port, 80: self.plain_port}
        routes = [f"{NAME}:{port}:127.0.0.1:{ours}" for port, ours in ports.items()]
        options = [option for route in routes for option in ("--connect-to", route)]
        command = ["curl", "--silent", "--show-error", "--insecure", *options, *arguments]
        done = subprocess.run(command, capture_output=True, check=False, timeout=SECONDS)
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def last_header(self, name: str) -> str:
        """Return a header of the last request that reached the registry."""
        return self.recorder.requests[-1].headers.get(name, "")


@pytest.fixture(scope="module", params=PROXIES)
def proxied(
    request: pytest.FixtureRequest, template: Template, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    """Return a registry behind one of the proxies."""
    name: str = request.param
    folder = tmp_path_factory.mktemp(name)
    data = folder / "data"
    shutil.copytree(template.folder, data)
    bound = bind("127.0.0.1", 0)
    port = free_port()
    plain_port = free_port()
    settings = settings_of(data, url=URL, trusted_proxies="127.0.0.1")
    recorder = Recorder(build_host(settings))
    token = with_tokens_of_today(data, template.people).ann.token
    site = ProxiedSite(
        folder,
        CertificateAuthority.create(folder).issue("127.0.0.1"),
        port,
        plain_port,
        bound.getsockname()[1],
    )
    with served_app(recorder, at=bound), running_proxy(name, site):
        yield Proxied(folder, port, plain_port, token, recorder, REPEATS[name])


def test_an_archive_is_pushed_and_pulled_byte_for_byte(proxied: Proxied) -> None:
    archive = proxied.folder / "acme-greet-any-1.0.0.bala"
    archive.write_bytes(bala("acme/greet:1.0.0"))
    status = proxied.curl(
        "--form",
        f"bala-file=@{archive}",
        "--header",
        f"Authorization: Bearer {proxied.token}",
        "--write-out",
        "%{http_code}",
        f"{URL}/2.0/registry/packages",
    )
    assert status == b"204"
    pull = f"{URL}/2.0/registry/packages/acme/greet/1.0.0"
    octets = ("--header", "Accept: application/octet-stream")
    hop = proxied.curl("--write-out", "%{redirect_url}", *octets, pull).decode()
    assert hop.startswith(f"{URL}/archives/")
    assert proxied.curl("--location", *octets, pull) == archive.read_bytes()


def test_the_registry_sees_the_client_and_not_what_the_client_claims(proxied: Proxied) -> None:
    proxied.curl("--header", "X-Forwarded-For: 203.0.113.9", f"{URL}/health/live")
    assert proxied.last_header("x-forwarded-for") == "127.0.0.1"
    assert proxied.last_header("host") == NAME


def test_a_path_reaches_the_registry_as_it_was_sent(proxied: Proxied) -> None:
    proxied.curl("--path-as-is", f"{URL}/packages/acme/a%2Fb%20c")
    assert proxied.recorder.requests[-1].path == "/packages/acme/a%2Fb%20c"


def test_an_archive_above_the_limit_gets_the_sentence_of_the_registry(proxied: Proxied) -> None:
    large = proxied.folder / "large.bala"
    with large.open("wb") as file:
        file.truncate(70 * 1024 * 1024)
    said = proxied.curl(
        *proxied.repeats,
        "--form",
        f"bala-file=@{large}",
        "--header",
        f"Authorization: Bearer {proxied.token}",
        f"{URL}/2.0/registry/packages",
    )
    assert b"this registry takes 67,108,864 at most" in said


def test_plain_http_is_redirected(proxied: Proxied) -> None:
    location = proxied.curl(
        "--write-out", "%{redirect_url}", "--output", "/dev/null", f"http://{NAME}/search?q=a"
    )
    assert location == f"{URL}/search?q=a".encode()


@pytest.mark.parametrize("proxied", ["nginx"], indirect=True)  # Caddy itself has no such limit.
def test_an_address_gets_so_many_requests_at_a_time(proxied: Proxied) -> None:
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    head = f"POST /api/v1/orgs HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 100\r\n\r\n{{"
    with ExitStack() as stack:
        sockets: list[ssl.SSLSocket] = []
        for _ in range(MOST_AT_ONCE + 1):
            plain = stack.enter_context(
                socket.create_connection(("127.0.0.1", proxied.port), SECONDS)
            )
            sockets.append(stack.enter_context(context.wrap_socket(plain, server_hostname=NAME)))
            sockets[-1].sendall(head.encode())
        assert sockets[-1].recv(12) == b"HTTP/1.1 429"
