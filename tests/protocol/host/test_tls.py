"""HTTPS is served with a certificate of the operator's own."""

import ssl
from pathlib import Path

import httpx

from shared.hosting.host import Host
from shared.hosting.http_server.processes import require_usable
from tests.support.authorities import CertificateAuthority
from tests.support.sample_app import build_app
from tests.support.server import served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")


def test_addresses_are_https_where_a_certificate_is(tmp_path: Path) -> None:
    authority = CertificateAuthority.create(tmp_path)
    certificate = authority.issue("127.0.0.1")
    require_usable(certificate)
    trust = ssl.create_default_context(cafile=str(authority.file))
    with served_app(Host(build_app()), certificate=certificate) as host:
        answer = httpx.get(f"{host.url}/rest/x", verify=trust)
    assert answer.json()["url"] == f"{host.url}/rest/x"
    assert host.url.startswith("https://")
