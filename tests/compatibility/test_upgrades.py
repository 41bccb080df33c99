"""Data folders that programs of earlier commits wrote are upgraded by a start of this one.

Each is named by its commit. It has two releases of acme/greet, an administrator's token and their
session, which the file beside it has, with the time. `python -m shared.localhost` wrote them.
"""

import json
import sqlite3
from collections.abc import AsyncGenerator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.connections import schema_version
from shared.adapters.sqlite.database import MIGRATIONS
from shared.bootstrap.migration import migrate
from tests.compatibility.fixtures import HERE, unpack_folder
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.registry_process import RegistryProcess, running_registry
from tests.support.storage import Folders
from tests.support.world import World, opened, settings_of

COMMITS = ("8713683", "729dc017")
VERSIONS = ("1.0.0", "1.1.0")
ARCHIVE = {"Accept": "application/octet-stream"}
OF_THEIR_ADDRESS = "http://127.0.0.1:7511"


@dataclass(frozen=True)
class Earlier:
    """A copy of a data folder, and the credentials that were given out over it."""

    data: Path
    token: str
    cookies: dict[str, str]
    at_ms: int


@pytest.fixture(params=COMMITS)
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Earlier:
    data = tmp_path / "data"
    unpack_folder(HERE / "folders" / f"{request.param}.tar.xz", data)
    known = json.loads((HERE / "folders" / f"{request.param}.json").read_text())
    return Earlier(data, known["token"], known["cookies"], known["at_ms"])


@pytest.fixture
async def upgraded(earlier: Earlier) -> AsyncGenerator[World]:
    """Open the folder with this code at the time when it was written."""
    people: Any = None  # They are known by their credentials.
    given: dict[str, Any] = {"url": OF_THEIR_ADDRESS}
    migrate(settings_of(earlier.data, Folders(), **given))
    async with opened(
        earlier.data, people, storage=Folders(), at_ms=earlier.at_ms, seed="later", **given
    ) as world:
        yield world


async def test_packages_tokens_and_sessions_stay(earlier: Earlier, upgraded: World) -> None:
    registry = f"{OF_THEIR_ADDRESS}/2.0/registry"
    for version in VERSIONS:
        pulled = await upgraded.http.get(
            f"{registry}/packages/acme/greet/{version}", headers=ARCHIVE, follow_redirects=True
        )
        assert pulled.content == bala(f"acme/greet:{version}")
    pushed = await upgraded.http.post(
        f"{registry}/packages",
        content=multipart("greet.bala", bala("acme/greet:1.2.0")),
        headers={**FORM, "Authorization": f"Bearer {earlier.token}"},
    )
    assert pushed.status_code == 204
    cookies = "; ".join(f"{name}={value}" for name, value in earlier.cookies.items())
    page = await upgraded.http.get(f"{OF_THEIR_ADDRESS}/account", headers={"Cookie": cookies})
    assert page.status_code == 200


@pytest.fixture
def started(earlier: Earlier) -> Iterator[RegistryProcess]:
    with running_registry(earlier.data, workers=1) as registry:
        yield registry


def test_a_start_backs_up_and_serves_what_is_there(started: RegistryProcess) -> None:
    for version in VERSIONS:
        url = f"{started.base}/packages/acme/greet/{version}"
        pulled = httpx.get(url, headers=ARCHIVE, follow_redirects=True, trust_env=False)
        assert pulled.content == bala(f"acme/greet:{version}")
    [copy] = DataFolder(started.data).upgrades.iterdir()
    assert started.stop() == 0
    with closing(sqlite3.connect(DataFolder(copy).database)) as records:
        assert 0 < schema_version(records) < len(MIGRATIONS)
