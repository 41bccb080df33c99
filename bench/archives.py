"""Archive bytes: megabytes a second beside the best way to send the same file from Python.

The best way is `sendfile`, which copies nothing into the process: a bare loop sends headers and
calls it. Starlette's own `FileResponse` stands beside it. Aim: 0.8 of the best.
"""

import sys

import httpx

from bench.load_generator import load, require_wrk
from bench.servers import Server, ballroom, bare, free_port, push, running, workspace
from tests.support.archives import bala

SIZES = {"10 KB": 10_000, "1 MB": 1_000_000, "20 MB": 20_000_000}
CONNECTIONS = 8
MEGABYTE = 1_000_000


def main() -> None:
    require_wrk()
    with workspace() as a, workspace() as b, ballroom(a) as ours, bare(b) as plain:
        port = free_port()
        command = [sys.executable, "-m", "bench.sendfile", str(port), str(b)]
        with running("sendfile", command, port=port, folder=b) as fastest:
            for patch, (name, size) in enumerate(SIZES.items()):
                show(name, measure(ours, plain, fastest, size=size, patch=patch))


def measure(
    ours: Server, plain: Server, fastest: Server, *, size: int, patch: int
) -> dict[str, float]:
    """Return megabytes a second by server, for an archive of about that size."""
    archive = bala(f"acme/bytes:1.0.{patch}", padding=size)
    (plain.folder / "file.bala").write_bytes(archive)
    with httpx.Client(timeout=60) as client:
        push(ours, client, archive)
        hop = client.get(
            f"{ours.url}/2.0/registry/packages/acme/bytes/1.0.{patch}",
            headers={"Accept": "application/octet-stream"},
        )
    urls = {
        "ours": hop.headers["location"],
        "sendfile": f"{fastest.url}/file.bala",
        "FileResponse": f"{plain.url}/file/file.bala",
    }
    return {name: _rate(url, len(archive)) for name, url in urls.items()}


def _rate(url: str, size: int) -> float:
    return load(url, connections=CONNECTIONS).per_second * size / MEGABYTE


def show(name: str, rates: dict[str, float]) -> None:
    print(f"\n{name}")
    for server, rate in rates.items():
        print(f"  {server:13} {rate:9,.0f} MB/s")
    print(f"  {rates['ours'] / rates['sendfile']:.2f} of sendfile (aim: 0.8)")


if __name__ == "__main__":
    main()
