"""Search: milliseconds to one page with its exact count, over real and over many packages.

CPU time is told apart, because it says what a search costs whatever else the machine does.
The same queries go to the registry's index, to SQL `LIKE` over a plain table, and to a plain FTS5
table ordered by `bm25`: what one writes on the first day. Neither of these knows typos, fields or
who may see what, so they answer less. `python -m bench.search 20000` takes fewer packages.

The judged queries and questions of `tests/search` tell how good the results are over the real
packages, beside a plain ranking over names, keywords and dependents. `--judged` prints this alone;
`--texts FILE` adds summaries and readmes, as `tests/search/corpus.py` reads them.
"""

import argparse
import asyncio
import random
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path

from bench.support.synthetic_packages import Synthetic
from shared.domain.listings import Listing
from shared.domain.search import ANYONE, Query, ResultPage, Sort
from tests.search.corpus import Corpus
from tests.search.judging import (
    TUNING,
    UNREAD,
    first_page,
    halved_questions,
    heldout_questions,
    judge,
    judged_queries,
    questions,
)
from tests.search.plain_ranking import PlainRanking
from tests.search.symbol_corpus import declaring, documented, first_symbols
from tests.support.search_files import filled_index

MANY = 100_000
QUERIES = 600  # So that p99 stands on six of them.
PEER_QUERIES = 60  # LIKE over many packages takes a third of a second each.

Source = Callable[[], Iterator[Listing]]
Times = tuple[float, float]  # Seconds on the clock, and of the processor.
Search = Callable[[str], Awaitable[object]]


@dataclass(frozen=True)
class Subject:
    """Something that answers searches, and what it took to build it."""

    name: str
    seconds: float
    megabytes: float
    search: Search


async def main(many: int, texts: Path | None, *, only_judged: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        await show_judged(Path(folder) / "search.db", Corpus.read(texts=texts))
        await show_judged_symbols(Path(folder) / "symbols.db", Corpus.read())
    if only_judged:
        return
    heads = "".join(f"{head:>9}" for head in ("build s", "MB", "p50 ms", "p99 ms", "p99 CPU"))
    print(f"{'packages':>9} {'engine':<22}{heads}")
    for source in (Corpus.read().listings, lambda: Synthetic().listings(many)):
        with tempfile.TemporaryDirectory() as folder:
            queries = list(_queries(_sample(source())))
            count = len({listing.head.package.key for listing in source()})
            for build in (_ours, _like, _full_text):
                subject = await build(source, Path(folder))
                mix = queries if build is _ours else queries[:PEER_QUERIES]
                show(count, subject, [await _timed(subject.search, text) for text in mix])


async def show_judged(path: Path, corpus: Corpus) -> None:
    """Print how often the judged queries and questions find what people want."""
    index = filled_index(path, corpus.listings())
    plain = PlainRanking(corpus.listings())
    rankings = {"this registry": partial(first_page, index), "plain": plain.search}
    authors = ("tuner", "independent", "second")
    asked = {"queries": judged_queries(), **{each: questions(each) for each in authors}}
    asked["held out"] = heldout_questions()
    for half in (TUNING, UNREAD):
        fourth = halved_questions("fourth", half)
        asked[f"fourth, {half}"] = fourth
        for kind in ("german", "spanish", "negation"):
            asked[f"fourth, {half}, {kind}"] = [each for each in fourth if each.kind == kind]
        asked[f"fifth, {half}"] = halved_questions("fifth", half)
    print(f"{'judged':>9} {'ranking':<36}{'MRR':>9}{'first':>9}")
    for (kind, queries), (name, search) in product(asked.items(), rankings.items()):
        if queries:
            verdict = await judge(search, queries)
            figures = f"{verdict.mean_reciprocal_rank:>9.3f}{verdict.first_is_right:>9.0%}"
            print(f"{verdict.queries:>9} {f'{name}, {kind}':<36}{figures}")
    index.close()


async def show_judged_symbols(path: Path, corpus: Corpus) -> None:
    """Print how often the questions about symbols find what people want."""
    for name, listings in (("symbols", documented), ("declarations", declaring)):
        index = filled_index(path.with_stem(name), [each async for each in listings(corpus)])
        for half in (TUNING, UNREAD):
            verdict = await judge(partial(first_symbols, index), halved_questions(name, half))
            figures = f"{verdict.mean_reciprocal_rank:>9.3f}{verdict.first_is_right:>9.0%}"
            print(f"{verdict.queries:>9} {f'this registry, {name}, {half}':<36}{figures}")
        index.close()


def show(count: int, subject: Subject, times: Sequence[Times]) -> None:
    wall, cpu = ([each * 1000 for each in column] for column in zip(*times, strict=True))
    figures = (subject.seconds, subject.megabytes, statistics.median(wall), _p99(wall), _p99(cpu))
    print(f"{count:>9,} {subject.name:<22}{''.join(f'{each:>9.2f}' for each in figures)}")


def _p99(values: Sequence[float]) -> float:
    return statistics.quantiles(values, n=100, method="inclusive")[98]


def _sample(listings: Iterable[Listing]) -> list[Listing]:
    """Return a thousand listings, spread evenly."""
    kept = list(listings)
    return kept[:: max(1, len(kept) // 1_000)]


def _queries(sample: Sequence[Listing]) -> Iterator[str]:
    """Yield what people type: mostly names and their beginnings, then words, typos and fields."""
    chance = random.Random(7)  # noqa: S311 - the point is to repeat it.
    kinds = [_name, _name, _beginning, _beginning, _beginning, _word, _word, _words, _words]
    kinds += [_typo, _typo, _path, _in_org, _keyword, _phrase, _pattern, _everything]
    for _ in range(QUERIES):
        yield chance.choice(kinds)(chance, chance.choice(sample))


def _name(_chance: random.Random, listing: Listing) -> str:
    return listing.head.name


def _beginning(chance: random.Random, listing: Listing) -> str:
    part = chance.choice(listing.head.name.split("."))
    return part[: chance.randint(2, max(2, len(part) - 1))]


def _text(listing: Listing) -> list[str]:
    return f"{listing.release.summary} {listing.head.name}".replace(".", " ").split()


def _word(chance: random.Random, listing: Listing) -> str:
    return chance.choice(_text(listing))


def _words(chance: random.Random, listing: Listing) -> str:
    return " ".join(chance.choices(_text(listing), k=chance.randint(2, 3)))


def _typo(chance: random.Random, listing: Listing) -> str:
    word = max(_text(listing), key=len)
    place = chance.randrange(1, max(2, len(word) - 1))
    return word[:place] + word[place + 1 : place + 2] + word[place : place + 1] + word[place + 2 :]


def _path(_chance: random.Random, listing: Listing) -> str:
    return str(listing.head.package)


def _in_org(chance: random.Random, listing: Listing) -> str:
    return f"org:{listing.head.org} {_word(chance, listing)}"


def _keyword(chance: random.Random, listing: Listing) -> str:
    return f"keyword:{chance.choice(listing.release.keywords or ('connector',))}"


def _phrase(_chance: random.Random, listing: Listing) -> str:
    return f'"{" ".join(_text(listing)[:2])}"'


def _pattern(chance: random.Random, listing: Listing) -> str:
    return f"*{_word(chance, listing)[1:5]}*"


def _everything(_chance: random.Random, _listing: Listing) -> str:
    return ""


async def _timed(search: Search, text: str) -> Times:
    wall = time.perf_counter()
    cpu = time.process_time()
    await search(text)
    return time.perf_counter() - wall, time.process_time() - cpu


async def _ours(source: Source, folder: Path) -> Subject:
    path = folder / "search.db"
    began = time.perf_counter()
    index = filled_index(path, source())
    seconds = time.perf_counter() - began
    index.close()  # Everything in the log is now in the file.

    async def search(text: str) -> object:
        # One in six lists by something else, as a page of newest or of most used packages does.
        sort = Sort.PULLS if len(text) % 6 == 0 else Sort.RELEVANCE
        return await index.search(Query.parse(text), ResultPage(sort=sort), ANYONE)

    return Subject("this registry", seconds, path.stat().st_size / 1e6, search)


async def _like(source: Source, folder: Path) -> Subject:
    path = folder / "like.db"
    where = "body LIKE ?"
    connection, seconds = _plain(source, path, "CREATE TABLE packages (name, body)")

    async def search(text: str) -> object:
        words = [f"%{word}%" for word in _bare(text)] or ["%"]
        condition = " AND ".join([where] * len(words))
        return _answer(connection, condition, "name", words)

    return Subject("SQL LIKE", seconds, path.stat().st_size / 1e6, search)


async def _full_text(source: Source, folder: Path) -> Subject:
    path = folder / "fts.db"
    table = "CREATE VIRTUAL TABLE packages USING fts5(name, body)"
    connection, seconds = _plain(source, path, table)

    async def search(text: str) -> object:
        words = " AND ".join(f'"{word}" *' for word in _bare(text))
        condition = "packages MATCH ?" if words else "? = ''"
        return _answer(connection, condition, "rank" if words else "name", [words])

    return Subject("FTS5 by bm25", seconds, path.stat().st_size / 1e6, search)


def _plain(source: Source, path: Path, table: str) -> tuple[sqlite3.Connection, float]:
    """Build a table of the newest listing of each package."""
    connection = sqlite3.connect(path, isolation_level=None)
    newest = {listing.head.package.key: listing for listing in source()}
    began = time.perf_counter()
    connection.execute(table)
    connection.execute("BEGIN")
    connection.executemany(
        "INSERT INTO packages VALUES (?, ?)",
        ((str(each.head.package), _body(each)) for each in newest.values()),
    )
    connection.execute("COMMIT")
    return connection, time.perf_counter() - began


def _body(listing: Listing) -> str:
    release = listing.release
    texts = [str(listing.head.package), *release.keywords, release.summary, listing.texts.readme]
    return " ".join(texts)


def _bare(text: str) -> list[str]:
    """Return the words of a query without its signs."""
    words = text.partition(":")[2] if ":" in text else text
    return words.translate(dict.fromkeys(map(ord, '"*./&'), " ")).split()


def _answer(
    connection: sqlite3.Connection, condition: str, order: str, values: list[str]
) -> object:
    """Return a page and the count, as a registry has to."""
    count = f"SELECT count(*) FROM packages WHERE {condition}"  # noqa: S608 - ours.
    page = f"SELECT name FROM packages WHERE {condition} ORDER BY {order} LIMIT 10"  # noqa: S608
    total = connection.execute(count, values).fetchone()
    return total, connection.execute(page, values).fetchall()


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("many", nargs="?", type=int, default=MANY, help="invented packages")
    options.add_argument("--judged", action="store_true", help="print the judged queries alone")
    options.add_argument("--texts", type=Path, help="summaries and readmes, as JSON")
    chosen = options.parse_args()
    asyncio.run(main(chosen.many, chosen.texts, only_judged=chosen.judged))
