"""The history of a package, and of the public packages of an organization."""

from collections.abc import Iterator, Set
from dataclasses import dataclass, replace
from itertools import islice

from shared.domain.events import EVERY_VERSION, ChangeKind, PackageChange, package_change
from shared.domain.names import OrgName, Package
from shared.domain.packages import Head, ReleaseEntry, Visibility
from shared.domain.records import Event, org_stream
from shared.ports import EventStore, MetadataStore
from shared.services.packages.package_details import ReleaseDetails

# Events: the log of a large organization is not read whole to find those of one package.
EVENTS_READ = 200
EVENTS_SHOWN = 30  # Changes of an organization: each may be of another package, which is read.

# Changes of one release are shown while it is live; decisions of administrators never are.
_CHANGES_OF_RELEASES = frozenset(
    {ChangeKind.PUBLISHED, ChangeKind.DEPRECATED, ChangeKind.UNDEPRECATED}
)


@dataclass(frozen=True, slots=True)
class PackageHistoryEntry:
    """A change of a package (`version` is `EVERY_VERSION`) or of one release.

    `job` is the repository of the CI job that published it, and `commit` what it checked out, where
    its provenance is known.
    """

    at_ms: int
    change: ChangeKind
    version: str
    message: str = ""
    job: str = ""
    commit: str = ""


@dataclass(frozen=True, slots=True)
class PackageHistory:
    """Reads what changed in packages, newest first."""

    metadata: MetadataStore
    events: EventStore

    async def of_package(self, details: ReleaseDetails) -> list[PackageHistoryEntry]:
        """Return the changes of the package and of its live releases, newest first. One trip.

        Its records have publications and deprecations. What was undone, who sees the package, and
        which job published a release is known only from the newest events of its organization.
        """
        changes = await self._changes(OrgName(details.package.org))
        live = frozenset(each.version for each in details.entries)
        shown = (
            _history_entry(change, event)
            for change, event in changes
            if change.package.key == details.package.key and _is_shown(change, live)
        )
        logged = {_identity(entry): entry for entry in shown}
        recorded = {_identity(entry): entry for entry in _recorded(details)}
        # A record has the message, the event the job.
        for identity, entry in recorded.items():
            if identity in logged:
                event = logged[identity]
                recorded[identity] = replace(entry, job=event.job, commit=event.commit)
        return sorted({**logged, **recorded}.values(), key=lambda each: -each.at_ms)

    async def of_organization(self, org: OrgName) -> list[tuple[Package, PackageHistoryEntry]]:
        """Return the newest changes of an organization's public packages, newest first. Two trips
        for every caller."""
        changes = list(islice(await self._changes(org), EVENTS_SHOWN))
        packages = {change.package.key: change.package for change, _ in changes}
        # Of the store, so that time does not reveal changes of private packages.
        surveys = await self.metadata.survey(list(packages.values()))
        public = {
            each.head.package.key: each
            for each in surveys
            if each and each.head.visibility is Visibility.PUBLIC
        }
        live = {key: frozenset(each.version for each in public[key].live) for key in public}
        return [
            (public[key].head.package, _history_entry(change, event))
            for change, event in changes
            if (key := change.package.key) in public and _is_shown(change, live[key])
        ]

    async def _changes(self, org: OrgName) -> Iterator[tuple[PackageChange, Event]]:
        batch = await self.events.stream(org_stream(org.lower()), None, EVENTS_READ)
        changes = ((package_change(0, event), event) for _, event in batch)
        return ((change, event) for change, event in changes if change is not None)


def _recorded(details: ReleaseDetails) -> list[PackageHistoryEntry]:
    """Return the changes of the package and of its live releases that are in its records."""
    history = list(_deprecation(details.head, EVERY_VERSION))
    for entry in details.entries:
        history += _deprecation(entry, entry.version)
        history.append(PackageHistoryEntry(entry.created_ms, ChangeKind.PUBLISHED, entry.version))
    return history


def _deprecation(record: Head | ReleaseEntry, version: str) -> Iterator[PackageHistoryEntry]:
    if record.deprecation is not None:
        at_ms = record.changed_ms or record.created_ms
        yield PackageHistoryEntry(at_ms, ChangeKind.DEPRECATED, version, record.deprecation)


def _history_entry(change: PackageChange, event: Event) -> PackageHistoryEntry:
    job, commit = (event.details.get(each, "") for each in ("repository", "commit"))
    return PackageHistoryEntry(event.at_ms, change.change, change.version, job=job, commit=commit)


def _is_shown(change: PackageChange, live: Set[str]) -> bool:
    """Return whether a change of a package with these live versions is shown."""
    if change.version == EVERY_VERSION:
        return True
    return change.version in live and change.change in _CHANGES_OF_RELEASES


def _identity(entry: PackageHistoryEntry) -> tuple[ChangeKind, str, int]:
    """Return the identity of a change; a release is published once, whatever the time says."""
    at_ms = 0 if entry.change is ChangeKind.PUBLISHED else entry.at_ms
    return entry.change, entry.version, at_ms
