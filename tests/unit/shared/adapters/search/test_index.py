"""The file of an index."""

import sqlite3
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.listings import Listing
from shared.domain.packages import Texts
from tests.contract.sample_records import head, package, release


@pytest.fixture
async def index(tmp_path: Path) -> AsyncGenerator[SqliteSearchIndex]:
    """Return an index that shows acme/old and acme/greet."""
    index = SqliteSearchIndex(tmp_path / "search.db")
    index.migrate()
    await index.offer(listing("acme/old:1.0.0"))
    await index.offer(listing("acme/greet:1.0.0"))
    yield index
    index.close()


def listing(text: str) -> Listing:
    return Listing(head(text.split(":", 1)[0]), release(text, summary="Says hello"), Texts())


async def test_the_words_of_removed_packages_are_deleted(
    index: SqliteSearchIndex, tmp_path: Path
) -> None:
    await index.replace(listing("acme/greet:1.1.0"))
    await index.remove(package("acme/greet"))
    await index.remove(package("acme/old"))
    index.close()
    connection = sqlite3.connect(tmp_path / "search.db")
    assert connection.execute("SELECT * FROM counts").fetchall() == []
    connection.execute("INSERT INTO texts (texts, rank) VALUES ('integrity-check', 0)")
    connection.close()
