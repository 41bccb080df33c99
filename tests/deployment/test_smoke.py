"""The script that tries a deployment, against a registry that is running."""

import json
import os
import subprocess
import sys
from collections.abc import Generator

import pytest

from tests.paths import ROOT
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.served_handlers import QuietHandler, served_handler
from tests.support.waiting import BOUND_SECONDS


@pytest.fixture(scope="module")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Generator[RegistryProcess]:
    with running_registry(tmp_path_factory.mktemp("smoke") / "data", workers=1) as served:
        yield served


class Unready(QuietHandler):
    """A registry that lacks its key."""

    def do_GET(self) -> None:
        self.answer(503, b'{"message": "The registry has no key."}')


class WithoutUploads(QuietHandler):
    """Three apps behind Front Door, of which that for uploads has no package."""

    status_of_uploads = 503
    app_for_uploads = "uploads"

    def do_GET(self) -> None:
        name = self.path.partition("?app=")[2]
        app = self.app_for_uploads if name == "uploads" else name or "reads"
        body = json.dumps({"message": "Nobody is here.", "app": app}).encode()
        self.answer(self.status_of_uploads if name == "uploads" else 200, body)


class WithoutRule(WithoutUploads):
    """The same while a place of Front Door has no rule for that app."""

    status_of_uploads = 200
    app_for_uploads = "reads"


@pytest.fixture
def unready() -> Generator[str]:
    """Return the address of a registry that is not ready."""
    with served_handler(Unready) as url:
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
    with served_handler(WithoutUploads) as url:
        tried = smoke("ready", url)
    assert tried.returncode == 1
    assert "/health/ready?app=uploads still says 503 (Nobody is here.)" in tried.stderr


def test_a_rule_that_is_not_everywhere_yet_is_reported_and_takes_no_package_back() -> None:
    with served_handler(WithoutRule) as url:
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
