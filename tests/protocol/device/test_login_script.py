"""A machine logs in by the script that the registry hands out, and by the command of a clone."""

import asyncio
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from msgspec.structs import replace

from functions.faces import build_app
from shared.adapters.system import SystemClock
from shared.bootstrap.build import build_registry
from shared.hosting.host import Host
from shared.hosting.http_server.server import bind
from shared.registry import Registry as Served
from tests.paths import ROOT
from tests.reaching import noted
from tests.support.other_services import with_services
from tests.support.server import served_app
from tests.support.storage import STORAGE
from tests.support.world import Template, settings_of

pytestmark = pytest.mark.slow

SECONDS = 60  # Generous: a slow machine is no failure.

SCRIPT = (sys.executable, "-I", "-")  # As in `curl … | python3 -`.
CLONE = (sys.executable, "-m", "shared.cli", "login")


@dataclass(frozen=True)
class Registry:
    """A registry that listens, and whose machines need not wait between questions."""

    url: str
    links: Iterator[str]  # Each signs Ann in, once.

    def answer(self, code: str, decision: str) -> None:
        """Answer a code as Ann does in her browser."""
        with httpx.Client(base_url=self.url, follow_redirects=True) as browser:
            path, _, secret = next(self.links).partition("#")
            self._send(browser, path, code=secret)
            self._send(browser, "/device", code=code, decision=decision)

    def _send(self, browser: httpx.Client, path: str, **fields: str) -> None:
        """Open a page, and send its form."""
        [csrf, *_] = re.findall(r'name="csrf" value="([^"]+)"', browser.get(path).text)
        browser.post(path, data={"csrf": csrf, **fields}).raise_for_status()


@contextmanager
def listening(template: Template, folder: Path) -> Generator[Registry]:
    """Serve a copy of the template."""
    STORAGE.copy(template.folder, folder)
    bound = bind("127.0.0.1", 0)
    url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    registry = _opened(folder, url)
    device_login = replace(registry.tokens.device_login, interval=timedelta())
    patient = with_services(registry, "tokens", device_login=device_login)
    host = Host(build_app(patient), on_stop=[registry.close])
    with served_app(host, at=bound):
        beside = _opened(folder, url)
        yield Registry(url, iter(asyncio.run(_links(template, beside))))
    STORAGE.forget(folder)


def _opened(folder: Path, url: str) -> Served:
    settings = settings_of(folder, url=url)
    stores = asyncio.run(STORAGE.stores(settings, SystemClock()))
    return build_registry(settings, noted(stores))


async def _links(template: Template, beside: Served) -> list[str]:
    """Make links as an operator does, beside the running registry."""
    ann = template.people.ann.account.id
    links = [(await beside.identity.sign_in_links.create(ann)).reveal() for _ in range(2)]
    await beside.close()
    return links


@pytest.fixture
def registry(template: Template, scratch: Path) -> Generator[Registry]:
    with listening(template, scratch / "data") as registry:
        yield registry


@dataclass(frozen=True)
class Ended:
    """What became of a login."""

    code: int
    printed: str


def log_in(
    registry: Registry,
    home: Path,
    *options: str,
    start: Sequence[str] = SCRIPT,
    decision: str = "approve",
) -> Ended:
    """Run the script or a command, answer the code that it shows, and wait for its end."""
    with subprocess.Popen(
        [*start, *options],
        cwd=ROOT,
        env={"HOME": str(home)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(httpx.get(f"{registry.url}/login.py").raise_for_status().text)
        process.stdin.close()
        printed = ""
        try:
            for line in process.stdout:
                printed += line
                if found := re.fullmatch(r"  ([A-Z]{4}-[A-Z]{4})\n", line):
                    registry.answer(found[1], decision)
            return Ended(process.wait(SECONDS), printed)
        finally:
            process.kill()  # It waits for an answer as long as the code is good for.


def settings(home: Path) -> dict[str, Any]:
    return tomllib.loads((home / ".ballerina" / "Settings.toml").read_text("utf-8"))


def who(registry: Registry, token: str) -> str:
    """Return whom a token is of."""
    bearer = {"Authorization": f"Bearer {token}"}
    return httpx.get(f"{registry.url}/api/v1/whoami", headers=bearer).json()["name"]


@pytest.mark.parametrize("start", [SCRIPT, CLONE], ids=["script", "clone"])
def test_a_machine_that_is_approved_has_settings_that_work(
    registry: Registry, tmp_path: Path, start: tuple[str, ...]
) -> None:
    options = [registry.url] if start is CLONE else []
    ended = log_in(registry, tmp_path, *options, "--push", start=start)
    assert ended.code == 0, ended.printed
    [entry] = settings(tmp_path)["repository"]["maven"]
    assert entry["url"] == f"{registry.url}/2.0/maven"
    assert (entry["id"], entry["username"], entry["proxyCentral"]) == ("ballroom", "ann", False)
    assert who(registry, entry["accesstoken"]) == "ann"
    assert entry["accesstoken"] not in ended.printed
    for said in (f"{registry.url}/device", "Approved by ann", "for 90 days", "bal push"):
        assert said in ended.printed


def test_the_oldest_python_that_is_promised_logs_in(registry: Registry, tmp_path: Path) -> None:
    python = oldest_python()
    (tmp_path / ".ballerina").mkdir()
    (tmp_path / ".ballerina" / "Settings.toml").write_text('[proxy]\nhost = "p" # [x]\n')
    ended = log_in(registry, tmp_path, start=(python, "-I", "-"))
    assert ended.code == 0, ended.printed
    assert settings(tmp_path)["proxy"] == {"host": "p"}
    assert who(registry, settings(tmp_path)["repository"]["maven"][0]["accesstoken"]) == "ann"


def oldest_python() -> str:
    """Return an interpreter of the oldest version that the script promises, or skip."""
    python = shutil.which("python3.9")
    check = [python or "", "-c", "import sys; sys.exit(sys.version_info[:2] != (3, 9))"]
    # A name on the PATH proves little: version managers put up fronts.
    if python is None or subprocess.run(check, capture_output=True, check=False).returncode:
        pytest.skip("there is no python3.9 on the PATH")
    return python


def test_a_second_login_replaces_the_token_and_leaves_the_rest_with_a_copy(
    registry: Registry, tmp_path: Path
) -> None:
    file = tmp_path / ".ballerina" / "Settings.toml"
    file.parent.mkdir()
    before = (
        '# Mine.\n[proxy]\nhost = "p"\n\n# The registry at http://old.test\n[[repository.maven]]\n'
        'id = "x"\naccesstoken = "old"\n'
    )
    file.write_text(before)
    ended = log_in(registry, tmp_path, "--id", "x", "--central")
    assert ended.code == 0, ended.printed
    after = settings(tmp_path)
    assert after["proxy"] == {"host": "p"}
    [entry] = after["repository"]["maven"]
    assert who(registry, entry["accesstoken"]) == "ann"
    assert after["central"] == {"accesstoken": entry["accesstoken"]}
    [backup] = file.parent.glob("Settings.toml.*.bak")
    assert backup.read_text() == before
    assert str(backup) in ended.printed
    assert file.read_text().startswith("# Mine.\n")


def test_a_proxy_of_central_is_made_on_request_and_renewed_from_then_on(
    registry: Registry, tmp_path: Path
) -> None:
    log_in(registry, tmp_path, "--proxy")
    first = settings(tmp_path)["repository"]["maven"]
    log_in(registry, tmp_path)
    second = settings(tmp_path)["repository"]["maven"]
    for entries in (first, second):
        assert [each["id"] for each in entries] == ["ballroom", "ballroom-central"]
        assert [each["proxyCentral"] for each in entries] == [False, True]
        [token] = {each["accesstoken"] for each in entries}
        assert who(registry, token) == "ann"
    assert first[0]["accesstoken"] != second[0]["accesstoken"]


def test_the_command_of_the_page_of_a_new_token_writes_that_token(
    registry: Registry, template: Template, tmp_path: Path
) -> None:
    token = template.people.ann.token
    done = subprocess.run(
        ["/bin/sh", "-c", f"curl -fsS {registry.url}/login.py | {sys.executable} - --token"],
        env={"HOME": str(tmp_path), "PATH": os.environ["PATH"], "BALLROOM_TOKEN": token},
        capture_output=True,
        text=True,
        check=False,
        timeout=SECONDS,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [entry] = settings(tmp_path)["repository"]["maven"]
    assert (entry["username"], entry["accesstoken"]) == ("ann", token)
    assert token not in done.stdout


def test_a_machine_that_is_refused_changes_nothing(registry: Registry, tmp_path: Path) -> None:
    ended = log_in(registry, tmp_path, decision="refuse")
    assert ended.code == 1
    assert "The request of this device was denied." in ended.printed
    assert not (tmp_path / ".ballerina").exists()
