"""HTTPS is served with a certificate of the operator's own."""

import shutil
import ssl
from pathlib import Path

import httpx
import pytest

from shared.hosting.host import Host
from shared.hosting.http_server.processes import require_usable
from tests.support.sample_app import build_app
from tests.support.server import make_certificate, served_app
from tests.support.storage import one_machine

pytestmark = one_machine("it is about the host, over no store")


@pytest.mark.skipif(not shutil.which("openssl"), reason="openssl makes the certificate")
def test_addresses_are_https_where_a_certificate_is(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path)
    require_usable(certificate)
    trust = ssl.create_default_context(cafile=str(certificate.chain))
    with served_app(Host(build_app()), certificate=certificate) as host:
        answer = httpx.get(f"{host.url}/rest/x", verify=trust)
    assert answer.json()["url"] == f"{host.url}/rest/x"
    assert host.url.startswith("https://")
