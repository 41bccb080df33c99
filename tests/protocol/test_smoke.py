"""The script that tries a deployment, against a registry that is running."""

import os
import subprocess
import sys
import threading
from collections.abc import Generator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from tests.paths import ROOT
from tests.support.registry_process import Running, running
from tests.support.storage import one_machine

pytestmark = one_machine("it runs on a data folder")

BOUND_SECONDS = 60.0


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[Running]:
    with running(tmp_path_factory.mktemp("smoke") / "data", workers=1) as served:
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


@pytest.fixture
def unready() -> Generator[str]:
    """Return the address of a registry that is not ready."""
    with HTTPServer(("127.0.0.1", 0), Unready) as server:
        serving = threading.Thread(target=server.serve_forever, args=(0.01,))
        serving.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        serving.join()


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


def test_a_registry_that_answers_is_ready(registry: Running) -> None:
    tried = smoke("ready", registry.url)
    assert (tried.returncode, tried.stdout) == (0, f"{registry.url} is ready.\n")


def test_a_package_is_pushed_and_pulled(registry: Running) -> None:
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
    registry: Running, unready: str, arguments: list[str], token: str, said: str
) -> None:
    places = {"URL": registry.url, "UNREADY": unready}
    tried = smoke(*(places.get(each, each) for each in arguments), token=token)
    assert tried.returncode == 1
    assert said in tried.stderr
