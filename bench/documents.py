"""Documents: the Maven repository and the index, beside nginx with the same bytes on its disk.

nginx decides nothing: it knows no private package, no deprecation and no release of a moment ago.
It is what a mirror would be, and the most that one process can send. The bare server sends the same
bytes from its memory. Aim: a quarter of the bare server; nginx is shown without one.
"""

import os
from dataclasses import dataclass

import httpx

from bench.load_generator import Load, load, require_wrk
from bench.servers import Server, ballroom, bare, copy, nginx, push, workspace
from tests.protocol.bal.maven import AETHER
from tests.support.archives import bala

PACKAGE = "acme/greet"
VERSIONS = 20
SECONDS = 3
BUILDER = dict(AETHER)  # It wants no word but the store's.

METADATA = f"/2.0/maven/{PACKAGE}/maven-metadata.xml"
OFFERED = f"/2.0/maven/v2201-13-0/{PACKAGE}/maven-metadata.xml"
ARCHIVE = f"/2.0/maven/{PACKAGE}/1.0.3/greet-1.0.3.bala"
INDEX = f"/index/{PACKAGE}/index.json"


@dataclass(frozen=True)
class Row:
    """One operation on every server."""

    name: str
    ours: Load
    bare: Load
    nginx: Load


@dataclass(frozen=True)
class Servers:
    """Who is asked, each for the same bytes."""

    ours: Server
    bare: Server
    nginx: Server


def main() -> None:
    require_wrk()
    with (
        workspace() as folder,
        nginx(folder) as mirror,
        ballroom(folder) as ours,
        bare(folder) as plain,
    ):
        publish(ours)
        servers = Servers(ours, plain, mirror)
        for name, path in (
            ("Maven metadata", METADATA),
            ("Maven metadata of a distribution", OFFERED),
            ("Maven archive", ARCHIVE),
            ("index file", INDEX),
        ):
            show(measure(name, path, servers))
        show(measure_known("index file that the client has", INDEX, servers))
        print(f"\nload average {os.getloadavg()[0]:.1f}")


def publish(ours: Server) -> None:
    """Publish some versions of a small package."""
    with httpx.Client(timeout=60) as client:
        for patch in range(VERSIONS):
            push(ours, client, bala(f"{PACKAGE}:1.0.{patch}"))


def measure(name: str, path: str, servers: Servers) -> Row:
    """Load one path on each server, one after the other."""
    urls = urls_of(path, servers)
    ours = load(urls[0], headers=BUILDER, seconds=SECONDS)
    return Row(name, ours, *(load(url, seconds=SECONDS) for url in urls[1:]))


def measure_known(name: str, path: str, servers: Servers) -> Row:
    """Load one path with the tag that each server has given."""
    return Row(name, *(load_known(url) for url in urls_of(path, servers)))


def urls_of(path: str, servers: Servers) -> list[str]:
    """Give our answer to the others, and return where each server has it."""
    name = path[1:].replace("/", "-")
    urls = [f"{servers.ours.url}{path}", f"{servers.bare.url}/bytes/{name}"]
    urls.append(f"{servers.nginx.url}{path}")
    with httpx.Client() as client:
        content = copy(servers.ours, client, path, servers.nginx.folder / "mirror" / path[1:])
        (servers.bare.folder / name).write_bytes(content)
        for url in urls[1:]:
            assert client.get(url).content == content, f"{url} has other bytes"
    return urls


def load_known(url: str) -> Load:
    """Load a document by somebody who has it."""
    known = {"If-None-Match": httpx.get(url).headers["etag"]}
    assert httpx.get(url, headers=known).status_code == 304, url
    return load(url, headers=known, seconds=SECONDS)


def show(row: Row) -> None:
    """Print one operation with its ratios."""
    print(f"\n{row.name}")
    for name in ("ours", "bare", "nginx"):
        print(f"  {name:11} {getattr(row, name)}")
    print(f"  {row.ours.per_second / row.bare.per_second:.2f} of bare (aim: 0.25)")
    print(f"  {row.ours.per_second / row.nginx.per_second:.2f} of nginx")


if __name__ == "__main__":
    main()
