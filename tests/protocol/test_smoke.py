"""The script that tries a deployment, against a registry that is running."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Generator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.paths import ROOT
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.storage import one_machine

pytestmark = one_machine("it runs on a data folder")

BOUND_SECONDS = 60.0


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    with running_registry(tmp_path_factory.mktemp("smoke") / "data", workers=1) as served:
        yield served


class Unready(BaseHTTPRequestHandler):
    """A registry that lacks its key."""

    def do_GET(self) -> None:
        body = b'{"message": "The registry has no key."}'
        self.send_response(503)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited.
        """Keep silent."""


class WithoutUploads(BaseHTTPRequestHandler):
    """Three apps behind Front Door, of which that for uploads has no package."""

    status_of_uploads = 503
    app_for_uploads = "uploads"

    def do_GET(self) -> None:
        name = self.path.partition("?app=")[2]
        app = self.app_for_uploads if name == "uploads" else name or "reads"
        body = json.dumps({"message": "Nobody is here.", "app": app}).encode()
        self.send_response(self.status_of_uploads if name == "uploads" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - as it is inherited.
        """Keep silent."""


class WithoutRule(WithoutUploads):
    """The same while a place of Front Door has no rule for that app."""

    status_of_uploads = 200
    app_for_uploads = "reads"


@contextmanager
def answering(registry: type[BaseHTTPRequestHandler]) -> Generator[str]:
    with HTTPServer(("127.0.0.1", 0), registry) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


@pytest.fixture
def unready() -> Generator[str]:
    """Return the address of a registry that is not ready."""
    with answering(Unready) as url:
        yield url


def smoke(*arguments: str, token: str = "") -> subprocess.CompletedProcess[str]:
    """Run the script."""
    environment = {"PATH": os.defpath, "BALLROOM_TOKEN": token, "PATIENCE": "0"}
    return subprocess.run(
        [sys.executable, ".ci/smoke.py", *arguments],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )


def test_a_registry_that_answers_is_ready(registry: RegistryProcess) -> None:
    tried = smoke("ready", registry.url)
    assert (tried.returncode, tried.stdout) == (0, f"{registry.url} is ready.\n")


def test_each_app_behind_front_door_is_asked() -> None:
    with answering(WithoutUploads) as url:
        tried = smoke("ready", url)
    assert tried.returncode == 1
    assert "/health/ready?app=uploads still says 503 (Nobody is here.)" in tried.stderr


def test_a_rule_that_is_not_everywhere_yet_is_reported_and_takes_no_package_back() -> None:
    with answering(WithoutRule) as url:
        tried = smoke("ready", url)
    assert tried.returncode == 0, tried.stderr
    assert "?app=uploads was answered by the app for reads" in tried.stdout
    assert f"{url} is ready.\n" in tried.stdout


def test_a_package_is_pushed_and_pulled(registry: RegistryProcess) -> None:
    tried = smoke("package", registry.url, "smoke/check", token=registry.token)
    assert tried.returncode == 0, tried.stderr
    assert "was pushed and pulled" in tried.stdout
    assert registry.token not in tried.stdout + tried.stderr


@pytest.mark.parametrize(
    ("arguments", "token", "said"),
    [
        (["ready", "UNREADY"], "", "still says 503 (The registry has no key.)"),
        (["package", "URL", "smoke/check"], "nonsense", "The push was answered 401"),
        (["package", "URL", "smoke/check"], "", "There is no token"),
        (["elsewhere"], "", "usage:"),
    ],
)
def test_a_failure_says_what_is_wrong(
    registry: RegistryProcess, unready: str, arguments: list[str], token: str, said: str
) -> None:
    places = {"URL": registry.url, "UNREADY": unready}
    tried = smoke(*(places.get(each, each) for each in arguments), token=token)
    assert tried.returncode == 1
    assert said in tried.stderr
