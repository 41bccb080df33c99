"""A cold build: what `bal build` asks a Maven repository for 50 packages that it has none of.

It reads the versions and the dependency graph of each, then fetches the archives: one request after
the other over one connection, and one more wherever an archive is elsewhere. nginx answers with
copies of the same bytes from its disk. The archives are small, so that answers count and not bytes.

Two figures: the answers alone, and the build as its user waits for it, in which the client reads
the documents and unpacks the archives. Aim: at most twice as long as with nginx.
"""

import io
import json
import os
import socket
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx

from bench.packages import largest, push_real
from bench.serving import Server, ballroom, copy, nginx, workspace
from shared.domain.version import Version
from tests.protocol.bal.maven import AETHER

PACKAGES = 50
RUNS = 15
DISTRIBUTION = "v2201-13-0"
BASE = "/2.0/maven"

_HEADERS = "".join(f"{name}: {value}\r\n" for name, value in AETHER)


class Client:
    """One connection: sends a GET, follows redirects over it, and counts its requests."""

    def __init__(self, connection: socket.socket, authority: str) -> None:
        self.requests = 0
        self._connection = connection
        self._answers = connection.makefile("rb")
        self._authority = authority

    def get(self, path: str) -> bytes:
        """Return what the path leads to."""
        self.requests += 1
        request = f"GET {path} HTTP/1.1\r\nHost: {self._authority}\r\n{_HEADERS}\r\n"
        self._connection.sendall(request.encode())
        status = int(self._answers.readline().split()[1])
        headers = dict(self._read_headers())
        content = self._answers.read(int(headers[b"content-length"]))
        if status == 302:
            link = urlsplit(headers[b"location"].decode())
            assert link.netloc == self._authority, f"{path} leads elsewhere: {link.netloc}"
            return self.get(link.path)
        assert status == 200, f"{path} is a {status}"
        return content

    def _read_headers(self) -> Iterator[tuple[bytes, bytes]]:
        while line := self._answers.readline().strip():
            name, _, value = line.partition(b":")
            yield name.lower(), value.strip()


@contextmanager
def connected(server: Server) -> Generator[Client]:
    """Connect anew, as each build does."""
    authority = server.url.removeprefix("http://")
    host, _, port = authority.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Client(connection, authority)


@dataclass(frozen=True)
class Build:
    """The paths that a build asks for, in its order."""

    documents: list[str]
    archives: list[str]

    def answers(self, server: Server) -> tuple[list[bytes], int]:
        """Ask for everything; return what came, and the number of requests that it took."""
        with connected(server) as client:
            answers = [client.get(path) for path in (*self.documents, *self.archives)]
            return answers, client.requests

    def run(self, server: Server) -> None:
        """Ask for everything, read it, and unpack the archives into an empty cache."""
        with connected(server) as client, tempfile.TemporaryDirectory() as cache:
            for path in self.documents:
                read = ET.fromstring if path.endswith(".xml") else json.loads
                read(client.get(path))
            for path in self.archives:
                with zipfile.ZipFile(io.BytesIO(client.get(path))) as archive:
                    archive.extractall(f"{cache}{path}")


def main() -> None:
    """Print what a build takes with both."""
    with workspace() as folder, nginx(folder) as mirror, ballroom(folder) as ours:
        releases = push_real(ours, largest(PACKAGES))
        build = build_of(ours)
        copy_all(ours, mirror, build)
        (answers, requests), (copies, fewer) = build.answers(ours), build.answers(mirror)
        assert answers == copies, "the answers differ"
        print(f"cold build, {PACKAGES} packages of {releases} releases")
        print(f"{requests} requests to ours, {fewer} to nginx")
        show("answers alone", build.answers, ours, mirror)
        show("with reading and unpacking", build.run, ours, mirror)
        print(f"\nload average {os.getloadavg()[0]:.1f}")


def build_of(ours: Server) -> Build:
    """Return what `bal` asks for when it wants the newest version of each package."""
    documents: list[str] = []
    archives: list[str] = []
    with httpx.Client(base_url=ours.url) as client:
        for package in largest(PACKAGES):
            metadata = f"{BASE}/{DISTRIBUTION}/{package}/maven-metadata.xml"
            root = ET.fromstring(client.get(metadata).content)  # noqa: S314 - it is our own answer.
            version = max((each.text or "" for each in root.iter("number")), key=Version.parse)
            stem = f"{BASE}/{package}/{version}/{package.partition('/')[2]}-{version}"
            documents += [metadata, f"{stem}-depgraph.json"]
            archives.append(f"{stem}.bala")
    return Build(documents, archives)


def copy_all(ours: Server, mirror: Server, build: Build) -> None:
    """Put copies of our answers where nginx serves them."""
    with httpx.Client() as client:
        for path in (*build.documents, *build.archives):
            copy(ours, client, path, mirror.folder / "mirror" / path[1:])


def show(name: str, build: Callable[[Server], object], ours: Server, mirror: Server) -> None:
    """Build with one and with the other by turns, so that both meet the same weather; print."""
    taken: dict[str, list[float]] = {"ours": [], "nginx": []}
    for _ in range(RUNS):
        taken["ours"].append(_milliseconds(lambda: build(ours)))
        taken["nginx"].append(_milliseconds(lambda: build(mirror)))
    print(f"\n{name}")
    for server, each in taken.items():
        print(f"  {server:11} {_figures(each)}")
    print(f"  {median(taken['ours']) / median(taken['nginx']):.2f}x nginx (aim: at most 2)")


def _milliseconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1_000


def _figures(runs: Sequence[float]) -> str:
    return f"median {median(runs):7.1f} ms  fastest {min(runs):7.1f}  slowest {max(runs):7.1f}"


if __name__ == "__main__":
    main()
