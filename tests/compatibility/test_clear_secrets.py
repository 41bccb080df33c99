"""Secrets of webhooks that an earlier version stored in clear, after the start of this one."""

import asyncio
import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from shared.adapters.sqlite.connections import schema_version
from shared.adapters.sqlite.database import MIGRATIONS
from shared.adapters.sqlite.events import SqliteEvents
from shared.bootstrap.build import build_registry
from shared.bootstrap.migration import migrate
from shared.domain.errors.requests import Busy
from shared.domain.webhooks import Webhook
from shared.services.organizations.webhook_secrets import WebhookSecrets
from shared.services.record_batches import all_entities
from tests.compatibility.fixtures import HERE, unpack_folder
from tests.support.storage import Folders
from tests.support.stored_bytes import bytes_of_files
from tests.support.terminal import Terminal
from tests.support.world import settings_of

BACKUP = HERE / "backups" / "16-0a231561"
CURRENT, BEFORE = json.loads(BACKUP.with_suffix(".json").read_text())["secrets"]
UPGRADES = "upgrades"  # The copy from before, which is the way back.


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """Return a registry of the earlier version, with rows that its database moved and deleted."""
    unpack_folder(BACKUP.with_suffix(".tar.xz"), tmp_path / "data")
    assert CURRENT.encode() in stored(tmp_path / "data")
    with closing(sqlite3.connect(tmp_path / "data" / "ballroom.db")) as old, old:
        old.execute("PRAGMA secure_delete = OFF")
        old.execute("CREATE TABLE scraps (text TEXT)")
        old.executemany("INSERT INTO scraps VALUES (?)", [(CURRENT * 20,)] * 200)
    with closing(sqlite3.connect(tmp_path / "data" / "ballroom.db")) as old, old:
        old.execute("PRAGMA secure_delete = OFF")
        old.execute("DROP TABLE scraps")
    return tmp_path / "data"


def stored(data: Path) -> bytes:
    """Return all files of the registry, except keys and the copy from before the upgrade."""
    files = dict(bytes_of_files(data))
    return b"".join(each for name, each in files.items() if not name.startswith(UPGRADES))


def start(data: Path, report: Callable[[str], None] = lambda _: None) -> None:
    migrate(settings_of(data, Folders()), report)


def signing(data: Path) -> list[tuple[str, ...]]:
    """Return the secrets that sign requests of each webhook."""

    async def read() -> list[tuple[str, ...]]:
        registry = build_registry(settings_of(data, Folders()))
        webhooks = await all_entities(registry.adapters.directory, Webhook)
        secrets = registry.organizations.webhook_secrets
        found = [await secrets.of(each) for each in webhooks]
        await registry.close()
        return found

    return asyncio.run(read())


def test_the_start_leaves_no_secret_in_pages_or_log(data: Path) -> None:
    told = list[str]()
    start(data, told.append)
    assert CURRENT.encode() not in stored(data)
    assert BEFORE.encode() not in stored(data)
    assert [each[:1] for each in signing(data)] == [(CURRENT,)]
    assert any("Encrypted the secrets of 1 webhook" in each for each in told)
    start(data, told.append)  # Nothing is left to do.
    assert len([each for each in told if each.startswith("Encrypted")]) == 1


@pytest.mark.parametrize("where", ["before", "between"])
def test_a_start_that_was_killed_is_repeated(
    data: Path, where: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        """The process ends."""

    if where == "before":

        async def encrypt_clear(*_: object) -> int:
            raise Killed

        monkeypatch.setattr(WebhookSecrets, "encrypt_clear", encrypt_clear)
    else:

        async def overwrite(*_: object) -> None:
            raise Killed

        monkeypatch.setattr(SqliteEvents, "overwrite_forgotten", overwrite)
    with pytest.raises(Killed):
        start(data)
    monkeypatch.undo()
    start(data)
    assert CURRENT.encode() not in stored(data)
    assert [each[:1] for each in signing(data)] == [(CURRENT,)]


def test_a_database_that_cannot_be_written_now_is_no_reason_not_to_start(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def encrypt_clear(*_: object) -> int:
        raise Busy

    monkeypatch.setattr(WebhookSecrets, "encrypt_clear", encrypt_clear)
    told = list[str]()
    start(data, told.append)
    assert any("until a task encrypts them" in each for each in told)
    monkeypatch.undo()
    assert [each[:1] for each in signing(data)] == [(CURRENT,)]
    start(data)
    assert CURRENT.encode() not in stored(data)


def test_a_restored_backup_of_the_earlier_version_is_encrypted_too(
    data: Path, tmp_path: Path
) -> None:
    terminal = Terminal(tmp_path / "restored")
    terminal.run("restore", str(data))
    start(tmp_path / "restored")
    assert CURRENT.encode() not in stored(tmp_path / "restored")
    with closing(sqlite3.connect(tmp_path / "restored" / "ballroom.db")) as records:
        assert schema_version(records) == len(MIGRATIONS)
