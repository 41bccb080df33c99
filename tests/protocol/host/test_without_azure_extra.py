"""A registry on one machine runs without the extra `azure` and what comes with it."""

import re
from pathlib import Path

import pytest

from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.registry_process import pulled, push, running_registry

# Archived by their author; they come with the exporter of telemetry, and with nothing else.
ARCHIVED = {"msrest", "requests-oauthlib", "oauthlib", "isodate"}

REFUSING_IMPORTS = """
import importlib.metadata
import sys

class Refusing:
    def find_spec(self, name, path=None, target=None):
        if any(name == each or name.startswith(each + ".") for each in {names!r}):
            raise ModuleNotFoundError(f"No module named {{name!r}}", name=name)

def version(name, found=importlib.metadata.version):
    if name in {distributions!r}:
        raise importlib.metadata.PackageNotFoundError(name)
    return found(name)

sys.meta_path.insert(0, Refusing())
importlib.metadata.version = version
"""
MODULES = (
    "azure.cosmos",
    "azure.monitor",
    "azure.storage",
    "isodate",
    "msrest",
    "oauthlib",
    "opentelemetry",
    "psutil",
    "requests_oauthlib",
)


def names(lock: str) -> set[str]:
    return set(re.findall(r"^([\w.-]+)==", (ROOT / lock).read_text(), re.MULTILINE))


def test_make_run_installs_nothing_that_is_archived_and_no_exporter() -> None:
    assert not names("requirements.txt") & {*ARCHIVED, "azure-monitor-opentelemetry-exporter"}
    assert names("infra/requirements.txt") >= ARCHIVED
    assert not names("requirements.txt") & names("infra/requirements.txt")


def test_a_release_is_pushed_and_pulled_without_the_extra_and_a_connection_string_ends_nothing(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    refusing = REFUSING_IMPORTS.format(
        names=MODULES, distributions=sorted(names("infra/requirements.txt"))
    )
    (tmp_path / "sitecustomize.py").write_text(refusing)
    settings = {
        "PYTHONPATH": str(tmp_path),
        "APPLICATIONINSIGHTS_CONNECTION_STRING": "InstrumentationKey=key",
        "BALLROOM_TRACE_SHARE": "1",
    }
    with running_registry(tmp_path / "data", workers=1, ready=True, **settings) as registry:
        archive = bala("acme/greet:1.0.0")
        assert push(registry.url, registry.token, archive).status_code == 204
        assert pulled(registry.url, "acme/greet/1.0.0") == archive
    written = capfd.readouterr().err
    assert '"event":"telemetry.unavailable"' in written
    assert "azure-monitor-opentelemetry-exporter is not installed here" in written
