"""A data folder with many packages, written directly: what pushes of them would have left.

The registry itself creates the organizations and publishes one package of each visibility. All
others have the rows and files of those, with names, texts, digests, signatures, events and leaves
of their own. Archives are real and tiny, so that the nightly audit finds nothing; their
documentation has no pieces. Readmes have 40 words. One package has 10,000 versions, and the
packages of every thirtieth organization are private.

What is written is what pushes would have left: `bench/scale.py` fails if `ballroom doctor` or a
nightly task has a problem with it, or if there is derived data to repair. A fill that was stopped
goes on after the last packages that are committed.
"""

import asyncio
import hashlib
import os
import sqlite3
import struct
import time
import zlib
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import closing
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from shutil import rmtree

import httpx

from bench.support.servers import ballroom, create_organization, push
from bench.support.synthetic_packages import MAX_PACKAGES, Synthetic
from shared.adapters.data_folder import DataFolder
from shared.auth.release_keys import ReleaseSigner
from shared.bootstrap.adapters import embedded_adapters
from shared.domain.api_docs.records import ApiDocsRecord
from shared.domain.archives.digests import Digest
from shared.domain.archives.unpacking import entries_hash
from shared.domain.dependency_graphs import Graph, graph_document
from shared.domain.events import Event, is_personal
from shared.domain.packages import Head, ModuleText, Release, ReleaseEntry, Texts
from shared.domain.transparency.leaves import SALT_BYTES, frozen
from shared.settings import Settings
from tests.support.archives import Spec, bala, files

VERSIONS_OF_MANY = 10_000
PACKAGES_OF_AN_ORG = 100
PRIVATE_EACH = 30  # One in this many organizations has private packages.
README_WORDS = 40
RELEASES_AT_ONCE = 10_000  # Releases that one process makes, and that one commit stores.
PARTS_AT_ONCE = 4  # Parts that are being made, or wait until they are committed.
AGE_MS = 30 * 24 * 3600 * 1000  # The age of the first release.
# Releases for each second of their dates: a million are published within twelve days.
MADE_PER_SECOND = 1
DOCUMENTED_SECONDS = 300  # Until the two packages that are pushed are documented.

PUBLIC = "org1"
MANY = f"{PUBLIC}/many"  # The package with 10,000 versions.
LARGEST = "largest"  # The organization that has a twentieth of all packages.
PRIVATE = "org0"
SEED = "seed"  # The name of the packages that the registry itself publishes.

Row = tuple[object, ...]


@dataclass(frozen=True)
class Seed:
    """The records of a package that the registry itself published."""

    head: Head
    release: Release
    event: Event
    docs: ApiDocsRecord


@dataclass(frozen=True)
class Package:
    """A package to write, and how many versions it has."""

    org: str
    name: str
    summary: str
    keywords: tuple[str, ...]
    readme: str
    pulls: int
    versions: int


@dataclass
class Rows:
    """Rows that are not written yet, by table."""

    by_table: dict[str, list[Row]] = field(default_factory=dict[str, list[Row]])

    def add(self, table: str, *values: object) -> None:
        self.by_table.setdefault(table, []).append(values)

    def write(self, connection: sqlite3.Connection) -> None:
        """Write the rows in the order of their first key."""
        for table, columns in COLUMNS.items():
            rows = self.by_table.get(table, [])
            # Digests have no order: sorted, neighbours are in the same page.
            rows.sort(key=lambda row: str(row[0])) if table in OF_DIGESTS else None
            marks = ", ".join("?" for _ in columns)
            connection.executemany(
                f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({marks})",  # noqa: S608 - ours.
                rows,
            )


COLUMNS: dict[str, tuple[str, ...]] = {
    "heads": ("pk", "body", "revision", "stamp"),
    "releases": ("pk", "version", "version_key", "digest", "body", "revision"),
    "entries": ("pk", "version", "stamp", "revision", "body"),
    "texts": ("digest", "body"),
    "graphs": ("digest", "body"),
    "attestations": ("digest", "name", "body"),
    "api_docs": ("digest", "generator", "body"),
    "events": ("number", "id", "body", "personal", "leaf", "salt", "opening"),
    "event_streams": ("stream", "number"),
}
OF_DIGESTS = frozenset({"texts", "graphs", "attestations", "api_docs"})


@dataclass(frozen=True)
class Filled:
    """What a fill wrote, and how long that took."""

    packages: int
    releases: int
    seconds: float


def fill(folder: Path, packages: int, releases: int) -> Filled:
    """Write a registry to the folder `data` of a folder, or go on with one."""
    os.umask(0o077)  # As the registry does: only the owner can read files.
    data = folder / "data"
    seeded = folder / "seeded"
    if not seeded.exists():
        rmtree(data, ignore_errors=True)
        _publish_seeds(folder, packages)
        seeded.touch()
    began = time.monotonic()
    with closing(sqlite3.connect(DataFolder(data).database)) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -1000000")
        seeds = {org: _seed(connection, org) for org in (PUBLIC, PRIVATE)}
        filled = _write(connection, data, seeds, list(packages_of(packages, releases)), began)
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    return filled


def _write(
    connection: sqlite3.Connection,
    data: Path,
    seeds: Mapping[str, Seed],
    packages: Sequence[Package],
    began: float,
) -> Filled:
    """Write the packages that are not written yet."""
    [heads] = connection.execute("SELECT count(*) FROM heads").fetchone()
    [number] = connection.execute("SELECT max(number) FROM events").fetchone()
    done = heads - len(seeds)
    missing = packages[done:]
    first = number - sum(each.versions for each in packages[:done])
    written = 0
    parts = _parts(missing, number)
    with ProcessPoolExecutor(initializer=_begin, initargs=(data, seeds, first)) as processes:
        waiting = deque[Future[Rows]]()
        for _ in range(PARTS_AT_ONCE):
            waiting += (processes.submit(_rows_of, *part) for part in islice(parts, 1))
        while waiting:
            rows = waiting.popleft().result()
            waiting += (processes.submit(_rows_of, *part) for part in islice(parts, 1))
            with connection:
                rows.write(connection)
            written += len(rows.by_table["releases"])
            print(f"  {written:,} releases written", end="\r", flush=True)
    return Filled(len(missing), written, time.monotonic() - began)


def _parts(packages: Iterable[Package], number: int) -> Iterator[tuple[list[Package], int]]:
    """Yield the packages in parts of some thousand releases, and the number of the event before
    each part."""
    part = list[Package]()
    releases = 0
    for package in packages:
        part.append(package)
        releases += package.versions
        if releases >= RELEASES_AT_ONCE:
            yield part, number
            number += releases
            part = []
            releases = 0
    if part:
        yield part, number


def packages_of(packages: int, releases: int) -> Iterator[Package]:
    """Yield the packages; those that the registry publishes itself are two more."""
    assert packages <= MAX_PACKAGES
    for number, listing in enumerate(Synthetic().listings(packages - 1)):
        is_of_largest = number % 20 == 7
        org = LARGEST if is_of_largest else f"org{number // PACKAGES_OF_AN_ORG}"
        yield Package(
            org=org,
            name=f"{listing.head.name}{number}",
            summary=listing.release.summary,
            keywords=listing.release.keywords,
            readme=" ".join(listing.texts.readme.split()[:README_WORDS]),
            pulls=listing.head.pulls,
            versions=releases // packages,
        )
    org, _, name = MANY.partition("/")
    yield Package(org, name, "Has many versions.", (), "Many.", 1_000, VERSIONS_OF_MANY)


def organizations(packages: int) -> Iterator[tuple[str, bool]]:
    """Yield the organizations, and whether their packages are private."""
    for number in range(max(2, -(-packages // PACKAGES_OF_AN_ORG))):
        yield f"org{number}", number % PRIVATE_EACH == 0
    yield LARGEST, False


def _publish_seeds(folder: Path, packages: int) -> None:
    with ballroom(folder) as server, httpx.Client(timeout=60) as client:
        for org, is_private in organizations(packages):
            profile = {"defaultVisibility": "private"} if is_private else {}
            create_organization(server, client, org, **profile)
        for org in (PUBLIC, PRIVATE):
            push(server, client, bala(f"{org}/{SEED}:1.0.0"))
        deadline = time.monotonic() + DOCUMENTED_SECONDS
        database = DataFolder(folder / "data").database
        while _documented(database) < len((PUBLIC, PRIVATE)):
            assert time.monotonic() < deadline
            time.sleep(0.5)


def _documented(database: Path) -> int:
    with closing(sqlite3.connect(database)) as connection:
        return connection.execute("SELECT count(*) FROM api_docs").fetchone()[0]


def _seed(connection: sqlite3.Connection, org: str) -> Seed:
    def body(statement: str, *values: str) -> str:
        return connection.execute(statement, values).fetchone()[0]

    key = f"{org}/{SEED}"
    release = Release.model_validate_json(body("SELECT body FROM releases WHERE pk = ?", key))
    docs = body("SELECT body FROM api_docs WHERE digest = ?", release.digest)
    return Seed(
        Head.model_validate_json(body("SELECT body FROM heads WHERE pk = ?", key)),
        release,
        Event.model_validate_json(body("SELECT body FROM events WHERE id = ?", f"{key}:1.0.0@1")),
        # Pieces would be files of their own; without them nothing is made again.
        ApiDocsRecord.model_validate_json(docs).model_copy(update={"pieces": None}),
    )


_writers = list["Writer"]()  # The writer of the process.


def _begin(data: Path, seeds: Mapping[str, Seed], first: int) -> None:
    """Make what a process writes packages with."""
    os.umask(0o077)
    signer = embedded_adapters(Settings(data=data)).release_signer
    asyncio.run(signer.ready())
    _writers.append(Writer(data, signer, seeds, first))


def _rows_of(packages: Sequence[Package], number: int) -> "Rows":
    """Write the archives of packages, in a process; return their rows."""
    [writer] = _writers
    return writer.rows_of(packages, number)


class Writer:
    """Writes archives to a data folder, and makes the rows of their packages."""

    def __init__(
        self, data: Path, signer: ReleaseSigner, seeds: Mapping[str, Seed], first: int
    ) -> None:
        """Write after the event with the number `first`."""
        self._archives = DataFolder(data).archives
        self._signer = signer
        self._seeds = seeds
        self._rows = Rows()
        self._folders = set[Path]()
        self._number = first
        self._first = first
        self._first_ms = seeds[PUBLIC].release.created_ms - AGE_MS

    def rows_of(self, packages: Iterable[Package], number: int) -> Rows:
        """Write archives and return rows, whose events have the numbers after this one."""
        self._number = number
        self._rows = Rows()
        for package in packages:
            is_private = package.org.startswith("org") and not int(package.org[3:]) % PRIVATE_EACH
            self._write_package(package, self._seeds[PRIVATE if is_private else PUBLIC])
        return self._rows

    def _write_package(self, package: Package, seed: Seed) -> None:
        key = f"{package.org}/{package.name}"
        modules = (ModuleText(name=package.name),)
        texts = Texts(readme=package.readme, modules=modules)
        created_ms = self._created_ms()
        for number in range(package.versions):
            version = f"{1 + number // 100}.{number // 10 % 10}.{number % 10}"
            release = self._write_release(package, seed, version)
            entry = ReleaseEntry.of(release)
            body = entry.model_dump_json()
            self._rows.add("entries", key, version, number + 1, 1, body)
            self._write_documents(release, texts, seed)
        update = {"org": package.org, "name": package.name, "pulls": package.pulls}
        head = seed.head.model_copy(update={**update, "created_ms": created_ms})
        self._rows.add("heads", key, head.model_dump_json(), 1, package.versions)

    def _write_release(self, package: Package, seed: Seed, version: str) -> Release:
        coordinate = f"{package.org}/{package.name}:{version}"
        spec = Spec(summary=package.summary, keywords=package.keywords, readme=package.readme)
        content, hashed = packed(files(coordinate, spec))
        digest = hashlib.sha256(content).hexdigest()
        self._write_archive(Digest(digest), content)
        unsigned = seed.release.model_copy(
            update={
                "org": package.org,
                "name": package.name,
                "version": version,
                "digest": digest,
                "size_bytes": len(content),
                "summary": package.summary,
                "keywords": package.keywords,
                "modules": (package.name,),
                "entries_hash": hashed,
                "created_ms": self._created_ms(),
                "signatures": (),
                "statements": "",
            }
        )
        attested = self._signer.attested(unsigned)
        release = attested.release
        key = f"{package.org}/{package.name}"
        body = release.model_dump_json()
        self._rows.add("releases", key, version, version, digest, body, 1)
        self._rows.add("attestations", digest, attested.name, attested.statements)
        self._write_event(release, coordinate, seed)
        return release

    def _write_event(self, release: Release, coordinate: str, seed: Seed) -> None:
        self._number += 1
        event = seed.event.model_copy(
            update={
                "id": f"{coordinate}@1",
                "at_ms": release.created_ms,
                "subject": coordinate,
                "org": release.org,
                "details": {"digest": release.digest, "size": str(release.size_bytes)},
            }
        )
        leaf = frozen(event, self._number, salt=os.urandom(SALT_BYTES))
        stored = (leaf.leaf, leaf.salt, leaf.opening)
        body = event.model_dump_json()
        self._rows.add("events", self._number, event.id, body, is_personal(event), *stored)
        for stream in event.streams:
            self._rows.add("event_streams", stream, self._number)

    def _write_documents(self, release: Release, texts: Texts, seed: Seed) -> None:
        own = {"org": release.org, "name": release.name, "version": release.version}
        node = {**own, "dependencies": ()}
        graph = graph_document(Graph.model_validate({"nodes": (node,)}))
        self._rows.add("texts", release.digest, texts.model_dump_json().encode())
        self._rows.add("graphs", release.digest, graph)
        docs = seed.docs.model_copy(update={"modules": (release.name,)})
        body = docs.model_dump_json().encode()
        self._rows.add("api_docs", release.digest, docs.generator, body)

    def _write_archive(self, digest: Digest, content: bytes) -> None:
        file = self._archives.archive(digest)
        if file.parent not in self._folders:
            file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._folders.add(file.parent)
        file.write_bytes(content)

    def _created_ms(self) -> int:
        return self._first_ms + (self._number - self._first) * 1_000 // MADE_PER_SECOND


# --- archives ------------------------------------------------------------------------------------

_LOCAL = struct.Struct("<4s5H3I2H")
_CENTRAL = struct.Struct("<4s6H3I5H2I")
_END = struct.Struct("<4s4H2IH")
_DATE = 33  # January 1, 1980, as ZIP files store dates.


def packed(content: Mapping[str, bytes | str]) -> tuple[bytes, str]:
    """Return a zip of files that are stored as they are, which takes a tenth of the time that
    `zipfile` takes, and the hash of its entries."""
    body = bytearray()
    directory = bytearray()
    digests = dict[str, str]()
    for name, text in content.items():
        data = text.encode() if isinstance(text, str) else text
        digests[name] = hashlib.sha256(data).hexdigest()
        path = name.encode()
        # Flags, method, time and date; then checksum, both sizes, and the length of the name.
        facts = (0, 0, 0, _DATE, zlib.crc32(data), len(data), len(data), len(path))
        directory += _CENTRAL.pack(b"PK\1\2", 20, 20, *facts, 0, 0, 0, 0, 0, len(body)) + path
        body += _LOCAL.pack(b"PK\3\4", 20, *facts, 0) + path + data
    count = len(digests)
    end = _END.pack(b"PK\5\6", 0, 0, count, count, len(directory), len(body), 0)
    return bytes(body + directory + end), entries_hash(digests)
