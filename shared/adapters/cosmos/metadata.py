"""Packages, releases and entries in Cosmos DB, and the surveys of packages that are kept
decoded.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Sequence
from functools import cache
from operator import attrgetter, itemgetter
from typing import TypeVar

from msgspec import Struct

from shared.adapters.cosmos.change_feed import ChangeFeedEdition
from shared.adapters.cosmos.client import BatchWrite, CosmosContainer, CosmosDatabase, Item
from shared.adapters.cosmos.outboxes import waiting_records
from shared.adapters.cosmos.queries import SessionTokens
from shared.domain.archives.digests import Digest
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.events import waiting_since
from shared.domain.names import OrgName, PackageName
from shared.domain.packages import FoundRelease, Head, Release, ReleaseEntry, Survey
from shared.domain.versions import Version
from shared.ports.conflicts import AlreadyThere, Stale
from shared.ports.metadata import ReadCheck, VersionDiffersInCase
from shared.runtime.decoded_records import SURVEYS_CACHED_BYTES, merge_entries, share_field_names
from shared.runtime.lru_cache import LruCache

# One partition that lists every package, in order; a name is written there before it is claimed.
NAMES = "names"

ENTRIES_PUT_AT_ONCE = 50  # A package may have thousands, which a rebuild stores together.
POINTERS_CACHED = 10_000  # From the digest of an archive to its release, which never changes.

R = TypeVar("R", Head, Release)


class CosmosMetadata:
    """The MetadataStore of a registry in the cloud.

    Reads for callers, which have a check, are of the session of the edition if it has one, and cost
    half. What they do not find, or may not show, is read again at the level of the account
    (decision 0175).
    """

    def __init__(self, cosmos: CosmosDatabase, edition: ChangeFeedEdition) -> None:
        self._edition = edition
        self._packages = cosmos.container("packages")
        self._tools = cosmos.container("tools")
        self._surveys = CosmosSurveys(self._packages)
        self._pointers = LruCache[str, Coordinate](POINTERS_CACHED)

    async def find(
        self, coordinate: Coordinate, /, *, check: ReadCheck | None = None
    ) -> FoundRelease:
        session = self._edition.session if check is not None else None
        if check is None or session is None:
            return await self._find(coordinate, check)
        once = _CheckedOnce(check)
        found = await self._find(coordinate, once, session)
        if found.head is not None and found.release is not None:
            return found
        return await self._find(coordinate, once)

    async def _find(
        self,
        coordinate: Coordinate,
        check: ReadCheck | None,
        as_of: SessionTokens | None = None,
    ) -> FoundRelease:
        package = coordinate.package
        release = release_id(coordinate.version.text)
        # A query takes half the processor time of two reads, and finds what there is of both.
        found = await self._packages.query(
            "SELECT * FROM c WHERE c.id IN ('head', @release)",
            package.key,
            as_of=as_of,
            release=release,
        )
        items = {item["id"]: item for item in found}
        head = read_record(Head, items.get(HEAD) or _stand_in())
        known = head if HEAD in items else None
        if check is not None and package.key not in await check([(package, known)]):
            return FoundRelease(None, None)
        return FoundRelease(
            known, read_record(Release, items[release]) if release in items else None
        )

    async def by_digest(self, digest: Digest, /, *, check: ReadCheck | None = None) -> FoundRelease:
        coordinate = await self._pointer(digest)
        if coordinate is None:
            if check is not None:
                await check([(NO_PACKAGE, None)])
            return FoundRelease(None, None)
        found = await self.find(coordinate, check=check)
        if found.release is None or found.release.digest != digest.hex:
            # The push that wrote the pointer did not get the version.
            return FoundRelease(None, None)
        return found

    async def head(self, package: Package) -> Head | None:
        item = await self._packages.read(package.key, HEAD)
        return read_record(Head, item) if item else None

    async def survey(
        self,
        packages: Sequence[Package],
        versions: Collection[Coordinate] = (),
        /,
        *,
        check: ReadCheck | None = None,
    ) -> list[Survey | None]:
        session = self._edition.session if check is not None else None
        if check is None or session is None:
            return await self._read_surveys(packages, check)
        once = _CheckedOnce(check)
        found = dict(zip(packages, await self._read_surveys(packages, once, session), strict=True))
        wanted = defaultdict[str, list[Version]](list)
        for coordinate in versions:
            wanted[coordinate.package.key].append(coordinate.version)
        missing = [
            package
            for package, survey in found.items()
            if survey is None or not all(map(survey.has, wanted[package.key]))
        ]
        if missing:
            found |= zip(missing, await self._read_surveys(missing, once), strict=True)
        return [found[package] for package in packages]

    async def _read_surveys(
        self,
        packages: Sequence[Package],
        check: ReadCheck | None,
        as_of: SessionTokens | None = None,
    ) -> list[Survey | None]:
        surveys = await self._surveys.read([package.key for package in packages], as_of)
        if check is None:
            return surveys
        found = list(zip(packages, surveys, strict=True))
        readable = await check(
            [(package, survey.head if survey else None) for package, survey in found]
        )
        return [survey if package.key in readable else None for package, survey in found]

    async def claim(self, head: Head) -> Head:
        there = await self.head(head.package)
        if there is not None:
            return there
        key = head.key
        await self._packages.put({"id": key.replace("/", ":"), "pk": NAMES, "key": key})
        if await self._packages.create(item_of(head)):
            return head
        return await self.head(head.package) or head

    async def add_release(self, release: Release) -> None:
        # The pointer from the digest is written before the release: after a crash between the two a
        # pointer may name a missing release, but every release is found by its digest.
        head, _ = await asyncio.gather(
            self.head(release.coordinate.package), self._packages.put(_pointer(release))
        )
        if head is None:
            raise LookupError(pk_of(release))  # A mistake of the caller: claim first.
        stored = release.model_copy(update={"org": head.org, "name": head.name})
        if not await self._create_release(stored):
            raise AlreadyThere

    async def restore_release(self, release: Release) -> None:
        try:
            await self.add_release(release)
        except VersionDiffersInCase:
            head = await self.head(release.coordinate.package)
            spelled = {"org": head.org, "name": head.name} if head else {}
            if not await self._packages.create(item_of(release.model_copy(update=spelled))):
                raise AlreadyThere from None

    async def replace_release(self, release: Release) -> Release:
        return await self._replace(release)

    async def replace_head(self, head: Head) -> Head:
        return await self._replace(head)

    async def put_entries(self, package: Package, entries: Sequence[ReleaseEntry]) -> None:
        for start in range(0, len(entries), ENTRIES_PUT_AT_ONCE):
            some = entries[start : start + ENTRIES_PUT_AT_ONCE]
            await asyncio.gather(*(self._put_entry(package.key, entry) for entry in some))

    async def releases(self, package: Package) -> list[Release]:
        items = await self._packages.query("SELECT * FROM c WHERE c.kind = 'release'", package.key)
        return sorted(
            (read_record(Release, item) for item in items), key=attrgetter("created_ms", "version")
        )

    async def packages(self, after: str, count: int) -> list[Head]:
        found: list[Head] = []
        while len(found) < count:
            # All that are wanted are read, however few are missing: a claim that did not end has
            # left a name without a head, and there may be many of those.
            names = await self._names(after, count)
            heads = await self._packages.read_each(names, HEAD)
            found += [read_record(Head, item) for item in sorted(heads, key=itemgetter("pk"))]
            if len(names) < count:
                break
            after = names[-1]
        return found[:count]

    async def _names(self, after: str, count: int) -> list[str]:
        """Return up to `count` names that were ever written, above this one and in order."""
        return await self._packages.query(
            "SELECT VALUE c.key FROM c WHERE c.key > @after ORDER BY c.key OFFSET 0 LIMIT @count",
            NAMES,
            after=after,
            count=count,
        )

    async def records_with_outbox(self, count: int) -> list[Head | Release]:
        return [
            read_record(Head, each) if each["kind"] == HEAD else read_record(Release, each)
            for each in await waiting_records(self._packages, count)
        ]

    async def claim_tool(self, tool: str, package: Package) -> Package:
        item = {"id": tool.lower(), "pk": tool.lower(), "org": package.org, "name": package.name}
        if await self._tools.create(item):
            return package
        [owner] = await self.tool_owners([tool])
        return owner or package

    async def tool_owners(self, tools: Sequence[str]) -> list[Package | None]:
        ids = list(dict.fromkeys(tool.lower() for tool in tools))
        found = await self._tools.query_keys("SELECT * FROM c WHERE IS_DEFINED(c.pk)", ids)
        owners = {
            item["pk"]: Package(OrgName(item["org"]), PackageName(item["name"])) for item in found
        }
        return [owners.get(tool.lower()) for tool in tools]

    async def clear(self, record: Head | Release) -> None:
        """Empty the outbox of a record that is still at this revision, which stays."""
        where = f"c.revision = {record.revision}"
        nothing: Item = {"outbox": [], "waiting": 0}
        await self._packages.change(pk_of(record), id_of(record), nothing, where=where)

    async def set_pulls(self, package: Package, pulls: int) -> None:
        """Show this total, unless a higher one is shown; the revision stays."""
        where = f"c.pulls < {pulls}"
        await self._packages.change(package.key, HEAD, {"pulls": pulls}, where=where)

    async def _create_release(self, release: Release) -> bool:
        """Create the release, with the claim of its version if that can differ in case; return
        whether it was created. Raises `VersionDiffersInCase`."""
        version = release.coordinate.version
        if not version.has_letters:  # As most versions.
            return await self._packages.create(item_of(release))
        pk = pk_of(release)
        claim: Item = {"id": claim_id(version), "kind": "version", "version": version.text}
        await self._require_unclaimed(pk, version)
        steps = [BatchWrite({**claim, "pk": pk, "schema": 1}), BatchWrite(item_of(release))]
        if await self._packages.batch(pk, steps):
            return True
        await self._require_unclaimed(pk, version)
        return False

    async def _require_unclaimed(self, pk: str, version: Version) -> None:
        """Raise `VersionDiffersInCase` if another spelling of the version is published and this one
        is not. Releases of earlier versions of the registry have no claim."""
        text = "SELECT VALUE c.id FROM c WHERE c.kind = 'release' AND STRINGEQUALS(c.id, @id, true)"
        found = await self._packages.query(text, pk, id=release_id(version.key))
        same = sorted(id_.removeprefix(release_id("")) for id_ in found)
        if version.text in same:
            raise AlreadyThere
        if same:
            raise VersionDiffersInCase(same[0])

    async def _replace(self, record: R) -> R:
        stored = record.model_copy(update={"revision": record.revision + 1})
        fields = {k: v for k, v in item_of(stored).items() if k in _CHANGING}
        where = f"c.revision = {record.revision}"
        changed = await self._packages.change(pk_of(record), id_of(record), fields, where=where)
        if changed is None:
            raise Stale
        return read_record(type(record), changed)

    async def _put_entry(self, pk: str, entry: ReleaseEntry) -> None:
        id_ = f"entry:{entry.version}"
        # Small, because each resolve pays for each byte: most entries are below 1 KiB, and a field
        # that is not stored has its default.
        body = entry.model_dump(mode="json", exclude_defaults=True)
        fields: Item = {"revision": entry.revision, "body": body}
        item = {"id": id_, "pk": pk, "schema": 1, "kind": "entry", **fields}
        if await self._packages.create(item):
            return
        where = f"c.revision <= {entry.revision}"
        # If nothing changes, a newer entry is stored: entries are never deleted.
        await self._packages.change(pk, id_, fields, where=where)

    async def _pointer(self, digest: Digest) -> Coordinate | None:
        """Return the coordinate that the archive contains, whose release may not exist."""
        known = self._pointers.get(digest.hex)
        if known is not None:
            return known
        item = await self._packages.read(digest_key(digest), "release")
        if item is None:
            return None
        coordinate = Coordinate.parse(item["org"], item["name"], item["version"])
        self._pointers.put(digest.hex, coordinate)
        return coordinate


class _CheckedOnce:
    """A check that is asked once about a package while its head is the same, however often the
    package is read for one answer."""

    def __init__(self, check: ReadCheck) -> None:
        self._check = check
        self._heads = dict[str, Head | None]()
        self._readable = set[str]()

    async def __call__(self, requested: Sequence[tuple[Package, Head | None]], /) -> set[str]:
        heads = self._heads
        changed = [
            (package, head)
            for package, head in requested
            if package.key not in heads or heads[package.key] != head
        ]
        if changed:
            heads |= {package.key: head for package, head in changed}
            self._readable -= {package.key for package, _ in changed}
            self._readable |= set(await self._check(changed))
        return self._readable & {package.key for package, _ in requested}


_CHANGING = frozenset({"revision", "outbox", "waiting", "body"})


def _pointer(release: Release) -> Item:
    """Return the pointer from the digest of an archive to its release."""
    return {
        "id": "release",
        "pk": digest_key(Digest(release.digest)),
        "org": release.org,
        "name": release.name,
        "version": release.version,
    }


OVERLAP_SECONDS = 5  # The service dates items by whole seconds, on more than one machine.


class _CachedSurvey(Struct, frozen=True):
    """A package and its entries, the second of the newest change among them, and the memory that
    the entries take."""

    changed: int = 0
    head: Head | None = None
    entries: tuple[ReleaseEntry, ...] = ()
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

    async def read(
        self, keys: Sequence[str], as_of: SessionTokens | None = None
    ) -> list[Survey | None]:
        """Return the survey of each package by its key; None where it does not exist."""
        known = {key: self._cache.get(key) for key in keys}
        since = {key: each.changed - OVERLAP_SECONDS for key, each in known.items() if each}
        changed = await self._container.query_keys(
            "SELECT * FROM c WHERE c.kind IN ('head', 'entry')",
            list(known),
            since,
            as_of=as_of,
        )
        by_key = defaultdict[str, list[Item]](list)
        for item in changed:
            by_key[item["pk"]].append(item)
        surveys = {key: self._put(key, known[key], by_key[key]) for key in known}
        return [surveys[key] for key in keys]

    def _put(self, key: str, known: _CachedSurvey | None, changed: list[Item]) -> Survey | None:
        """Return the survey with what changed, and keep it; nothing is kept of a package without
        a head, whose first release may be committed right now."""
        survey = _with_changes(known or _CachedSurvey(), changed)
        if survey.head is None:
            return None
        self._cache.put(key, survey)
        return Survey(survey.head, survey.entries)


def _with_changes(known: _CachedSurvey, changed: list[Item]) -> _CachedSurvey:
    heads = [known.head] if known.head else []
    heads += [read_record(Head, item) for item in changed if item["kind"] == HEAD]
    revisions = {each.version: each.revision for each in known.entries} if changed else {}
    bodies = (item["body"] for item in changed if item["kind"] != HEAD)
    found = [share_field_names(ReleaseEntry.model_validate(body)) for body in bodies]
    newer = [each for each in found if each.revision >= revisions.get(each.version, 0)]
    entries, more_bytes = merge_entries(known.entries, newer) if newer else (known.entries, 0)
    return _CachedSurvey(
        max([known.changed, *(item["_ts"] for item in changed)]),
        # A write of the pulls leaves the revision.
        max(heads, key=attrgetter("revision", "pulls"), default=None),
        entries,
        known.memory_bytes + more_bytes,
    )


HEAD = "head"


def release_id(version: str) -> str:
    return f"release:{version}"


def claim_id(version: Version) -> str:
    return f"version:{version.key}"


def id_of(record: Head | Release) -> str:
    return release_id(record.version) if isinstance(record, Release) else HEAD


def pk_of(record: Head | Release) -> str:
    return (record.coordinate.package if isinstance(record, Release) else record.package).key


def item_of(record: Head | Release) -> Item:
    body = record.model_dump(mode="json", exclude={"outbox", "revision", "pulls"})
    item: Item = {
        "id": id_of(record),
        "pk": pk_of(record),
        "schema": 1,
        "kind": "release" if isinstance(record, Release) else HEAD,
        "revision": record.revision,
        "outbox": [event.model_dump(mode="json") for event in record.outbox],
        "waiting": waiting_since(record.outbox) or 0,
        "body": body,
    }
    if isinstance(record, Head):
        item["pulls"] = record.pulls
    return item


def read_record(kind: type[R], item: Item) -> R:
    beside = {name: item[name] for name in ("revision", "outbox", "pulls") if name in item}
    return kind.model_validate({**item["body"], **beside})


@cache
def _stand_in() -> Item:
    return item_of(Head.stand_in())


def digest_key(digest: Digest) -> str:
    """Return the partition of what belongs to an archive."""
    return f"digest:{digest.hex}"
