"""Details of packages for those who may see them, and the history of a package."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import cast

import pytest
from msgspec.structs import replace

from shared.auth.authorization import Authorization
from shared.domain.accounts import Organization
from shared.domain.errors.packages import ReleaseNotFound
from shared.domain.identity import ANONYMOUS, OPERATOR
from shared.domain.names import Coordinate, Package
from shared.domain.packages import (
    Dependency,
    FoundRelease,
    Graph,
    GraphNode,
    ReleaseEntry,
    State,
    Survey,
    Texts,
    Visibility,
    graph_document,
)
from shared.domain.search import Query, ResultPage, Results, Suggestion
from shared.ports import DocumentStore, MetadataStore, PullHistory, PullLedger
from shared.services.packages.hosted_packages import HostedPackages
from shared.services.packages.package_details import (
    PackageDetails,
    PackageOwner,
    ReleaseChanges,
    ReleaseDetails,
)
from shared.services.packages.search import PackageSearch
from tests.contract.sample_records import GREET, release
from tests.fakes.readers import known_readers
from tests.fakes.stores import FakeDirectory
from tests.fakes.system import FakeClock
from tests.support.surveys import entry, survey

NODE = GraphNode(
    org="acme",
    name="greet",
    version="1.0.0",
    dependencies=(Dependency(org="acme", name="words", version="1.0.0"),),
)
WORDS = GraphNode(org="acme", name="words", version="1.0.0")


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
            packages=HostedPackages(authorization, metadata, documents, max_resolve=1),
            search=PackageSearch(self.index, authorization),  # pyright: ignore[reportArgumentType] - a part of it.
            records=metadata,
            documents=documents,
            directory=self.directory,
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


# --- the owner ---------------------------------------------------------------------------------


def acme(**fields: object) -> Organization:
    made = {"name": "Acme", "founder": "ann", "created_ms": 1, "display_name": "Acme Inc."}
    return Organization.model_validate({**made, **fields})


# --- what surrounds it -------------------------------------------------------------------------


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
    assert shop.ledger.since == "2026-06-24"  # The clock says 2026-09-21, the last of 90 days.


# --- changes of a release ----------------------------------------------------------------------


def details_of(*entries: ReleaseEntry, **head: object) -> ReleaseDetails:
    """Return a package with these entries."""
    found = survey(*entries)
    owner = found.head.model_copy(update=head)
    return ReleaseDetails(
        owner, release("acme/greet:1.0.0"), PackageOwner("acme"), found.entries, entries[0]
    )


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
