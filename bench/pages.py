"""Pages: how many a second, beside the pages of two peers, over the real index of `make demo`.

Ours are asked for twice: at one address, where an answer stands for five seconds, and each time at
an address that nobody asked for before, where each page is made. Aims: twice the better peer and
p99 below 100 ms with 32 connections, and 50 ms of processor for a page that is made.

A browser that opens a package at verdaccio asks for three things: a page without content, the
package, and its readme; what is counted is all three, and the package alone is shown beside it.
"""

import os
import re
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from bench import demo
from bench.azure_local import Cost, cost
from bench.load_generator import Load, load, load_anew, require_wrk
from bench.reads import publish_npm
from bench.servers import Server, ballroom, pypiserver, verdaccio, workspace

AIM, MOST_P99_MS, MOST_MADE_MS = 2, 100, 50
VERSIONS = 20  # Of a package at the peers; the median of ours has two.
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
README = (
    "# greet\n\n" + "It says hello, and a little more than that.\n\n" * 40
)  # 2 KB, as ours have.
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
    """Have the demonstration in a folder: a copy of the one that is there, or a new one."""
    known = Path(os.environ.get("BALLROOM_DATA", demo.FOLDER))
    if (known / demo.FULL).exists():
        shutil.copytree(known, folder)
    elif demo.INDEX.exists():
        demo.fill(folder, demo.INDEX)
    else:
        sys.exit(f"There is no index of real packages at {demo.INDEX}, so there are no pages.")


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
    return {
        "home": ["/"],
        "search": ["/search", *queries, *narrowed],
        "package": packages,
    }


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
    made = cost(ours, lambda: load_anew(ours.url, paths, headers=BROWSER))
    return Row(name, stands, made, load_anew(ours.url, paths, headers=BROWSER, connections=1))


def show(row: Row, peer: float) -> None:
    """Print one kind of page with its ratios."""
    print(f"\n{row.name}")
    for name, each in (("stands", row.stands), ("made", row.made.load)):
        ratio, p99 = each.per_second / peer, each.p99_ms
        print(f"  {name:11} {each}")
        print(f"  {'':11} {ratio:.1f}x the better peer ({_verdict(AIM, ratio, 'aim')})")
        print(f"  {'':11} p99 {p99:.0f} ms ({_verdict(p99, MOST_P99_MS, 'limit')})")
    print(f"  one by one  {row.alone}")
    took = row.made.processor_ms
    verdict = _verdict(took, MOST_MADE_MS, "limit")
    print(f"  made by     {took:.1f} ms of processor a page ({verdict})", flush=True)


def _verdict(smaller: float, larger: float, word: str) -> str:
    """Say what was to be reached, and whether it was."""
    stated = smaller if word == "aim" else larger
    return f"{word}: {stated:.0f}{'' if smaller <= larger else ', missed'}"


if __name__ == "__main__":
    main()
