"""Details of packages for those who may see them, and the history of a package."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, cast

import pytest

from shared.auth.authorization import Authorization
from shared.domain.errors.packages import (
    PackageNotFound,
    PackageWithdrawn,
    ReleaseNotFound,
    ReleaseWithdrawn,
)
from shared.domain.events import EVERY_VERSION, ChangeKind
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.names import Coordinate, OrgName, Package
from shared.domain.organizations import Organization, OrganizationDomain
from shared.domain.packages import (
    Dependency,
    FoundRelease,
    Graph,
    GraphNode,
    Release,
    ReleaseEntry,
    State,
    Survey,
    Texts,
    Visibility,
    graph_document,
)
from shared.domain.records import Event
from shared.domain.search import Query, ResultPage, Results, Suggestion
from shared.ports import DocumentStore, EventStore, MetadataStore, PullHistory, PullLedger
from shared.services.packages.package_details import (
    EVENTS_READ,
    EVENTS_SHOWN,
    PackageDetails,
    PackageHistoryEntry,
    PackageOwner,
    ReleaseChanges,
    ReleaseDetails,
)
from shared.services.packages.packages import PackageLookup
from shared.services.packages.search import PackageSearch
from tests.contract.sample_records import GREET, coordinate, release
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory, FakeEvents
from tests.fakes.system import FakeClock
from tests.support.surveys import entry, survey

NODE = GraphNode(
    org="acme",
    name="greet",
    version="1.0.0",
    dependencies=(Dependency(org="acme", name="words", version="1.0.0"),),
)
WORDS = GraphNode(org="acme", name="words", version="1.0.0")
FAR = GraphNode(org="acme", name="far", version="3.0.0")


@dataclass
class Packages:
    """The packages of a test; `lost` are releases that were withheld a moment ago."""

    surveys: dict[str, Survey] = field(default_factory=dict[str, Survey])
    lost: set[str] = field(default_factory=set[str])

    async def survey(
        self, packages: Sequence[Package], _versions: Collection[Coordinate] = ()
    ) -> list[Survey | None]:
        """Return packages with their entries."""
        return [self.surveys.get(each.key) for each in packages]

    async def find(self, wanted: Coordinate) -> FoundRelease:
        found = self.surveys[wanted.package.key]
        if wanted.key in self.lost:
            return FoundRelease(found.head, None)
        return FoundRelease(found.head, release(str(wanted)))


class Documents:
    """The documents of every release."""

    async def texts(self, _digest: object) -> Texts:
        return Texts(readme="# Greet")

    async def graphs(self, digests: Sequence[object]) -> list[bytes]:
        return [graph_document(Graph(nodes=(NODE, WORDS))) for _ in digests]


@dataclass
class Ledger:
    """Pulls of one package."""

    since: str = ""

    async def history(self, _package: Package, since: str) -> PullHistory:
        """Return what was rolled up."""
        self.since = since
        return PullHistory({"1.0.0": 3}, {"2026-09": 3}, {})


@dataclass
class Index:
    """A search index that notes what it is asked."""

    asked: Query | None = None

    async def search(self, query: Query, _page: ResultPage, _viewer: object) -> Results:
        """Find nothing."""
        self.asked = query
        return Results((), 7)

    async def suggest(self, text: str, _viewer: object, count: int) -> list[Suggestion]:
        """Return what was asked."""
        return [Suggestion("acme", text, str(count))]


@dataclass
class Shop:
    """The service over doubles."""

    packages: Packages = field(default_factory=Packages)
    directory: FakeDirectory = field(default_factory=FakeDirectory)
    ledger: Ledger = field(default_factory=Ledger)
    index: Index = field(default_factory=Index)
    clock: FakeClock = field(default_factory=FakeClock)

    @property
    def service(self) -> PackageDetails:
        authorization = Authorization(self.directory, self.clock, known_readers())
        metadata = cast("MetadataStore", self.packages)
        documents = cast("DocumentStore", Documents())
        return PackageDetails(
            packages=PackageLookup(authorization, metadata, documents),
            search=PackageSearch(self.index, authorization),  # pyright: ignore[reportArgumentType] - a part of it.
            records=metadata,
            metadata=metadata,
            documents=documents,
            directory=self.directory,
            events=FakeEvents(),
            pulls=cast("PullLedger", self.ledger),
            clock=self.clock,
        )

    def has(self, *surveys: Survey) -> "Shop":
        """Publish packages."""
        self.packages.surveys |= {each.head.package.key: each for each in surveys}
        return self

    async def details(self) -> ReleaseDetails:
        """Return the package as the operator sees it."""
        return await self.service.package(GREET, by=OPERATOR)


def withheld(found: Survey, version: str) -> Survey:
    """Return the package with one release withheld."""
    entries = tuple(
        each.model_copy(update={"state": State.QUARANTINED}) if each.version == version else each
        for each in found.entries
    )
    return replace(found, entries=entries)


# --- releases ----------------------------------------------------------------------------------


async def test_a_package_is_shown_by_its_newest_stable_release() -> None:
    shop = Shop().has(survey("2.0.0-rc.1", "1.1.0", "1.0.0"))
    details = await shop.details()
    assert details.release.version == "1.1.0"
    assert [each.version for each in details.entries] == ["2.0.0-rc.1", "1.1.0", "1.0.0"]
    assert details.is_latest


async def test_any_release_can_be_in_front() -> None:
    shop = Shop().has(survey("1.1.0", "1.0.0"))
    details = await shop.service.release(coordinate("acme/greet:1.0.0"), by=ANONYMOUS)
    assert (details.release.version, details.latest.version) == ("1.0.0", "1.1.0")
    assert not details.is_latest
    assert details.is_public


async def test_a_withheld_release_is_neither_listed_nor_shown_first() -> None:
    shop = Shop().has(withheld(survey("1.1.0", "1.0.0"), "1.1.0"))
    assert [each.version for each in (await shop.details()).entries] == ["1.0.0"]


async def test_a_withdrawn_release_is_told_from_a_missing_one_with_the_version_to_use() -> None:
    shop = Shop().has(withheld(survey("1.1.0", "1.0.0"), "1.1.0"))
    with pytest.raises(ReleaseWithdrawn) as caught:
        await shop.service.release(coordinate("Acme/Greet:1.1.0"), by=ANONYMOUS)
    assert (str(caught.value.coordinate), caught.value.latest) == ("acme/greet:1.1.0", "1.0.0")
    assert str(caught.value).endswith("withdrew acme/greet:1.1.0. Use 1.0.0.")


async def test_a_package_of_withdrawn_releases_alone_is_withdrawn_itself() -> None:
    shop = Shop().has(withheld(survey("1.0.0"), "1.0.0"))
    with pytest.raises(PackageWithdrawn) as caught:
        await shop.details()
    assert [each.version for each in caught.value.withdrawals] == ["1.0.0"]
    with pytest.raises(ReleaseWithdrawn) as refused:
        await shop.service.release(coordinate("acme/greet:1.0.0"), by=ANONYMOUS)
    assert str(refused.value).endswith("Use another package, or ask the operator.")


async def test_a_held_release_and_a_hidden_one_are_missing() -> None:
    held = survey(entry("1.0.0", state=State.HELD))
    with pytest.raises(PackageNotFound):
        await Shop().has(held).details()
    with pytest.raises(ReleaseNotFound):
        await Shop().has(held).service.release(coordinate("acme/greet:1.0.0"), by=OPERATOR)
    private = withheld(survey("1.0.0", visibility=Visibility.PRIVATE), "1.0.0")
    with pytest.raises(PackageNotFound):
        await Shop().has(private).service.package(GREET, by=ANONYMOUS)


async def test_names_near_a_missing_one_are_a_question_to_the_index() -> None:
    assert await Shop().service.near_names("acme/gret", by=ANONYMOUS) == [
        Suggestion("acme", "acme/gret", "5")
    ]


async def test_replacements_are_packages_of_the_message_that_the_caller_may_see() -> None:
    message = "Use acme/words, acme/hidden, acme/gone, acme/none or ACME/greet."
    shop = Shop().has(
        survey("1.0.0", deprecation=message),
        survey("1.0.0", package="acme/words"),
        survey("1.0.0", package="acme/hidden", visibility=Visibility.PRIVATE),
        withheld(survey("1.0.0", package="acme/gone"), "1.0.0"),
    )
    found = await shop.service.package(GREET, by=ANONYMOUS)
    assert [str(each) for each in found.replacements] == ["acme/words"]
    seen = await shop.details()
    assert [str(each) for each in seen.replacements] == ["acme/words", "acme/hidden"]


async def test_a_release_that_was_withheld_between_two_reads_is_not_shown() -> None:
    shop = Shop().has(survey("1.0.0"))
    shop.packages.lost.add("acme/greet:1.0.0")
    with pytest.raises(ReleaseNotFound):
        await shop.details()


async def test_a_missing_package_is_named_as_requested() -> None:
    with pytest.raises(PackageNotFound):
        await Shop().details()
    with pytest.raises(ReleaseNotFound):
        await Shop().service.release(coordinate("acme/greet:1.0.0"), by=ANONYMOUS)


async def test_a_private_package_is_missing_for_outsiders() -> None:
    shop = Shop().has(survey("1.0.0", visibility=Visibility.PRIVATE))
    with pytest.raises(PackageNotFound):
        await shop.service.package(GREET, by=ANONYMOUS)
    assert not (await shop.details()).is_public


# --- the owner ---------------------------------------------------------------------------------


def acme(**fields: object) -> Organization:
    made = {"name": "Acme", "founder": "ann", "created_ms": 1, "display_name": "Acme Inc."}
    return Organization.model_validate({**made, **fields})


def domain(name: str, verified_ms: int | None) -> OrganizationDomain:
    """Return a domain that it claims."""
    return OrganizationDomain(
        org="acme", domain=name, challenge="c", created_ms=1, verified_ms=verified_ms
    )


async def test_an_owner_is_shown_with_the_domains_that_it_has_proven() -> None:
    directory = FakeDirectory.holding(acme(), domain("acme.example", 5), domain("x.test", None))
    shop = Shop(directory=directory).has(survey("1.0.0"))
    expected = PackageOwner("Acme", "Acme Inc.", ("acme.example",))
    assert (await shop.details()).owner == expected


@pytest.mark.parametrize("entities", [(), (acme(default_visibility=Visibility.PRIVATE),)])
async def test_an_owner_whose_packages_are_private_says_nothing(
    entities: tuple[Organization, ...],
) -> None:
    shop = Shop(directory=FakeDirectory.holding(*entities)).has(survey("1.0.0"))
    assert (await shop.details()).owner == PackageOwner("acme")


# --- what surrounds it -------------------------------------------------------------------------


async def test_documentation_and_graph_are_those_of_the_release() -> None:
    shop = Shop().has(survey("1.0.0"))
    details = await shop.details()
    assert (await shop.service.texts(details)).readme == "# Greet"
    assert await shop.service.graph(details) == (NODE, WORDS)


async def test_needs_say_what_is_here_and_which_are_direct() -> None:
    words = survey("1.1.0", "1.0.0", package="acme/words")
    old = words.entries[1].model_copy(update={"deprecation": "Old."})
    shop = Shop().has(replace(words, entries=(words.entries[0], old)))
    needs = await shop.service.dependencies([NODE, WORDS, FAR], by=ANONYMOUS)
    reported = [(each.node.name, each.is_direct, each.latest, each.deprecation) for each in needs]
    assert reported == [("words", True, "1.1.0", "Old."), ("far", False, None, None)]


async def test_a_dependency_that_is_withheld_or_hidden_is_not_here() -> None:
    hidden = survey("1.0.0", package="acme/words", visibility=Visibility.PRIVATE)
    gone = withheld(survey("3.0.0", package="acme/far"), "3.0.0")
    shop = Shop().has(hidden, gone)
    needs = await shop.service.dependencies([NODE, WORDS, FAR], by=ANONYMOUS)
    assert [each.latest for each in needs] == [None, None]


async def test_dependents_are_a_question_to_the_index() -> None:
    shop = Shop()
    await shop.service.dependents(Package.parse("Acme", "Greet"), ResultPage(), by=ANONYMOUS)
    assert shop.index.asked == Query(depends_on="acme/greet", include_deprecated=True)


async def test_dependents_are_counted_without_reading_them() -> None:
    assert await Shop().service.dependents_count(GREET, by=ANONYMOUS) == 7


async def test_a_history_begins_ninety_days_ago() -> None:
    shop = Shop().has(survey("1.0.0"))
    history = await shop.service.pull_history(await shop.details())
    assert history.versions == {"1.0.0": 3}
    days = shop.service.pull_days()
    assert (len(days), days[0], days[-1]) == (90, shop.ledger.since, "2026-09-21")
    shop.clock.advance(timedelta(days=1))
    assert shop.service.pull_days()[:-1] == days[1:]


# --- what happened -----------------------------------------------------------------------------


def details_of(*entries: ReleaseEntry, **head: object) -> ReleaseDetails:
    """Return a package with these entries."""
    found = survey(*entries)
    owner = found.head.model_copy(update=head)
    return ReleaseDetails(
        owner, release("acme/greet:1.0.0"), PackageOwner("acme"), found.entries, entries[0]
    )


def test_releases_are_published_and_deprecated() -> None:
    old = entry("1.0.0", deprecation="Use 1.1.0.").model_copy(
        update={"created_ms": 5, "changed_ms": 30}
    )
    new = entry("1.1.0").model_copy(update={"created_ms": 20, "changed_ms": 40})
    assert details_of(old, new).history_entries == [
        PackageHistoryEntry(30, ChangeKind.DEPRECATED, "1.0.0", "Use 1.1.0."),
        PackageHistoryEntry(20, ChangeKind.PUBLISHED, "1.1.0"),
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0"),
    ]


def needing(version: str, *packages: str, **fields: object) -> ReleaseEntry:
    """Return the entry of a release with dependencies."""
    dependencies = tuple(Dependency(org="acme", name=name, version="1.0.0") for name in packages)
    return entry(version).model_copy(update={"dependencies": dependencies, **fields})


def test_a_release_says_how_it_differs_from_the_version_below_it() -> None:
    old = needing("1.0.0", "a", "b", modules=("greet", "greet.old"))
    same = needing("1.1.0", "a", "b", modules=("greet", "greet.old"))
    new = needing("1.2.0", "b", "c", modules=("greet", "greet.new"), ballerina_version="2201.9.0")
    details = details_of(new, same, old)
    assert details.changes_of("1.0.0") is None
    assert details.changes_of("1.1.0") == ReleaseChanges("1.0.0")
    assert details.changes_of("1.2.0") == ReleaseChanges(
        version="1.1.0",
        new_dependencies=("acme/c",),
        dropped_dependencies=("acme/a",),
        new_modules=("greet.new",),
        dropped_modules=("greet.old",),
        ballerina_version="2201.8.0",
    )


def test_a_deprecation_of_the_package_is_one_entry_after_its_releases() -> None:
    details = details_of(entry("1.0.0"), deprecation="All of it.")
    assert [each.version for each in details.history_entries] == [EVERY_VERSION, "1.0.0"]


def test_a_details_is_deprecated_with_its_package() -> None:
    found = survey("1.0.0")
    head = found.head.model_copy(update={"deprecation": "All of it."})
    shown: Release = release("acme/greet:1.0.0")
    details = ReleaseDetails(head, shown, PackageOwner("acme"), found.entries, found.entries[0])
    assert details.deprecation == "All of it."


def details(*entries: ReleaseEntry) -> ReleaseDetails:
    found = survey("1.0.0")
    return ReleaseDetails(
        found.head, release("acme/greet:1.0.0"), PackageOwner("acme"), entries, entries[0]
    )


def live(version: str, at_ms: int = 5, **fields: object) -> ReleaseEntry:
    return entry(version).model_copy(update={"created_ms": at_ms, **fields})


def service(events: EventStore, packages: "CountedPackages") -> PackageDetails:
    unused = cast("Any", None)
    return PackageDetails(
        packages=unused,
        search=unused,
        records=unused,
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
    return await service(feed, CountedPackages()).history(shown)


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
    assert await history(details(deprecated)) == [
        PackageHistoryEntry(30, ChangeKind.DEPRECATED, "1.0.0", "Use 2.0.0."),
        PackageHistoryEntry(5, ChangeKind.PUBLISHED, "1.0.0"),
    ]


async def test_the_log_knows_which_job_published_a_release() -> None:
    published = event("release.published", 5, repository="acme/greet-source", commit="b8962f4")
    [found] = await history(details(live("1.0.0")), published)
    assert (found.job, found.commit) == ("acme/greet-source", "b8962f4")


async def test_an_undone_deprecation_is_shown_and_its_message_appears_once() -> None:
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


async def test_a_reader_of_the_package_sees_its_complete_history() -> None:
    found = await history(
        details(live("1.0.0")),
        event("package.private", 10, "acme/greet"),
        event("package.public", 20, "acme/greet"),
    )
    assert [(each.change, each.version) for each in found[:2]] == [
        (ChangeKind.RESTORED, EVERY_VERSION),
        (ChangeKind.WITHDRAWN, EVERY_VERSION),
    ]


async def test_outsiders_do_not_read_what_is_withheld_and_who_decided_that() -> None:
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


async def of_acme(packages: CountedPackages, *events: Event) -> list[tuple[str, str, ChangeKind]]:
    feed = FakeEvents()
    await feed.append(events)
    found = await service(feed, packages).organization_history(OrgName("Acme"))
    return [(str(package), each.version, each.change) for package, each in found]


def holding(*entries: ReleaseEntry, visibility: Visibility = Visibility.PUBLIC) -> CountedPackages:
    found = survey("1.0.0")
    head = found.head.model_copy(update={"visibility": visibility})
    return CountedPackages({"acme/greet": Survey(head, entries)})


async def test_an_organization_shows_the_history_of_its_public_packages() -> None:
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


async def test_nobody_else_reads_the_history_of_private_packages() -> None:
    packages = holding(live("1.0.0"), visibility=Visibility.PRIVATE)
    assert await of_acme(packages, event("release.published", 1)) == []


async def test_it_reads_no_more_packages_than_it_shows() -> None:
    packages = CountedPackages()
    published = [
        event("release.published", each, f"acme/p{each}:1.0.0") for each in range(EVENTS_READ)
    ]
    assert await of_acme(packages, *published) == []
    assert packages.asked == EVENTS_SHOWN


async def test_a_person_acts_without_a_job_and_a_pipeline_with_its_own() -> None:
    feed = FakeEvents()
    job = {"repository": "acme/greet"}
    by_job = event("release.published", 6, "acme/greet:1.1.0", **job)
    await feed.append([event("release.published", 5), by_job])
    public = survey("1.0.0", "1.1.0")
    packages = CountedPackages({public.head.package.key: public})
    found = await service(feed, packages).organization_history(OrgName("acme"))
    assert {each.version: each.job for _, each in found} == {"1.0.0": "", "1.1.0": "acme/greet"}
