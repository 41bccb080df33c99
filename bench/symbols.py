"""Symbol search: milliseconds to one page with its count, over 100,000 and over a million symbols.

The packages are generated, with 100 symbols each: clients with methods, records, functions and
errors, named as in connectors. Queries are names, names after their parent or module, parts and
beginnings; each is asked once, so that no result is kept. Limits of p99, in processor time: 30 ms
over 100,000 symbols and 60 ms over a million. `python -m bench.symbols 200000` takes fewer.
"""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

from bench.synthetic_packages import Synthetic
from shared.adapters.search.index import SqliteSearchIndex
from shared.domain.api_docs.symbols import Symbol, pack_symbols
from shared.domain.listings import Listing
from shared.domain.search import ANYONE, ResultPage, SymbolQuery
from tests.support.search_files import filled_index

SYMBOLS_PER_PACKAGE = 100
LIMITS_MS = {100_000: 30.0, 1_000_000: 60.0}
QUERIES = 600  # So that p99 stands on six of them.

_VERBS = "get list create delete update parse send read write open close to from is has".split()  # noqa: SIM905 - short.
_NOUNS = (
    *("User", "Order", "Item", "Message", "Csv", "Json", "Xml", "File", "Event", "Token", "Page"),
    *("Invoice", "Payment", "Contact", "Ticket", "Issue", "Branch", "Commit", "Team", "Channel"),
    *("Query", "Table", "Row", "Batch", "Topic", "Queue", "Secret", "Key", "Policy", "Report"),
)
_SUFFIXES = ["", "s", "ById", "List", "Request", "Response", "Config", "V2", "Details", "Count"]


def main(most: int) -> None:
    print(
        f"{'symbols':>9}{'build s':>9}{'MB':>7}{'p50 ms':>9}{'p99 ms':>9}{'p99 CPU':>9}{'limit':>9}"
    )
    for count, limit_ms in LIMITS_MS.items():
        if count <= most:
            asyncio.run(_measure(count, limit_ms))


async def _measure(count: int, limit_ms: float) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "search.db"
        began = time.perf_counter()
        index = filled_index(file, _documented(count // SYMBOLS_PER_PACKAGE))
        build_s = time.perf_counter() - began
        times = [await _timed(index, text) for text in _queries()]
        index.close()
        megabytes = file.stat().st_size / 1_000_000
    clock, cpu = ([each[number] * 1_000 for each in times] for number in (0, 1))
    p50, p99, cpu99 = statistics.median(clock), _p99(clock), _p99(cpu)
    verdict = "" if cpu99 <= limit_ms else "  TOO SLOW"
    print(
        f"{count:>9,}{build_s:>9.0f}{megabytes:>7.0f}{p50:>9.1f}{p99:>9.1f}{cpu99:>9.1f}"
        f"{limit_ms:>9.0f}{verdict}"
    )


def _documented(packages: int) -> Iterator[Listing]:
    chance = random.Random(11)  # noqa: S311 - the same in every run.
    for listing in islice(Synthetic().listings(packages), packages):
        symbols = tuple(_symbols(listing.head.name, chance))
        yield Listing(listing.head, listing.release, listing.texts, symbols=pack_symbols(symbols))


def _symbols(module: str, chance: random.Random) -> Iterator[Symbol]:
    yield _symbol(module, "client", "Client", "", chance)
    for number in range(1, SYMBOLS_PER_PACKAGE):
        noun = f"{chance.choice(_NOUNS)}{chance.choice(_SUFFIXES)}"
        match number % 4:
            case 0 | 1:
                yield _symbol(module, "method", f"{chance.choice(_VERBS)}{noun}", "Client", chance)
            case 2:
                yield _symbol(module, "record", noun, "", chance)
            case _:
                yield _symbol(module, "function", f"{chance.choice(_VERBS)}{noun}", "", chance)


def _symbol(module: str, kind: str, name: str, parent: str, chance: random.Random) -> Symbol:
    return Symbol(
        kind=kind,
        module=module,
        parent=parent,
        name=name,
        signature=f"isolated function {name}({chance.choice(_NOUNS)} value) returns error?",
        description=f"Works with {chance.choice(_NOUNS)} of {module}.",
    )


def _queries() -> list[str]:
    chance = random.Random(12)  # noqa: S311 - the same in every run.
    made = dict.fromkeys(_query(chance) for _ in range(QUERIES * 3))
    return list(made)[:QUERIES]


def _query(chance: random.Random) -> str:
    verb, noun = chance.choice(_VERBS), chance.choice(_NOUNS)
    name = f"{verb}{noun}{chance.choice(_SUFFIXES)}"
    forms = (
        name,
        f"Client.{name}",
        f"{noun.lower()}:{name}",
        f"{verb} {noun}{chance.choice(_SUFFIXES)}",
        name[: chance.randint(2, len(name))],
        f"Client {noun}",
    )
    return chance.choice(forms)


async def _timed(index: SqliteSearchIndex, text: str) -> tuple[float, float]:
    clock, cpu = time.perf_counter(), time.process_time()
    await index.symbols(SymbolQuery.parse(text), ResultPage(limit=20), ANYONE)
    return time.perf_counter() - clock, time.process_time() - cpu


def _p99(times: list[float]) -> float:
    return statistics.quantiles(times, n=100)[98]


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else max(LIMITS_MS))
