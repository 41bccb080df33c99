"""Requests a second that read, beside the bare server and two peers (verdaccio and pypiserver)
doing their nearest equal work.

Aims: three times the better peer; for hop one of a pull a quarter of the bare server, of which the
Functions interface alone takes half; resolving 50 packages under 50 ms at p99.
"""

import base64
import hashlib
import json
from dataclasses import dataclass

import httpx

from bench.support.load_generator import Load, load, require_wrk
from bench.support.sample_packages import largest, push_real
from bench.support.servers import Server, ballroom, bare, push, pypiserver, verdaccio, workspace
from tests.support.archives import bala

PACKAGE = "acme/greet"
VERSIONS = 20
RESOLVED = 50


@dataclass(frozen=True)
class Row:
    """The results of one operation on each server; None if a peer does not have it."""

    name: str
    ours: Load
    bare: Load | None = None
    verdaccio: Load | None = None
    pypiserver: Load | None = None


def main() -> None:
    require_wrk()
    with (
        workspace() as folder,
        ballroom(folder) as ours,
        bare(folder) as plain,
        verdaccio(folder) as npm,
        pypiserver(folder) as pypi,
    ):
        publish_everywhere(ours, npm, pypi)
        for row in measure(ours, plain, npm, pypi):
            show(row)
        show_resolve(ours)


def publish_everywhere(ours: Server, npm: Server, pypi: Server) -> None:
    """Publish the same number of small versions to each."""
    with httpx.Client(timeout=60) as client:
        for patch in range(VERSIONS):
            push(ours, client, bala(f"{PACKAGE}:1.0.{patch}"))
            publish_npm(npm, client, f"1.0.{patch}", b"x" * 2_000)
    for patch in range(VERSIONS):
        (pypi.folder / "pypi" / f"greet-1.0.{patch}.tar.gz").write_bytes(b"x" * 2_000)


def publish_npm(
    npm: Server,
    client: httpx.Client,
    version: str,
    content: bytes,
    *,
    name: str = "greet",
    readme: str = "",
) -> None:
    file = f"{name}-{version}.tgz"
    tarball = f"{npm.url}/{name}/-/{file}"
    shasum = hashlib.sha1(content).hexdigest()  # noqa: S324 - what the protocol asks for.
    manifest = {"name": name, "version": version, "dist": {"tarball": tarball, "shasum": shasum}}
    attachment = {"data": base64.b64encode(content).decode(), "length": len(content)}
    body = {
        "_id": name,
        "name": name,
        "dist-tags": {"latest": version},
        "versions": {version: manifest},
        "readme": readme,
        "_attachments": {file: attachment | {"content_type": "application/octet-stream"}},
    }
    client.put(f"{npm.url}/{name}", json=body).raise_for_status()


def measure(ours: Server, plain: Server, npm: Server, pypi: Server) -> list[Row]:
    """Load each operation on each server, one after the other."""
    base = f"{ours.url}/2.0/registry/packages/{PACKAGE}"
    archive = {"Accept": "application/octet-stream"}
    return [
        Row(
            "pull, hop one",
            load(f"{base}/1.0.3", headers=archive),
            load(f"{plain.url}/redirect/greet"),
            load(f"{npm.url}/greet/1.0.3"),
            load(f"{pypi.url}/simple/greet/"),
        ),
        Row("metadata", load(f"{base}/1.0.3"), None, load(f"{npm.url}/greet/1.0.3")),
        Row(
            "versions",
            load(base),
            None,
            load(f"{npm.url}/greet"),
            load(f"{pypi.url}/simple/greet/"),
        ),
    ]


def show(row: Row) -> None:
    """Print one operation with its ratios."""
    print(f"\n{row.name}")
    for name in ("ours", "bare", "verdaccio", "pypiserver"):
        measured: Load | None = getattr(row, name)
        if measured:
            print(f"  {name:11} {measured}")
    peers = [each.per_second for each in (row.verdaccio, row.pypiserver) if each]
    print(f"  {row.ours.per_second / max(peers):.1f}x the better peer (aim: 3)")
    if row.bare:
        print(f"  {row.ours.per_second / row.bare.per_second:.2f} of bare (aim: 0.25)")


def show_resolve(ours: Server) -> None:
    """Print what resolving the 50 packages with the most real releases takes."""
    packages = largest(RESOLVED)
    releases = push_real(ours, packages)
    asked = [dict(zip(("org", "name"), each.split("/"), strict=True)) for each in packages]
    body = json.dumps({"packages": asked}).encode()
    url = f"{ours.url}/2.0/registry/packages/resolve-dependencies"
    alone = load(url, body=body, connections=1)
    print(f"\nresolve {RESOLVED} packages of {releases} releases, one client after the other")
    print(f"  ours        {alone}")
    print(f"  p99 {alone.p99_ms:.1f} ms (limit: 50)")


if __name__ == "__main__":
    main()
