"""Advisories: which ones match, who may see one, and writing them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime

from msgspec import Struct
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.auth.registry_authorization import RegistryAuthorization
from shared.domain.advisories.advisories import (
    MAVEN,
    OWN_PREFIX,
    Advisory,
    AdvisoryState,
    PackageVersion,
    advisory_not_found,
    advisory_withdrawn,
    own_id,
)
from shared.domain.advisories.assessments import Assessment, assessments_owner
from shared.domain.advisories.findings import DependencyFindings, LibraryFindings, ReleaseFindings
from shared.domain.advisories.osv import osv_json, parse_osv
from shared.domain.advisories.records import OWNER, AdvisoryNumber, StoredAdvisory
from shared.domain.archives.digests import Digest
from shared.domain.archives.java_libraries import JavaLibrary
from shared.domain.coordinates import NO_PACKAGE, Coordinate, Package
from shared.domain.dependency_graphs import read_graph
from shared.domain.entities import Place
from shared.domain.errors.base import Conflict, Forbidden, Invalid, InvalidName, NotFound
from shared.domain.names import OrgName, parse_org
from shared.domain.packages import Release
from shared.domain.principals import ANONYMOUS, Principal
from shared.domain.reasons import with_reason
from shared.domain.scopes import Action
from shared.ports.directory import DirectoryStore
from shared.ports.documents import DocumentStore
from shared.ports.system import Clock
from shared.runtime.retries import retried_when_stale, retried_with_back_off
from shared.services.advisories.advisory_index import AdvisoryIndex, IndexedAdvisory
from shared.services.api_docs.sboms import Sboms
from shared.services.audited_writes import AuditedWriter, EntityChange
from shared.services.packages.hosted_packages import HostedPackages

_WHAT = "advisories"
_COMPARED_AT_ONCE = 10  # Queries compared at once; other requests run between two such batches.

# Returns what a stored advisory becomes; it may be called again, with what is stored then.
ChangedAdvisory = Callable[[Advisory], Awaitable[Advisory]]


class Advisories(Struct, frozen=True):
    """Matches advisories with versions, and stores those that are written here.

    An advisory about packages of this registry that are not public exists only for those who may
    see all of these packages, and one about a package that is not here for nobody. A draft is there
    for the owners of its organization and for administrators.
    """

    index: AdvisoryIndex
    directory: DirectoryStore
    documents: DocumentStore
    sboms: Sboms
    hosted: HostedPackages
    authorization: Authorization
    registry_authorization: RegistryAuthorization
    audited_writer: AuditedWriter
    clock: Clock
    ecosystem: str  # The OSV ecosystem of the packages of this registry.

    # --- Matching --------------------------------------------------------------------------------

    async def matches(
        self, queries: Sequence[PackageVersion], by: Principal
    ) -> list[tuple[IndexedAdvisory, ...]]:
        """Return for each query, in their order, what matches it and `by` may see, the advisories
        that were modified last first. Withdrawn ones match nothing."""
        index = await self.index.current()
        found = list[tuple[IndexedAdvisory, ...]]()
        for number, each in enumerate(queries):
            if number % _COMPARED_AT_ONCE == 0:
                await asyncio.sleep(0)  # A package may have a thousand advisories.
            found.append(tuple(index.matching(each)))
        visible = await self._visible({one.id: one for each in found for one in each}, by)
        return [
            tuple(sorted((one for one in each if one.id in visible), key=_newest_first))
            if each
            else ()
            for each in found
        ]

    async def findings(
        self, queries: Sequence[PackageVersion], by: Principal
    ) -> list[tuple[Advisory, ...]]:
        """Return whole advisories, as `matches` does."""
        found = await self.matches(queries, by)
        return [tuple(map(self.index.advisory, each)) for each in found]

    async def of_release(self, release: Release, by: Principal) -> ReleaseFindings:
        """Return what matches a release that `by` may see, the releases of its dependency graph,
        and the Java libraries inside."""
        own = release.coordinate
        # Most registries have no advisories of an ecosystem: what these could match is not read.
        index = await self.index.current()
        is_about_packages = index.is_about(self.ecosystem)
        has_libraries = index.is_about(MAVEN)
        if not is_about_packages and not has_libraries:
            return ReleaseFindings()
        graph = await self._dependencies(release) if is_about_packages else []
        dependencies = [each for each in graph if each.package.key != own.package.key]
        libraries = await self.sboms.java_libraries(release) if has_libraries else ()
        queries = [
            *map(self.version_of, [own, *dependencies]),
            *map(version_of_library, libraries),
        ]
        found_own, *found = await self.findings(queries, by)
        of_dependencies = zip(dependencies, found, strict=False)
        of_libraries = zip(libraries, found[len(dependencies) :], strict=True)
        inside = tuple(LibraryFindings(*each) for each in of_libraries if each[1])
        cleared = await self._cleared(own) if inside else frozenset[str]()
        return ReleaseFindings(
            own=found_own,
            dependencies=tuple(DependencyFindings(*each) for each in of_dependencies if each[1]),
            java_libraries=tuple(_of_libraries(inside, lambda each: each.id not in cleared)),
            assessed=tuple(_of_libraries(inside, lambda each: each.id in cleared)),
        )

    async def _cleared(self, coordinate: Coordinate) -> frozenset[str]:
        """Return the ids of the advisories of which an owner says that they do not affect the
        release."""
        owner = assessments_owner(coordinate)
        assessments = await self.directory.list_by_owner(Assessment, owner)
        return frozenset(each.advisory for each in assessments if each.clears)

    def version_of(self, coordinate: Coordinate) -> PackageVersion:
        """Return what is asked about a release of this registry."""
        return PackageVersion(self.ecosystem, str(coordinate.package), str(coordinate.version))

    async def _dependencies(self, release: Release) -> list[Coordinate]:
        [document] = await self.documents.graphs([Digest.parse(release.digest)])
        nodes = read_graph(document)
        return [Coordinate.parse(each.org, each.name, each.version) for each in nodes]

    # --- Single ones -----------------------------------------------------------------------------

    async def find(self, advisory_id: str, by: Principal) -> Advisory:
        """Return an advisory that `by` may see; raise `advisory-not-found`."""
        found = await self._published(advisory_id, by)
        if found is not None:
            return found
        stored = await self._draft(advisory_id, by)
        if stored is None:
            raise advisory_not_found(advisory_id)
        return stored.advisory

    async def find_published(self, advisory_id: str, by: Principal) -> Advisory:
        """Return an advisory that is no draft, as `find` does. What is missing costs as much as a
        draft of others."""
        found = await self._published(advisory_id, by)
        if found is None:
            raise advisory_not_found(advisory_id)
        return found

    async def _published(self, advisory_id: str, by: Principal) -> Advisory | None:
        index = await self.index.current()
        indexed = index.by_id.get(advisory_id)
        visible = await self._visible({advisory_id: indexed}, by)
        if indexed is None or advisory_id not in visible:
            return None
        return self.index.advisory(indexed)

    async def _draft(self, advisory_id: str, by: Principal) -> StoredAdvisory | None:
        """Return an advisory that its writers see before others do."""
        if by.is_anonymous:
            return None
        stored = await self.directory.get(StoredAdvisory, Place(OWNER, advisory_id))
        if stored is None:
            return None
        try:
            if stored.org:
                org = OrgName(stored.org)
                await self.authorization.require_to_read(by, Action.MANAGE, org)
            else:
                await self.registry_authorization.require_auditor(by, "see", _WHAT)
        except (NotFound, Forbidden):
            return None
        return stored

    async def public(self) -> list[Advisory]:
        """Return the advisories that everybody may see and that are part of no imported set."""
        index = await self.index.current()
        own = {each.id: each for each in index.by_id.values() if not each.is_in_set}
        visible = await self._visible(own, ANONYMOUS)
        return [self.index.advisory(own[each]) for each in sorted(own) if each in visible]

    async def about_own_packages(self, by: Principal) -> list[Advisory]:
        """Return the advisories about packages of this registry that `by` may see, the last
        modified first, also withdrawn ones."""
        found = {each.id: each for each in await self._about_own_packages()}
        visible = await self._visible(found, by)
        shown = sorted((each for each in found.values() if each.id in visible), key=_newest_first)
        return [self.index.advisory(each) for each in shown]

    async def malware(self) -> list[Advisory]:
        """Return what is known of malicious versions of packages of this registry. For tasks:
        nobody's rights are checked."""
        live = (each for each in await self._about_own_packages() if each.is_live)
        found = map(self.index.advisory, live)
        return [each for each in found if each.is_malware]

    async def malicious_libraries(self) -> list[Advisory]:
        """Return what is known of malicious Java libraries. For tasks, as `malware`."""
        index = await self.index.current()
        live = [each for each in index.by_id.values() if each.is_live and each.is_malware]
        of_maven = (each for each in live if any(each.names_of(MAVEN)))
        return [self.index.advisory(each) for each in of_maven]

    async def _about_own_packages(self) -> list[IndexedAdvisory]:
        index = await self.index.current()
        return [each for each in index.by_id.values() if any(each.names_of(self.ecosystem))]

    async def written(self, org: OrgName, by: Principal) -> list[Advisory]:
        """Return the advisories of an organization in any state to its owners, the last modified
        first."""
        await self.authorization.require_in_organization(by, Action.MANAGE, org)
        found = await self.directory.list_by_subject(StoredAdvisory, org.lower())
        return _last_modified_first(found)

    async def stored(self, by: Principal) -> list[Advisory]:
        """Return to administrators and auditors every advisory in any state that is part of no
        imported set."""
        await self.registry_authorization.require_auditor(by, "list", _WHAT)
        found = await self.directory.list_by_owner(StoredAdvisory, OWNER)
        return _last_modified_first(found)

    async def is_visible(self, advisory: Advisory, by: Principal) -> bool:
        """Check whether `by` may see a published advisory that was read from its record."""
        indexed = IndexedAdvisory.of(advisory, is_in_set=False)
        return bool(await self._visible({advisory.id: indexed}, by))

    async def _visible(
        self, found: Mapping[str, IndexedAdvisory | None], by: Principal
    ) -> set[str]:
        """Return the ids of those that `by` may see. What is missing costs as much as what is
        hidden."""
        packages = dict[str, list[str]]()
        for advisory_id, indexed in found.items():
            names = indexed.names_of(self.ecosystem) if indexed else [str(NO_PACKAGE)]
            packages[advisory_id] = [name.lower() for name in names]
        asked = [_package(name) for names in packages.values() for name in names]
        readable = set(await self.hosted.visible(asked, by=by))
        return {each for each, names in packages.items() if readable.issuperset(names)}

    # --- Writing ---------------------------------------------------------------------------------

    async def store(self, advisory: Advisory, by: Principal) -> Advisory:
        """Store an advisory that is written here, and return it with its id and times.

        One without an id is new. Owners write those of their organization, about its packages, and
        administrators who signed in recently write all others. A repeat of what is stored changes
        nothing. Raises `advisory-not-found`, `advisory-imported`, `invalid-advisory`.
        """
        await self._require_write(advisory.org, by)
        written = self._written(advisory)

        async def as_written(_: Advisory) -> Advisory:
            return written

        if advisory.id:
            stored = await self._replace(written.org, advisory.id, as_written, by)
        else:
            stored = await self._add(written, by)
        await self.index.say_changed()
        return stored

    async def change(
        self, org: str, advisory_id: str, changed: ChangedAdvisory, by: Principal
    ) -> Advisory:
        """Store what `changed` returns for an advisory of an organization, or of the registry if
        `org` is empty: for what is stored then, also if somebody else writes meanwhile. Raises what
        `store` raises."""
        await self._require_write(org, by)

        async def written(before: Advisory) -> Advisory:
            return self._written(await changed(before))

        stored = await self._replace(org.lower(), advisory_id, written, by)
        await self.index.say_changed()
        return stored

    async def withdraw(self, advisory_id: str, by: Principal, reason: str = "") -> Advisory:
        """Withdraw an advisory that was written here; a draft is deleted. A repeat changes
        nothing. Raises `advisory-not-found`, `advisory-imported`."""
        withdrawn = await self._withdraw(advisory_id, by, reason)
        await self.index.say_changed()
        return withdrawn

    @retried_with_back_off
    async def _add(self, advisory: Advisory, by: Principal) -> Advisory:
        now_ms = self.clock.now_ms()
        year = datetime.fromtimestamp(now_ms // 1000, UTC).year
        last = await self.directory.get(AdvisoryNumber, Place(OWNER, str(year)))
        number = last.number + 1 if last else 1
        # A registry may have imported advisories of another one with such ids.
        while await self.directory.get(StoredAdvisory, Place(OWNER, own_id(year, number))):
            number += 1
        new = _timed(replace(advisory, id=own_id(year, number)), now_ms)
        entity = StoredAdvisory.of(new)
        change = _change("advisory.added", new, by)
        if last is None:
            first = AdvisoryNumber(year=year, number=number)
            await self.audited_writer.add(entity, first, change=change, by=by)
        else:
            counted = last.model_copy(update={"number": number})
            await self.audited_writer.add_replacing(entity, counted, change=change, by=by)
        return new

    def _written(self, advisory: Advisory) -> Advisory:
        """Return a written advisory, checked; raise `invalid-advisory`."""
        self._require_own_packages(advisory)
        checked = _checked(replace(advisory, id=advisory.id or f"{OWN_PREFIX}new"))
        return replace(checked, id=advisory.id, org=advisory.org.lower(), state=advisory.state)

    @retried_when_stale
    async def _replace(
        self, org: str, advisory_id: str, changed_by: ChangedAdvisory, by: Principal
    ) -> Advisory:
        stored = await self._stored(advisory_id, by)
        before = stored.advisory
        if before.org != org:
            raise advisory_not_found(advisory_id)
        advisory = await changed_by(before)
        kept = replace(
            advisory,
            published_ms=before.published_ms,
            modified_ms=before.modified_ms,
            withdrawn_ms=before.withdrawn_ms,
        )
        if kept == before:
            return before
        if before.state is not AdvisoryState.DRAFT and advisory.state is AdvisoryState.DRAFT:
            raise Conflict(
                "advisory-published",
                f"{advisory.id} is published and cannot become a draft again. Withdraw it.",
            )
        if before.state is AdvisoryState.WITHDRAWN:
            raise advisory_withdrawn(advisory.id)
        changed = _timed(kept, self.clock.now_ms())
        is_first = before.state is AdvisoryState.DRAFT and changed.is_live
        change = _change("advisory.published" if is_first else "advisory.changed", changed, by)
        await self.audited_writer.replace(stored.with_content(changed), change=change, by=by)
        return changed

    @retried_when_stale
    async def _withdraw(self, advisory_id: str, by: Principal, reason: str) -> Advisory:
        stored = await self._stored(advisory_id, by)
        before = stored.advisory
        await self._require_write(before.org, by)
        if before.state is AdvisoryState.WITHDRAWN:
            return before
        withdrawn = _timed(replace(before, state=AdvisoryState.WITHDRAWN), self.clock.now_ms())
        change = _change("advisory.withdrawn", withdrawn, by, **with_reason(reason))
        if before.state is AdvisoryState.DRAFT:
            await self.audited_writer.remove(stored, change=change, by=by)
        else:
            await self.audited_writer.replace(stored.with_content(withdrawn), change=change, by=by)
        return withdrawn

    async def _stored(self, advisory_id: str, by: Principal) -> StoredAdvisory:
        await self.find(advisory_id, by)
        stored = await self.directory.get(StoredAdvisory, Place(OWNER, advisory_id))
        if stored is None:  # It is part of a set, or was deleted meanwhile.
            raise advisory_not_found(advisory_id)
        if stored.advisory.is_imported:
            raise Conflict(
                "advisory-imported",
                f"{advisory_id} was imported, and is changed by importing it again.",
            )
        return stored

    async def _require_write(self, org: str, by: Principal) -> None:
        if org:
            await self.authorization.require_in_organization(by, Action.MANAGE, parse_org(org))
        else:
            await self.registry_authorization.require_fresh(by, "write", _WHAT)

    def _require_own_packages(self, advisory: Advisory) -> None:
        for each in advisory.affected if advisory.org else ():
            org, _, _ = each.name.partition("/")
            if each.ecosystem != self.ecosystem or org.lower() != advisory.org.lower():
                raise Invalid(
                    "advisory-of-others",
                    f"{advisory.org} writes advisories about its own packages, and {each.name} of "
                    f"{each.ecosystem} is none of them. Name packages of {advisory.org}.",
                )


def _of_libraries(
    found: Iterable[LibraryFindings], keeps: Callable[[Advisory], bool]
) -> Iterator[LibraryFindings]:
    """Yield the libraries with those of their advisories that `keeps` accepts, if there are any."""
    for each in found:
        if kept := tuple(filter(keeps, each.advisories)):
            yield LibraryFindings(each.library, kept)


def version_of_library(library: JavaLibrary) -> PackageVersion:
    """Return what is asked about a Java library: its coordinate, unless its version is unknown, and
    its digest if it has one."""
    name = library.name if library.version else ""
    return PackageVersion(MAVEN, name, library.version, library.sha256)


def _package(name: str) -> Package:
    try:
        return Package.from_text(name)
    except InvalidName:
        return NO_PACKAGE


def _checked(advisory: Advisory) -> Advisory:
    """Return the advisory with the rules of OSV applied to it, as they are to imported ones."""
    return parse_osv(osv_json(advisory))


def _timed(advisory: Advisory, now_ms: int) -> Advisory:
    """Return a changed advisory with its times."""
    is_draft = advisory.state is AdvisoryState.DRAFT
    is_withdrawn = advisory.state is AdvisoryState.WITHDRAWN
    return replace(
        advisory,
        modified_ms=now_ms,
        published_ms=None if is_draft else advisory.published_ms or now_ms,
        withdrawn_ms=(advisory.withdrawn_ms or now_ms) if is_withdrawn else None,
    )


def _change(kind: str, advisory: Advisory, by: Principal, **more: str) -> EntityChange:
    details = {"state": advisory.state.value, "summary": advisory.summary, **more}
    # The event is in the log of the administrator, because no organization has it.
    account = "" if advisory.org else by.id
    return EntityChange(kind, advisory.id, org=advisory.org, account=account, details=details)


def _newest_first(indexed: IndexedAdvisory) -> tuple[int, str]:
    return -indexed.modified_ms, indexed.id


def _last_modified_first(stored: Sequence[StoredAdvisory]) -> list[Advisory]:
    return sorted((each.advisory for each in stored), key=lambda each: -each.modified_ms)
