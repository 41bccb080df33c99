"""docs/self-hosting.md: the configurations of nginx and Caddy serve the registry as it is.

Each proxy runs with the file of `infra/machine`, in which only ports, files of certificates and the
address of the registry are replaced. The client takes the public name and connects to this machine.
"""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from shared.hosting.server import Certificate, bind
from shared.localhost import build_host
from tests.clients.recorded_registry import Recorder, with_tokens_of_today
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.server import make_certificate, running
from tests.support.world import Template, settings_of

NAME = "ballroom.example.org"
URL = f"https://{NAME}"
SECONDS = 60
MOST_AT_ONCE = 200  # Of an address, by nginx.conf.
PROXIES = ("nginx", "caddy")


@dataclass(frozen=True)
class Proxied:
    """A registry behind a reverse proxy, and what the registry was asked."""

    folder: Path
    port: int
    plain_port: int
    token: str
    recorder: Recorder

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
    require_packages({"nginx": ["nginx-light"], "caddy": ["caddy"]}[name] + ["curl"])
    start = {"nginx": started_nginx, "caddy": started_caddy}[name]
    folder = tmp_path_factory.mktemp(name)
    data = folder / "data"
    shutil.copytree(template.folder, data)
    bound, port, plain_port = bind("127.0.0.1", 0), free_port(), free_port()
    registry_port = int(bound.getsockname()[1])
    settings = settings_of(data, url=URL, trusted_proxies="127.0.0.1")
    recorder = Recorder(build_host(settings))
    token = with_tokens_of_today(data, template.people).ann.token
    ports = (port, plain_port, registry_port)
    with running(recorder, at=bound), start(folder, make_certificate(folder), ports):
        yield Proxied(folder, port, plain_port, token, recorder)


def test_an_archive_is_pushed_and_pulled_byte_for_byte(proxied: Proxied) -> None:
    archive = proxied.folder / "acme-greet-any-1.0.0.bala"
    archive.write_bytes(bala("acme/greet:1.0.0"))
    status = proxied.curl(
        "--form", f"bala-file=@{archive}", "--header", f"Authorization: Bearer {proxied.token}",
        "--write-out", "%{http_code}", f"{URL}/2.0/registry/packages",
    )  # fmt: skip
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
        "--form", f"bala-file=@{large}", "--header", f"Authorization: Bearer {proxied.token}",
        f"{URL}/2.0/registry/packages",
    )  # fmt: skip
    assert b"this registry takes 67,108,864 at most" in said


def test_plain_http_is_redirected(proxied: Proxied) -> None:
    location = proxied.curl(
        "--write-out", "%{redirect_url}", "--output", "/dev/null", f"http://{NAME}/search?q=a"
    )
    assert location == f"{URL}/search?q=a".encode()


@pytest.mark.parametrize("proxied", ["nginx"], indirect=True)  # Caddy itself has no such limit.
def test_an_address_gets_so_many_requests_at_a_time(proxied: Proxied) -> None:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
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


# --- The proxies -------------------------------------------------------------------------------


@contextmanager
def started_nginx(
    folder: Path, certificate: Certificate, ports: tuple[int, int, int]
) -> Generator[None]:
    """Run nginx with its file of `infra/machine`."""
    port, plain_port, registry_port = ports
    site = replaced(
        (ROOT / "infra/machine/nginx.conf").read_text(),
        {
            "127.0.0.1:7071": f"127.0.0.1:{registry_port}",
            "    listen 80;": f"    listen 127.0.0.1:{plain_port};",
            "    listen [::]:80;\n": "",
            "    listen 443 ssl http2;": f"    listen 127.0.0.1:{port} ssl http2;",
            "    listen [::]:443 ssl http2;\n": "",
            f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate.chain),
            f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(certificate.key),
        },
    )
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        site += f"{kind}_temp_path {folder}/{kind};\n"
    main = folder / "nginx.conf"
    head = f"daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;"
    main.write_text(f"{head}\nevents {{}}\nhttp {{ access_log off;\n{site}\n}}\n")
    with program(["nginx", "-c", str(main), "-p", str(folder)], port):
        yield


@contextmanager
def started_caddy(
    folder: Path, certificate: Certificate, ports: tuple[int, int, int]
) -> Generator[None]:
    """Run Caddy with its file of `infra/machine`, and a certificate instead of an authority."""
    port, plain_port, registry_port = ports
    options = [
        "admin off", "default_bind 127.0.0.1", f"http_port {plain_port}", f"https_port {port}",
        f"storage file_system {folder}/caddy",
    ]  # fmt: skip
    site = replaced(
        (ROOT / "infra/machine/Caddyfile").read_text(),
        {
            "127.0.0.1:7071": f"127.0.0.1:{registry_port}",
            f"{NAME} {{\n": f"{NAME} {{\n\ttls {certificate.chain} {certificate.key}\n",
        },
    )
    main = folder / "Caddyfile"
    main.write_text("\n".join(["{", *options, "}", site]))
    with program(["caddy", "run", "--config", str(main), "--adapter", "caddyfile"], port):
        yield


def replaced(text: str, replacements: dict[str, str]) -> str:
    """Return the text with each replacement made; what is not there is a mistake of this test."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def program(command: list[str], port: int) -> Generator[None]:
    """Run a program until the end of the block, which begins when it answers on the port."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            wait_for(lambda: answers(port), process)
            yield
        finally:
            process.terminate()
            process.wait(SECONDS)


def wait_for(condition: Callable[[], bool], process: subprocess.Popen[bytes]) -> None:
    """Wait until something holds; fail with what the program printed if it ends first."""
    deadline = time.monotonic() + SECONDS
    while not condition():
        assert process.poll() is None, (process.stdout or b"") and process.stdout.read()
        assert time.monotonic() < deadline, "the proxy did not answer"


def answers(port: int) -> bool:
    """Say whether something accepts connections there."""
    try:
        httpx.get(f"https://127.0.0.1:{port}/", verify=False, headers={"Host": NAME})  # noqa: S501 - the certificate is the test's own.
    except httpx.HTTPError:
        return False
    return True


def free_port() -> int:
    """Return a port of this machine that nothing listens on."""
    with bind("127.0.0.1", 0) as held:
        return int(held.getsockname()[1])
