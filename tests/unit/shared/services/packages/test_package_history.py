"""The history of a package and of an organization."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

from shared.domain.events import EVERY_VERSION, ChangeKind
from shared.domain.names import Coordinate, Package
from shared.domain.packages import ReleaseEntry, Survey
from shared.domain.records import Event
from shared.ports import EventStore, MetadataStore
from shared.services.packages.package_details import (
    EVENTS_READ,
    PackageHistory,
    PackageHistoryEntry,
    PackageOwner,
    ReleaseDetails,
)
from tests.contract.sample_records import release
from tests.fakes.stores import FakeEvents
from tests.support.surveys import entry, survey


def details_of(*entries: ReleaseEntry, **head: object) -> ReleaseDetails:
    """Return a package with these entries."""
    found = survey(*entries)
    owner = found.head.model_copy(update=head)
    return ReleaseDetails(
        owner, release("acme/greet:1.0.0"), PackageOwner("acme"), found.entries, entries[0]
    )


async def test_releases_are_published_and_deprecated() -> None:
    old = entry("1.0.0", deprecation="Use 1.1.0.").model_copy(
        update={"created_ms": 5, "changed_ms": 30}
    )
    new = entry("1.1.0").model_copy(update={"created_ms": 20, "changed_ms": 40})
    assert await history(details_of(old, new)) == [
        PackageHistoryEntry(30, ChangeKind.DEPRECATED, "1.0.0", "Use 1.1.0."),
        PackageHistoryEntry(20, ChangeKind.PUBLISHED, "1.1.0"),
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0"),
    ]


async def test_a_deprecation_of_the_package_is_one_entry_after_its_releases() -> None:
    details = details_of(entry("1.0.0"), deprecation="All of it.")
    assert [each.version for each in await history(details)] == [EVERY_VERSION, "1.0.0"]


def live(version: str, at_ms: int = 5, **fields: object) -> ReleaseEntry:
    return entry(version).model_copy(update={"created_ms": at_ms, **fields})


def service(events: EventStore, packages: "CountedPackages") -> PackageHistory:
    return PackageHistory(cast("MetadataStore", packages), events)


async def history(shown: ReleaseDetails, *events: Event) -> list[PackageHistoryEntry]:
    feed = FakeEvents()
    await feed.append(events)
    return await service(feed, CountedPackages()).of_package(shown)


@dataclass
class CountedPackages:
    """The packages of a test."""

    surveys: dict[str, Survey] = field(default_factory=dict[str, Survey])
    asked: int = 0

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey | None]:
        """Return packages with their entries."""
        self.asked += len(packages)
        return [self.surveys.get(each.key) for each in packages]


def event(kind: str, at_ms: int, subject: str = "acme/greet:1.0.0", **details: str) -> Event:
    return Event(
        id=f"{kind}:{at_ms}:{subject}",
        kind=kind,
        at_ms=at_ms,
        actor="kim",
        subject=subject,
        org="acme",
        details=details,
    )


async def test_events_that_the_log_no_longer_has_are_read_from_the_records() -> None:
    deprecated = live("1.0.0", deprecation="Use 2.0.0.", changed_ms=30)
    assert await history(details_of(deprecated)) == [
        PackageHistoryEntry(30, ChangeKind.DEPRECATED, "1.0.0", "Use 2.0.0."),
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0"),
    ]


async def test_a_reader_of_the_package_sees_its_complete_history() -> None:
    found = await history(
        details_of(live("1.0.0")),
        event("package.private", 10, "acme/greet"),
        event("package.public", 20, "acme/greet"),
    )
    assert [(each.change, each.version) for each in found[:2]] == [
        (ChangeKind.RESTORED, EVERY_VERSION),
        (ChangeKind.WITHDRAWN, EVERY_VERSION),
    ]


async def test_a_long_log_is_read_once() -> None:
    late = [event("member.set", 100 + each, f"acme{each}") for each in range(EVENTS_READ)]
    published = event("release.published", 5, repository="acme/greet-source")
    found = await history(details_of(live("1.0.0")), published, *late)
    assert found == [PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0")]
