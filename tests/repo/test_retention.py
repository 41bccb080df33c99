"""shared/declarations/retention.py has a row for everything in which a registry keeps data, and
docs/run/personal-data.md has its tables."""

import re
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

from shared.adapters.blob.client import BLOB_CONTAINERS
from shared.adapters.sqlite.database import MIGRATIONS, Database
from shared.declarations.retention import RETENTION, KeptStore, kept_kinds
from tests.paths import ROOT, docs
from tests.support.archives import bala
from tests.support.registry_process import pulled, push, running_registry
from tests.support.retention_table import retention_tables
from tests.unit.shared.domain.test_snapshots import entities

MODULES = ROOT / "infra/modules"
# The templates of one machine write no log beside these.
CADDYFILE = ROOT / "infra/machine/Caddyfile"


def declared(names: Callable[[KeptStore], Iterable[str]]) -> set[str]:
    return {name for store in RETENTION for name in names(store)}


def test_the_page_has_the_tables_of_the_declarations() -> None:
    [text] = re.findall(
        r"<!-- retention.*? -->\n(.*?)\n<!-- end -->", docs("run/personal-data"), re.S
    )
    assert text.strip() == retention_tables()


def test_every_table_of_the_database_has_a_row(tmp_path: Path) -> None:
    Database(tmp_path / "ballroom.db", MIGRATIONS).migrate()
    with closing(sqlite3.connect(tmp_path / "ballroom.db")) as connection:
        rows = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
        tables = {name for (name,) in rows if not name.startswith("sqlite_")}
    assert declared(lambda store: store.tables) == tables


def test_every_container_has_a_row() -> None:
    [listed] = re.findall(
        r"^var containers = \[\n(.*?)^\]", (MODULES / "cosmos.bicep").read_text(), re.S | re.M
    )
    assert declared(lambda store: store.items) == set(re.findall(r"name: '(\w+)'", listed))
    assert declared(lambda store: store.blobs) == set(BLOB_CONTAINERS)


def test_every_log_that_the_templates_turn_on_has_a_row() -> None:
    turned_on = {
        category
        for file in MODULES.glob("*.bicep")
        for logs in re.findall(r"\blogs: \[(.*?)\]", file.read_text(), re.S)
        for category in re.findall(r"category: '(\w+)'", logs)
    }
    assert declared(lambda store: store.logs) == turned_on
    assert not re.search(r"^\s*log\b", CADDYFILE.read_text(), re.M)


def test_every_file_of_a_data_folder_has_a_row(tmp_path: Path) -> None:
    with running_registry(tmp_path / "data", workers=1, BALLROOM_METRICS="loopback") as registry:
        archive = bala("acme/greet:1.0.0")
        assert push(registry.url, registry.token, archive).status_code == 204
        assert pulled(registry.url, "acme/greet/1.0.0") == archive
        there = {each.name for each in registry.data.iterdir()}
    there |= {each.name for each in (tmp_path / "data").iterdir()}
    assert there - declared(lambda store: store.files) == set()


def test_every_kind_of_record_has_one_row() -> None:
    rows = Counter(kind for kind, _ in kept_kinds())
    assert {kind: count for kind, count in rows.items() if count > 1} == {}
    assert set(rows) == entities()
