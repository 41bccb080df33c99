"""Copies of the search index: SQLite files of one process, with changes applied in any order; and
the bases that are built from them, from which other instances begin.

A copy also stores the revision of each package, including removed ones. So a change that
arrives late, or again, has no effect.
"""

import asyncio
import shutil
import sqlite3
from collections.abc import AsyncGenerator, Iterable
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import BinaryIO

from msgspec import Struct

from shared.adapters.data_folder import lock_path
from shared.adapters.search.cloud_blobs import (
    IndexNotBuilt,
    IndexPointer,
    SearchBlobs,
    StoredPointer,
    Unreadable,
)
from shared.adapters.search.cloud_listings import CosmosListings, ListingChange
from shared.adapters.search.index import SearchIndexFile
from shared.adapters.search.rows import SEARCH_MIGRATIONS, IndexRows, excerpt
from shared.adapters.sqlite.database import Database, Migration
from shared.domain.times import MS
from shared.ports.conflicts import Stale
from shared.ports.system import Clock, Randomness
from shared.runtime.file_replacement import Durability, replacing
from shared.runtime.private_files import make_private_folder, try_file_lock
from shared.runtime.retries import back_off, retried
from shared.telemetry.log import log

COPY_MIGRATIONS: tuple[Migration, ...] = (
    *SEARCH_MIGRATIONS,
    (
        """
        CREATE TABLE revisions (
            key TEXT PRIMARY KEY,
            revision INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID
        """,
    ),
)
COPY_SCHEMA = len(COPY_MIGRATIONS)  # Only ever incremented, so that each schema has its own number.

BATCH = 200  # Packages of one transaction: about 0.1 s.


class IndexCopy(SearchIndexFile):
    """One copy, whose file exists until it is closed."""

    def __init__(self, file: Path) -> None:
        super().__init__(Database(file, COPY_MIGRATIONS))
        self.file = file

    def create(self) -> None:
        self.database.migrate()

    async def apply(self, changes: Iterable[ListingChange]) -> int:
        """Apply the changes that are newer than the copy; return how many were."""
        waiting = list(changes)
        applied = 0
        while waiting:
            batch = waiting[:BATCH]
            waiting = waiting[BATCH:]
            applied += await self.database.write(partial(_apply, changes=batch))
        return applied

    async def fill(self, listings: CosmosListings) -> None:
        """Create the index of all listings that are stored."""
        await asyncio.to_thread(self.create)
        async for page in listings.all():
            await self.apply(page)

    async def read_on(self, listings: CosmosListings, after: str) -> str:
        """Apply what changed after a position of the feed, and return the position after that."""
        async for changes, position in listings.since(after):
            await self.apply(changes)
            after = position
        return after

    async def compact(self) -> int:
        """Compact the file and close it; return the number of packages."""
        packages = await self.database.write(_optimize)
        await asyncio.to_thread(self._rewrite)
        return packages

    def close(self) -> None:
        """Finish running writes and close the file, which is then complete."""
        self.database.close()

    def _rewrite(self) -> None:
        self.close()
        # A copy ends with its process.
        with replacing(self.file, Durability.UNSYNCED) as written:
            with closing(sqlite3.connect(self.file)) as connection:
                connection.execute("VACUUM INTO ?", (str(written),))
            with closing(sqlite3.connect(written)) as connection:
                connection.execute("PRAGMA journal_mode = WAL")


def _apply(connection: sqlite3.Connection, changes: Iterable[ListingChange]) -> int:
    newer = _newer(connection, changes)
    listings = {change.key: change.listing() for change in newer}
    rows = IndexRows(connection)
    # An earlier version may have stored longer ones.
    rows.show(excerpt(listing) for listing in listings.values() if listing is not None)
    rows.remove(key for key, listing in listings.items() if listing is None)
    revisions = [(change.key, change.revision) for change in newer]
    connection.executemany("REPLACE INTO revisions VALUES (?, ?)", revisions)
    return len(newer)


def _newer(connection: sqlite3.Connection, changes: Iterable[ListingChange]) -> list[ListingChange]:
    """Return the newest change of each package that is newer than the copy."""
    newest: dict[str, ListingChange] = {}
    for change in sorted(changes, key=lambda each: each.revision):
        newest[change.key] = change
    return [each for each in newest.values() if each.revision > _revision(connection, each.key)]


def _revision(connection: sqlite3.Connection, key: str) -> int:
    known = connection.execute("SELECT revision FROM revisions WHERE key = ?", (key,)).fetchone()
    return known[0] if known else 0


def _optimize(connection: sqlite3.Connection) -> int:
    """Merge what the full text index keeps in pieces, and return the number of packages."""
    connection.execute("INSERT INTO texts (texts) VALUES ('optimize')")
    return connection.execute("SELECT count(*) FROM packages").fetchone()[0]


COPY_FOLDER_PREFIX = "ballroom-search-"
# The database, in a folder of its own together with the files that SQLite adds.
COPY_FILE = "search.db"


class CopyFolders:
    """The folder of this process for its copies; removed when it ends."""

    def __init__(self, root: Path, randomness: Randomness) -> None:
        self._root = root
        self._randomness = randomness
        self._folder: Path | None = None
        self._lock: BinaryIO | None = None

    def folder(self) -> Path:
        made = self._own() / self._name()
        made.mkdir()
        return made

    def close(self) -> None:
        folder = self._folder
        self._folder = None
        if folder is not None and self._lock is not None:
            remove_folder(folder)
            self._lock.close()
            lock_path(folder).unlink(missing_ok=True)

    def _own(self) -> Path:
        if self._folder is None:
            make_private_folder(self._root)
            self._sweep()
            folder = self._root / f"{COPY_FOLDER_PREFIX}{self._name()}"
            # Locked before the folder is made, so that no other process removes it.
            self._lock = try_file_lock(lock_path(folder))
            make_private_folder(folder)  # The index includes private packages.
            self._folder = folder
        return self._folder

    def _sweep(self) -> None:
        """Remove the folders of killed processes, whose locks are free."""
        for lock in self._root.glob(f"{COPY_FOLDER_PREFIX}*.lock"):
            with suppress(OSError):  # Another process may remove it at the same time.
                file = try_file_lock(lock)
                if file is not None:
                    remove_folder(lock.with_suffix(""))
                    file.close()
                    lock.unlink()

    def _name(self) -> str:
        return self._randomness.token_bytes(8).hex()


def remove_folder(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)


BASE_LIFETIME = timedelta(hours=1)  # An instance that starts reads what changed since.
MOST_CHANGES = 2_000  # Since a base: an instance applies as many in two seconds.
SWEEP_GRACE_PERIOD = timedelta(minutes=15)  # Another process may still read or write the base.
# How long two versions of the program may run at the same time.
UPGRADE_OVERLAP = timedelta(minutes=30)


class BuiltBase(Struct, frozen=True):
    """A new base, how many packages it shows, and up to which position it has all changes."""

    name: str
    packages: int
    after: str


class CloudSearchFeed:
    """The SearchFeed of a registry in the cloud."""

    def __init__(
        self, listings: CosmosListings, blobs: SearchBlobs, workplace: CopyFolders, clock: Clock
    ) -> None:
        self._listings = listings
        self._blobs = blobs
        self._workplace = workplace
        self._clock = clock

    async def catch_up(self) -> int:
        try:
            return await self._catch_up()
        except Unreadable as wrong:
            if not isinstance(wrong, IndexNotBuilt):
                log.warning("search.begun_anew", reason=str(wrong))
            return await self.rebuild()

    async def rebuild(self) -> int:
        begun_ms = self._clock.now_ms()
        after = await self._listings.now()
        async with self._new_copy() as copy:
            await copy.fill(self._listings)
            built = await self._stored(copy, after)

        @retried(pause=back_off)
        async def attempt() -> None:
            if not await self._point_at(built, begun_ms, await self._blobs.etag()):
                raise Stale

        await attempt()
        log.info("search.rebuilt", packages=built.packages)
        return built.packages

    async def erase_earlier(self) -> None:
        await self.rebuild()
        pointer = (await self._current()).pointer
        # An instance that is reading one of them keeps its copy, and reads the new one next.
        await self._blobs.delete_unused(pointer, self._clock.now_ms() + 1)

    async def _catch_up(self) -> int:
        begun_ms = self._clock.now_ms()
        found = await self._current()
        pointer = found.pointer
        try:
            count = 0
            after = pointer.after
            async for changes, position in self._listings.since(pointer.after):
                count += len(changes)
                after = position
        except ValueError as wrong:  # A backup was restored.
            message = "its place in the change feed is one of another container"
            raise Unreadable(message) from wrong
        is_due = count > MOST_CHANGES or begun_ms - pointer.made_ms >= BASE_LIFETIME // MS
        if count and is_due and pointer.schema == COPY_SCHEMA:
            await self._renew(found, begun_ms)
        else:  # Where no listing changed, others need not read the same again.
            read = replace(pointer, fed_ms=begun_ms, after=pointer.after if count else after)
            await self._blobs.replace_pointer(read, found.etag)
        await self._blobs.delete_unused(
            (await self._current()).pointer, begun_ms - SWEEP_GRACE_PERIOD // MS
        )
        return count

    async def _current(self) -> StoredPointer:
        """Return the pointer; raise `Unreadable` if its index cannot be continued."""
        found = await self._blobs.pointer()
        if found is None:
            raise IndexNotBuilt
        schema = found.pointer.schema
        age_ms = self._clock.now_ms() - found.pointer.made_ms
        # During an upgrade the newer version builds the index; after a rollback this one does.
        if schema < COPY_SCHEMA or (schema > COPY_SCHEMA and age_ms > UPGRADE_OVERLAP // MS):
            message = f"the base has schema {schema}, and this Ballroom needs {COPY_SCHEMA}"
            raise Unreadable(message)
        return found

    async def _renew(self, found: StoredPointer, begun_ms: int) -> None:
        """Build a base from the current one and what changed since. If several processes do this at
        the same time, one of them stores its pointer."""
        async with self._new_copy() as copy:
            await self._blobs.fetch_base(found.pointer.base, copy.file)
            after = await copy.read_on(self._listings, found.pointer.after)
            built = await self._stored(copy, after)
        await self._point_at(built, begun_ms, found.etag)
        log.info("search.base_renewed", packages=built.packages)

    async def _point_at(self, built: BuiltBase, begun_ms: int, etag: str) -> bool:
        pointer = IndexPointer(
            schema=COPY_SCHEMA,
            base=built.name,
            made_ms=begun_ms,
            packages=built.packages,
            fed_ms=begun_ms,
            after=built.after,
        )
        return await self._blobs.replace_pointer(pointer, etag)

    async def _stored(self, copy: IndexCopy, after: str) -> BuiltBase:
        packages = await copy.compact()
        return BuiltBase(await self._blobs.put_base(copy.file), packages, after)

    @asynccontextmanager
    async def _new_copy(self) -> AsyncGenerator[IndexCopy]:
        copy = IndexCopy(self._workplace.folder() / COPY_FILE)
        try:
            yield copy
        finally:
            await asyncio.to_thread(copy.close)
            await asyncio.to_thread(remove_folder, copy.file.parent)
