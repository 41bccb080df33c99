"""The image serves a registry with a root that cannot be written, keeps it over kills and restarts,
and prints commands that run on the host."""

import gzip
import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import httpx
import pytest

from shared.domain.software_version import SOFTWARE_VERSION
from tests.packaging.containers import ID, STOP_SECONDS, Container, Image, started, unpacked
from tests.paths import ROOT
from tests.support.archives import bala
from tests.support.debian import require_packages
from tests.support.registry_process import pulled, push
from tests.support.secret_scan import secrets_in

BUILD_SECONDS = 900
pytestmark = pytest.mark.timeout(BUILD_SECONDS)

PAUSE_SECONDS = 0.2  # Until the documentation is asked for again.
MOST_BYTES = 150_000_000  # Compressed.
DIST = ROOT / "dist"


@pytest.fixture(scope="session")
def image(build_python: Path) -> Image:
    """Build the image; the base of an earlier build is used again."""
    if os.geteuid() != 0:
        pytest.skip("the image is built and run by root")
    require_packages(["mmdebstrap", "buildah"])
    environment = {**os.environ, "PYTHON": str(build_python)}
    command = [str(ROOT / "packaging/image/build"), str(DIST)]
    subprocess.run(command, cwd=ROOT, env=environment, check=True, timeout=BUILD_SECONDS)
    return unpacked(f"localhost/ballroom:{SOFTWARE_VERSION}")


@pytest.fixture
def host(tmp_path: Path) -> Path:
    folder = tmp_path / "host"
    folder.mkdir()
    return folder


def token(container: Container) -> str:
    text = (container.data / "registry" / "Settings.toml").read_text()
    return re.findall(r'^accesstoken = "(\w+)"$', text, re.MULTILINE)[0]


def commands_in(text: str) -> list[str]:
    return re.findall(r"^  ((?:docker exec|curl) (?:.*\\\n)*.*)$", text, re.MULTILINE)


def test_the_printed_commands_run_on_the_host(image: Image, tmp_path: Path, host: Path) -> None:
    with started(image, tmp_path / "data") as container:
        path = f"{container.engine(host)}:{os.environ['PATH']}"
        for command in commands_in(container.printed()):
            done = subprocess.run(
                ["sh", "-c", command],
                cwd=host,
                env={"PATH": path},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, f"{command}\n{done.stdout}{done.stderr}"
        [archive] = host.glob("*.bala")
        assert archive.read_bytes() == (container.data / "registry" / "greet.bala").read_bytes()
        assert f"docker exec {ID} cat /data/registry/Settings.toml" in container.printed()


def test_a_release_is_there_after_a_kill_and_after_a_restart(image: Image, tmp_path: Path) -> None:
    archive = bala("acme/greet:1.0.0")
    with started(image, tmp_path / "data") as container:
        assert push(container.url, token(container), archive).status_code == 204
    with started(image, tmp_path / "data", WORKERS="2") as container:
        assert pulled(container.url, "acme/greet/1.0.0") == archive
        assert container.stop() == 0
    with started(image, tmp_path / "data") as container:
        assert pulled(container.url, "acme/greet/1.0.0") == archive


def test_the_confined_process_documents_a_release(image: Image, tmp_path: Path) -> None:
    source = """# Greets.
# + name - who is greeted
public function greet(string name = "you") returns string { // A comment.
    return string `Hello, ${name}`;
}
"""
    with started(image, tmp_path / "data") as container:
        archive = bala("acme/greet:1.0.0", entries={"modules/greet/greet.bal": source})
        assert push(container.url, token(container), archive).status_code == 204
        address = f"{container.url}/2.0/docs/acme/greet/1.0.0"
        while (answer := httpx.get(address, trust_env=False)).status_code == 503:
            time.sleep(PAUSE_SECONDS)
    assert answer.status_code == 200, answer.text
    assert "who is greeted" in answer.text


@pytest.mark.parametrize("workers", ["1", "2"])
def test_process_1_ends_all_within_the_time_of_engines(
    image: Image, tmp_path: Path, workers: str
) -> None:
    with started(image, tmp_path / "data", WORKERS=workers) as container:
        answer = push(container.url, token(container), bala("acme/greet:1.0.0"))
        assert answer.status_code == 204
        assert container.stop() == 0  # Raises after STOP_SECONDS.
        assert STOP_SECONDS <= 10


def test_operators_commands_and_the_health_check_run_inside(image: Image, tmp_path: Path) -> None:
    with started(image, tmp_path / "data") as container:
        assert container.execute("ballroom", "health").stdout == "The registry is ready.\n"
        listed = container.execute("ballroom", "admin", "account", "list")
        assert "admin" in listed.stdout, listed.stderr
        linked = container.execute("ballroom", "admin", "account", "add", "kim").stdout
        assert f"docker exec {ID} ballroom signin-link kim" in linked


def test_the_image_says_what_it_is_and_runs_without_root(image: Image) -> None:
    assert image.user == "10001:10001"
    assert image.health == ("CMD", "ballroom", "health")
    assert image.labels["org.opencontainers.image.version"] == SOFTWARE_VERSION
    assert {"BALLROOM_DATA=/data/registry", "BALLROOM_HOST=0.0.0.0"} <= set(image.environment)


def test_the_image_has_no_installer_and_is_small(image: Image, tmp_path: Path) -> None:
    assert not list(image.root.glob("opt/ballroom/lib/*/site-packages/pip*"))
    packed = tmp_path / "image.gz"
    with (DIST / "ballroom.tar").open("rb") as source, gzip.open(packed, "wb", 6) as target:
        shutil.copyfileobj(source, target)
    assert packed.stat().st_size < MOST_BYTES


def test_no_file_of_the_image_holds_a_secret(image: Image) -> None:
    """Certificates of authorities, which libraries bring, are public, and so are the examples in
    their READMEs, which are in METADATA."""
    ours = image.root / "opt/ballroom"
    files = [each for each in ours.rglob("*") if each.name not in {"cacert.pem", "METADATA"}]
    assert len(files) > 1_000
    found = [each for each in secrets_in(image.root, files) if "docs/use/tokens.md" not in each]
    assert found == []  # That page shows the form of a token.
