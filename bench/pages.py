"""Pages: how many a second, beside the pages of two peers, over the real index of `make demo`.

Ours are asked for twice: at one address, where an answer stands for five seconds, and each time at
an address that nobody asked for before, where each page is made. Each package was looked at once
before, so its readme is rendered; that first pass is shown beside it. Words that were searched
before are known until something is written, so "new words" are beginnings of names, each asked for
once. The API is searched for words of which one in ten is new. Aims: as many pages made as the
better peer has, 1,500 searches of the API, twice as many that stand, p99 below 100 ms with 32
connections, and 50 ms of processor for a page that is made.

A browser that opens a package at verdaccio asks for three things: a page without content, the
package, and its readme; what is counted is all three, and the package alone is shown beside it.
"""

import asyncio
import os
import random
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import demo
from bench.azure_local import Cost, cost
from bench.load_generator import Load, load, load_each, require_wrk
from bench.processor_time import processor_seconds
from bench.reads import publish_npm
from bench.servers import Server, ballroom, pypiserver, verdaccio, workspace
from shared.bootstrap import build_registry, embedded_adapters
from shared.settings import Settings

STANDS_AIM, MADE_AIM, MOST_P99_MS, MOST_MADE_MS = 2, 1, 100, 50
VERSIONS = 20  # Of a package at the peers; the median of ours has two.
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
README = (
    "# greet\n\n" + "It says hello, and a little more than that.\n\n" * 40
)  # 2 KB, as ours have.
NEW_WORDS, SHORTEST = "search, new words", 3
API, API_AIM = "search of the API", 1_500  # A second.
WORDS = ("http", "kafka", "client", "json", "azure", "sql", "health", "log", "oauth", "mail")

# Its site answers some thousand requests, and then refuses; here one client is many.
NPM_SITE = "{enable: true, rateLimit: {windowMs: 1000, max: 1000000}}"

# What a browser asks a peer for to show a package.
NPM = (
    "/-/web/detail/greet",
    "/-/verdaccio/data/sidebar/greet",
    "/-/verdaccio/data/package/readme/greet",
)
PYPI = "/simple/greet/"


@dataclass(frozen=True)
class Row:
    """One kind of page: one that stands, and those that are made."""

    name: str
    stands: Load
    first_ms: float  # Of processor, of each page that nobody has seen before.
    made: Cost
    alone: Load


def main() -> None:
    require_wrk()
    with workspace() as folder:
        filled(folder / "data")
        with (
            ballroom(folder) as ours,
            verdaccio(folder, NPM_SITE) as npm,
            pypiserver(folder) as pypi,
        ):
            publish(npm, pypi)
            peer = show_peers(npm, pypi)
            for name, paths in pages(ours).items():
                show(measure(name, ours, paths), peer)
    print(f"\nload average {os.getloadavg()[0]:.1f}")


def filled(folder: Path) -> None:
    """Have the demonstration in a folder: a copy of the one that is there, or a new one.

    Its documentation is finished, which takes minutes: else it is made while pages are measured.
    """
    known = Path(os.environ.get("BALLROOM_DATA", demo.FOLDER))
    if (known / demo.FULL).exists():
        shutil.copytree(known, folder)
    elif demo.INDEX.exists():
        demo.fill(folder, demo.read_releases(demo.INDEX, demo.PACKAGES))
    else:
        sys.exit(f"There is no index of real packages at {demo.INDEX}, so there are no pages.")
    asyncio.run(_finish_documentation(folder))


async def _finish_documentation(folder: Path) -> None:
    settings = Settings.load().model_copy(update={"data": folder, "log_level": "error"})
    registry = build_registry(settings, embedded_adapters(settings))
    try:
        while (report := await registry.maintenance.upkeep.run("generate-api-docs")) is not None:
            if not report.unfinished:
                break
    finally:
        await registry.close()


def publish(npm: Server, pypi: Server) -> None:
    """Publish the same number of versions to each peer."""
    with httpx.Client(timeout=60) as client:
        for patch in range(VERSIONS):
            publish_npm(npm, client, f"1.0.{patch}", b"x" * 2_000, readme=README)
    for patch in range(VERSIONS):
        (pypi.folder / "pypi" / f"greet-1.0.{patch}.tar.gz").write_bytes(b"x" * 2_000)


def pages(ours: Server) -> dict[str, list[str]]:
    """Return the paths of each kind of page; those of packages are in the map of the site."""
    found = re.compile(r"<loc>http://[^/]*(/[^<]*)</loc>")
    with httpx.Client(base_url=ours.url, timeout=60) as client:
        parts = found.findall(client.get("/sitemap.xml").raise_for_status().text)
        mapped = [path for part in parts for path in found.findall(client.get(part).text)]
    packages = [path for path in mapped if path.startswith("/packages/")]
    print(f"\n{len(packages):,} packages", flush=True)
    queries = [f"/search?q={word}" for word in WORDS]
    narrowed = [f"/search?q={word}&kind=library&sort=pulls" for word in WORDS]
    # Different new words than those of the pages, which are known then.
    new_words = beginnings(packages)
    pages_words, api_words = new_words[::2], new_words[1::2]
    asked = [word for new in api_words for word in (*WORDS[1:], new)]
    return {
        "home": ["/"],
        "search": ["/search", *queries, *narrowed],
        NEW_WORDS: [f"/search?q={word}" for word in pages_words],
        API: [f"/2.0/registry/search-packages?q={word}" for word in asked],
        "package": packages,
    }


def beginnings(packages: Sequence[str]) -> list[str]:
    """Return all beginnings of the names of packages, as people type them, in no order."""
    names = [path.rpartition("/")[2] for path in packages]
    words = sorted({name[:end] for name in names for end in range(SHORTEST, len(name) + 1)})
    random.Random(7).shuffle(words)  # noqa: S311 - the point is to repeat it.
    return words


def show_peers(npm: Server, pypi: Server) -> float:
    """Print what the peers do, and return how many pages a second the better one shows."""
    parts = [load(f"{npm.url}{path}", headers=BROWSER) for path in NPM]
    simple = load(f"{pypi.url}{PYPI}", headers=BROWSER)
    whole = 1 / sum(1 / each.per_second for each in parts)
    print("\npeers")
    for path, part in zip(NPM, parts, strict=True):
        print(f"  verdaccio   {part}  {path}")
    print(f"  verdaccio   {whole:9,.0f}/s  all three: its package page")
    print(f"  pypiserver  {simple}  {PYPI}", flush=True)
    return max(whole, simple.per_second)


def measure(name: str, ours: Server, paths: Sequence[str]) -> Row:
    stands = load(f"{ours.url}{paths[-1]}", headers=BROWSER)
    first_ms = first_pass(ours, paths) if name not in (NEW_WORDS, API) else 0.0
    made = cost(ours, lambda: load_each(ours.url, paths, headers=BROWSER, anew=True))
    alone = load_each(ours.url, paths, headers=BROWSER, connections=1, anew=True)
    return Row(name, stands, first_ms, made, alone)


def first_pass(ours: Server, paths: Sequence[str]) -> float:
    """Ask for every page once, and return the milliseconds of processor that each took."""
    before = processor_seconds(ours.pid)
    with httpx.Client(base_url=ours.url, headers=BROWSER, timeout=60) as client:
        for path in paths:
            client.get(path).raise_for_status()
    return 1_000 * (processor_seconds(ours.pid) - before) / len(paths)


def show(row: Row, peer: float) -> None:
    """Print one kind of page with its ratios."""
    print(f"\n{row.name}")
    for name, each, aim in (
        ("stands", row.stands, STANDS_AIM),
        ("made", row.made.load, MADE_AIM),
    ):
        ratio, p99 = each.per_second / peer, each.p99_ms
        print(f"  {name:11} {each}")
        print(f"  {'':11} {ratio:.1f}x the better peer ({_verdict(aim, ratio, 'aim')})")
        print(f"  {'':11} p99 {p99:.0f} ms ({_verdict(p99, MOST_P99_MS, 'limit')})")
    if row.name == API:
        rate = row.made.load.per_second
        print(f"  {'':11} {rate:,.0f} a second ({_verdict(API_AIM, rate, 'aim')})")
    print(f"  one by one  {row.alone}")
    if row.first_ms:
        print(f"  first       {row.first_ms:.1f} ms of processor a page")
    took = row.made.processor_ms
    verdict = _verdict(took, MOST_MADE_MS, "limit")
    print(f"  made by     {took:.1f} ms of processor a page ({verdict})", flush=True)


def _verdict(smaller: float, larger: float, word: str) -> str:
    """Say what was to be reached, and whether it was."""
    stated = smaller if word == "aim" else larger
    return f"{word}: {stated:.0f}{'' if smaller <= larger else ', missed'}"


if __name__ == "__main__":
    main()
