"""What the search index of one machine promises of several processes."""

import asyncio
import sqlite3
import subprocess
import sys
from collections.abc import Generator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.search import ANYONE, Query, ResultPage
from tests.contract.search_process import EACH
from tests.paths import ROOT

pytestmark = pytest.mark.slow

PROCESSES = 4
DEADLINE = 60  # Seconds.


@contextmanager
def searchers(place: Path) -> Generator[list[subprocess.Popen[str]]]:
    """Start processes and wait until each is ready; end them all in the end."""
    command = [sys.executable, "-m", "tests.contract.search_process", str(place)]
    started = [
        subprocess.Popen(
            [*command, str(me)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for me in range(PROCESSES)
    ]
    try:
        for each in started:
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        yield started
    finally:
        for each in started:
            each.kill()
            each.communicate()


async def test_concurrent_offers_of_processes_are_all_stored_and_the_best_of_each_package_is_shown(
    tmp_path: Path,
) -> None:
    index = SqliteSearchIndex(tmp_path / "search.db")
    index.migrate()
    with searchers(tmp_path) as started:
        for each in started:
            assert each.stdin is not None
            each.stdin.write("\n")
            each.stdin.flush()
        ended = [asyncio.to_thread(each.wait, DEADLINE) for each in started]
        assert await asyncio.gather(*ended) == [0] * PROCESSES
    results = await index.search(Query.parse("hello"), ResultPage(limit=1_000), ANYONE)
    assert results.count == len(results.hits) == PROCESSES * EACH + 1
    [greet] = (await index.search(Query.parse("acme/greet"), ResultPage(), ANYONE)).hits
    assert greet.listing.release.version == f"1.{EACH - 1}.{PROCESSES - 1}"
    index.close()
    with closing(sqlite3.connect(tmp_path / "search.db")) as connection:
        [(word_count,)] = connection.execute(
            "SELECT packages FROM counts WHERE counted = 'word' AND name = 'hello'"
        )
        assert word_count == PROCESSES * EACH + 1
