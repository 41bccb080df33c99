"""The history of a package comes from its records and from the events of its organization."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, cast

from shared.domain.events import EVERY_VERSION, ChangeKind
from shared.domain.names import OrgName, Package
from shared.domain.packages import ReleaseEntry, State, Survey, Visibility
from shared.domain.records import Event
from shared.ports import EventStore, MetadataStore
from shared.services.package_details import (
    EVENTS_READ,
    EVENTS_SHOWN,
    PackageDetails,
    PackageHistoryEntry,
    PackageOwner,
    ReleaseDetails,
)
from tests.contract.sample_records import release
from tests.fakes.stores import FakeEvents
from tests.support.surveys import entry, survey


def details(*entries: ReleaseEntry) -> ReleaseDetails:
    found = survey("1.0.0")
    return ReleaseDetails(
        found.head, release("acme/greet:1.0.0"), PackageOwner("acme"), entries, entries[0]
    )


def live(version: str, at_ms: int = 5, **fields: object) -> ReleaseEntry:
    return entry(version).model_copy(update={"created_ms": at_ms, **fields})


def service(events: EventStore, packages: "Packages") -> PackageDetails:
    unused = cast("Any", None)
    return PackageDetails(
        packages=unused,
        search=unused,
        metadata=cast("MetadataStore", packages),
        documents=unused,
        directory=unused,
        events=events,
        pulls=unused,
        clock=unused,
    )


async def history(shown: ReleaseDetails, *events: Event) -> list[PackageHistoryEntry]:
    feed = FakeEvents()
    await feed.append(events)
    return await service(feed, Packages()).history(shown)


@dataclass
class Packages:
    """The packages of a test."""

    surveys: dict[str, Survey] = field(default_factory=dict[str, Survey])
    asked: int = 0

    async def survey(self, packages: Sequence[Package]) -> list[Survey | None]:
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


async def test_what_the_log_does_not_hold_any_more_is_in_the_records() -> None:
    deprecated = live("1.0.0", deprecation="Use 2.0.0.", changed_ms=30)
    assert await history(details(deprecated)) == [
        PackageHistoryEntry(30, ChangeKind.DEPRECATED, "1.0.0", "Use 2.0.0."),
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0"),
    ]


async def test_the_log_knows_which_job_published_a_release() -> None:
    published = event("release.published", 5, repository="acme/greet-source")
    assert await history(details(live("1.0.0")), published) == [
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0", job="acme/greet-source")
    ]


async def test_what_was_taken_back_is_told_and_a_message_comes_once() -> None:
    deprecated = live("1.0.0", deprecation="Use 2.0.0.", changed_ms=40)
    found = await history(
        details(deprecated),
        event("release.deprecated", 20),
        event("release.undeprecated", 30),
        event("release.deprecated", 40),
    )
    assert [(each.at_ms, each.change, each.message) for each in found] == [
        (40, ChangeKind.DEPRECATED, "Use 2.0.0."),
        (30, ChangeKind.UNDEPRECATED, ""),
        (20, ChangeKind.DEPRECATED, ""),
        (5, ChangeKind.PUBLISHED, ""),
    ]


async def test_who_sees_the_package_is_told_of_the_whole() -> None:
    found = await history(
        details(live("1.0.0")),
        event("package.private", 10, "acme/greet"),
        event("package.public", 20, "acme/greet"),
    )
    assert [(each.change, each.version) for each in found[:2]] == [
        (ChangeKind.RESTORED, EVERY_VERSION),
        (ChangeKind.WITHDRAWN, EVERY_VERSION),
    ]


async def test_nothing_is_told_of_others_of_what_is_withheld_and_of_who_decided_that() -> None:
    published = await history(details(live("1.0.0")))
    assert published == await history(
        details(live("1.0.0")),
        event("release.published", 6, "acme/other:1.0.0"),
        event("release.published", 7, "acme/greet:2.0.0"),
        event("release.quarantined", 8),
        event("release.live", 9),
        event("member.set", 10, "acme"),
    )


async def test_a_long_log_is_read_once() -> None:
    late = [event("member.set", 100 + each, f"acme{each}") for each in range(EVENTS_READ)]
    published = event("release.published", 5, repository="acme/greet-source")
    found = await history(details(live("1.0.0")), published, *late)
    assert found == [PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0")]


# --- of an organization ------------------------------------------------------------------------


async def of_acme(packages: Packages, *events: Event) -> list[tuple[str, str, ChangeKind]]:
    feed = FakeEvents()
    await feed.append(events)
    found = await service(feed, packages).organization_history(OrgName("Acme"))
    return [(str(package), each.version, each.change) for package, each in found]


def holding(*entries: ReleaseEntry, visibility: Visibility = Visibility.PUBLIC) -> Packages:
    found = survey("1.0.0")
    head = found.head.model_copy(update={"visibility": visibility})
    return Packages({"acme/greet": Survey(head, entries)})


async def test_an_organization_tells_what_became_of_its_public_packages() -> None:
    found = await of_acme(
        holding(live("1.0.0"), live("2.0.0", state=State.QUARANTINED)),
        event("release.published", 1),
        event("release.published", 2, "acme/greet:2.0.0"),
        event("release.published", 3, "acme/gone:1.0.0"),
        event("member.set", 4, "acme"),
        event("package.deprecated", 5, "acme/greet"),
    )
    assert found == [
        ("acme/greet", EVERY_VERSION, ChangeKind.DEPRECATED),
        ("acme/greet", "1.0.0", ChangeKind.PUBLISHED),
    ]


async def test_what_is_private_is_told_nobody() -> None:
    packages = holding(live("1.0.0"), visibility=Visibility.PRIVATE)
    assert await of_acme(packages, event("release.published", 1)) == []


async def test_it_reads_no_more_packages_than_it_shows() -> None:
    packages = Packages()
    published = [
        event("release.published", each, f"acme/p{each}:1.0.0") for each in range(EVENTS_READ)
    ]
    assert await of_acme(packages, *published) == []
    assert packages.asked == EVENTS_SHOWN


async def test_what_a_person_did_is_of_no_job_and_what_a_pipeline_did_is_of_its_own() -> None:
    feed = FakeEvents()
    job = {"repository": "acme/greet"}
    by_job = event("release.published", 6, "acme/greet:1.1.0", **job)
    await feed.append([event("release.published", 5), by_job])
    public = survey("1.0.0", "1.1.0")
    packages = Packages({public.head.package.key: public})
    found = await service(feed, packages).organization_history(OrgName("acme"))
    assert {each.version: each.job for _, each in found} == {"1.0.0": "", "1.1.0": "acme/greet"}
