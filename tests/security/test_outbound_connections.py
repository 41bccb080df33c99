"""A registry without settings connects to no other machine, whatever it is asked for.

It runs as its operator starts it. The program notes each lookup of a name and each connection.
"""

import json
import os
import subprocess
import sys
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from msgspec.structs import replace

from shared.domain.trusted_publishing.jobs import Provider
from tests.fakes.identity_provider import FakeInternet
from tests.paths import ROOT
from tests.sampling import FULL
from tests.security.routes import readable
from tests.support.archives import bala
from tests.support.browsers import signed_in
from tests.support.noted_connections import NOTED, noted
from tests.support.registry_process import pulled, push, running_registry
from tests.support.trusted_publishing import EXCHANGE, provider_issuers
from tests.support.waiting import BOUND_SECONDS
from tests.support.world import URL, OpenWorld, World

pytestmark = pytest.mark.measured

HERE = {"", "127.0.0.1", "::1", "localhost"}
PROGRAM = "tests.support.noted_connections"


def command(file: Path, data: Path, *arguments: str) -> str:
    """Run a command of an operator beside the registry; return what it prints."""
    ran = subprocess.run(
        [sys.executable, "-m", PROGRAM, *arguments],
        cwd=ROOT,
        env={**os.environ, NOTED: str(file), "BALLROOM_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
        timeout=BOUND_SECONDS,
    )
    return ran.stdout + ran.stderr


async def test_a_registry_without_settings_calls_no_other_machine(
    tmp_path: Path, world: World
) -> None:
    file = tmp_path / "noted"
    data = tmp_path / "data"
    addresses = sorted(readable(world.registry))[:: 1 if FULL else 4]
    with running_registry(data, workers=1, program=PROGRAM, NOTED_CONNECTIONS=str(file)) as started:
        for archive in (
            bala("me/greet:1.0.0", dependencies=["acme/absent:9.9.9"], tools=["greet"]),
            bala("me/secret:1.0.0", visibility="private"),
        ):
            assert push(started.url, started.token, archive).is_success
        assert pulled(started.url, "me/greet/1.0.0")
        credentials = {"Authorization": f"Bearer {started.token}"}
        async with httpx.AsyncClient(timeout=BOUND_SECONDS, trust_env=False) as http:
            for each in addresses:
                asked = each.replace(URL, started.url).replace("acme", "me")
                assert (await http.get(asked, headers=credentials)).status_code
        tasks = command(file, data, "upkeep", "run")
        command(file, data, "doctor")
    assert "create-snapshot: checked" in tasks
    assert [call for call in noted(file) if call[1] not in HERE] == []


def test_connections_of_the_program_are_noted(tmp_path: Path) -> None:
    file = tmp_path / "noted"
    command(file, tmp_path / "data", "health")
    assert ("socket.connect", "127.0.0.1") in noted(file)


FORBIDDEN = {"publish_from_github": "", "publish_from_gitlab": "", "webhook_hosts": ""}


@pytest.mark.parametrize("forbidden", [False, True], ids=["by_default", "forbidden"])
async def test_settings_forbid_what_people_and_jobs_cause(
    worlds: OpenWorld, *, forbidden: bool
) -> None:
    internet = FakeInternet()  # Reaches nobody, and notes whom it was asked for.
    settings = FORBIDDEN if forbidden else {}
    world = await worlds(**settings, wrap=lambda stores: replace(stores, fetcher=internet))
    job = provider_issuers(world.clock, URL).token(Provider.GITHUB)
    exchanged = await world.send("POST", EXCHANGE, content=json.dumps({"token": job}).encode())
    assert not exchanged.is_success
    path = "/account/organizations/acme/publishers"
    ann = await signed_in(world, world.people.ann, path)
    by_name = {"package": "greet", "provider": "github", "repository": "octo/greet"}
    assert (await ann.post(f"{path}/add", **by_name, workflow="release.yml")).is_error
    browser = await signed_in(world, world.people.ann)
    hook = {"url": "https://hooks.test/", "events": ["release"]}
    added = await browser.api("POST", "/api/v1/orgs/acme/webhooks", hook)
    assert added.is_success is not forbidden
    await world.push(bala("acme/greet:1.0.0"))
    await world.registry.maintenance.task_runner.run("deliver-webhooks")
    asked = {urlsplit(url).hostname for url in internet.asked}
    everybody = {"token.actions.githubusercontent.com", "api.github.com", "hooks.test"}
    assert asked == (set() if forbidden else everybody)
