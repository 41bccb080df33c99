"""Packages, releases and entries in Cosmos DB, and the surveys of packages that are kept
decoded.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

from shared.adapters.cosmos.client import CosmosContainer, CosmosDatabase, Item
from shared.adapters.decoded_records import (
    SURVEYS_CACHED_BYTES,
    memory_of_entries,
    share_field_names,
)
from shared.caching import LruCache
from shared.domain.archives.names import Digest
from shared.domain.names import Coordinate, OrgName, Package, PackageName
from shared.domain.packages import FoundRelease, Head, Release, ReleaseEntry, Survey
from shared.domain.records import Event
from shared.domain.versions import Precedence
from shared.ports import AlreadyThere, Stale

# One partition that lists every package, in order; a name is written there before it is claimed.
NAMES = "names"

R = TypeVar("R", Head, Release)


class CosmosMetadata:
    """The MetadataStore of a registry in the cloud."""

    def __init__(self, cosmos: CosmosDatabase) -> None:
        self._packages = cosmos.container("packages")
        self._tools = cosmos.container("tools")
        self._surveys = CosmosSurveys(self._packages)

    async def find(self, coordinate: Coordinate) -> FoundRelease:
        pk = coordinate.package.key
        head, release = await asyncio.gather(
            self._packages.read(pk, HEAD),
            self._packages.read(pk, release_id(coordinate.version.text)),
        )
        return FoundRelease(
            read_record(Head, head) if head else None,
            read_record(Release, release) if release else None,
        )

    async def by_digest(self, digest: Digest) -> FoundRelease:
        pointer = await self._packages.read(f"digest:{digest.hex}", "release")
        if pointer is None:
            return FoundRelease(None, None)
        found = await self.find(
            Coordinate.parse(pointer["org"], pointer["name"], pointer["version"])
        )
        if found.release is None or found.release.digest != digest.hex:
            return FoundRelease(
                None, None
            )  # The push that wrote the pointer did not get the version.
        return found

    async def head(self, package: Package) -> Head | None:
        item = await self._packages.read(package.key, HEAD)
        return read_record(Head, item) if item else None

    async def survey(self, packages: Sequence[Package]) -> list[Survey | None]:
        return await self._surveys.read([package.key for package in packages])

    async def claim(self, head: Head) -> Head:
        there = await self.head(head.package)
        if there is not None:
            return there
        key = head.package.key
        await self._packages.put({"id": key.replace("/", ":"), "pk": NAMES, "key": key})
        if await self._packages.create(item_of(head)):
            return head
        return await self.head(head.package) or head

    async def add_release(self, release: Release) -> None:
        # The way from the digest comes first: it may lead nowhere, but a release is always found.
        head, _ = await asyncio.gather(
            self.head(release.coordinate.package), self._packages.put(_pointer(release))
        )
        if head is None:
            raise LookupError(pk_of(release))  # A mistake of the caller: claim first.
        stored = release.model_copy(update={"org": head.org, "name": head.name})
        if not await self._packages.create(item_of(stored)):
            raise AlreadyThere

    async def replace_release(self, release: Release) -> Release:
        return await self._replace(release)

    async def replace_head(self, head: Head) -> Head:
        return await self._replace(head)

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        await asyncio.gather(*(self._put_entry(package.key, entry) for entry in entries))

    async def releases(self, package: Package) -> list[Release]:
        items = await self._packages.query("SELECT * FROM c WHERE c.kind = 'release'", package.key)
        return sorted((read_record(Release, item) for item in items), key=_created)

    async def packages(self, after: str, count: int) -> list[Head]:
        names = await self._packages.query(
            "SELECT VALUE c.key FROM c WHERE c.key > @after ORDER BY c.key OFFSET 0 LIMIT @count",
            NAMES,
            after=after,
            count=count,
        )
        heads = await asyncio.gather(*(self._packages.read(name, HEAD) for name in names))
        return [read_record(Head, item) for item in heads if item is not None]

    async def unpublished_events(self, count: int) -> list[Head | Release]:
        found = await self._packages.query("SELECT * FROM c WHERE c.waiting > 0")
        return [_record(item) for item in sorted(found, key=_waiting)[:count]]

    async def claim_tool(self, tool: str, package: Package) -> Package:
        item = {"id": tool.lower(), "pk": tool.lower(), "org": package.org, "name": package.name}
        if await self._tools.create(item):
            return package
        return await self._tool_owner(tool) or package

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        return list(await asyncio.gather(*(self._tool_owner(tool) for tool in tools)))

    async def clear(self, record: Head | Release) -> None:
        """Empty the outbox of a record that is still at this revision, which stays."""
        where = f"c.revision = {record.revision}"
        nothing: Item = {"outbox": [], "waiting": 0}
        await self._packages.change(pk_of(record), id_of(record), nothing, where=where)

    async def set_pulls(self, package: Package, pulls: int) -> None:
        """Show this total, unless a higher one is shown; the revision stays."""
        where = f"c.pulls < {pulls}"
        await self._packages.change(package.key, HEAD, {"pulls": pulls}, where=where)

    async def _replace(self, record: R) -> R:
        stored = record.model_copy(update={"revision": record.revision + 1})
        fields = {k: v for k, v in item_of(stored).items() if k in _CHANGING}
        where = f"c.revision = {record.revision}"
        changed = await self._packages.change(pk_of(record), id_of(record), fields, where=where)
        if changed is None:
            raise Stale
        return read_record(type(record), changed)

    async def _put_entry(self, pk: str, entry: ReleaseEntry) -> None:
        id_, body = f"entry:{entry.version}", entry.model_dump(mode="json")
        fields: Item = {"revision": entry.revision, "body": body}
        item = {"id": id_, "pk": pk, "schema": 1, "kind": "entry", **fields}
        if await self._packages.create(item):
            return
        where = f"c.revision <= {entry.revision}"
        # Where nothing changes, a newer one is there: entries are never deleted.
        await self._packages.change(pk, id_, fields, where=where)

    async def _tool_owner(self, tool: str) -> Package | None:
        item = await self._tools.read(tool.lower(), tool.lower())
        return Package(OrgName(item["org"]), PackageName(item["name"])) if item else None


_CHANGING = frozenset({"revision", "outbox", "waiting", "body"})


def _record(item: Item) -> Head | Release:
    return read_record(Release, item) if item["kind"] == "release" else read_record(Head, item)


def _waiting(item: Item) -> int:
    return item["waiting"]


def _created(release: Release) -> tuple[int, str]:
    return release.created_ms, release.version


def _pointer(release: Release) -> Item:
    """Return what leads from the digest of an archive to its release."""
    return {
        "id": "release",
        "pk": f"digest:{release.digest}",
        "org": release.org,
        "name": release.name,
        "version": release.version,
    }


OVERLAP_SECONDS = 5  # The service dates items by whole seconds, on more than one machine.


@dataclass(frozen=True, slots=True)
class _CachedSurvey:
    """The entries of a package by version, the second of the newest change among them, and the
    memory that they take."""

    changed: int
    entries: dict[str, ReleaseEntry]
    memory_bytes: int = 0


class CosmosSurveys:
    """The cached surveys of a process; each call reads what other processes changed."""

    def __init__(
        self, container: CosmosContainer, capacity_bytes: int = SURVEYS_CACHED_BYTES
    ) -> None:
        self._container = container
        self._cache = LruCache[str, _CachedSurvey](
            capacity_bytes, weigh=lambda _, known: known.memory_bytes
        )

    async def read(self, keys: Sequence[str]) -> list[Survey | None]:
        """Return the survey of each package by its key; None where it does not exist."""
        found = await asyncio.gather(*(self._read(key) for key in dict.fromkeys(keys)))
        surveys = dict(zip(dict.fromkeys(keys), found, strict=True))
        return [surveys[key] for key in keys]

    async def _read(self, key: str) -> Survey | None:
        known = self._cache.get(key) or _CachedSurvey(0, {})
        head, changed = await asyncio.gather(
            self._container.read(key, HEAD), self._changed(key, known)
        )
        if head is None:
            return None
        entries = self._put(key, known, changed).entries
        newest_first = sorted(entries.values(), key=_precedence, reverse=True)
        return Survey(read_record(Head, head), tuple(newest_first))

    async def _changed(self, key: str, known: _CachedSurvey) -> list[Item]:
        return await self._container.query(
            "SELECT * FROM c WHERE c.kind = 'entry' AND c._ts >= @since",
            key,
            since=known.changed - OVERLAP_SECONDS,
        )

    def _put(self, key: str, known: _CachedSurvey, changed: list[Item]) -> _CachedSurvey:
        found = {item["body"]["version"]: _entry(item["body"]) for item in changed}
        newer = _that_are_newer(known.entries, found)
        replaced = [known.entries[version] for version in newer if version in known.entries]
        fresh = _CachedSurvey(
            max([known.changed, *(item["_ts"] for item in changed)]),
            {**known.entries, **newer},
            known.memory_bytes + memory_of_entries(newer.values()) - memory_of_entries(replaced),
        )
        self._cache.put(key, fresh)
        return fresh


def _that_are_newer(
    known: dict[str, ReleaseEntry], found: dict[str, ReleaseEntry]
) -> dict[str, ReleaseEntry]:
    return {
        version: entry
        for version, entry in found.items()
        if version not in known or entry.revision >= known[version].revision
    }


def _entry(body: Item) -> ReleaseEntry:
    return share_field_names(ReleaseEntry.model_validate(body))


def _precedence(entry: ReleaseEntry) -> Precedence:
    return entry.parsed.precedence


HEAD = "head"


def release_id(version: str) -> str:
    """Return the id of a release in the partition of its package."""
    return f"release:{version}"


def id_of(record: Head | Release) -> str:
    """Return the id of a record in the partition of its package."""
    return release_id(record.version) if isinstance(record, Release) else HEAD


def pk_of(record: Head | Release) -> str:
    """Return the partition of a record."""
    return (record.coordinate.package if isinstance(record, Release) else record.package).key


def item_of(record: Head | Release) -> Item:
    """Return a record as it is stored."""
    body = record.model_dump(mode="json", exclude={"outbox", "revision", "pulls"})
    item: Item = {
        "id": id_of(record),
        "pk": pk_of(record),
        "schema": 1,
        "kind": "release" if isinstance(record, Release) else HEAD,
        "revision": record.revision,
        "outbox": [event.model_dump(mode="json") for event in record.outbox],
        "waiting": outbox_since(record.outbox),
        "body": body,
    }
    if isinstance(record, Head):
        item["pulls"] = record.pulls
    return item


def read_record(kind: type[R], item: Item) -> R:
    beside = {name: item[name] for name in ("revision", "outbox", "pulls") if name in item}
    return kind.model_validate({**item["body"], **beside})


def outbox_since(outbox: tuple[Event, ...]) -> int:
    """Return since when a record waits for its events to be published; 0 is not at all."""
    return outbox[0].at_ms if outbox else 0
