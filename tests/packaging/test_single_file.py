"""The single file serves a registry without anything that is installed beside it."""

import subprocess
import sys
from pathlib import Path

import pytest

from shared.domain.software_version import SOFTWARE_VERSION
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.registry_process import pulled, push, running_registry

BUILD_SECONDS = 600
pytestmark = pytest.mark.timeout(BUILD_SECONDS)


@pytest.fixture(scope="session")
def single_file(build_python: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    target = tmp_path_factory.mktemp("single-file")
    build = [str(build_python), "packaging/build.py", "single-file", str(target)]
    subprocess.run(build, cwd=ROOT, check=True, timeout=BUILD_SECONDS)
    [file] = target.glob("*.pyz")
    return file


@pytest.mark.parametrize("workers", [1, 2])
def test_it_serves_a_push_and_a_pull_without_site_packages(
    single_file: Path, tmp_path: Path, workers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIV_ROOT", str(tmp_path / "unpacked"))
    interpreter = Path(sys.base_prefix) / "bin" / "python3"
    command = [str(interpreter), "-S", str(single_file), "serve"]
    with running_registry(tmp_path / "data", workers=workers, command=command) as registry:
        archive = bala("acme/greet:1.0.0")
        assert push(registry.url, registry.token, archive).status_code == 204
        assert pulled(registry.url, "acme/greet/1.0.0") == archive
        assert registry.stop() == 0


def test_it_says_its_version(
    single_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHIV_ROOT", str(tmp_path / "unpacked"))
    done = subprocess.run(
        [str(single_file), "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout == f"ballroom {SOFTWARE_VERSION}\n"
