"""An upgrade over several versions at once: a start over what any of the last ten schemas left.

The folders are the backups of `test_restore_drill.py`, which the program of each schema wrote; here
this program starts over them as they are, without a restore.
"""

import json
import sqlite3
from collections.abc import AsyncGenerator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from shared.adapters.data_folder import DataFolder
from shared.adapters.sqlite.connections import schema_version
from shared.adapters.sqlite.database import MIGRATIONS
from shared.bootstrap.migration import migrate
from tests.compatibility.fixtures import unpack_folder
from tests.compatibility.test_restore_drill import BACKUPS, VERSIONS, schema_in
from tests.protocol.bal.okhttp import FORM, multipart
from tests.support.archives import bala
from tests.support.storage import Folders
from tests.support.world import URL, World, opened, settings_of

VERSIONS_BEFORE = 10
REGISTRY = f"{URL}/2.0/registry"


@dataclass(frozen=True)
class Earlier:
    """A folder that a program of an earlier schema wrote, and its administrator's token."""

    data: Path
    token: str
    schema: int

    def written_ms(self) -> int:
        with closing(sqlite3.connect(DataFolder(self.data).database)) as records:
            [[newest]] = records.execute("SELECT max(body ->> '$.created_ms') FROM releases")
            return int(newest)


@pytest.fixture(params=BACKUPS[-VERSIONS_BEFORE:], ids=lambda file: file.name.partition(".")[0])
def earlier(request: pytest.FixtureRequest, tmp_path: Path) -> Earlier:
    file: Path = request.param
    token = json.loads(file.with_name(file.name.replace(".tar.xz", ".json")).read_text())["token"]
    unpack_folder(file, tmp_path / "data")
    return Earlier(tmp_path / "data", token, schema_in(file.name))


@pytest.fixture
async def upgraded(earlier: Earlier) -> AsyncGenerator[World]:
    people: Any = None  # They are known by their credentials.
    given: dict[str, Any] = {"url": URL}
    migrate(settings_of(earlier.data, Folders(), **given))
    async with opened(
        earlier.data,
        people,
        storage=Folders(),
        at_ms=earlier.written_ms() + 1_000,
        seed="later",
        **given,
    ) as world:
        yield world


async def test_an_upgrade_skips_versions_and_loses_nothing(
    earlier: Earlier, upgraded: World
) -> None:
    with closing(sqlite3.connect(DataFolder(earlier.data).database)) as records:
        assert schema_version(records) == len(MIGRATIONS)
        assert records.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
    [way_back] = DataFolder(earlier.data).upgrades.iterdir()
    assert way_back.name.endswith(f"-schema-{earlier.schema}")
    for version in VERSIONS:
        pulled = await upgraded.http.get(
            f"{REGISTRY}/packages/acme/greet/{version}",
            headers={"Accept": "application/octet-stream"},
            follow_redirects=True,
        )
        assert pulled.content == bala(f"acme/greet:{version}")
    pushed = await upgraded.http.post(
        f"{REGISTRY}/packages",
        content=multipart("greet.bala", bala("acme/greet:1.2.0")),
        headers={**FORM, "Authorization": f"Bearer {earlier.token}"},
    )
    assert pushed.status_code == 204, pushed.text
    runner = upgraded.registry.maintenance.task_runner
    for task in ("process-outboxes", "freeze-leaves", "repair-derived-data", "audit-archives"):
        report = await runner.run(task)
        assert report is not None
        assert report.problems == (), task
