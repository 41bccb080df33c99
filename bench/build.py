"""A cold build: what `bal build` asks a Maven repository for 50 packages that it has none of.

It reads the versions and the dependency graph of each, then fetches the archives: one request after
the other over one connection, and one more wherever an archive is elsewhere. nginx answers with
copies of the same bytes from its disk. The archives are small, so that answers count and not bytes.

Three figures: the answers alone, when they were given before and nothing was written since; the
same when a push came before each build, so that each answer is made anew; and the build as its user
waits for it, in which the client reads the documents and unpacks the archives. Aim: at most twice
as long as with nginx. What any Python server can reach is shown by two that decide nothing: one
function under the server that the registry uses, and Starlette under the same.
"""

import io
import json
import os
import socket
import tempfile
import time
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from statistics import median
from types import MappingProxyType
from urllib.parse import urlsplit
from xml.etree import ElementTree as ET

import httpx

from bench.sample_packages import largest, push_real
from bench.servers import Server, ballroom, bare, copy, nginx, plain, push, workspace
from shared.domain.versions import Version
from tests.protocol.bal.maven import AETHER
from tests.support.archives import bala

PACKAGES = 50
RUNS = 50
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
    """Open a new connection, as each build does."""
    authority = server.url.removeprefix("http://")
    host, _, port = authority.partition(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        yield Client(connection, authority)


@dataclass(frozen=True)
class Build:
    """The paths that a build requests, in order."""

    documents: list[str]
    archives: list[str]

    def answers(self, server: Server) -> tuple[list[bytes], int]:
        """Request all paths; return the answers and the number of requests."""
        with connected(server) as client:
            answers = [client.get(path) for path in (*self.documents, *self.archives)]
            return answers, client.requests

    def run(self, server: Server) -> None:
        """Request and read all paths, and unpack the archives into an empty cache."""
        with connected(server) as client, tempfile.TemporaryDirectory() as cache:
            for path in self.documents:
                read = ET.fromstring if path.endswith(".xml") else json.loads
                read(client.get(path))
            for path in self.archives:
                with zipfile.ZipFile(io.BytesIO(client.get(path))) as archive:
                    archive.extractall(f"{cache}{path}")


def main() -> None:
    """Print what a build takes with each server."""
    with (
        workspace() as folder,
        nginx(folder) as mirror,
        ballroom(folder) as ours,
        plain(folder / "mirror") as function,
        bare(folder / "mirror") as starlette,
    ):
        releases = push_real(ours, largest(PACKAGES))
        build = build_of(ours)
        copy_all(ours, mirror, build)
        print(f"cold build, {PACKAGES} packages of {releases} releases")
        servers = {"nginx": mirror, "ours": ours, "function": function, "starlette": starlette}
        compare(build, servers)
        show("answers alone", build.answers, servers)
        with httpx.Client(timeout=60) as client:
            pushes = (bala(f"acme/other:1.0.{patch}") for patch in count())
            before = {"ours": lambda: push(ours, client, next(pushes))}
            show("answers made anew", build.answers, {"nginx": mirror, "ours": ours}, before)
        show("with reading and unpacking", build.run, {"nginx": mirror, "ours": ours})
        print(f"\nload average {os.getloadavg()[0]:.1f}")


def compare(build: Build, servers: Mapping[str, Server]) -> None:
    """Stop unless all give the same bytes."""
    answers = {name: build.answers(server) for name, server in servers.items()}
    for name, (contents, requests) in answers.items():
        assert contents == answers["nginx"][0], f"{name} answers otherwise"
        print(f"{requests} requests to {name}")


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


def show(
    title: str,
    build: Callable[[Server], object],
    servers: Mapping[str, Server],
    before: Mapping[str, Callable[[], None]] = MappingProxyType({}),
) -> None:
    """Build with each by turns, so that all run in the same conditions; print, as times of nginx.

    What is to be done `before` each build with a server is not measured.
    """
    taken: dict[str, list[float]] = {name: [] for name in servers}
    for _ in range(RUNS):
        for name, server in servers.items():
            before.get(name, _nothing)()
            taken[name].append(_milliseconds(build, server))
    print(f"\n{title} (aim of ours: at most 2 times nginx)")
    for name, runs in taken.items():
        times = median(runs) / median(taken["nginx"])
        print(f"  {name:11} {_figures(runs)}  {times:5.2f} times")


def _nothing() -> None:
    """Do nothing before a build."""


def _milliseconds(build: Callable[[Server], object], server: Server) -> float:
    started = time.perf_counter()
    build(server)
    return (time.perf_counter() - started) * 1_000


def _figures(runs: Sequence[float]) -> str:
    return f"median {median(runs):7.1f} ms  fastest {min(runs):7.1f}  slowest {max(runs):7.1f}"


if __name__ == "__main__":
    main()
