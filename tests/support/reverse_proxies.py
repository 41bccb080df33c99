"""nginx and Caddy with the files of `infra/machine`, in which only ports, files of certificates and
the address of the registry are replaced.
"""

import os
from collections.abc import Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from shared.hosting.http_server.server import Certificate
from tests.paths import ROOT
from tests.support.debian import require_packages
from tests.support.processes import running_program

NAME = "ballroom.example.org"
PROXIES = ("nginx", "caddy")
SECONDS = 60


@dataclass(frozen=True)
class ProxiedSite:
    """What a proxy serves, and where."""

    folder: Path
    certificate: Certificate
    port: int
    plain_port: int
    registry_port: int
    name: str = NAME


def running_proxy(proxy: str, site: ProxiedSite) -> AbstractContextManager[None]:
    """Run one of PROXIES for as long as the block lasts; skip the test where it is missing."""
    require_packages({"nginx": ["nginx-light"], "caddy": ["caddy"]}[proxy] + ["curl"])
    return {"nginx": started_nginx, "caddy": started_caddy}[proxy](site)


@contextmanager
def started_nginx(served: ProxiedSite) -> Generator[None]:
    """Run nginx with its file of `infra/machine`.

    A connection serves any number of requests: by default nginx closes it after a thousand, which
    a client would have to tell from a fault.
    """
    folder = served.folder
    certificate = served.certificate
    site = replaced(
        (ROOT / "infra/machine/nginx.conf").read_text(),
        {
            "127.0.0.1:7071": f"127.0.0.1:{served.registry_port}",
            "    listen 80;": f"    listen 127.0.0.1:{served.plain_port};",
            "    listen [::]:80;\n": "",
            "    listen 443 ssl http2;": f"    listen 127.0.0.1:{served.port} ssl http2;",
            "    listen [::]:443 ssl http2;\n": "",
            "/etc/letsencrypt/live/ballroom/fullchain.pem": str(certificate.chain),
            "/etc/letsencrypt/live/ballroom/privkey.pem": str(certificate.key),
        },
    )
    for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"):
        site += f"{kind}_temp_path {folder}/{kind};\n"
    main = folder / "nginx.conf"
    head = f"daemon off; user root; pid {folder}/nginx.pid; error_log {folder}/error.log;"
    settings = "access_log off; keepalive_requests 1000000;"
    whole = f"{head}\nevents {{}}\nhttp {{ {settings}\n{site}\n}}\n"
    main.write_text(whole.replace(NAME, served.name))
    with running(["nginx", "-c", str(main), "-p", str(folder)], served):
        yield


@contextmanager
def started_caddy(served: ProxiedSite) -> Generator[None]:
    """Run Caddy with its file of `infra/machine`, and a certificate instead of an authority."""
    folder = served.folder
    certificate = served.certificate
    options = [
        "admin off",
        "default_bind 127.0.0.1",
        f"http_port {served.plain_port}",
        f"https_port {served.port}",
        f"storage file_system {folder}/caddy",
    ]
    site = replaced(
        (ROOT / "infra/machine/Caddyfile").read_text(),
        {
            "127.0.0.1:7071": f"127.0.0.1:{served.registry_port}",
            f"{NAME} {{\n": f"{NAME} {{\n\ttls {certificate.chain} {certificate.key}\n",
        },
    )
    main = folder / "Caddyfile"
    main.write_text("\n".join(["{", *options, "}", site]).replace(NAME, served.name))
    with running(["caddy", "run", "--config", str(main), "--adapter", "caddyfile"], served):
        yield


def replaced(text: str, replacements: dict[str, str]) -> str:
    """Return the text with each replacement made; what is not there is a mistake of this test."""
    for old, new in replacements.items():
        assert old in text, old
        text = text.replace(old, new)
    return text


@contextmanager
def running(command: list[str], site: ProxiedSite) -> Generator[None]:
    """Run a proxy until the end of the block, which begins when it answers on the port."""
    environment = dict(os.environ)
    with running_program(command, lambda: is_served(site), root=ROOT, environment=environment):
        yield


def is_served(site: ProxiedSite) -> bool:
    """Say whether something answers there, whatever it says."""
    try:
        httpx.get(f"https://127.0.0.1:{site.port}/", verify=False, headers={"Host": site.name})  # noqa: S501 - the certificate is the test's own.
    except httpx.HTTPError:
        return False
    return True
