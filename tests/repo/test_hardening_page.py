"""docs/run/hardening.md: what it says of TLS and containers is in the files that it names."""

import re
import ssl
from pathlib import Path

import pytest

from shared.hosting.http_server.server import tls_context
from tests.paths import ROOT, docs
from tests.support.authorities import CertificateAuthority

PAGE = docs("run/hardening")
HELPERS = (ROOT / "packaging/helm/ballroom/templates/_helpers.tpl").read_text()
STATEFUL = (ROOT / "packaging/helm/ballroom/templates/statefulset.yaml").read_text()
COMPOSE = (ROOT / "packaging/compose/compose.yaml").read_text()
CONTAINERFILE = (ROOT / "packaging/image/Containerfile").read_text()


def module(name: str) -> str:
    return (ROOT / "infra" / "modules" / f"{name}.bicep").read_text()


def column(name: str) -> list[str]:
    """Return what the table of containers names as code, in one column."""
    rows = [line for line in PAGE.splitlines() if line.startswith("|")]
    [at] = [i for i, row in enumerate(rows) if "| Compose |" in row]
    header = [cell.strip() for cell in rows[at].split("|")]
    cells = [row.split("|")[header.index(name)] for row in rows[at + 2 :]]
    return [code for cell in cells for code in re.findall(r"`([^`]+)`", cell)]


def test_every_listener_takes_tls_1_2_at_the_oldest() -> None:
    assert "ssl_protocols TLSv1.2 TLSv1.3;" in (ROOT / "infra/machine/nginx.conf").read_text()
    assert re.search(r"^ +httpsOnly: true$", module("functions"), re.MULTILINE)
    assert "minTlsVersion: '1.2'" in module("functions")
    assert "minimumTlsVersion: 'TLS12'" in module("edge")
    assert "minimumTlsVersion: 'TLS1_2'" in module("storage")
    assert "allowSharedKeyAccess: false" in module("storage")
    assert "disableLocalAuth: true" in module("cosmos")


def test_the_local_host_takes_tls_1_2_at_the_oldest(tmp_path: Path) -> None:
    context = tls_context(CertificateAuthority.create(tmp_path).issue("127.0.0.1"))
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2


@pytest.mark.parametrize(
    ("name", "text"),
    [("image", CONTAINERFILE), ("Compose", COMPOSE), ("Helm", HELPERS + STATEFUL)],
)
def test_a_container_has_what_the_table_names(name: str, text: str) -> None:
    known = set(re.findall(r"[\w-]+", text))
    named = column(name)
    assert named
    for each in named:
        if each.startswith("--"):  # An option of the engine.
            continue
        missing = set(re.findall(r"[\w-]+", each)) - known
        assert not missing, each


def test_no_template_sets_a_key_of_the_customer() -> None:
    modules = list((ROOT / "infra" / "modules").glob("*.bicep"))
    assert modules
    for each in modules:
        assert not re.search(r"keyVaultKeyUri|keyVaultProperties|keySource", each.read_text())
