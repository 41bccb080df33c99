"""The access log of a registry on one machine."""

import shutil
from pathlib import Path

import httpx
import pytest

from shared.localhost import build_host
from tests.support.server import running
from tests.support.storage import one_machine
from tests.support.world import Template, settings_of

pytestmark = one_machine("the local host writes it")


@pytest.fixture
def folder(template: Template, tmp_path: Path) -> Path:
    """Return the data folder of a registry with people."""
    shutil.copytree(template.folder, tmp_path / "data")
    return tmp_path / "data"


def test_each_request_has_a_line_also_one_answered_from_memory(
    folder: Path, capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    settings = settings_of(folder, access_log="combined", trusted_proxies="127.0.0.1")
    asked = {"X-Forwarded-For": "203.0.113.9", "User-Agent": "ballerina/2201.13.0"}
    with running(build_host(settings)) as server:
        for _ in range(3):
            httpx.get(f"{server.url}/2.0/registry/packages?q=secret", headers=asked)
        httpx.get(f"{server.url}/sign-in/link/s3cret?x=secret")
    lines = capfdbinary.readouterr().out.decode().splitlines()
    assert len(lines) == 4
    for line in lines[:3]:
        assert line.startswith("203.0.113.9 - - [")
        assert '"GET /2.0/registry/packages HTTP/1.1" 200 ' in line
        assert line.endswith('"-" "ballerina/2201.13.0"')
    assert '"GET /sign-in/link/**** HTTP/1.1" ' in lines[3]
    assert "secret" not in "".join(lines)


def test_there_is_none_by_default(folder: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    with running(build_host(settings_of(folder))) as server:
        httpx.get(f"{server.url}/health/live")
    assert capfdbinary.readouterr().out == b""
