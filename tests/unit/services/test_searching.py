"""Searching: who sees what, and what that costs."""

from dataclasses import dataclass, field, replace

import pytest

from shared.auth.authorization import Authorization
from shared.domain.accounts import Account
from shared.domain.facets import Facets, Totals
from shared.domain.identity import ANONYMOUS, OPERATOR, Principal
from shared.domain.names import OrgName, Package
from shared.domain.organizations import Membership, Organization
from shared.domain.package import Listing
from shared.domain.query import ANYONE, Page, Query, Results, Suggestion, Viewer
from shared.domain.rights import Grant, Role, Scope
from shared.services.searching import SUGGESTIONS, Exploration, Searching
from tests.fakes.clock import FakeClock
from tests.fakes.directory import FakeDirectory

KIM = Principal("kim", "session", (Grant(),))
ROOT = Principal("root", "session", (Grant(),))
EVERYBODYS = Viewer(sees_everything=True)
EMPTY = Results((), 0)


@dataclass
class AskedIndex:
    """A `SearchIndex` that notes what it is asked, and finds nothing."""

    searches: list[tuple[Query, Page, Viewer]] = field(
        default_factory=list[tuple[Query, Page, Viewer]]
    )
    divided: list[tuple[Query, Viewer]] = field(default_factory=list[tuple[Query, Viewer]])
    texts: list[tuple[str, Viewer, int]] = field(default_factory=list[tuple[str, Viewer, int]])

    async def offer(self, listing: Listing) -> bool:
        """Nothing is shown here."""
        return True

    async def replace(self, listing: Listing) -> None:
        """Nothing is shown here."""

    async def remove(self, package: Package) -> None:
        """Nothing is shown here."""

    async def search(self, query: Query, page: Page, viewer: Viewer) -> Results:
        """Note the search."""
        self.searches.append((query, page, viewer))
        return EMPTY

    async def facets(self, query: Query, viewer: Viewer) -> Facets:
        """Note the search by another name."""
        self.divided.append((query, viewer))
        return {}

    async def totals(self) -> Totals:
        """There is nothing here."""
        return Totals()

    async def suggest(self, text: str, viewer: Viewer, count: int) -> list[Suggestion]:
        """Note the text."""
        self.texts.append((text, viewer, count))
        return []


@pytest.fixture
def index() -> AskedIndex:
    return AskedIndex()


@pytest.fixture
def directory() -> FakeDirectory:
    """Return Kim, who owns Acme and is a member of Other, and an administrator."""
    return FakeDirectory.holding(
        Account(id="kim", name="Kim", created_ms=1),
        Account(id="root", name="Root", created_ms=1, administrator=True),
        Organization(name="Acme", founder="kim", created_ms=1),
        Organization(name="Other", founder="root", created_ms=1),
        Membership(org="Acme", account="kim", role=Role.OWNER),
        Membership(org="Other", account="root", role=Role.OWNER),
        Membership(org="Other", account="kim", role=Role.MEMBER),
    )


@pytest.fixture
def searching(index: AskedIndex, directory: FakeDirectory) -> Searching:
    return Searching(index, Authorization(directory, FakeClock()))


async def test_without_credentials_a_search_costs_no_other_store(
    searching: Searching, index: AskedIndex, directory: FakeDirectory
) -> None:
    query, page = Query.parse("kafka"), Page(limit=3)
    assert await searching.search(query, page, by=ANONYMOUS) == EMPTY
    assert index.searches == [(query, page, ANYONE)]
    assert directory.calls == []


@pytest.mark.parametrize(
    ("caller", "viewer"),
    [
        (KIM, Viewer(frozenset({"acme", "other"}))),
        (ROOT, EVERYBODYS),
        (OPERATOR, EVERYBODYS),
        (replace(KIM, grants=(Grant(org="ac*"),)), Viewer(frozenset({"acme"}))),
        (replace(KIM, grants=(Grant(scopes=frozenset({Scope.DEPRECATE})),)), ANYONE),
        (replace(KIM, grants=(Grant(org="acme", package="greet*"),)), ANYONE),
        (replace(KIM, grants=()), ANYONE),
        (Principal("robot", "ci", (Grant(),)), ANYONE),
    ],
    ids=["member", "admin", "operator", "one-org", "no-read", "some-packages", "none", "stranger"],
)
async def test_a_caller_sees_what_membership_and_token_both_allow(
    searching: Searching, index: AskedIndex, caller: Principal, viewer: Viewer
) -> None:
    await searching.search(Query(), Page(), by=caller)
    await searching.suggest("ka", by=caller)
    assert index.searches == [(Query(), Page(), viewer)]
    assert index.texts == [("ka", viewer, SUGGESTIONS)]


async def test_the_stores_are_asked_the_same_whatever_the_index_holds_and_is_asked(
    searching: Searching, directory: FakeDirectory
) -> None:
    asked: list[list[str]] = []
    for text in ("", "kafka", "org:acme", "org:nobody secret", "acme/secret"):
        directory.calls.clear()
        await searching.search(Query.parse(text), Page(), by=KIM)
        asked.append([*directory.calls])
    assert asked == [asked[0]] * 5


async def test_own_packages_are_those_of_the_callers_organizations(
    searching: Searching, index: AskedIndex
) -> None:
    for caller in (KIM, ROOT, ANONYMOUS):
        await searching.search(replace(Query(), own_only=True), Page(), by=caller)
    orgs = [query.orgs for query, _, _ in index.searches]
    assert orgs == [{"acme", "other"}, {"other"}, frozenset()]
    assert not any(query.own_only for query, _, _ in index.searches)


async def test_an_organizations_packages_are_a_search_within_it(
    searching: Searching, index: AskedIndex
) -> None:
    await searching.organization(OrgName("Acme"), Page(limit=5), by=ANONYMOUS)
    assert index.searches == [(Query(orgs=frozenset({"acme"})), Page(limit=5), ANYONE)]


async def test_as_many_are_suggested_as_asked(searching: Searching, index: AskedIndex) -> None:
    await searching.suggest("ka", by=ANONYMOUS, count=3)
    assert index.texts == [("ka", ANYONE, 3)]


async def test_an_exploration_asks_who_it_is_once_and_the_index_three_times(
    searching: Searching, index: AskedIndex, directory: FakeDirectory
) -> None:
    query, page = Query.parse("kafka"), Page(limit=3)
    viewer = Viewer(frozenset({"acme", "other"}))
    found = await searching.explore(query, page, by=KIM)
    assert found == Exploration(EMPTY, {}, 0)
    deprecated = replace(query, deprecated_only=True)
    assert index.searches == [(query, page, viewer), (deprecated, Page(limit=0), viewer)]
    assert index.divided == [(query, viewer)]
    asked = [*directory.calls]
    directory.calls.clear()
    await searching.search(query, page, by=KIM)
    assert directory.calls == asked
